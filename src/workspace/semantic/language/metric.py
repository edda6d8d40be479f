"""Metrics, and the algebra that makes new ones: filtered, moved in time, divided, compared.

Every operation works on any metric, for each is a calculation over measures: what is asked of the whole is asked of
every measure in it. So `ratio.trailing("28 days")` is the ratio of the two trailing measures.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from workspace.errors import SemanticError
from workspace.semantic.language.declare import Member, Ref, text_of
from workspace.semantic.language.periods import Span, Stretch
from workspace.semantic.language.words import Condition, Field

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 40  # characters of a name that is made from a condition
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
    name = re.sub(r"\W+", "_", text).strip("_")
    # A name that was cut would be that of all texts that begin alike.
    return name if len(name) <= LONGEST else f"{name[:LONGEST]}_{hashlib.sha256(text.encode()).hexdigest()[:4]}"
