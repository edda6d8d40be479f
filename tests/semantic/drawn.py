"""Shops filled at random: missing keys, keys that lead nowhere, versions with gaps, facts older than any history."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from semantic.shop import FOREVER

START = datetime(2026, 3, 27, tzinfo=UTC)  # clocks change two days later


def mostly(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value, and one time in five none."""
    return st.integers(0, 4).flatmap(lambda n: values if n else st.none())


keys = st.sampled_from([1, 1, 1, 1, 2, 2, 2, None, 99])
# Few different ones, so that facts often fall on the very moment at which a version begins or ends.
moments = st.integers(0, 10).map(lambda step: START + timedelta(hours=131 * step))
words = st.sampled_from(["a", "b", "c", None])
statuses = st.sampled_from(["done", "done", "done", "returned", "returned", "draft", None])
amounts = mostly(st.integers(-5000, 5000).map(lambda cents: Decimal(cents).scaleb(-2)))
fee = mostly(st.integers(0, 9999).map(lambda part: Decimal(part).scaleb(-4)))


@st.composite
def versions(draw: st.DrawFn, *values: st.SearchStrategy[Any]) -> list[tuple[Any, ...]]:
    """Histories of the keys 1 and 2: some are unknown, some end, some come back after a gap."""
    rows: list[tuple[Any, ...]] = []
    for key in draw(st.sampled_from([(1, 2), (1, 2), (1, 2), (1,), ()])):
        cuts = sorted(draw(st.sets(moments, min_size=2, max_size=5)))
        ends = [*cuts[1:], FOREVER] if draw(st.booleans()) else cuts[1:]
        periods = [(a, b) for a, b in zip(cuts, ends, strict=False) if a == cuts[0] or draw(st.integers(0, 4))]
        rows += [(key, *(draw(value) for value in values), *period) for period in periods]
    return rows


def unique(rows: st.SearchStrategy[tuple[Any, ...]], size: int, width: int = 1) -> st.SearchStrategy[list[Any]]:
    """Mostly as many rows as may be, sometimes fewer."""
    lists = st.lists(rows, min_size=size, max_size=size, unique_by=lambda row: row[:width])
    return lists | lists | st.lists(rows, max_size=size, unique_by=lambda row: row[:width])


days = st.integers(0, 60).map(lambda n: date(2026, 3, 27) + timedelta(days=n))
tables = st.fixed_dictionaries(
    {
        "shop.customers": unique(st.tuples(st.sampled_from([1, 2, 99]), words, moments), 2),
        "shop.brands": versions(words, fee),
        "shop.products": versions(keys, words),
        "shop.orders": unique(st.tuples(st.integers(1, 5), keys, statuses, mostly(moments)), 4),
        "shop.lines": unique(st.tuples(st.integers(1, 5), st.integers(1, 2), keys, amounts), 6, 2),
        "shop.stock": unique(st.tuples(keys, days, st.integers(0, 9)), 5, 2),
    }
)
