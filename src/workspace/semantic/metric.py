"""Metrics, and the algebra that makes new ones: filtered, moved in time, divided, compared.

Every operation works on any metric, for each is a calculation over measures: what is asked of the whole is asked of
every measure in it. So `ratio.trailing("28 days")` is the ratio of the two trailing measures.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from workspace.errors import SemanticError, did_you_mean
from workspace.semantic.declare import GRAINS, Member, Ref, one_of, text_of
from workspace.semantic.names import Condition, Field
from workspace.semantic.periods import Span, Stretch

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNS = {"+": "plus", "-": "minus", "*": "times", "/": "per"}


class Metric:
    """Something that has one number for any group of rows. Its name is what the model or its dataset calls it."""

    name: str
    description: str
    unit: str
    owner: str

    def where(self, *conditions: Any) -> Metric:
        """Count only some rows.

        Args:
            conditions: Deferred expressions over the metric's dataset (`_.status == "paid"`), or conditions of a
                question (`m.status == "paid"`). All must hold.
        """
        for condition in conditions:
            if isinstance(condition, Condition) and condition.of_groups:
                msg = f"{condition.text} is a condition on groups, and {self.name} counts rows."
                raise SemanticError(msg, cure="Compare a metric per entity: m.<metric>.per(m.<entity>) > 3.")
            said(condition)
        return Filtered(base=self, conditions=conditions)

    def trailing(self, span: str) -> Metric:
        """Count the last so many days (weeks, months, ...) up to the end of each period, e.g. "28 days"."""
        return Timed(base=self, stretch=Stretch("trailing", span=Span.parse(span)))

    def to_date(self, grain: str) -> Metric:
        """Count from the start of the month (quarter, year, ...) up to the end of each period."""
        return Timed(base=self, stretch=Stretch("to_date", grain=grain))

    def all_time(self) -> Metric:
        """Count everything up to the end of each period."""
        return Timed(base=self, stretch=Stretch("all_time"))

    def ago(self, span: str) -> Metric:
        """Give the value of an earlier period, e.g. "1 year" ago. By week, a year is 52 weeks."""
        return Timed(base=self, back=Span.parse(span))

    def growth(self, span: str) -> Metric:
        """Compare with an earlier period: 0.1 for ten percent more."""
        then = self.ago(span)
        name = f"{self.name}_growth_{_name(span)}"
        text = f"{self.description or self.name}, against {span} before"
        change = Arithmetic(sign="-", left=Arithmetic(sign="/", left=self, right=then), right=1)
        return dataclasses.replace(change, name=name, description=text, unit="percent", owner=self.owner)

    def share(self, within: Field | tuple[Field, ...] = ()) -> Metric:
        """Give the share of the total over all groups of the question, or over those that agree in `within`."""
        fields = within if isinstance(within, tuple) else (within,)
        for field in fields:
            if not isinstance(field, Field):
                raise SemanticError(f"{field!r} is nothing to be a share within.", cure="Name a path, e.g. m.month.")
        return Share(base=self, within=fields)

    def __add__(self, other: Metric | float) -> Metric:
        return _arithmetic("+", self, other)

    def __radd__(self, other: float) -> Metric:
        return _arithmetic("+", other, self)

    def __sub__(self, other: Metric | float) -> Metric:
        return _arithmetic("-", self, other)

    def __rsub__(self, other: float) -> Metric:
        return _arithmetic("-", other, self)

    def __mul__(self, other: Metric | float) -> Metric:
        return _arithmetic("*", self, other)

    def __rmul__(self, other: float) -> Metric:
        return _arithmetic("*", other, self)

    def __truediv__(self, other: Metric | float) -> Metric:
        return _arithmetic("/", self, other)

    def __rtruediv__(self, other: float) -> Metric:
        return _arithmetic("/", other, self)


@dataclass(eq=False, kw_only=True)
class Measure(Member, Metric):
    """An aggregate over the rows of its dataset; by its name also a metric."""

    expr: Any
    unit: str = ""
    owner: str = ""
    snapshot: Literal["first", "last"] | None = None
    over: Ref | None = None


@dataclass(eq=False, kw_only=True)
class Made(Metric):
    """A metric that is made of others. Without a name of its own it is called after what it is made of."""

    name: str = ""
    description: str = ""
    unit: str = ""
    owner: str = ""


@dataclass(eq=False, kw_only=True)
class Arithmetic(Made):
    """Two metrics, or a metric and a number, calculated with once each is aggregated. x / 0 is missing."""

    sign: str
    left: Metric | float
    right: Metric | float

    def __post_init__(self) -> None:
        """Name it, and take over the unit that both sides have."""
        self.name = self.name or f"{_side(self.left)}_{SIGNS[self.sign]}_{_side(self.right)}"
        units = [side.unit for side in (self.left, self.right) if isinstance(side, Metric)]
        if not self.unit and self.sign != "/" and len(set(units)) == 1 and (self.sign != "*" or len(units) == 1):
            self.unit = units[0]
        if not self.unit and self.sign == "/" and not isinstance(self.right, Metric):
            self.unit = units[0]


@dataclass(eq=False, kw_only=True)
class Filtered(Made):
    """A metric of some of the rows."""

    base: Metric
    conditions: tuple[Any, ...]

    def __post_init__(self) -> None:
        """Take over what the base says of itself."""
        words = " and ".join(said(condition) for condition in self.conditions)
        _inherit(self, self.base, f"{self.base.name}_where_{_name(words)}", f"where {words}")


@dataclass(eq=False, kw_only=True)
class Timed(Made):
    """A metric of other days than those of the period that it is shown for."""

    base: Metric
    stretch: Stretch | None = None
    back: Span | None = None

    def __post_init__(self) -> None:
        """Take over what the base says of itself."""
        words = self.stretch.text if self.stretch else f"{self.back.text} ago" if self.back else ""
        _inherit(self, self.base, f"{self.base.name}_{_name(words)}", words)


@dataclass(eq=False, kw_only=True)
class Share(Made):
    """A metric's part of its total."""

    base: Metric
    within: tuple[Field, ...] = ()

    def __post_init__(self) -> None:
        """Take over what the base says of itself."""
        within = "_within_" + "_".join(field.column for field in self.within) if self.within else ""
        _inherit(self, self.base, f"{self.base.name}_share{within}", "share of the total")
        self.unit = "percent"


