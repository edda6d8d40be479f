"""Current, history and valid-at as Ibis expressions over a log, what was folded of it, and a cut.

One text for every engine and for the fold itself. A log is ordered by (`_position`, `_seq`); rows up to `folded`
are in `current` (live) and `closed` (ended) already, rows after it and up to `cut` are the tail.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

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
    tail = parts.tail()
    window = ibis.window(group_by=parts.keys, order_by=[ibis.desc(name) for name in _ORDER])
    ranked = tail.mutate(_rank=ibis.row_number().over(window))
    newest = ranked.filter(_._rank == 0, _._op.notin(_ENDED)).drop("_rank")
    if not parts.folded:
        return newest
    untouched = parts.current.anti_join(tail.select(parts.keys), parts.keys)
    return ibis.union(untouched.select(parts.log.columns), newest)


def versions(parts: Parts) -> ibis.Table:
    """Give every version at the cut: the log's columns, `valid_from` and `valid_to` (half-open, UTC).

    A version that was replaced at the time it began, as within one transaction, has no extent and is left out.
    """
    open_end = ibis.literal(OPEN_END, type=parts.log._valid_at.type())
    found = [_tail_followed(parts).filter(_._op.notin(_ENDED))]
    if parts.folded:
        # What is folded holds no ends, and what is closed had an extent: neither is asked again.
        found.append(_folded_followed(parts, "left"))
    bounded = [rows.mutate(valid_from=_._valid_at, valid_to=_._ended_at.coalesce(open_end)) for rows in found]
    visible = [rows.filter(_.valid_from < _.valid_to) for rows in bounded]
    if parts.folded:
        ended = parts.closed.filter(_._ended_position <= parts.folded)
        visible.append(ended.mutate(valid_from=_._valid_at, valid_to=_._ended_at))
    columns = [*parts.log.columns, "valid_from", "valid_to"]
    shown = [rows.select(columns) for rows in visible]
    return ibis.union(*shown) if len(shown) > 1 else shown[0]


def deleted(log: ibis.Table, keys: tuple[str, ...], cut: int) -> ibis.Table:
    """Give every deletion up to the cut: the key's columns, and the moment as `deleted_at` (UTC).

    Args:
        log: Every change, what is folded included.
        keys: The key's columns.
        cut: The last position that a reader may see.
    """
    ends = log.filter(_._op.isin(_ENDED), _._position <= cut)
    return ends.select(*keys, deleted_at=_._valid_at)


def at(versions: ibis.Table, moment: datetime) -> ibis.Table:
    """Give the versions that were true at `moment`."""
    return versions.filter(_.valid_from <= moment, _.valid_to > moment)


def ended(parts: Parts, *, after: int) -> ibis.Table:
    """Give the versions that the tail ended after a position, as rows of `closed`."""
    columns = parts.closed.columns
    found = [_tail_followed(parts).select(columns)]
    if parts.folded:
        found.append(_folded_followed(parts, "inner").select(columns))
    rows = ibis.union(*found) if len(found) > 1 else found[0]
    return rows.filter(_._ended_position > after, _._op.notin(_ENDED), _._valid_at < _._ended_at)


def _tail_followed(parts: Parts) -> ibis.Table:
    """Give the tail's rows, each with time and position of the next change of its key."""
    window = ibis.window(group_by=parts.keys, order_by=_ORDER)
    ends = {"_ended_at": _._valid_at.lead().over(window), "_ended_position": _._position.lead().over(window)}
    return parts.tail().mutate(**ends)


def _folded_followed(parts: Parts, how: Literal["left", "inner"]) -> ibis.Table:
    """Give the folded live rows, each with time and position of its key's first change in the tail."""
    # Valid time never falls as positions rise, so the first change is the least in both.
    least = parts.tail().group_by(parts.keys).aggregate(_ended_at=_._valid_at.min(), _ended_position=_._position.min())
    first = least.rename({f"_next_{key}": key for key in parts.keys})
    same = [parts.current[key] == first[f"_next_{key}"] for key in parts.keys]
    return parts.current.join(first, same, how=how)
