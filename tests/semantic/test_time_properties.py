"""Trailing, to date, all time, ago and growth equal brute force: over leap days, month ends and clock changes.

Which days count for which period is written down in `brute_time.py`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis import _

from semantic.brute import ZONE, Facts, Row, grouped, last_counts, total
from semantic.brute_time import Moved, back, begin, by_period, earlier, in_total, periods
from semantic.shop import FOREVER, Brands, Customers, Orders, Products, Release, Shop
from semantic.shop import MODEL as SHOP
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


@st.composite
def hourly(draw: st.DrawFn) -> Moved:
    back = draw(st.sampled_from([(), ("1 hour",), ("1 day",), ("1 week",), ("1 month",), ("1 year", "2 hours")]))
    kind = draw(st.sampled_from(["", "trailing", "to_date", "all_time"]))
    span = draw(st.sampled_from(["1 hour", "5 hours", "2 days", "1 month"])) if kind == "trailing" else None
    grain = draw(st.sampled_from(["day", "week", "month"])) if kind == "to_date" else None
    return Moved(back=back, trailing=span, to_date=grain, all_time=kind == "all_time")


@settings(max_examples=20, deadline=None)
@given(lines, hourly(), st.sampled_from(DAYS), st.booleans())
def test_by_hour(rows: list[Any], how: Moved, first: date, split: bool) -> None:
    """Hours are those of the clock on the wall: one goes back to the same one of an earlier day."""
    window = (first, first + timedelta(days=3))
    reader = shop(rows, datetime(2028, 6, 1, tzinfo=UTC))
    by = ["status"] if split else []
    facts = [row | {"hour": wall(row["moment"])} for row in Facts(reader.rows).lines() if row["moment"]]
    expected: dict[Any, Any] = {}
    for n in range(72):
        shown = datetime(first.year, first.month, first.day) + timedelta(hours=n)  # noqa: DTZ001 - wall clock
        start = shown
        for span in how.back:
            start = hours_earlier(start, span)
        lo, hi = start, start + timedelta(hours=1)
        if how.trailing:
            lo = hours_earlier(hi, how.trailing)
        elif how.to_date:
            lo = datetime.combine(begin(start.date(), how.to_date), clock())
        elif how.all_time:
            lo = datetime.min  # noqa: DTZ901
        counting = [row for row in facts if lo <= row["hour"] < hi]
        expected |= {(shown, *key): value for key, value in grouped(counting, by, len).items()}
    m = MODEL.bind(reader)
    fields = [getattr(m, name) for name in ("hour", *by)]
    counted = how.of(m.sales)
    assert {row[:-1]: row[-1] for row in values(counted.by(*fields, between=window))} == expected
    distinct = values(m(counted, how.of(m.goods), by=fields, between=window))
    assert {row[:-2]: row[-2] for row in distinct} == expected


def wall(moment: datetime) -> datetime:
    return moment.astimezone(ZONE).replace(minute=0, tzinfo=None)


def hours_earlier(hour: datetime, span: str) -> datetime:
    if "hour" in span:
        return hour - timedelta(hours=int(span.removesuffix("s").removesuffix(" hour")))
    return datetime.combine(earlier(hour.date(), span), hour.time())


counts = st.lists(
    st.tuples(
        keys,
        st.builds(lambda first, more: first + timedelta(days=more), st.sampled_from(DAYS), st.integers(-40, 5)),
        st.integers(0, 9),
    ),
    max_size=10,
    unique_by=lambda row: row[:2],
)


@settings(max_examples=15, deadline=None)
@given(counts, released, st.sampled_from(["week", "month", "quarter"]), st.booleans(), st.data())
def test_levels_of_an_earlier_period(rows: list[Any], as_of: datetime, grain: str, split: bool, data: Any) -> None:
    """What was on the shelf at the end of the earlier period."""
    span = data.draw(st.sampled_from(SPANS[grain]))
    start = begin(data.draw(st.sampled_from(DAYS)), grain)
    window = data.draw(st.sampled_from([None, (start, begin(start + timedelta(days=100), grain))]))
    products = [(1, 1, "red", datetime(2026, 1, 1, tzinfo=UTC), FOREVER)]
    reader = Shop({"shop.stock": rows, "shop.products": products}, Release("now", as_of))
    facts = Facts({"shop.brands": [], **reader.rows}).counts()
    shown = begin(as_of.astimezone(ZONE).date() + timedelta(days=1), "day")
    for row in facts:
        row["period"] = begin(row["day"], grain)
    by = ["colour"] if split else []
    last = grouped(last_counts(facts, ["period"]), ["period", *by], total("pieces"))
    expected: dict[Any, Any] = {}
    for period, end in periods(grain, date(2026, 12, 1), shown):
        if window is None or (window[0] <= period and end <= window[1]):
            then = back((period, end), span, grain)[0]
            expected |= {(period, *key[1:]): value for key, value in last.items() if key[0] == then}
    m = SHOP.bind(reader)
    fields = [getattr(m, name) for name in (grain, *by)]
    found = values(m.in_stock.ago(span).by(*fields, between=window))
    assert {row[:-1]: row[-1] for row in found} == expected
