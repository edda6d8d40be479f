"""Trailing, to date, all time, ago and growth equal brute force: over leap days, month ends and clock changes.

Which days count for which period is written down in `brute_time.py`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis import _

from semantic.brute import Facts, Row, grouped, total
from semantic.brute_time import Moved, begin, by_period, in_total
from semantic.shop import Brands, Customers, Orders, Products, Release, Shop
from workspace.semantic import Dataset, Model, measure, ref, time

if TYPE_CHECKING:
    from collections.abc import Callable


class Amounts(Dataset, table="shop.lines", where=_.order.status != "draft"):
    """Lines, with a measure of each kind."""

    order = ref(Orders, _.order_id)
    product = ref(Products, _.product_id)
    sold = time(_.order.placed, default=True)
    spent = measure(_.amount.sum(), unit="EUR")
    sales = measure(_.count(), unit="count")
    dear = measure(_.count(where=_.amount > 10), unit="count")
    goods = measure(_.product_id.nunique(), unit="count")
    largest = measure(_.amount.max(), unit="EUR")
    mean = measure(_.amount.mean(), unit="EUR")
    middle = measure(_.amount.median(), unit="EUR")


MODEL = Model(Amounts, Orders, Customers, Products, Brands, timezone="Europe/Berlin")


def amounts(rows: list[Row]) -> list[Decimal]:
    return [row["amount"] for row in rows if row["amount"] is not None]


MEASURES: dict[str, Callable[[list[Row]], Any]] = {
    "spent": total("amount"),
    "sales": len,
    "dear": lambda rows: sum(amount > 10 for amount in amounts(rows)),
    "goods": lambda rows: len({row["product"] for row in rows} - {None}),
    "largest": lambda rows: max(amounts(rows), default=None),
    "mean": lambda rows: sum(amounts(rows)) / len(amounts(rows)) if amounts(rows) else None,
    "middle": lambda rows: median(map(float, amounts(rows))) if amounts(rows) else None,
}

# Leap days, the ends of short and long months, and the nights in which clocks change, at hours that are another day
# in Berlin.
DAYS = [
    date(2027, 2, 27),
    date(2027, 3, 28),
    date(2027, 10, 31),
    date(2028, 1, 29),
    date(2028, 2, 28),
    date(2028, 3, 26),
]
moments = st.builds(
    lambda day, more, hour: datetime(day.year, day.month, day.day, hour, 30, tzinfo=UTC) + timedelta(days=more),
    st.sampled_from(DAYS),
    st.sampled_from([-28, -2, -1, 0, 1, 2, 3, 5]),
    st.sampled_from([0, 12, 21, 22, 23]),
)
released = st.sampled_from(
    [
        datetime(2028, 4, 5, 22, tzinfo=UTC),  # midnight in Berlin
        datetime(2028, 3, 31, 12, tzinfo=UTC),  # in the middle of a month's last day
        datetime(2028, 4, 17, 9, tzinfo=UTC),
    ]
)
keys = st.sampled_from([1, 1, 2, None])
lines = st.lists(
    st.tuples(
        st.one_of(moments, moments, moments, moments, st.none()),
        keys,
        st.sampled_from(["done", "returned", "draft"]),
        keys,
        st.one_of(st.none(), st.integers(-2000, 5000).map(lambda cents: Decimal(cents).scaleb(-2))),
    ),
    min_size=3,
    max_size=14,
)
GRAINS = ("day", "week", "month", "quarter", "year")
SPANS = {  # how far back one may go by each grain
    "day": ["1 day", "7 days", "1 week", "1 month", "1 quarter", "1 year"],
    "week": ["1 week", "52 weeks", "14 days", "1 year"],
    "month": ["1 month", "2 months", "1 quarter", "1 year"],
    "quarter": ["1 quarter", "6 months", "1 year"],
    "year": ["1 year", "12 months"],
}
TO_DATE = {
    "day": ["week", "month", "quarter", "year"],
    "week": ["week"],
    "month": ["month", "quarter", "year"],
    "quarter": ["quarter", "year"],
    "year": ["year"],
}


@st.composite
def moved(draw: st.DrawFn, grain: str) -> Moved:
    back = tuple(draw(st.lists(st.sampled_from(SPANS[grain]), max_size=2)))
    kind = draw(st.sampled_from(["", "", "trailing", "to_date", "all_time"]))
    if kind == "trailing":
        spans = ["1 day", "3 days", "28 days", "2 weeks", "1 month", "1 quarter", "1 year"]
        return Moved(back=back, trailing=draw(st.sampled_from(spans)))
    if kind == "to_date":
        return Moved(back=back, to_date=draw(st.sampled_from(TO_DATE[grain])))
    return Moved(back=back, all_time=bool(kind))


@st.composite
def windows(draw: st.DrawFn, grain: str) -> tuple[date, date] | None:
    """None, whole periods, or any days."""
    kind = draw(st.sampled_from(["all", "whole", "any"]))
    if kind == "all":
        return None
    start = draw(st.sampled_from(DAYS)) + timedelta(days=draw(st.integers(-3, 3)))
    end = start + timedelta(days=draw(st.sampled_from([1, 3, 30, 60, 370])))
    days = (start, end) if kind == "any" else (begin(start, grain), begin(end, grain))
    return days if days[0] < days[1] else None


@st.composite
def questions(draw: st.DrawFn) -> tuple[str, Moved, tuple[date, date] | None, list[str]]:
    grain = draw(st.sampled_from(GRAINS))
    by = draw(st.sampled_from([[], ["status"], ["country"], ["status", "country"]]))
    return grain, draw(moved(grain)), draw(windows(grain)), by


def shop(given_lines: list[tuple[Any, ...]], as_of: datetime) -> Shop:
    """One order for each line."""
    return Shop(
        {
            "shop.customers": [(1, "DE", None)],
            "shop.orders": [(n, who, status, at) for n, (at, who, status, _p, _a) in enumerate(given_lines)],
            "shop.lines": [(n, 1, product, amount) for n, (*_o, product, amount) in enumerate(given_lines)],
            "shop.products": [],
            "shop.brands": [],
        },
        Release("now", as_of),
    )


def same(found: dict[Any, Any], expected: dict[Any, Any], *, absent: Any = None) -> None:
    """Compare at 1e-9. What has no rows may be left out on one side."""
    for key in found.keys() | expected.keys():
        value, wanted = found.get(key, absent), expected.get(key, absent)
        assert (value is None) == (wanted is None), (key, value, wanted)
        assert value is None or abs(value - float(wanted)) <= 1e-9 * max(1, abs(float(wanted))), (key, value, wanted)


def values(answer: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in answer.to_arrow().to_pylist()]


EXAMPLES = pytest.mark.parametrize(
    "examples", [pytest.param(12, id="few"), pytest.param(300, id="many", marks=(pytest.mark.soak, pytest.mark.slow))]
)


@EXAMPLES
@pytest.mark.parametrize("group", [("spent", "sales", "dear"), ("goods", "largest", "mean", "middle")], ids=str)
def test_moved_in_time_equals_brute_force(group: tuple[str, ...], examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(lines, released, questions())
    def check(rows: list[Any], as_of: datetime, question: Any) -> None:
        grain, how, window, by = question
        reader = shop(rows, as_of)
        m, facts = MODEL.bind(reader), Facts(reader.rows).lines()
        metrics = [
            m(how.of(getattr(m, name)).named(f"{name}_") if not how.plain else getattr(m, name)) for name in group
        ]
        fields = [getattr(m, name) for name in (grain, *by)]
        answer = m(*metrics, by=fields, between=window)
        found = values(answer)
        for n, name in enumerate(group):
            expected = by_period(facts, by, grain, how, MEASURES[name], window=window, as_of=as_of)
            assert {row[: len(fields)] for row in found} == expected.keys()
            same({row[: len(fields)]: row[len(fields) + n] for row in found}, expected)
        undated = values(m(*metrics, by=fields[1:], between=window))
        for n, name in enumerate(group):
            expected = grouped(in_total(facts, how, window=window, as_of=as_of), by, MEASURES[name])
            absent = 0 if name in ("sales", "dear", "goods") else None
            same({row[: len(by)]: row[len(by) + n] for row in undated}, expected, absent=absent)

    check()
