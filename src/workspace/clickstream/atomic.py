"""From atomic events to `events` and `self_describing`: what is new, what it touches, which copies count now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from workspace.clickstream.agents import TRAITS
from workspace.clickstream.blocks import blocks_sql
from workspace.clickstream.copies import CHOSEN, COPIES, GONE
from workspace.clickstream.events import BLOCK_ROWS, COMPUTED, KEPT, events_sql
from workspace.clickstream.keyed import logic_of
from workspace.lake import delta
from workspace.lake.periods import State, day_sql

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime

    from deltalake import DeltaTable

    from workspace.clickstream.work import Work
    from workspace.lake.periods import PeriodTable

    Basis = tuple[int, datetime]

LOGIC = logic_of(
    COPIES, CHOSEN, GONE, TRAITS, KEPT, blocks_sql("chosen"), BLOCK_ROWS, COMPUTED, events_sql("atomic", ())
)


@dataclass(frozen=True, kw_only=True)
class Atomic:
    """The atomic events of a source, at one Delta version.

    Attributes:
        table: The version.
        batch: Its last batch.
    """

    table: DeltaTable
    batch: int

    def visible(self, basis: Basis, *, days: Collection[date] | None = None) -> str:
        """Give the relation of all copies that are part of a basis, of some days or all."""
        return f"(SELECT * FROM {day_sql(self.table, days)} WHERE {_before(basis)})"

    def fresh(self, old: Basis | None, new: Basis) -> str:
        """Give the relation of the copies that are part of a basis, and of an older one not."""
        if old is None:
            return self.visible(new)
        batch, as_of = old
        files = self._files_after(batch, as_of)
        newer = f"(_batch > {batch} OR collector_tstamp >= {moment(as_of)})"
        return f"(SELECT * FROM {day_sql(self.table, files=files)} WHERE {_before(new)} AND {newer})"

    def _files_after(self, batch: int, as_of: datetime) -> list[str]:
        """Leave out the files whose rows are all part of a basis, as far as the Delta log tells."""
        actions = pa.table(self.table.get_add_actions(flatten=True)).to_pylist()
        old = {
            action["path"].rsplit("/", 1)[-1]
            for action in actions
            if (action.get("max._batch") or batch + 1) <= batch
            and (action.get("max.collector_tstamp") or as_of) < as_of
        }
        return [path for path in delta.files_of(self.table) if path.rsplit("/", 1)[-1] not in old]


def moment(time: datetime) -> str:
    """Write a time in SQL."""
    return f"TIMESTAMPTZ '{time.isoformat()}'"


def _before(basis: Basis) -> str:
    batch, as_of = basis
    # The date goes without saying, but files are chosen by it.
    return f"_batch <= {batch} AND collector_tstamp < {moment(as_of)} AND collector_date <= DATE '{as_of.date()}'"


def choose(work: Work, atomic: Atomic, old: Basis | None, new: Basis) -> set[date]:
    """Find the events that new copies touch, and choose anew which of their copies counts.

    Makes the tables `touched`, `copies`, `chosen` and `gone`, as `copies` describes them, then `blocks` and `traits`
    of the chosen copies.

    Returns:
        The days in which these events were or are.
    """
    work.table("touched", f"SELECT DISTINCT event_id FROM {atomic.fresh(old, new)}")
    if not work.any("touched"):
        return set()
    # Of all days one column is read, of those that have a copy the rest.
    of_touched = "event_id IN (SELECT event_id FROM touched)"
    days = work.days(f"SELECT DISTINCT collector_date FROM {atomic.visible(new)} WHERE {of_touched}")
    work.table("copies", COPIES.format(atomic=atomic.visible(new, days=days)))
    work.table("chosen", CHOSEN)
    work.table("gone", GONE)
    kept = KEPT.format(atomic=chosen_rows(work, atomic, new))
    work.table("blocks", blocks_sql(f"({kept})"))
    work.table("traits", TRAITS)
    return days


def chosen_rows(work: Work, atomic: Atomic, basis: Basis) -> str:
    """Give the relation in which the chosen copies are, together with others of their days."""
    return atomic.visible(basis, days=work.days("SELECT DISTINCT chosen_day FROM chosen"))


def put(work: Work, table: PeriodTable, days: Collection[date], fresh: str, basis: Basis) -> int:
    """Replace what a table has of the events in `copies` by fresh rows.

    Args:
        work: Where `gone` is.
        table: `events` or `self_describing`.
        days: In which these events were or are; if there are none, the table only moves on to the basis.
        fresh: A query for the rows that there are of them now.
        basis: What the table is derived from after this.

    Returns:
        How many rows were written.
    """
    batch, as_of = basis
    state = State(batch=batch, as_of=as_of, logic=table.logic)
    if not days:
        return table.replace((), None, state)
    rows = f"SELECT {', '.join(table.names)} FROM ({fresh})"
    if table.state is not None:
        kept = f"SELECT * FROM {day_sql(table.table, days)} WHERE event_id NOT IN (SELECT event_id FROM gone)"
        rows = f"{kept} UNION ALL BY NAME {rows}"
    return table.replace(days, work.stream(rows), state)
