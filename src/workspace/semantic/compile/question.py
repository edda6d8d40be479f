"""A question as it was asked, and whether every metric has an answer to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workspace.errors import SemanticError
from workspace.semantic.compile import timed
from workspace.semantic.compile.bridge import way
from workspace.semantic.compile.paths import is_own_time, locate, timely
from workspace.semantic.compile.plan import Leaf, leaves, plan
from workspace.semantic.compile.reading import to_many
from workspace.semantic.language.declare import GRAINS, Time
from workspace.semantic.language.metric import Measure, Metric
from workspace.semantic.language.names import endings, meaning
from workspace.semantic.language.words import By, Condition, Field, Per

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workspace.semantic.language.calendar import Window
    from workspace.semantic.model import Model


@dataclass(frozen=True, kw_only=True)
class Question:
    """Metrics, by what, of which rows, in which days.

    Attributes:
        metrics: What to measure.
        by: What to group by.
        where: The conditions that all must hold, of rows.
        having: The conditions that all must hold, of groups.
        window: The days that count, by each metric's default time.
        overlap: Whether a row may count once for each of the many values that a path leads to.
        fill: Whether periods in which nothing happened are shown.
        top: How many groups to show besides the rest; all if None.
    """

    metrics: tuple[Metric, ...]
    by: tuple[By, ...] = ()
    where: tuple[Condition, ...] = ()
    having: tuple[Condition, ...] = ()
    window: Window | None = None
    overlap: bool = False
    fill: bool = False
    top: int | None = None

    @property
    def text(self) -> str:
        """The question in words."""
        words = ", ".join(metric.name for metric in self.metrics)
        if self.by:
            words += f" by {', '.join(field.path for field in self.by)}"
        if self.top is not None:
            words += f", top {self.top}"
        if self.where or self.having:
            words += f" where {' and '.join(condition.text for condition in (*self.where, *self.having))}"
        return f"{words}, {self.window.text}" if self.window else words

    @property
    def measured(self) -> tuple[Metric, ...]:
        """Every metric that must be known: those that are asked for, and those that conditions compare."""
        compared = (field for condition in self.having for field in condition.fields)
        return tuple({metric.name: metric for metric in (*self.metrics, *compared)}.values())


def check(model: Model, question: Question) -> None:
    """Refuse a question that some metric cannot answer, or in which a word would mean two things.

    Raises:
        SemanticError: With the path that is missing, ambiguous or to-many, and what to ask instead.
    """
    columns = [field.column for field in question.by] + [metric.name for metric in question.metrics]
    for name in columns:
        if columns.count(name) > 1:
            cure = 'Ask for it once, or name one of them anew with .named("...").'
            raise SemanticError(f"The question has {name} twice.", cure=cure)
    _check_names(question)
    for field in question.by:
        _check_grain(model, field)
    found = [(metric, leaf) for metric in question.measured for leaf in leaves(plan(metric))]
    for field in (*question.by, *_fields(question.where)):
        _check_meaning(model, question, field, found)
    for metric, leaf in found:
        _check_leaf(model, question, metric, leaf)
    _check_shape(question)


def _check_names(question: Question) -> None:
    """Refuse two different metrics of one name: one would be taken for the other."""
    pers = (field for field in (*question.by, *_fields(question.where)) if isinstance(field, Per))
    asked = [*question.metrics, *(field for condition in question.having for field in condition.fields)]
    known: dict[str, list[tuple[object, ...]]] = {}
    for kind, metric in [("", metric) for metric in asked] + [("per", field.metric) for field in pers]:
        parts = [leaf.key for leaf in leaves(plan(metric))]
        if known.setdefault(f"{kind}{metric.name}", parts) != parts:
            msg = f"Two different metrics of this question are called {metric.name}."
            raise SemanticError(msg, cure='Name one of them anew with .named("...").')


def _fields(conditions: tuple[Condition, ...]) -> Iterator[By]:
    for condition in conditions:
        yield from condition.fields


def _check_meaning(model: Model, question: Question, field: Any, found: list[tuple[Metric, Leaf]]) -> None:
    path = field.entity if isinstance(field, Per) else field
    if not path.steps:
        for metric, leaf in found:
            timely(model.specs[leaf.measure.dataset], metric.name)
        return
    known: dict[tuple[str, str], str] = {}
    for metric, leaf in found:
        home = model.specs[leaf.measure.dataset]
        if question.overlap and to_many(model, home, path) and (there := way(model, home, path, metric.name)):
            end = locate(model, there.many, path, metric.name)
        else:
            end = locate(model, home, path, metric.name)
        known.setdefault(meaning(model, end), metric.name)
    if len(known) > 1:
        said = ", ".join(f"{'.'.join(filter(None, what))} for {name}" for what, name in known.items())
        msg = f"{field.path} means different things here: {said}."
        raise SemanticError(msg, cure="Write out which one, or ask one question for each metric.")


def _check_leaf(model: Model, question: Question, metric: Metric, leaf: Leaf) -> None:
    """Refuse what has no place in this question."""
    home = model.specs[leaf.measure.dataset]
    if question.window is not None or not leaf.shape.plain or not isinstance(leaf.source, Measure):
        timely(home, metric.name)
    if not leaf.shape.plain:
        _check_moved(model, question, metric, leaf)
    for condition in leaf.conditions:
        for field in condition.fields if isinstance(condition, Condition) else ():
            locate(model, home, field.entity if isinstance(field, Per) else field, metric.name)
    if leaf.within is not None and leaf.measure.over is not None:
        _check_level_share(model, question, metric, leaf)
    columns = {field.column for field in question.by}
    for field in leaf.within or ():
        if question.top is not None and not field.grain:
            msg = f"{metric.name} is a share within {field.path}, of which top={question.top} shows a part only."
            raise SemanticError(msg, cure="Leave one of them out.")
        if field.column not in columns:
            msg = f"{metric.name} is a share within {field.path}, which the question is not grouped by."
            raise SemanticError(msg, cure=f"Add m.{field.path} to by=.")


def _check_level_share(model: Model, question: Question, metric: Metric, leaf: Leaf) -> None:
    """Refuse the share of a level in that of all time, which is the level of one moment and no whole."""
    home, within = model.specs[leaf.measure.dataset], {field.column for field in leaf.within or ()}
    for field in question.by:
        if is_own_time(model, home, field, metric.name) and field.column not in within:
            msg = (
                f"{metric.name} is the share of a level, and a level of all {field.path}s together is that of the last."
            )
            raise SemanticError(msg, cure=f"Take the share within it: share(within=m.{field.path}).")


def _check_moved(model: Model, question: Question, metric: Metric, leaf: Leaf) -> None:
    """Refuse periods that do not lead to one other period, and days that are chosen as if they were those counted."""
    home = model.specs[leaf.measure.dataset]
    timed.known(leaf.shape, (grain for grain, calendar in model.grains.items() if calendar), metric.name)
    own = [field for field in question.by if is_own_time(model, home, field, metric.name)]
    if own:
        timed.check(leaf.shape, timed.finest([field.grain or "" for field in own]), metric.name)
    if own and leaf.measure.over is not None and question.window:
        timed.whole(model.calendar, question.window, own[0].grain or "", metric.name)
    for condition in question.where:
        if condition.fields and all(is_own_time(model, home, f, metric.name) for f in condition.fields):
            msg = f"{metric.name} counts other days than those that are shown, so {condition.text} is ambiguous."
            raise SemanticError(msg, cure="Choose what is shown with between= or last=.")


def _check_shape(question: Question) -> None:
    times = [field for field in question.by if field.grain]
    if question.fill and len(times) != 1:
        raise SemanticError("fill=True needs one period to fill.", cure="Group by one of m.day, m.week, m.month, ...")
    if question.fill and times[0].grain not in GRAINS:
        raise SemanticError(f"fill=True does not know the periods of {times[0].grain}.", cure="Fill days to years.")
    if question.top is None:
        return
    if question.top < 1 or len(times) == len(question.by):
        msg = f"top={question.top} chooses among nothing."
        raise SemanticError(msg, cure="Give a positive number, and something to group by that is no time.")
    if any(leaf.within for leaf in leaves(plan(question.metrics[0]))):
        msg = f"top={question.top} ranks by {question.metrics[0].name}, which is a share within periods."
        raise SemanticError(msg, cure="Name the metric itself first, and its share after it.")
    if question.having:
        msg = "Both top= and a condition on groups would choose groups."
        raise SemanticError(msg, cure="Use one of them.")


def _check_grain(model: Model, field: By) -> None:
    if isinstance(field, Field) and not field.grain:
        ends = endings(model, field.steps)
        if any(isinstance(member, Time) for _, member in ends):
            msg = f"{field.path} is a time; by what grain?"
            raise SemanticError(msg, cure=f"Write m.{field.path}.day, .week, .month, .quarter or .year.")
