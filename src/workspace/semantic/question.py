"""A question as it was asked, and what its words mean for each metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workspace.errors import SemanticError
from workspace.semantic.declare import Dim, Spec, Time
from workspace.semantic.metric import Measure, Metric, parts
from workspace.semantic.names import Condition, Field, Found, endings, find, meaning

if TYPE_CHECKING:
    from workspace.semantic.calendar import Window
    from workspace.semantic.model import Model
    from workspace.semantic.rows import Place


@dataclass(frozen=True, kw_only=True)
class Question:
    """Metrics, by what, of which rows, in which days.

    Attributes:
        metrics: What to measure.
        by: The paths to group by.
        where: The conditions that all must hold.
        window: The days that count, by each metric's default time.
    """

    metrics: tuple[Metric, ...]
    by: tuple[Field, ...] = ()
    where: tuple[Condition, ...] = ()
    window: Window | None = None

    @property
    def text(self) -> str:
        """The question in words."""
        words = ", ".join(metric.name for metric in self.metrics)
        if self.by:
            words += f" by {', '.join(field.path for field in self.by)}"
        if self.where:
            words += f" where {' and '.join(condition.text for condition in self.where)}"
        return f"{words}, {self.window.text}" if self.window else words


def check(model: Model, question: Question) -> None:
    """Refuse a question that some metric cannot answer, or in which a word would mean two things.

    Raises:
        SemanticError: With the path that is missing, ambiguous or to-many, and what to ask instead.
    """
    columns = [field.column for field in question.by] + [metric.name for metric in question.metrics]
    for name in columns:
        if columns.count(name) > 1:
            raise SemanticError(f"The question has {name} twice.", cure="Ask for it once.")
    for field in question.by:
        _check_grain(model, field)
    fields = [*question.by, *(field for condition in question.where for field in condition.fields)]
    for field in fields:
        if not field.steps:
            continue
        known: dict[tuple[str, str], str] = {}
        for metric in question.metrics:
            for part in parts(metric):
                found = locate(model, model.specs[part.dataset], field, metric.name)
                known.setdefault(meaning(model, found), metric.name)
        if len(known) > 1:
            said = ", ".join(f"{'.'.join(filter(None, what))} for {name}" for what, name in known.items())
            msg = f"{field.path} means different things here: {said}."
            raise SemanticError(msg, cure="Write out which one, or ask one question for each metric.")


def is_own_time(model: Model, home: Spec, field: Field, metric: str) -> bool:
    """Tell whether a path is the default time of a metric's dataset, by whatever name."""
    if not field.steps:
        return True
    found = locate(model, home, field, metric)
    own = Found(walk=(), spec=home, member=home.time)
    return isinstance(found.member, Time) and meaning(model, found) == meaning(model, own)


def _check_grain(model: Model, field: Field) -> None:
    if not field.grain and any(isinstance(member, Time) for _, member in endings(model, field.steps)):
        msg = f"{field.path} is a time; by what grain?"
        raise SemanticError(msg, cure=f"Write m.{field.path}.day, .week, .month, .quarter or .year.")


def locate(model: Model, home: Spec, field: Field, metric: str) -> Found:
    """Find the one thing that a path means for a metric.

    Raises:
        SemanticError: There is none, or more than one.
    """
    found = find(model, home, field.steps)
    if len(found) == 1:
        return found[0]
    if found:
        ways = sorted(".".join([*(ref.name for ref in f.walk), *([f.member.name] if f.member else [])]) for f in found)
        msg = f"For {metric}, {field.path} could mean {', '.join(ways[:-1])} or {ways[-1]}."
        raise SemanticError(msg, cure=f"Write out which one, e.g. m.{ways[0]}.")
    raise _refusal(model, home, field, metric)


def _refusal(model: Model, home: Spec, field: Field, metric: str) -> SemanticError:
    """Say why a metric has no path: the other side has many rows for one of ours, or there is no relation at all."""
    bridges = [
        (len(walk), spec, walk)
        for spec in model.specs.values()
        if find(model, spec, field.steps)
        for walk in model.walks(spec)
        if walk and model.end(spec, walk) is home
    ]
    if bridges:
        _, spec, walk = min(bridges, key=lambda bridge: (bridge[0], bridge[1].name))
        chain = ".".join([spec.name, *(ref.name for ref in walk)])
        msg = (
            f"{metric} cannot be split or filtered by {field.path}: one row of {home.name} has many rows of "
            f"{spec.name} ({chain} leads to {home.name}), and each may have another {field.path}."
        )
        names = [measure.name for measure in spec.of(Measure)]
        cure = f"Ask for a metric of {spec.name} instead, which splits cleanly: {', '.join(names)}." if names else ""
        return SemanticError(msg, cure=cure or f"Leave {field.path} out of a question for {metric}.")
    ways = sorted(
        {
            ".".join([*(ref.name for ref in walk[-1:]), member.name])
            for walk in model.walks(home)
            for member in model.end(home, walk).of(Dim)
        }
    )
    return SemanticError(
        f"{metric} has no path to {field.path}.", cure=f"It can be split by: {', '.join(ways) or '-'}."
    )


def read(home: Place, field: Field, metric: str) -> Any:
    """Read a path over a metric's home row."""
    if not field.steps:
        time = home.spec.time
        assert time is not None  # noqa: S101 - for the type checker; see Model
        value = home.read(time.name)
    else:
        found = locate(home.scope.model, home.spec, field, metric)
        value = _value(home, found)
    return home.scope.truncate(value, field.grain) if field.grain else value


def _value(home: Place, found: Found) -> Any:
    place = home
    for ref in found.walk[:-1]:
        place = place.follow(ref)
    if found.member is not None:
        place = place.follow(found.walk[-1]) if found.walk else place
        return place.read(found.member.name)
    key = found.spec.key
    if key is None or len(key.columns) > 1:
        msg = f"A row of {found.spec.name} has no single key to group by."
        raise SemanticError(msg, cure="Name one of its dimensions.")
    # The key is known on this side already; joining its dataset would only lose what is dangling.
    return place.keys_of(found.walk[-1])[0] if found.walk else place.scope.column(place, key.columns[0])
