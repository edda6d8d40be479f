"""What the words of a question read from a metric's home rows: paths, also to many, metrics per entity, the largest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import ibis
from ibis.common.exceptions import IbisError

from workspace.errors import SemanticError
from workspace.semantic.compile.bridge import Bridge, way
from workspace.semantic.compile.paths import is_own_time, locate, value_at
from workspace.semantic.language.names import find
from workspace.semantic.language.words import Condition, Field, Per

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from workspace.semantic.compile.branch import Part
    from workspace.semantic.compile.join import Reader
    from workspace.semantic.compile.question import Question
    from workspace.semantic.compile.rows import Place
    from workspace.semantic.language.declare import Spec
    from workspace.semantic.language.words import By
    from workspace.semantic.model import Model

REST = "(rest)"
"""What stands for all but the largest groups."""


def to_many(model: Model, home: Spec, field: Any) -> bool:
    """Tell whether a path has no to-one meaning for a dataset."""
    return isinstance(field, Field) and bool(field.steps) and not find(model, home, field.steps)


@dataclass(kw_only=True, eq=False)
class PerEntity:
    """A metric's value for each entity, as a table with a key."""

    per: Per
    name: str
    entity: Callable[[Place], Any]
    ask: Callable[[Question], Part]
    how: Literal["left"] = "left"
    repeats: bool = False

    def on(self, home: Place) -> list[Any]:
        """Read the entity's key."""
        return [self.entity(home)]

    @cached_property
    def _asked(self) -> Part:
        from workspace.semantic.compile.question import Question

        return self.ask(Question(metrics=(self.per.metric,), by=(self.per.entity,), window=self.per.window))

    @property
    def counts(self) -> bool:
        """Whether the metric is 0 and not missing for those who are in none of its rows."""
        return self.per.metric.name in self._asked.counts

    def table(self) -> Any:
        """Ask for the metric by the entity."""
        found = self._asked.table
        key, value = found[self.per.entity.column], found[self.per.metric.name]
        return found.select(**{f"{self.name}__key0": key, f"{self.name}__value": value})


@dataclass(kw_only=True)
class Largest:
    """The groups that lead by the first metric, as a table with a key; NULL is a group like any other."""

    fields: tuple[By, ...]
    read: Callable[[Place, By], Any]
    ask: Callable[[], Any]
    name: str = "top"
    how: Literal["left"] = "left"
    # It may ask for what a bridge leads to, so it comes after all bridges.
    repeats: bool = True

    def on(self, home: Place) -> list[Any]:
        """Read what the groups are told apart by."""
        return [key for field in self.fields for key in self._keys(self.read(home, field))]

    def table(self) -> Any:
        """Ask for the largest groups."""
        found = self.ask()
        keys = [key for field in self.fields for key in self._keys(found[field.column])]
        named = {f"{self.name}__key{i}": key for i, key in enumerate(keys)}
        return found.select(**named, **{f"{self.name}__in": ibis.literal(True)})  # noqa: FBT003

    def _keys(self, value: Any) -> tuple[Any, Any]:
        return value.cast("string").fill_null(""), value.isnull()


