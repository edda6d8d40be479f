"""Periods of the model's own calendar equal brute force: a year of 52 weeks in four seasons, and days outside of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis import _

from semantic.brute import Facts, Row, buyers, grouped
from semantic.brute_time import DAY, Moved, along
from semantic.shop import DATASETS, Release, Shop, connection
from workspace.semantic import Dataset, Model, dim, key

FIRST, YEARS = date(2025, 2, 3), ["omega", "alpha", "kilo"]  # neither years nor seasons are in the order of their names


class Days(Dataset, table="shop.days"):
    """One row a day."""

    a_day = key(_.day)
    fiscal_year = dim(_.year)
    season = dim(_.season)


MODEL = Model(*DATASETS, Days, timezone="Europe/Berlin", week="mon", calendar=Days)


def labels(day: date | None) -> dict[str, str | None]:
    """Seasons of 4, 4, 5 and 39 weeks; nothing before and after the three years."""
    days = (day - FIRST).days if day else -1
    if not 0 <= days < 364 * 3:
        return {"fiscal_year": None, "season": None}
    year, week = YEARS[days // 364], days % 364 // 7
    return {
        "fiscal_year": year,
        "season": f"{'zulu' if week < 4 else 'yank' if week < 8 else 'x' if week < 13 else 'a'} {year}",
    }


CALENDAR: list[tuple[Any, ...]] = [(FIRST + DAY * n, *labels(FIRST + DAY * n).values()) for n in range(364 * 3)]
moments = st.builds(
    lambda base, days, hour: datetime(2025, 2, 3, hour, tzinfo=UTC) + timedelta(days=base + days),
    st.sampled_from([0, 28, 56, 91, 364, 392, 728, 756]),
    st.integers(-3, 3),
    st.sampled_from([0, 12, 23]),
)
orders = st.lists(
    st.tuples(
        st.sampled_from([1, 2, None]), st.sampled_from(["done", "returned"]), st.one_of(st.none(), *[moments] * 5)
    ),
    max_size=12,
)
AS_OF = datetime(2027, 3, 1, 12, tzinfo=UTC)


def facts(given_orders: list[Any]) -> tuple[Shop, list[Row]]:
    columns = list(zip(*CALENDAR, strict=True))
    table = pa.table([pa.array(values) for values in columns], names=["day", "year", "season"])
    connection().con.register("given", table)
    connection().con.execute('create or replace table "shop.days" as from given')
    shop = Shop({"shop.orders": [(n, *order) for n, order in enumerate(given_orders)]}, Release("now", AS_OF))
    rows = Facts({"shop.customers": [], **shop.rows}).orders()
    return shop, [row | labels(row["day"]) for row in rows]


def spans(grain: str) -> list[tuple[str, date, date]]:
    """Each period in the order of time, with its first day and the first one after."""
    found: dict[str, list[date]] = {}
    for day, year, season in CALENDAR:
        found.setdefault(year if grain == "fiscal_year" else season, []).append(day)
    return [(label, days[0], days[-1] + DAY) for label, days in found.items()]


def by_own(rows: list[Row], by: list[str], grain: str, *, back: int, moved: Moved, measure: Any) -> dict[Any, Any]:
    """Each period counts the one so many places before it, or what leads up to its end as far as it is over."""
    today = date(2027, 3, 1)
    every = spans(grain)
    found: dict[Any, Any] = {}
    for place, (label, start, _end) in enumerate(every):
        bound = today if moved.along else today + DAY
        if place < back or start >= bound:
            continue
        _label, lo, hi = every[place - back]
        if moved.along:
            hi = min(hi, today)
            if moved.to_date == "fiscal_year":
                lo = max(first for _name, first, _after in spans("fiscal_year") if first < hi)
            else:
                lo, hi = along((lo, hi), moved)
        counting = [row for row in rows if row["day"] and lo <= row["day"] < hi]
        found |= {(label, *key): value for key, value in grouped(counting, by, measure).items()}
    return found


def ask(answer: Any, width: int) -> dict[tuple[Any, ...], Any]:
    rows = [tuple(row.values()) for row in answer.to_arrow().to_pylist()]
    assert len({row[:width] for row in rows}) == len(rows)
    return {row[:width]: row[width:] for row in rows}


@settings(max_examples=8, deadline=None)
@given(orders, st.sampled_from(["fiscal_year", "season"]), st.sampled_from([[], ["status"]]))
def test_periods_of_the_own_calendar(given_orders: list[Any], grain: str, by: list[str]) -> None:
    shop, rows = facts(given_orders)
    m = MODEL.bind(shop)
    fields = [getattr(m, name) for name in (grain, *by)]
    plain = m(m.orders, m.buyers, by=fields)
    groups = grouped(rows, [grain, *by], lambda found: (len(found), buyers(found)))
    assert ask(plain, len(fields)) == groups
    order = [label for label, *_days in spans(grain)]
    shown = [row[grain] for row in plain.to_arrow().to_pylist()]
    assert shown == sorted(shown, key=lambda label: (label is None, label and order.index(label))), "time goes forward"

    window = (FIRST + DAY * 28, FIRST + DAY * 400)
    inside = [row for row in rows if row["day"] and window[0] <= row["day"] < window[1]]
    groups = grouped(inside, [grain, *by], lambda found: (len(found), buyers(found)))
    assert ask(m(m.orders, m.buyers, by=fields, between=window), len(fields)) == groups


@settings(max_examples=8, deadline=None)
@given(
    orders, st.sampled_from(["fiscal_year", "season"]), st.sampled_from([[], ["status"]]), st.sampled_from([0, 1, 2])
)
def test_earlier_periods_and_those_to_date(given_orders: list[Any], grain: str, by: list[str], back: int) -> None:
    shop, rows = facts(given_orders)
    m = MODEL.bind(shop)
    fields = [getattr(m, name) for name in (grain, *by)]
    for moved in (Moved(), Moved(trailing="4 weeks"), Moved(to_date="fiscal_year"), Moved(all_time=True)):
        if moved.plain and not back:
            continue
        metrics = [moved.of(metric) for metric in (m.orders, m.buyers)]
        metrics = [metric.ago(f"{back} {grain}s") if back else metric for metric in metrics]
        found = ask(m(*(metric.named(f"v{n}") for n, metric in enumerate(metrics)), by=fields), len(fields))
        expected = by_own(rows, by, grain, back=back, moved=moved, measure=lambda some: (len(some), buyers(some)))
        assert found == expected, moved
    # Whole periods of a window are those that they are without one.
    whole = spans(grain)[1:3]
    moved_back = m.orders.ago(f"1 {grain}")
    found = ask(moved_back.by(*fields, between=(whole[0][1], whole[1][2])), len(fields))
    every = ask(moved_back.by(*fields), len(fields))
    assert found == {key: value for key, value in every.items() if key[0] in [label for label, *_days in whole]}


@settings(max_examples=10, deadline=None)
@given(orders, st.sampled_from([[], ["status"]]))
def test_fiscal_year_to_date_by_day(given_orders: list[Any], by: list[str]) -> None:
    shop, rows = facts(given_orders)
    m = MODEL.bind(shop)
    window = (FIRST + DAY * 300, FIRST + DAY * 460)
    found = ask(
        m.buyers.to_date("fiscal_year").by(m.day, *(getattr(m, name) for name in by), between=window), 1 + len(by)
    )
    expected: dict[Any, Any] = {}
    for n in range(300, 460):
        day = FIRST + DAY * n
        start = FIRST + DAY * (n // 364 * 364)
        counting = [row for row in rows if row["day"] and start <= row["day"] <= day]
        expected |= {(day, *key): (value,) for key, value in grouped(counting, by, buyers).items()}
    assert found == expected


def test_a_growth_over_fiscal_years() -> None:
    shop, _rows = facts(
        [(1, "done", datetime(2025, 3, 1, tzinfo=UTC)), *[(1, "done", datetime(2026, 3, 1, tzinfo=UTC))] * 3]
    )
    m = MODEL.bind(shop)
    assert ask(m.orders.growth("1 fiscal_year").by(m.fiscal_year), 1) == {
        ("omega",): (None,),
        ("alpha",): (2.0,),
        ("kilo",): (-1.0,),
    }