@dataclass(eq=False, kw_only=True)
class Funnel(Made):
    """The share of a first step's rows from which the same one goes on to a later step, in order and in time.

    Attributes:
        steps: Counts of rows, in their order.
        by: Who must be the same: the name of an entity to which each step's rows refer.
        within: How long after the first step the last one may come; None for any time.
        reached: Which step's number is given; None for the share that reaches the last.
    """

    steps: tuple[Metric, ...]
    by: str
    within: Span | None = None
    reached: int | None = None

    def __post_init__(self) -> None:
        """Name it."""
        names = [step.name for step in self.steps]
        self.name = self.name or "_to_".join([names[0], names[-1]])
        self.unit = "percent" if self.reached is None else "count"


@dataclass(eq=False, kw_only=True)
class Retention(Made):
    """The share of those who came in a period and were there again so many periods later.

    Attributes:
        first: Counts the rows with which each one begins.
        back: Counts the rows that show that one is there.
        by: Who must be the same: the name of an entity to which the rows of both refer.
        grain: Of the periods.
        after: How many periods later.
    """

    first: Metric
    back: Metric
    by: str
    grain: str = "month"
    after: int = 1

    def __post_init__(self) -> None:
        """Name it.

        Raises:
            SemanticError: It looks at a time before the first.
        """
        if self.after < 0:
            msg = f"after={self.after} lies before the period in which each one begins."
            raise SemanticError(msg, cure="Give 0 for the first period itself, 1 for the one after it, ...")
        self.name = self.name or f"{self.first.name}_back_after_{self.after}_{self.grain}"
        self.unit = "percent"


def measure(
    expr: Any,
    description: str = "",
    *,
    unit: str = "",
    owner: str = "",
    snapshot: Literal["first", "last"] | None = None,
    over: Ref | None = None,
) -> Measure:
    """Declare an aggregate of the dataset's rows. It is a metric by its name.

    Args:
        expr: Any Ibis aggregate, e.g. `_.amount.sum()`, `_.user_id.nunique()`, `_.count(where=_.status == "paid")`.
        description: What it means, in the words of its owner.
        unit: "EUR" or another currency, "count", "percent" (of a share between 0 and 1), "seconds", or empty.
        owner: Who decides about it.
        snapshot: "last" or "first" for a level rather than a flow: only each one's last rows in a period count.
        over: Whose last rows: a reference of the same dataset, e.g. `listing`.
    """
    text_of(expr)
    if snapshot is not None:
        one_of("snapshot", snapshot, ("first", "last"))
    if (snapshot is None) != (over is None):
        msg = f"measure({expr!r}) gives only one of snapshot= and over=."
        raise SemanticError(msg, cure='Write snapshot="last", over=<reference>.')
    return Measure(expr=expr, description=description, unit=unit, owner=owner, snapshot=snapshot, over=over)


def ratio(numerator: Metric, denominator: Metric, description: str = "", *, unit: str = "", owner: str = "") -> Metric:
    """Declare one metric over another, each aggregated on its own first. Missing where the denominator is 0."""
    return Arithmetic(
        sign="/", left=numerator, right=denominator, description=description, unit=unit, owner=owner, name=""
    )


