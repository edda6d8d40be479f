"""Current, history and valid-at as Ibis expressions over a log, what was folded of it, and a cut.

One text for every engine and for the fold itself. A log is ordered by (`_position`, `_seq`); rows up to `folded`
are in `current` (live) and `closed` (ended) already, rows after it and up to `cut` are the tail.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import ibis
from ibis import _

OPEN_END = datetime(9999, 12, 31, tzinfo=UTC)
"""`valid_to` of a version that has not ended."""

_ENDED = ("D", "T")
_ORDER = ("_position", "_seq")


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a captured table is read from.

    Attributes:
        log: Every change.
        current: Live rows as of the position `folded`.
        closed: Ended versions; may run ahead of `folded`.
        keys: The key's columns.
        folded: The position up to which the log was folded; 0 if never.
        cut: The last position that a reader may see; everything if None.
    """

    log: ibis.Table
    current: ibis.Table
    closed: ibis.Table
    keys: tuple[str, ...]
    folded: int = 0
    cut: int | None = None

    def tail(self) -> ibis.Table:
        """Give the log's rows that are visible and not folded yet."""
        rows = self.log.filter(_._position > self.folded)
        return rows if self.cut is None else rows.filter(_._position <= self.cut)


def live(parts: Parts) -> ibis.Table:
    """Give the rows that exist at the cut, in the log's columns."""
    newest = _newest(parts.tail(), parts.keys)
    if not parts.folded:
        return _alive(newest)
    untouched = parts.current.anti_join(newest, parts.keys)
    return ibis.union(untouched.select(parts.log.columns), _alive(newest))


def versions(parts: Parts) -> ibis.Table:
    """Give every version at the cut: the log's columns, `valid_from` and `valid_to` (half-open, UTC).

    A version that was replaced at the time it began, as within one transaction, has no extent and is left out.
    """
    open_end = ibis.literal(OPEN_END, type=parts.log._valid_at.type())
    recent = _followed(parts).mutate(valid_to=ibis.coalesce(_._ended_at, open_end))
    found = [_with_extent(recent, parts)]
    if parts.folded:
        untouched = parts.current.anti_join(parts.tail(), parts.keys)
        found.append(_with_extent(untouched.mutate(valid_to=open_end), parts))
        ended = parts.closed.filter(_._ended_position <= parts.folded)
        found.append(_with_extent(ended.mutate(valid_to=_._ended_at), parts))
    return ibis.union(*found) if len(found) > 1 else found[0]


def at(versions: ibis.Table, moment: datetime) -> ibis.Table:
    """Give the versions that were true at `moment`."""
    return versions.filter(_.valid_from <= moment, _.valid_to > moment)


def ended(parts: Parts, *, after: int) -> ibis.Table:
    """Give the versions that the tail ended after a position, as rows of `closed`."""
    return _followed(parts).filter(_._ended_position > after, _._op.notin(_ENDED), _._valid_at < _._ended_at)


def _followed(parts: Parts) -> ibis.Table:
    """Give the tail and the live rows it touches, each with time and position of the next change of its key."""
    tail = parts.tail()
    rows = tail
    if parts.folded:
        touched = parts.current.semi_join(tail, parts.keys)
        rows = ibis.union(touched.select(parts.log.columns), tail)
    window = ibis.window(group_by=parts.keys, order_by=_ORDER)
    return rows.mutate(_ended_at=_._valid_at.lead().over(window), _ended_position=_._position.lead().over(window))


def _newest(rows: ibis.Table, keys: tuple[str, ...]) -> ibis.Table:
    window = ibis.window(group_by=keys, order_by=[ibis.desc(name) for name in _ORDER])
    return rows.mutate(_rank=ibis.row_number().over(window)).filter(_._rank == 0).drop("_rank")


def _alive(rows: ibis.Table) -> ibis.Table:
    return rows.filter(_._op.notin(_ENDED))


def _with_extent(rows: ibis.Table, parts: Parts) -> ibis.Table:
    kept = rows.mutate(valid_from=_._valid_at).filter(_._op.notin(_ENDED), _.valid_from < _.valid_to)
    return kept.select(*parts.log.columns, "valid_from", "valid_to")
