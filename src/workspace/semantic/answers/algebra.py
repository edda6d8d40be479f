"""The algebra of metrics, spoken in a notebook: on answers that nothing was asked of yet."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

from workspace.errors import SemanticError
from workspace.semantic.language.metric import Funnel, Made, Metric, Retention
from workspace.semantic.language.words import Field, Per, compare_groups

if TYPE_CHECKING:
    from datetime import date

    from workspace.semantic.language.calendar import Window
    from workspace.semantic.language.words import Condition


class Algebra(ABC):
    """Makes new metrics of an answer's one metric. See `Metric` for what each operation means."""

    @abstractmethod
    def bare(self) -> Metric:
        """Give the one metric, of which nothing was asked yet."""

    @abstractmethod
    def made(self, metric: Metric) -> Self:
        """Ask for a metric."""

    @abstractmethod
    def period(self, last: str | None, between: tuple[str | date, str | date] | None) -> Window | None:
        """Read a choice of days."""

    def where(self, *conditions: Condition) -> Self:
        """Count only some rows, e.g. `m.bookings.where(m.status == "completed")`."""
        return self.made(self.bare().where(*conditions))

    def trailing(self, span: str) -> Self:
        """Count the last so many days (weeks, months, ...) up to the end of each period, e.g. "28 days"."""
        return self.made(self.bare().trailing(span))

    def to_date(self, grain: str) -> Self:
        """Count from the start of the month (quarter, year, ...) up to the end of each period."""
        return self.made(self.bare().to_date(grain))

    def all_time(self) -> Self:
        """Count everything up to the end of each period."""
        return self.made(self.bare().all_time())

    def ago(self, span: str) -> Self:
        """Give the value of an earlier period, e.g. "1 year" ago."""
        return self.made(self.bare().ago(span))

    def growth(self, span: str) -> Self:
        """Compare with an earlier period: 0.1 for ten percent more."""
        return self.made(self.bare().growth(span))

    def share(self, within: Field | tuple[Field, ...] = ()) -> Self:
        """Give the share of the total over all groups of the question, or over those that agree in `within`."""
        return self.made(self.bare().share(within))

    def per(
        self, entity: Field, *, last: str | None = None, between: tuple[str | date, str | date] | None = None
    ) -> Per:
        """Make a value of each row out of the metric: that of the row's entity, e.g. `m.bookings.per(m.booker) > 3`.

        It is calculated from all rows of the release, or from those of the days chosen here, whatever else is asked.

        Args:
            entity: For whom it is calculated.
            last: So many whole periods before the release's `as_of`.
            between: The first day, and the first day after.
        """
        if not isinstance(entity, Field):
            raise SemanticError(f"{entity!r} is no entity.", cure="Name one, e.g. m.booker.")
        return Per(self.bare(), entity, self.period(last, between))

    def named(self, name: str, description: str = "", *, unit: str = "") -> Self:
        """Give a metric that was made here a name for its column."""
        metric = self.bare()
        if not isinstance(metric, Made):
            msg = f"{metric.name} is defined by the model and keeps its name."
            raise SemanticError(msg, cure="Name what you made of it.")
        described = {"description": description or metric.description, "unit": unit or metric.unit}
        return self.made(dataclasses.replace(metric, name=name, **described))

    def steps(self) -> list[Self]:
        """Take a funnel apart: how many rows began it, and from how many each later step was reached."""
        metric = self.bare()
        if not isinstance(metric, Funnel):
            raise SemanticError(f"{metric.name} is no funnel.", cure="Only funnels have steps.")
        numbers = range(len(metric.steps))
        made = [
            dataclasses.replace(metric, reached=n, name=f"{metric.name}_{n + 1}_{metric.steps[n].name}")
            for n in numbers
        ]
        return [self.made(one) for one in made]

    def after(self, periods: int) -> Self:
        """Ask retention after another number of periods."""
        metric = self.bare()
        if not isinstance(metric, Retention):
            raise SemanticError(f"{metric.name} is no retention.", cure="Only retention has periods after the first.")
        name = f"{metric.name}_after_{periods}"
        return self.made(dataclasses.replace(metric, after=periods, name=name))

    def _with(self, other: Any) -> Any:
        return other.bare() if isinstance(other, Algebra) else other

    def __add__(self, other: Any) -> Self:
        return self.made(self.bare() + self._with(other))

    def __radd__(self, other: Any) -> Self:
        return self.made(other + self.bare())

    def __sub__(self, other: Any) -> Self:
        return self.made(self.bare() - self._with(other))

    def __rsub__(self, other: Any) -> Self:
        return self.made(other - self.bare())

    def __mul__(self, other: Any) -> Self:
        return self.made(self.bare() * self._with(other))

    def __rmul__(self, other: Any) -> Self:
        return self.made(other * self.bare())

    def __truediv__(self, other: Any) -> Self:
        return self.made(self.bare() / self._with(other))

    def __rtruediv__(self, other: Any) -> Self:
        return self.made(other / self.bare())

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]  # a comparison is a condition, as in Ibis
        return compare_groups(self.bare(), "==", self._with(other), lambda a, b: a == b)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return compare_groups(self.bare(), "!=", self._with(other), lambda a, b: a != b)

    def __lt__(self, other: Any) -> Condition:
        return compare_groups(self.bare(), "<", self._with(other), lambda a, b: a < b)

    def __le__(self, other: Any) -> Condition:
        return compare_groups(self.bare(), "<=", self._with(other), lambda a, b: a <= b)

    def __gt__(self, other: Any) -> Condition:
        return compare_groups(self.bare(), ">", self._with(other), lambda a, b: a > b)

    def __ge__(self, other: Any) -> Condition:
        return compare_groups(self.bare(), ">=", self._with(other), lambda a, b: a >= b)