class Reading:
    """Reads a question's words for the metrics of one dataset."""

    def __init__(
        self,
        model: Model,
        reader: Reader,
        home: Spec,
        *,
        metric: str,
        question: Question,
        fields: tuple[By, ...],
        ask: Callable[[Question], Part],
        top: Callable[[], Any] | None = None,
    ) -> None:
        self.model = model
        self.home = home
        self.metric = metric
        self.fields = fields
        self._reader = reader
        self._ask = ask
        self._top = top
        self._bridges: dict[str, Bridge] = {}
        self._pers: dict[Per, PerEntity] = {}
        for field in fields:
            if isinstance(field, Field) and to_many(model, home, field):
                self._bridge(field).fields[field.column] = field
        for condition in question.where:
            self._note(condition)

    def _note(self, condition: Condition) -> None:
        """Hand a condition on the many to their bridge; there all its words must be read."""
        far = [field for field in condition.fields if to_many(self.model, self.home, field)]
        if far:
            bridges = {id(self._bridge(field)): self._bridge(field) for field in far}
            if len(bridges) > 1:
                msg = f"{condition.text} asks about several rows at once, each of its own dataset."
                raise SemanticError(msg, cure="List its parts apart: where=[..., ...].")
            next(iter(bridges.values())).conditions.append(condition)

    def far(self, condition: Any) -> bool:
        """Tell whether a bridge sees to a condition."""
        return isinstance(condition, Condition) and any(
            to_many(self.model, self.home, field) for field in condition.fields
        )

    def touch(self, home: Place) -> None:
        """Note every bridge, so that its rows are joined even if nothing of it is read."""
        for bridge in self._bridges.values():
            home.scope.beside(home, bridge, "")

    def key(self, home: Place, field: By) -> Any:
        """Read what rows are grouped by."""
        value = self.value(home, field)
        if self._top is None or field.grain or not any(field is one for one in self.categories):
            return value
        largest = Largest(fields=self.categories, read=self.value, ask=self._top)
        among = home.scope.beside(home, largest, "in")
        return ibis.ifelse(among.notnull(), value.cast("string"), REST)

    @property
    def categories(self) -> tuple[By, ...]:
        """The fields that are no time."""
        return tuple(field for field in self.fields if not field.grain)

    def value(self, home: Place, field: Any) -> Any:
        """Read a word of the question."""
        if isinstance(field, Per):
            extra = self._per(field)
            value = home.scope.beside(home, extra, "value")
            if not extra.counts:
                return value
            # Who is in no row of a count has a count of none; what belongs to nobody has no count.
            return ibis.ifelse(extra.entity(home).notnull(), value.fill_null(0), ibis.null("int64"))
        if to_many(self.model, self.home, field):
            return home.scope.beside(home, self._bridge(field), field.column)
        if not field.steps:
            time = self.home.time
            assert time is not None  # noqa: S101 - for the type checker; see Model
            return home.period(time, field.grain or "day")
        return value_at(home, locate(self.model, self.home, field, self.metric), field.grain)

    def asker(self, condition: Any) -> Callable[[Place], Any]:
        """Make a condition, of the question or of a declaration, a function of the home row."""
        if isinstance(condition, Condition):
            return lambda place: self._built(condition, place)
        return lambda place: place.resolve(condition)

    def is_dimension(self, field: By) -> bool:
        """Tell whether something is a dimension or a time, of which there are far fewer values than rows."""
        if isinstance(field, Per) or to_many(self.model, self.home, field):
            return False
        return not field.steps or locate(self.model, self.home, field, self.metric).member is not None

    def _built(self, condition: Condition, place: Place) -> Any:
        try:
            return condition.build(lambda field: self.value(place, field))
        except IbisError as error:
            msg = f"The condition {condition.text} does not fit the type of what it compares: {error}."
            raise SemanticError(msg, cure="Compare with a value of the same type.") from None

    def own_times(self, fields: Iterable[By]) -> list[By]:
        """List the fields that are the metric's own time."""
        return [field for field in fields if is_own_time(self.model, self.home, field, self.metric)]

    def about_time(self, condition: Any) -> bool:
        """Tell whether a condition only asks about the metric's own time."""
        if not isinstance(condition, Condition):
            return False
        return bool(condition.fields) and len(self.own_times(condition.fields)) == len(condition.fields)

    def _per(self, field: Per) -> PerEntity:
        if field not in self._pers:
            found = locate(self.model, self.home, field.entity, self.metric)
            self._pers[field] = PerEntity(
                per=field,
                name=f"per{len(self._pers)}_{field.metric.name}",
                entity=lambda place: value_at(place, found, field.entity.grain),
                ask=self._ask,
            )
        return self._pers[field]

    def _bridge(self, field: Field) -> Bridge:
        found = way(self.model, self.home, field, self.metric)
        assert found is not None  # noqa: S101 - for the type checker; see question.check
        if found.name not in self._bridges:
            self._bridges[found.name] = Bridge(model=self.model, reader=self._reader, way=found, metric=self.metric)
        return self._bridges[found.name]
