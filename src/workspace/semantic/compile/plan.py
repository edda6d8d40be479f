"""What a metric asks of the rows: a calculation over leaves, each an aggregate of some rows, some days, some groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from workspace.errors import SemanticError
from workspace.semantic.language.metric import (
    Arithmetic,
    Filtered,
    Funnel,
    Measure,
    Metric,
    Retention,
    Share,
    Timed,
    said,
)
from workspace.semantic.language.periods import Shape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from workspace.semantic.language.words import Field


@dataclass(frozen=True, kw_only=True)
class Entered:
    """The rows of a funnel's first step; those from which a later step was reached, if `step` is not 0."""

    funnel: Funnel
    step: int = 0


@dataclass(frozen=True, kw_only=True)
class Returned:
    """The rows with which each one begins and whose later period is over; those who were back, if `back`."""

    retention: Retention
    back: bool = False


PLAIN = Shape()

Source = Measure | Entered | Returned


@dataclass(frozen=True, kw_only=True, eq=False)
class Leaf:
    """One aggregate that must be read.

    Attributes:
        source: What is aggregated.
        conditions: Which rows count, beyond those of the question.
        shape: Which days count, given the period that is shown.
        within: The fields of the question by which it is grouped; None for all of them.
        metric: The metric that needs it, for messages.
    """

    source: Source
    conditions: tuple[Any, ...] = ()
    shape: Shape = PLAIN
    within: tuple[Field, ...] | None = None
    metric: str = ""

    @property
    def measure(self) -> Measure:
        """The measure whose dataset and filters say which rows there are."""
        return base(self.source)[0]

    @property
    def level(self) -> tuple[str, ...] | None:
        """The columns by which it is grouped; None for all."""
        return None if self.within is None else tuple(field.column for field in self.within)

    @property
    def whole(self) -> tuple[Any, ...] | None:
        """What makes the funnel or the retention that it is a part of the same as another; None for a measure."""
        return None if isinstance(self.source, Measure) else _whole(self.source)

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes two leaves the same."""
        # The object stands for the source: two metrics of one text may belong to two models.
        return (_whole(self.source), tuple(map(said, self.conditions)), self.shape, self.level, _step(self.source))


@dataclass(frozen=True, kw_only=True, eq=False)
class Calculation:
    """Two sides and a sign."""

    sign: str
    left: Node
    right: Node


Node = Leaf | Calculation | float


def plan(metric: Metric) -> Node:
    """Take a metric apart.

    Raises:
        SemanticError: Its parts do not fit together.
    """
    return _plan(metric, Leaf(source=parts_first(metric), metric=metric.name))


def leaves(node: Node) -> Iterator[Leaf]:
    """List the leaves of a calculation."""
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, Calculation):
        yield from leaves(node.left)
        yield from leaves(node.right)


def base(source: Source) -> tuple[Measure, tuple[Any, ...]]:
    """Find the measure that a source counts rows of, and the conditions on it."""
    if isinstance(source, Measure):
        return source, ()
    first = source.funnel.steps[0] if isinstance(source, Entered) else source.retention.first
    return counted(first, "a funnel" if isinstance(source, Entered) else "a retention")


def counted(step: Metric, whole: str) -> tuple[Measure, tuple[Any, ...]]:
    """Find whose rows a step counts, and which.

    Raises:
        SemanticError: It is more than a count of rows of one dataset.
    """
    conditions: tuple[Any, ...] = ()
    while isinstance(step, Filtered):
        conditions, step = (*step.conditions, *conditions), step.base
    if not isinstance(step, Measure):
        msg = f"{step.name} cannot be a step of {whole}: it is made of other metrics."
        raise SemanticError(msg, cure="Name a measure, or one with where(...).")
    return step, conditions


def parts_first(metric: Metric) -> Measure:
    """Give any measure of a metric, to start a leaf with."""
    from workspace.semantic.language.metric import parts

    found = parts(metric)
    if not found:
        raise SemanticError(f"{metric.name} contains no measure.", cure="Calculate with at least one metric.")
    return found[0]


def _plan(metric: Metric | float, leaf: Leaf) -> Node:
    node: Node
    match metric:
        case Measure():
            node = _measured(replace(leaf, source=metric))
        case Arithmetic():
            node = Calculation(sign=metric.sign, left=_plan(metric.left, leaf), right=_plan(metric.right, leaf))
            _check_stretches(metric, node)
        case Filtered():
            node = _plan(metric.base, replace(leaf, conditions=(*leaf.conditions, *metric.conditions)))
        case Timed():
            node = _plan(metric.base, replace(leaf, shape=_shaped(metric, leaf.shape)))
        case Share():
            node = _share(metric, leaf)
        case Funnel():
            node = _funnel(metric, leaf)
        case Retention():
            entered = _counting(leaf, Returned(retention=metric))
            back = _counting(leaf, Returned(retention=metric, back=True))
            node = Calculation(sign="/", left=back, right=entered)
        case int() | float():
            node = float(metric)
        case _:
            raise TypeError(metric)
    return node


def _share(metric: Share, leaf: Leaf) -> Node:
    if leaf.within is not None:
        msg = f"{metric.name} is a share of a share."
        raise SemanticError(msg, cure="Take the share once, of the metric itself.")
    whole = _plan(metric.base, replace(leaf, within=metric.within))
    return Calculation(sign="/", left=_plan(metric.base, leaf), right=whole)


def _funnel(metric: Funnel, leaf: Leaf) -> Node:
    last = len(metric.steps) - 1
    if metric.reached is not None:
        return _counting(leaf, Entered(funnel=metric, step=metric.reached))
    entered = _counting(leaf, Entered(funnel=metric))
    return Calculation(sign="/", left=_counting(leaf, Entered(funnel=metric, step=last)), right=entered)


def _counting(leaf: Leaf, source: Source) -> Leaf:
    return replace(leaf, source=source, conditions=(*leaf.conditions, *base(source)[1]))


def _measured(leaf: Leaf) -> Leaf:
    """Refuse to add a level up over time: its last value in a period is all that there is."""
    measure, stretch = leaf.measure, leaf.shape.stretch
    if measure.snapshot is not None and stretch is not None:
        over = measure.over.name if measure.over else ""
        msg = (
            f"{leaf.metric} would add up {measure.dataset}.{measure.name} over time ({stretch.text}), but that is a "
            f"level: each {over} counts with its {measure.snapshot} row in a period."
        )
        raise SemanticError(msg, cure=f"Ask m.{measure.name} by period, or an average of such values.")
    return leaf


def _shaped(metric: Timed, outer: Shape) -> Shape:
    """Put a metric's own time under what was already said about it. A stretch ends where going back has led."""
    if metric.back is not None:
        return replace(outer, back=(*outer.back, metric.back))
    if outer.stretch is not None:
        msg = f"{metric.name} would be counted twice along time: {outer.stretch.text} of itself."
        raise SemanticError(msg, cure="Use one of trailing(), to_date() and all_time().")
    return replace(outer, stretch=metric.stretch)


def _check_stretches(metric: Arithmetic, node: Calculation) -> None:
    """Refuse to calculate with numbers of different lengths of time; a growth of two is fine."""
    sides = [{leaf.shape.stretch for leaf in leaves(side) if leaf.within is None} for side in (node.left, node.right)]
    if all(sides) and sides[0] != sides[1]:
        words = [
            " and ".join(sorted(stretch.text if stretch else "the period itself" for stretch in side)) for side in sides
        ]
        left, right = (getattr(side, "name", side) for side in (metric.left, metric.right))
        msg = f"{metric.name} has {left} over {words[0]} but {right} over {words[1]}: different grains of time."
        raise SemanticError(msg, cure="Give both the same: trailing(), to_date() or all_time() of the whole ratio.")


def _whole(source: Source) -> tuple[Any, ...]:
    if isinstance(source, Measure):
        return (id(source),)
    if isinstance(source, Entered):
        return (id(source.funnel.steps), source.funnel.by, source.funnel.within)
    return (id(source.retention),)


def _step(source: Source) -> int | bool | None:
    if isinstance(source, Measure):
        return None
    return source.step if isinstance(source, Entered) else source.back
