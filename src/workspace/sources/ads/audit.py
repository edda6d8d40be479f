"""Totals of campaigns against the sum of what the lake holds of them, day by day."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from workspace.sources.ads.answers import TooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    import pyarrow as pa

    from workspace.sources.ads.adapter import Account, Adapter

    Key = tuple[str, str, date]
    Totals = dict[Key, tuple[Decimal | int | None, ...]]

_NUMBERS = ("spend", "impressions", "clicks", "conversions", "conversion_value")
_KEY = ("campaign_id", "placement", "day")
COLUMNS = (*_KEY, *_NUMBERS)
"""What of a performance row is compared."""

_SHARED = frozenset({"conversions", "conversion_value"})
"""Numbers that models divide among ads: their sums are right to rounding only."""
_ROUNDING = Decimal("0.01")


def totals(adapter: Adapter, account: Account, first: date, last: date) -> Totals:
    """Ask for the numbers of every campaign, placement and day.

    Raises:
        TooLargeError: Not even one day is answered.
    """
    try:
        found: Totals = {}
        for page in adapter.performance(account, first, last, "campaign"):
            for row in page:
                found[row.campaign_id, row.placement, row.day] = tuple(getattr(row, name) for name in _NUMBERS)
    except TooLargeError:
        if first == last:
            raise
        middle = first + timedelta(days=(last - first).days // 2)
        return totals(adapter, account, first, middle) | totals(adapter, account, middle + timedelta(days=1), last)
    else:
        return found


def differing(told: Totals, held: pa.Table) -> set[date]:
    """Give the days on which a campaign's total is not the sum of what is held of it; a number not told is none."""
    # Summed before they become rows of Python: there are many more ads than campaigns.
    summed = held.group_by(_KEY).aggregate([(name, "sum") for name in _NUMBERS])
    sums: dict[Key, tuple[Decimal, ...]] = {
        (row["campaign_id"], row["placement"], row["day"]): tuple(Decimal(row[f"{name}_sum"] or 0) for name in _NUMBERS)
        for row in summed.to_pylist()
    }
    nothing = (Decimal(),) * len(_NUMBERS)
    return {key[2] for key in told.keys() | sums.keys() if not _same(told.get(key, nothing), sums.get(key, nothing))}


def _same(told: Iterable[Decimal | int | None], sums: Iterable[Decimal]) -> bool:
    return all(
        number is None or abs(number - total) <= (_ROUNDING if name in _SHARED else 0)
        for name, number, total in zip(_NUMBERS, told, sums, strict=True)
    )
