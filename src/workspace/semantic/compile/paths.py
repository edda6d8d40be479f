"""Where a path of a question leads from a metric's home, along to-one references, and what is read there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workspace.errors import SemanticError
from workspace.semantic.language.declare import Dim, Time
from workspace.semantic.language.metric import Measure
from workspace.semantic.language.names import Found, find, meaning

if TYPE_CHECKING:
    from workspace.semantic.compile.rows import Place
    from workspace.semantic.language.declare import Spec
    from workspace.semantic.language.words import Field
    from workspace.semantic.model import Model


def locate(model: Model, home: Spec, field: Field, metric: str) -> Found:
    """Find the one thing that a path means for a metric.

    Raises:
        SemanticError: There is none, or more than one.
    """
    if not field.steps:
        timely(home, metric)
        return Found(walk=(), spec=home, member=home.time)
    found = find(model, home, field.steps)
    if len(found) == 1:
        return found[0]
    if found:
        ways = sorted(".".join([*(ref.name for ref in f.walk), *([f.member.name] if f.member else [])]) for f in found)
        msg = f"For {metric}, {field.path} could mean {', '.join(ways[:-1])} or {ways[-1]}."
        raise SemanticError(msg, cure=f"Write out which one, e.g. m.{ways[0]}.")
    raise _refusal(model, home, field, metric)


def timely(home: Spec, metric: str) -> None:
    """Refuse to ask a dataset about time that has no default time.

    Raises:
        SemanticError: With what to declare.
    """
    if home.time is None:
        msg = f"{metric} has no time: {home.name} declares no default time to ask for it by."
        raise SemanticError(
            msg, cure=f"Declare time(..., default=True) in {home.name}, or ask without days and periods."
        )


def is_own_time(model: Model, home: Spec, field: Any, metric: str) -> bool:
    """Tell whether something is the default time of a metric's dataset, by whatever name."""
    steps = getattr(field, "steps", None)
    if steps is None:
        return False
    if not steps:
        return True
    if home.time is None:
        return False
    if len(find(model, home, steps)) != 1:
        return False
    found = locate(model, home, field, metric)
    own = Found(walk=(), spec=home, member=home.time)
    return isinstance(found.member, Time) and meaning(model, found) == meaning(model, own)


def value_at(home: Place, found: Found, grain: str | None) -> Any:
    """Read what a path leads to, over a home row."""
    place = home
    for ref in found.walk[:-1]:
        place = place.follow(ref)
    if found.member is not None:
        place = place.follow(found.walk[-1]) if found.walk else place
        if grain:
            assert isinstance(found.member, Time)  # noqa: S101 - for the type checker; only times have grains
            return place.period(found.member, grain)
        return place.read(found.member.name)
    key = found.spec.key
    if key is None or len(key.columns) > 1:
        msg = f"A row of {found.spec.name} has no single key to group by."
        raise SemanticError(msg, cure="Name one of its dimensions.")
    # The key is known on this side already; joining its dataset would only lose what is dangling.
    return place.keys_of(found.walk[-1])[0] if found.walk else place.scope.column(place, key.columns[0])


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
        instead = (
            f"Ask for a metric of {spec.name} instead, which splits cleanly: {', '.join(names)}; or " if names else ""
        )
        cure = f"{instead}add overlap=True, and each row of {home.name} counts once for every {field.path} that it has."
        return SemanticError(msg, cure=cure if names else cure[0].upper() + cure[1:])
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
