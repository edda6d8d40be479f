"""The words of a question: `m.month`, `m.listing.city`, a metric per entity, and conditions on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import ibis

from workspace.errors import SemanticError, did_you_mean
from workspace.semantic.language.declare import Time
from workspace.semantic.language.names import UnknownNameError, described, endings, following

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from workspace.semantic.language.calendar import Window
    from workspace.semantic.language.metric import Metric
    from workspace.semantic.model import Model


class Comparable:
    """What a row has a value of. Compare it to get a condition."""

    __slots__ = ()

    @property
    def path(self) -> str:
        """How it is written."""
        raise NotImplementedError

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]  # a comparison is a condition, as in Ibis
        return self.isnull() if other is None else _compare(self, "==", other, lambda a, b: a == b)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return self.notnull() if other is None else ~(self == other)

    def __lt__(self, other: object) -> Condition:
        return _compare(self, "<", other, lambda a, b: a < b)

    def __le__(self, other: object) -> Condition:
        return _compare(self, "<=", other, lambda a, b: a <= b)

    def __gt__(self, other: object) -> Condition:
        return _compare(self, ">", other, lambda a, b: a > b)

    def __ge__(self, other: object) -> Condition:
        return _compare(self, ">=", other, lambda a, b: a >= b)

    def isin(self, values: Iterable[Any]) -> Condition:
        """Hold where the value is one of some; None among them means missing."""
        given = list(values)
        known = [_literal(self, value) for value in given if value is not None]
        found = Condition((self,), lambda read: read(self).isin(known), f"{self.path} in {given!r}")
        return found if len(known) == len(given) else found | self.isnull()

    def like(self, pattern: str) -> Condition:
        """Hold where a text is like a pattern: `%` stands for anything, `_` for one character."""
        return Condition((self,), lambda read: read(self).like(pattern), f"{self.path} like {pattern!r}")

    def isnull(self) -> Condition:
        """Hold where there is no value."""
        return Condition((self,), lambda read: read(self).isnull(), f"{self.path} is missing")

    def notnull(self) -> Condition:
        """Hold where there is a value."""
        return Condition((self,), lambda read: read(self).notnull(), f"{self.path} is there")


@dataclass(frozen=True, eq=False, repr=False)
class Field(Comparable):
    """A path to a dimension, a time with its grain, or an entity. Compare it to get a condition.

    Attributes:
        model: Where its names are looked up.
        steps: The names, e.g. ("listing", "city"); none for the default time.
        grain: Of a time: "month", ...
    """

    model: Model
    steps: tuple[str, ...]
    grain: str | None = None

    @property
    def path(self) -> str:
        """The path as it is written after `m.`."""
        return ".".join((*self.steps, *([self.grain] if self.grain else [])))

    @property
    def column(self) -> str:
        """The name of its column in an answer."""
        return self.path.replace(".", "_")

    def __getattr__(self, name: str) -> Field:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self.__dir__():
            msg = f"{self.path} has no {name!r}."
            names = following(self)
            raise UnknownNameError(msg, cure=did_you_mean(name, names) if names else "Nothing comes after it.")
        if name in self.model.grains and _is_time(self):
            return Field(self.model, self.steps, name)
        return Field(self.model, (*self.steps, name))

    def __dir__(self) -> list[str]:
        return sorted({*following(self), "isin", "isnull", "like", "notnull"})

    def __repr__(self) -> str:
        meanings = sorted({described(spec, member) for spec, member in endings(self.model, self.steps)})
        return f"{self.path}: {'; '.join(meanings) if meanings else 'the default time of each metric'}"


@dataclass(frozen=True, eq=False, repr=False)
class Per(Comparable):
    """A metric's value for the entity that a row belongs to, e.g. how many bookings its booker made.

    Attributes:
        metric: The metric, of all rows of the release or of those in the window.
        entity: For whom it is calculated.
        window: The days that count, if not all.
    """

    metric: Metric
    entity: Field
    window: Window | None = None

    @property
    def path(self) -> str:
        """How it is written."""
        return f"{self.metric.name} per {self.entity.path}" + (f", {self.window.text}" if self.window else "")

    @property
    def column(self) -> str:
        """The name of its column in an answer."""
        return f"{self.metric.name}_per_{self.entity.column}"

    @property
    def grain(self) -> None:
        """A number has no grain."""

    def __repr__(self) -> str:
        return self.path


By = Field | Per
"""What an answer can be grouped by."""


@dataclass(frozen=True, eq=False, repr=False)
class Condition:
    """Which rows count. Combine with `&`, `|` and `~`; what is not known to be true is false, and `~` turns that round.

    Attributes:
        fields: What it reads.
        build: Makes the Ibis expression, given what reads a path.
        text: The condition in words.
        of_groups: Whether it compares metrics, and so chooses among the groups of an answer instead of among rows.
    """

    fields: tuple[Any, ...]
    build: Callable[[Callable[[Any], Any]], Any]
    text: str
    of_groups: bool = False

    def __and__(self, other: Condition) -> Condition:
        return self._join(other, "and", lambda a, b: a & b)

    def __or__(self, other: Condition) -> Condition:
        return self._join(other, "or", lambda a, b: a | b)

    def __invert__(self) -> Condition:
        # Else a NULL would be neither in a condition nor in its opposite, and rows would vanish from both.
        turned = lambda read: ~self.build(read).fill_null(False)  # noqa: E731, FBT003
        return Condition(self.fields, turned, f"not {self.text}", self.of_groups)

    def __bool__(self) -> bool:
        msg = f"The condition {self.text} has no truth value of its own."
        raise SemanticError(
            msg, cure="Combine conditions with & and |, each in parentheses, or list them in where=[...]."
        )

    def __repr__(self) -> str:
        return self.text

    def _join(self, other: Condition, word: str, how: Callable[[Any, Any], Any]) -> Condition:
        if not isinstance(other, Condition):
            raise SemanticError(f"{other!r} is not a condition.", cure="Put each comparison into parentheses.")
        fields, text = self.fields + other.fields, f"({self.text} {word} {other.text})"
        if self.of_groups != other.of_groups:
            msg = f"{text} asks about rows and about groups at once."
            raise SemanticError(msg, cure="List the two conditions apart: where=[..., ...].")
        return Condition(fields, lambda read: how(self.build(read), other.build(read)), text, self.of_groups)


def _compare(field: Comparable, sign: str, other: object, how: Callable[[Any, Any], Any]) -> Condition:
    if isinstance(other, Comparable):
        return Condition(
            (field, other), lambda read: how(read(field), read(other)), f"{field.path} {sign} {other.path}"
        )
    if other is None:
        msg = f"{field.path} {sign} None is never true."
        raise SemanticError(msg, cure=f"Write m.{field.path}.isnull() or .notnull().")
    literal = _literal(field, other)
    return Condition((field,), lambda read: how(read(field), literal), f"{field.path} {sign} {other!r}")


def compare_groups(metric: Metric, sign: str, other: object, how: Callable[[Any, Any], Any]) -> Condition:
    """Compare a metric with a number or another metric: a condition on the groups of an answer."""
    if isinstance(other, bool) or not (isinstance(other, int | float | Decimal) or hasattr(other, "owner")):
        msg = f"{metric.name} {sign} {other!r} compares a metric with something that is no number."
        raise SemanticError(msg, cure="Compare it with a number or another metric.")
    if isinstance(other, int | float | Decimal):
        text = f"{metric.name} {sign} {other!r}"
        return Condition((metric,), lambda read: how(read(metric), float(other)), text, of_groups=True)
    text = f"{metric.name} {sign} {other.name}"  # type: ignore[attr-defined]  # only metrics have owners
    return Condition((metric, other), lambda read: how(read(metric), read(other)), text, of_groups=True)


def _literal(field: Comparable, value: Any) -> Any:
    """Write a value that a path is compared with; that of a period may be given as "2026-06" or "2026"."""
    grain = getattr(field, "grain", None)
    if grain in ("day", "week", "month", "quarter", "year"):
        return ibis.literal(_period(field, grain, value))
    return ibis.literal(value) if isinstance(value, date) else value


def _period(field: Comparable, grain: str, value: Any) -> date:
    # "2026" and "2026-06" stand for their first day.
    text = str(value)[:10] if isinstance(value, date) else str(value)
    try:
        day = date.fromisoformat(f"{text}-01-01"[:10])
    except ValueError:
        msg = f"{value!r} is no day, which {field.path} could be compared with."
        raise SemanticError(msg, cure='Write "2026-06-01", or "2026-06" for the month.') from None
    start = cast("Field", field).model.calendar.floor(day, grain)
    if start != day:
        msg = f"{field.path} is the first day of a {grain}, and {day} is none."
        raise SemanticError(msg, cure=f'Compare with "{start}", or choose days with m.day or between=.')
    return day


def _is_time(field: Field) -> bool:
    return any(isinstance(member, Time) for _, member in endings(field.model, field.steps))
