"""The joined table: a dataset's rows with what its references lead to, one column for each value that was asked for.

Every join is a left join to at most one row, so it neither loses nor repeats rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import ibis

from workspace.errors import SemanticError, did_you_mean
from workspace.semantic.compile.rows import Chain, Day, Extra, Join, Needs, Place, Scope
from workspace.semantic.language.calendar import OPEN_START

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from workspace.semantic.language.calendar import Window
    from workspace.semantic.language.declare import Spec, Time
    from workspace.semantic.model import Model


class Release(Protocol):
    """The state that is read: its name, and the moment up to which it is complete."""

    @property
    def name(self) -> str:
        """The release's name."""

    @property
    def as_of(self) -> datetime:
        """The exclusive end of what it knows."""


class Reader(Protocol):
    """What a model needs of the lake."""

    @property
    def release(self) -> Release:
        """The release that is read."""

    def table(self, name: str) -> Any:
        """Read a table's live rows, as an Ibis table."""

    def history(self, name: str) -> Any:
        """Read every version, with `valid_from` and `valid_to`, as an Ibis table."""


@runtime_checkable
class Archive(Reader, Protocol):
    """A reader that can open other releases of its lake."""

    def at(self, release: str) -> Reader:
        """Read another release.

        Raises:
            ReleaseError: There is none of this name.
        """


class Joined(Scope):
    """Resolves expressions over a table that has a column for each (chain, column) that was traced."""

    def __init__(self, model: Model, table: Any, needs: Needs | None = None) -> None:
        super().__init__(model)
        self.table = table
        self.needs = needs or Needs()

    def column(self, place: Place, name: str) -> Any:
        """Read the column that holds a place's value."""
        return self.table[_name(place.chain, name)]

    def wall(self, place: Place, time: Time) -> Any:
        """Read a time as wall clock; where it is a plain column, it was converted before the join."""
        ready = _name(place.chain, f"{time.name}$wall")
        return self.table[ready] if ready in self.table.columns else self.model.calendar.wall(place.raw(time))

    def beside(self, home: Place, extra: Extra, column: str) -> Any:  # noqa: ARG002 - it was joined already
        """Read the column that holds it."""
        return self.table[f"{extra.name}__{column}"]

    def marked(self, name: str) -> Any:
        """Read the column."""
        return self.table[name]

    def count(self, where: Any) -> Any:
        """Count rows."""
        return self.table.count(where=where)

    def truncate(self, value: Any, grain: str) -> Any:
        """Round a wall clock time down."""
        return self.model.calendar.truncate(value, grain)

    def within(self, value: Any, window: Window) -> Any:
        """Build the condition that a moment lies in a window."""
        return window.holds(value, self.model.calendar)

    def keep(self, conditions: Iterable[Any]) -> None:
        """Keep the rows for which all conditions hold."""
        given = list(conditions)
        if given:
            self.table = self.table.filter(*given)

    def older(self) -> dict[str, Any]:
        """For each history table that is read at event time: whether a row is older than its first known version."""
        found: dict[str, Any] = {}
        for chain, join in self.needs.joins.items():
            spec = self.model.target(join.ref)
            if join.event is not None and spec.history:
                moment = self.model.calendar.moment(seen(join.event, self).event_moment())
                older = moment < self.table[_name(chain, "valid_from")]
                found[spec.table] = found[spec.table] | older if spec.table in found else older
        return found


def joined(model: Model, reader: Reader, home: Spec, needs: Needs) -> Joined:
    """Join what was traced, and nothing else, to a dataset's rows."""
    scope = Joined(model, _select(model, needs, (), table=reader.table(home.table), spec=home), needs)
    for chain, join in needs.joins.items():
        _attach(scope, reader, chain, join, needs)
    for extra in needs.extras.values():
        if not extra.repeats:
            _stand_beside(scope, extra, home)
    return scope


def repeat(scope: Joined, home: Spec) -> None:
    """Join the tables that repeat rows, once nothing must be known of each row any more that happens only once."""
    for extra in scope.needs.extras.values():
        if extra.repeats:
            _stand_beside(scope, extra, home)


def seen(event: Place | Day, scope: Scope) -> Place | Day:
    """Read an event's time over a joined table."""
    return replace(event, scope=scope) if isinstance(event, Place) else event


def _stand_beside(scope: Joined, extra: Extra, home: Spec) -> None:
    """Join a table with a key to the home rows. A NULL in a key finds nothing."""
    right, keys = extra.table(), extra.on(scope.home(home))
    on = [left == right[f"{extra.name}__key{i}"] for i, left in enumerate(keys)]
    scope.table = scope.table.join(right, on, how=extra.how)


def _attach(scope: Joined, reader: Reader, chain: Chain, join: Join, needs: Needs) -> None:
    """Left-join the one row, or the one version of it, that a reference means."""
    model, spec = scope.model, scope.model.target(join.ref)
    keys = spec.key.columns if spec.key else ()
    timed = spec.history and join.event is not None
    source = reader.history(spec.table) if timed else reader.table(spec.table)
    if timed:
        source = source.mutate(known_from=_known_from(source, keys, before=join.ref.before))
    if spec.where is not None:
        source = source.filter(Joined(model, source).home(spec).resolve(spec.where))
    extra = (*keys, "valid_from", "known_from", "valid_to") if timed else keys
    right = _select(model, needs, chain, table=source, spec=spec, extra=extra)
    owner = replace(join.owner, scope=scope)
    on = [left == right[_name(chain, key)] for left, key in zip(owner.keys_of(join.ref), keys, strict=True)]
    if join.event is not None and timed:
        moment = model.calendar.moment(seen(join.event, scope).event_moment())
        on += [right[_name(chain, "known_from")] <= moment, moment < right[_name(chain, "valid_to")]]
    scope.table = scope.table.left_join(right, on)


def _known_from(versions: Any, keys: tuple[str, ...], *, before: str) -> Any:
    """Open the first known version of each key to the left, unless NULL is wanted there."""
    if before == "null":
        return versions.valid_from
    first = versions.valid_from.min().over(group_by=[versions[key] for key in keys])
    start = ibis.literal(OPEN_START, versions.valid_from.type())
    return ibis.ifelse(versions.valid_from == first, start, versions.valid_from)


def _select(model: Model, needs: Needs, chain: Chain, *, table: Any, spec: Spec, extra: tuple[str, ...] = ()) -> Any:
    """Choose the columns that are needed, under names that no other chain has, and convert times once."""
    names = sorted({*needs.columns[chain], *extra})
    for name in names:
        if name not in table.columns:
            msg = f"{spec.table} has no column {name!r}, which {spec.name} uses."
            raise SemanticError(msg, cure=did_you_mean(name, {*table.columns, *spec.members}))
    columns = {_name(chain, name): table[name] for name in names}
    here = Joined(model, table).home(spec)
    for name, time in sorted(needs.walls.get(chain, {}).items()):
        columns[_name(chain, f"{name}$wall")] = model.calendar.wall(here.raw(time))
    if not columns:
        # A table of no columns has no rows; a count still needs them.
        columns["__row"] = ibis.literal(1)
    return table.select(**columns)


def _name(chain: Chain, column: str) -> str:
    # Tables have columns such as "customer__country"; none has a "$".
    return "$".join((*chain, column))
