"""What every engine does alike: the tables of a release, opened at its versions, as Ibis expressions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import ibis

from workspace.engine.views import Views, none
from workspace.errors import LakeError, did_you_mean
from workspace.lake import delta, views
from workspace.lake.parts import open_parts
from workspace.lake.schema import LOG_META

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import datetime

    from deltalake import DeltaTable

    from workspace.lake import Column, Lake, Pin, Release, View

SYSTEM = "system"
HISTORY = "_history"
"""What the SQL name of a table's history ends with: `user_db.users_history`."""

VALIDITY = frozenset({"valid_from", "valid_to"})
"""What a derived table of versions has, as every history does."""

_SYSTEM_TABLES = ("checks", "derivations", "releases", "runs", "watermarks")


class Engine(ABC):
    """Reads one release of a lake, and can change nothing.

    Args:
        lake: Where the tables are.
        release: What to see of them.
        given: Gives the views that there may be over them.
    """

    def __init__(self, lake: Lake, release: Release, given: Callable[[], Iterable[View]] = none) -> None:
        self.release = release
        self.virtual = Views(self, given)
        self._lake = lake
        self._parts: dict[str, views.Parts] = {}
        # An expression takes longer to build than many a question, and never changes.
        self._columns: dict[str, tuple[Column, ...]] = {}
        self._live: dict[str, ibis.Table] = {}
        self._versions: dict[str, ibis.Table] = {}
        self._plain: dict[str, ibis.Table] = {}

    @property
    def as_of(self) -> datetime:
        """The exclusive end of what the release sees, in UTC."""
        return self.release.as_of

    @property
    def captured(self) -> Collection[str]:
        """The tables of the release that are no views, by name."""
        return self.release.tables.keys()

    @property
    def tables(self) -> list[str]:
        """The tables and views of the release, by name."""
        return sorted([*self.captured, *self.virtual.names])

    def columns(self, name: str) -> tuple[Column, ...]:
        """Give the columns of a table or view: their types, which are its key, and which are personal.

        Raises:
            LakeError: The release has no such table.
        """
        if name not in self._columns:
            view = self._view(name)
            found = self.virtual.columns(view, self.table(name)) if view else self._lake.columns(self._pin(name))
            self._columns[name] = found
        return self._columns[name]

    def table(self, name: str) -> ibis.Table:
        """Give a table's live rows; a `system` table as it is now.

        Raises:
            LakeError: The release has no such table.
        """
        if name.startswith(f"{SYSTEM}."):
            return self._system(name)
        if name not in self._live:
            view = self._view(name)
            rows = view.rows(self) if view else self._current(name)
            self._live[name] = self._shown(f"live.{name}", rows, kept=view is not None and view.kept)
        return self._live[name]

    def history(self, name: str) -> ibis.Table:
        """Give every version of every row, with `valid_from` and `valid_to` (half-open, UTC).

        Raises:
            LakeError: The release has no such table, or its rows never change.
        """
        if name not in self._versions:
            view = self._view(name)
            rows = view.versions(self) if view and view.versions else self._every_version(name)
            self._versions[name] = self._shown(f"history.{name}", rows, kept=view is not None and view.kept)
        return self._versions[name]

    def has_history(self, name: str) -> bool:
        """Tell whether a table's rows have versions: events, and most of what is derived from them, do not.

        Raises:
            LakeError: The release has no such table.
        """
        if view := self._view(name):
            return view.versions is not None
        return self._pin(name).kind == "log" or set(self._rows(name).columns) >= VALIDITY

    def deleted(self, name: str) -> ibis.Table:
        """Give every deletion of a row: the key's columns, and the moment as `deleted_at` (UTC).

        Raises:
            LakeError: The release has no such table.
        """
        if view := self._view(name):
            return view.ends(self) if view.ends else self._no_ends(name)
        pin = self._pin(name)
        if pin.kind != "log":
            return self._no_ends(name)
        parts = self._open(name)
        whole = delta.open_table(self._lake.layout.uri("log", name), pin.log)
        return views.deleted(self._register(f"whole.{name}", whole), parts.keys, pin.position)

    def valid_at(self, name: str, moment: datetime) -> ibis.Table:
        """Give the rows that were true at a moment, as known in this release.

        Raises:
            LakeError: The release has no such table.
        """
        return views.at(self.history(name), moment).drop("valid_from", "valid_to")

    @abstractmethod
    def sql(self, text: str) -> ibis.Table:
        """Ask in the engine's SQL; `user_db.users` is a table's live rows, `user_db.users_history` its history.

        Raises:
            SemanticError: It is no single SELECT, or the engine refuses it.
        """

    @abstractmethod
    def _register(self, name: str, table: DeltaTable, *, after: int = 0) -> ibis.Table:
        """Make exactly this version readable; files whose rows all lie at or before `after` may be left out."""

    def _shown(self, name: str, rows: ibis.Table, *, kept: bool) -> ibis.Table:
        """Give what rows are read as from now on; an engine may keep them, or how to get them, under a name."""
        del name, kept
        return rows

    def _view(self, name: str) -> View | None:
        return None if name in self.captured else self.virtual.find(name)

    def _current(self, name: str) -> ibis.Table:
        if self._pin(name).kind == "log":
            return views.live(self._open(name)).drop(LOG_META.names)
        rows = self._rows(name)
        if set(rows.columns) >= VALIDITY:
            return rows.filter(rows.valid_to == ibis.literal(views.OPEN_END, type=rows.valid_to.type())).drop(*VALIDITY)
        return rows

    def _every_version(self, name: str) -> ibis.Table:
        if self._view(name) is None and self._pin(name).kind == "log":
            return views.versions(self._open(name)).drop(LOG_META.names)
        if self.has_history(name):
            return self._rows(name)
        msg = f"{name} has no history: its rows come to be and do not change."
        raise LakeError(msg, cure=f"Read table({name!r}), and another release for what was known then.")

    def _no_ends(self, name: str) -> ibis.Table:
        return self.history(name).filter(ibis.literal(value=False)).mutate(deleted_at=ibis.now())

    def _rows(self, name: str) -> ibis.Table:
        """Give the rows of a table that is no log, as the release sees them."""
        if name not in self._plain:
            pin = self._pin(name)
            table = delta.open_table(self._lake.layout.uri(pin.kind, name), pin.log)
            rows = self._register(name, table)
            if pin.until is not None:
                end = ibis.literal(pin.until, type=rows.collector_tstamp.type())
                rows = rows.filter(rows._batch <= pin.position, rows.collector_tstamp < end)
            self._plain[name] = rows
        return self._plain[name]

    def _pin(self, name: str) -> Pin:
        pin = self.release.tables.get(name)
        if pin is None:
            raise self._unknown(name)
        return pin

    def _unknown(self, name: str) -> LakeError:
        msg = f"Release {self.release.name} has no table {name!r}"
        if name in self.virtual.known:
            cure = "Describe the source in workspace.toml, then `workspace tick`; an older release stays as it is."
            return LakeError(f"{msg}: it is made of {self.virtual.missing(name)}, which it lacks.", cure=cure)
        return LakeError(f"{msg}.", cure=did_you_mean(name, self.tables))

    def _open(self, name: str) -> views.Parts:
        if name not in self._parts:
            self._parts[name] = open_parts(self._register, self._lake.layout, name, self._pin(name).versions)
        return self._parts[name]

    def _system(self, name: str) -> ibis.Table:
        table = name.partition(".")[2]
        uri = self._lake.layout.uri("system", table)
        if not delta.exists(uri):
            raise LakeError(f"There is no table {name} yet.", cure=did_you_mean(table, _SYSTEM_TABLES))
        return self._register(name, delta.open_table(uri))
