"""Bringing all derived tables of a source to one state of its events, slice by slice."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from workspace.clickstream.atomic import LOGIC, Atomic, choose, chosen_rows, moment, put
from workspace.clickstream.events import BLOCK_ROWS, SELF_DESCRIBING, event_columns, events_sql
from workspace.clickstream.keyed import bring, logic_of
from workspace.clickstream.outcome import Derived
from workspace.clickstream.page_views import PAGE_VIEWS
from workspace.clickstream.people import IDENTITIES, VISITORS
from workspace.clickstream.sessions import sessions
from workspace.clickstream.touchpoints import TOUCHPOINTS
from workspace.clickstream.work import Work
from workspace.errors import LakeError
from workspace.lake import crash_point
from workspace.lake.periods import (
    Derivation,
    DerivedVersion,
    PeriodTable,
    State,
    changed_days,
    day_sql,
    derivations,
    record,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from deltalake import DeltaTable

    from workspace.lake import Column, Lake
    from workspace.settings import SnowplowSource

    Basis = tuple[int, datetime]

SLICE = 200_000
"""About how many copies of events a slice takes in: what a build needs of memory and disk follows from it."""


def derive(source: SnowplowSource, lake: Lake, *, run: str, as_of: datetime) -> Derived:
    """Bring the derived tables of a source to its newest batch, as of a time.

    The tables are then what a build from nothing would make of the events that are durable now and that the collector
    got before `as_of`; but only the days that change are written. A long way is gone in slices, each complete in
    itself, so that a derivation that was killed goes on where it stopped.

    Args:
        source: Whose events they are.
        lake: Where they are, and where the tables go: `<source>.events` and so on, and `marketing.touchpoints`.
        run: The id of the run.
        as_of: The exclusive end. Before that of the last derivation, there is nothing to do.

    Raises:
        LakeError: The source has no events yet, another process derives the same tables, or another source has them.
    """
    as_of = as_of.astimezone(UTC)
    # Opened before anything is read: of two processes that derive, one then conflicts.
    tables = _Tables(source, lake)
    log = lake.events(source.name)
    every = derivations(lake)
    known = [one for one in every if one.source == source.name]
    if others := {one.source for one in every} - {source.name}:
        msg = f"marketing.touchpoints is derived from {', '.join(sorted(others))}; {source.name} would overwrite it."
        raise LakeError(msg, cure="Keep to one source of kind snowplow in a lake.")
    done = Derived(source=source.name, batch=log.batch, as_of=as_of)
    newest = max([one.as_of for one in known] + [state.as_of for state in tables.states()], default=as_of)
    if as_of < newest:
        done.notes = (f"Nothing to do: the tables are as of {newest:%Y-%m-%d %H:%M} UTC already.",)
        return done
    with Work() as work:
        atomic = Atomic(table=log.table, batch=log.batch)
        for basis in _slices(work, tables.events.state, atomic, as_of):
            tables.bring(work, atomic, basis, done)
    done.days.update(tables.rewritten())
    crash_point("derive.before_record")
    made = Derivation(
        source=source.name, build=len(known) + 1, batch=log.batch, as_of=as_of, run=run, tables=tables.versions()
    )
    if not known or (made.batch, made.as_of, made.tables) != (known[-1].batch, known[-1].as_of, known[-1].tables):
        record(lake, made)
    return done


class _Tables:
    """The derived tables of a source, opened once."""

    def __init__(self, source: SnowplowSource, lake: Lake) -> None:
        self._source, self._layout = source.name, lake.layout
        self._opened: dict[str, PeriodTable] = {}
        self._columns = event_columns(lake.events(source.name).columns)
        self._keyed = (PAGE_VIEWS, sessions(source.conversions), VISITORS, IDENTITIES, TOUCHPOINTS)
        self._open("events", self._columns, LOGIC)
        self._open("self_describing", SELF_DESCRIBING, LOGIC)
        for keyed in self._keyed:
            inputs = [each.table for each in keyed.inputs]
            rules = [keyed, *(self._opened[name].logic for name in inputs)]
            self._open(keyed.name, keyed.columns, logic_of(*rules), inputs)

    def _open(self, name: str, columns: Sequence[Column], logic: int, inputs: Sequence[str] = ()) -> None:
        full = f"marketing.{name}" if name == TOUCHPOINTS.name else f"{self._source}.{name}"
        whole = logic_of(logic, columns)
        self._opened[name] = PeriodTable(self._layout, full, columns, inputs=inputs, logic=whole)

    @property
    def events(self) -> PeriodTable:
        """The table that all others but `self_describing` come from."""
        return self._opened["events"]

    def states(self) -> list[State]:
        """Give the states of the tables that have one."""
        return [table.state for table in self._opened.values() if table.state is not None]

    def versions(self) -> tuple[DerivedVersion, ...]:
        """Give the Delta versions of all tables."""
        return tuple(
            DerivedVersion(name=table.name, version=table.table.version(), rows=table.rows)
            for table in self._opened.values()
        )

    def rewritten(self) -> dict[str, int]:
        """Tell of how many days each table was written anew."""
        return {table.name: len(table.rewritten) for table in self._opened.values()}

    def bring(self, work: Work, atomic: Atomic, basis: Basis, done: Derived) -> None:
        """Bring every table to a basis that lies no further back than theirs."""
        self._bring_events(work, atomic, basis, done)
        state = State(batch=basis[0], as_of=basis[1], logic=0)
        for keyed in self._keyed:
            table = self._opened[keyed.name]
            done.written[table.name] += bring(work, keyed, table, self._opened, state)
            crash_point("derive.after_table")

    def _bring_events(self, work: Work, atomic: Atomic, basis: Basis, done: Derived) -> None:
        days: dict[Basis | None, set[date]] = {}
        for name in ("events", "self_describing"):
            table = self._opened[name]
            known = table.state
            old = known.basis if known else None
            if old == basis:
                continue
            if old not in days:  # both stand at the same basis, unless a derivation was killed between them
                days = {old: choose(work, atomic, old, basis)}
            before = table.at(table.table.version()) if known else None  # a commit moves the object that it is made on
            fresh = self._fresh(work, atomic, basis, name) if days[old] else ""
            done.written[table.name] += put(work, table, days[old], fresh, basis)
            if name == "events":
                _count(work, done, before, table.table)
            elif days[old]:
                done.broken += work.rows("SELECT count(*) FROM blocks WHERE name IS NULL")[0][0]
            crash_point("derive.after_table")

    def _fresh(self, work: Work, atomic: Atomic, basis: Basis, name: str) -> str:
        if name == "self_describing":
            return BLOCK_ROWS
        return events_sql(chosen_rows(work, atomic, basis), self._columns)


def _count(work: Work, done: Derived, before: DeltaTable | None, after: DeltaTable) -> None:
    days = changed_days(before, after) if before else None
    counts = "count(*), sum(natural_copies), sum(overlap_copies), count(duplicate_of), count(*) FILTER (bot)"
    for sign, table in ((-1, before), (1, after)):
        if table is None:
            continue
        found = work.rows(f"SELECT {counts} FROM {day_sql(table, days)}")[0]
        events, natural, overlap, synthetic, bots = (sign * int(count or 0) for count in found)
        done.events += events
        done.natural += natural
        done.overlap += overlap
        done.synthetic += synthetic
        done.bots += bots


def _slices(work: Work, state: State | None, atomic: Atomic, as_of: datetime) -> Iterator[Basis]:
    """Go from the state of `events` to the newest one in steps of about `SLICE` copies.

    What came late is taken in first, batch by batch, then what is new, day by day.
    """
    end = (atomic.batch, as_of)
    old = state.basis if state else None
    if old is not None:
        yield old  # for the tables that a killed derivation left behind
    until = old[1] if old else datetime.min.replace(tzinfo=UTC)
    late = f"collector_tstamp < {moment(until)}" if old else "false"
    found = work.rows(
        f"SELECT {late} AS late, CASE WHEN late THEN _batch END AS batch, "
        f"CASE WHEN NOT late THEN collector_date END AS day, count(*) "
        f"FROM {atomic.fresh(old, end)} GROUP BY ALL ORDER BY late DESC, batch, day"
    )
    taken = reached = 0
    if sum(count for *_, count in found) > SLICE:
        for is_late, batch, day, count in found:
            if taken and taken + count > SLICE:
                yield (reached, until) if is_late else (atomic.batch, max(until, _midnight(day)))
                taken = 0
            taken += count
            reached = batch
    yield end


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