def metric(made: Metric, description: str, *, unit: str = "", owner: str = "") -> Metric:
    """Say what a metric that is made of others means: `gbv_28d=metric(Items.gbv.trailing("28 days"), "...")`.

    Args:
        made: What it is calculated from.
        description: What it means, in the words of its owner.
        unit: Its unit, if it is not that of its parts.
        owner: Who decides about it, if it is not the owner of its parts.
    """
    if not isinstance(made, Made):
        msg = f"metric({getattr(made, 'name', made)!r}, ...) is not made of metrics."
        raise SemanticError(msg, cure="Describe a measure where its dataset declares it.")
    found: Metric = dataclasses.replace(
        made, description=description, unit=unit or made.unit, owner=owner or made.owner
    )
    return found


def funnel(*steps: Metric, by: str, within: str | None = None, description: str = "", owner: str = "") -> Funnel:
    """Declare a conversion: the share of the first step's rows from which the same one reaches the last step.

    A row of a later step is credited to the latest row of the step before it, at or before its own moment, that was
    reached itself; so each row counts for one entry at most, and an entry counts once however often it converts. The
    number belongs to the entry: its time, its dimensions.

    Args:
        steps: Counts of rows (`_.count()`), in their order; at least two.
        by: The name of the entity that all steps refer to, e.g. "booker" or a key's name such as "user".
        within: How long after the first step the last may come, e.g. "7 days"; any time if not given.
        description: What it means.
        owner: Who decides about it.
    """
    if len(steps) < 2:
        raise SemanticError("A funnel has at least two steps.", cure="Name them in their order.")
    span = None if within is None else Span.parse(within)
    if span is not None and span.unit not in ("minute", "hour", "day", "week"):
        msg = f"within={within!r} is not of one length."
        raise SemanticError(msg, cure="Give minutes, hours, days or weeks.")
    return Funnel(steps=steps, by=by, within=span, description=description, owner=owner)


def retention(
    first: Metric,
    back: Metric,
    *,
    by: str,
    grain: str = "month",
    after: int = 1,
    description: str = "",
    owner: str = "",
) -> Retention:
    """Declare how many of those who came first in a period were there again so many periods later.

    Only those count for whom that later period is over at the release's `as_of`: for the rest nobody can know yet.

    Args:
        first: Counts the rows with which each one begins, e.g. `Users.new_users`; the earliest one counts.
        back: Counts the rows that show that one is there, e.g. `Bookings.bookings`.
        by: The name of the entity that both refer to.
        grain: Of the periods: "day" to "year".
        after: How many periods later; 0 is the first period itself.
        description: What it means.
        owner: Who decides about it.
    """
    if grain not in GRAINS[1:]:
        raise SemanticError(f"grain={grain!r} is no period.", cure=did_you_mean(grain, GRAINS[1:]))
    return Retention(first=first, back=back, by=by, grain=grain, after=after, description=description, owner=owner)


def made_of(metric: Metric) -> Iterator[Metric]:
    """List the metrics that one is directly made of."""
    match metric:
        case Arithmetic(left=left, right=right):
            yield from (side for side in (left, right) if isinstance(side, Metric))
        case Filtered(base=base) | Timed(base=base) | Share(base=base):
            yield base
        case Funnel(steps=steps):
            yield from steps
        case Retention(first=first, back=back):
            yield from (first, back)


def parts(metric: Metric) -> list[Measure]:
    """List the measures that a metric is made of, each once."""
    if isinstance(metric, Measure):
        return [metric]
    return list(dict.fromkeys(part for each in made_of(metric) for part in parts(each)))


def said(condition: Any) -> str:
    """Write a condition as it was given."""
    return condition.text if isinstance(condition, Condition) else text_of(condition)


def _arithmetic(sign: str, left: Any, right: Any) -> Metric:
    for side in (left, right):
        if not isinstance(side, Metric | int | float) or isinstance(side, bool):
            msg = f"{side!r} is neither a metric nor a number."
            raise SemanticError(msg, cure="Calculate with metrics and numbers.")
    return Arithmetic(sign=sign, left=left, right=right)


def _inherit(made: Made, base: Metric, name: str, words: str) -> None:
    made.name = made.name or name
    made.unit, made.owner = made.unit or base.unit, made.owner or base.owner
    if not made.description and base.description:
        made.description = f"{base.description}, {words}"


def _side(side: Metric | float) -> str:
    return side.name if isinstance(side, Metric) else _name(str(side))


def _name(text: str) -> str:
    for sign, word in {"<=": "_le_", ">=": "_ge_", "!=": "_not_", "<": "_lt_", ">": "_gt_"}.items():
        text = text.replace(sign, word)
    text = re.sub(r"\s*_(le|ge|not|lt|gt)_\s*", r"_\1_", text)
    return re.sub(r"\W+", "_", text).strip("_")[:40]
