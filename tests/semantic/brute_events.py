"""Funnels and retention by brute force: who did what after what, one entity after the other."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from semantic.brute_time import after, begin

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, timedelta

    from semantic.brute import Row


def funnel(steps: list[list[Row]], who: str, within: timedelta | None) -> list[list[int]]:
    """For each step, the places (in the list of the first step's rows) of the entries from which it was reached.

    A row of a later step is credited to the latest row of the step before it, at or before its own moment, that was
    reached itself; between equal moments to that with the greater key. It reaches the step if it lies within so much
    time of the entry. Rows without a moment or without an entity lead nowhere.
    """
    reached: list[list[int]] = [list(range(len(steps[0])))]
    # The rows of the step before, that were reached: when, and (of the entry) key and place.
    before = [
        (row["moment"], row["key"], place)
        for place, row in enumerate(steps[0])
        if row["moment"] is not None and row[who] is not None
    ]
    for rows in steps[1:]:
        now = []
        for row in rows:
            if row["moment"] is None:
                continue
            known = [one for one in before if steps[0][one[2]][who] == row[who] and one[0] <= row["moment"]]
            if not known:
                continue
            _when, key, place = max(known, key=lambda one: (one[0], steps[0][one[2]]["moment"], one[1]))
            if within is None or row["moment"] <= steps[0][place]["moment"] + within:
                now.append((row["moment"], key, place))
        reached.append(sorted({place for *_rest, place in now}))
        before = now
    return reached


def retention(
    first: list[Row], back: list[Row], who: str, *, grain: str, periods: int, today: date
) -> list[tuple[Row, bool]]:
    """The row with which each one begins, if the later period is over, and whether the one was back in it."""
    mine: defaultdict[Any, list[Row]] = defaultdict(list)
    for row in first:
        if row[who] is not None and row["moment"] is not None:
            mine[row[who]].append(row)
    found = []
    for key, rows in mine.items():
        row = min(rows, key=lambda row: (row["moment"], row["key"]))
        later = begin(row["day"], grain)
        for _each in range(periods):
            later = after(later, grain)
        if after(later, grain) <= today:
            there = any(other[who] == key and other["day"] and begin(other["day"], grain) == later for other in back)
            found.append((row, there))
    return found


def kept(rows: list[Row], how: Callable[[Row], bool]) -> list[Row]:
    return [row for row in rows if how(row)]
