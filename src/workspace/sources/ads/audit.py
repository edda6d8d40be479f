"""Totals of campaigns against the sum of what the lake holds of them, day by day."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from workspace.sources.ads.answers import TooLargeError

if TYPE_CHECKING:
    from datetime import date

    import pyarrow as pa

    from workspace.sources.ads.adapter import Account, Adapter

    Totals = dict[tuple[str, str, date], tuple[Decimal, int, int]]

_NOTHING = (Decimal(0), 0, 0)


def totals(adapter: Adapter, account: Account, first: date, last: date) -> Totals:
    """Ask for spend, impressions and clicks of every campaign, placement and day.

    Raises:
        TooLargeError: Not even one day is answered.
    """
    try:
        found: Totals = {}
        for page in adapter.performance(account, first, last, "campaign"):
            for row in page:
                numbers = (row.spend or Decimal(0), row.impressions or 0, row.clicks or 0)
                found[row.campaign_id, row.placement, row.day] = numbers
    except TooLargeError:
        if first == last:
            raise
        middle = first + timedelta(days=(last - first).days // 2)
        return totals(adapter, account, first, middle) | totals(adapter, account, middle + timedelta(days=1), last)
    else:
        return found


def differing(told: Totals, held: pa.Table) -> set[date]:
    """Give the days on which a campaign's total is not the sum of what is held of it."""
    sums: defaultdict[tuple[str, str, date], tuple[Decimal, int, int]] = defaultdict(lambda: _NOTHING)
    columns = ("campaign_id", "placement", "day", "spend", "impressions", "clicks")
    for row in held.select(columns).to_pylist():
        key = (row["campaign_id"], row["placement"], row["day"])
        spend, impressions, clicks = sums[key]
        more = (row["spend"] or Decimal(0), row["impressions"] or 0, row["clicks"] or 0)
        sums[key] = (spend + more[0], impressions + more[1], clicks + more[2])
    return {key[2] for key in told.keys() | sums.keys() if told.get(key, _NOTHING) != sums[key]}
