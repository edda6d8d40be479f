"""Funnels and retention equal brute force, whatever is asked about those who began."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis import _

from semantic import brute_events as brute
from semantic.brute import Facts, Row, day, month
from semantic.drawn import START, amounts, mostly, unique, words
from semantic.shop import DATASETS, FOREVER, Customers, Lines, Orders, Release, Shop
from workspace.semantic import Model, funnel, retention

FEW_OR_MANY = pytest.mark.parametrize(
    "examples", [pytest.param(9, id="few"), pytest.param(200, id="many", marks=(pytest.mark.soak, pytest.mark.slow))]
)
done, returned = Orders.orders.where(_.status == "done"), Orders.orders.where(_.status == "returned")
red = Lines.lines.where(_.product.colour == "a")
FUNNELS = {
    "two": ((done, returned), "buyer"),
    "itself": ((Orders.orders, returned), "buyer"),  # a row may be of both steps
    "three": ((Customers.new_customers, Orders.orders, red), "customer"),
    "back": ((done, Lines.lines, returned), "buyer"),
}
WITHIN = {None: None, "131 hours": timedelta(hours=131), "12 days": timedelta(days=12)}
SPANS = list(WITHIN)
RETAINED = {
    "again": (done, Orders.orders, "buyer"),
    "bought": (Customers.new_customers, red, "customer"),
}
MODEL = Model(
    *DATASETS,
    timezone="Europe/Berlin",
    week="mon",
    calendar=None,
    **{
        f"{name}_{SPANS.index(within)}": funnel(*steps, by=by, within=within)
        for name, (steps, by) in FUNNELS.items()
        for within in WITHIN
    },
    **{
        f"{name}_{grain}": retention(first, back, by=by, grain=grain)
        for name, (first, back, by) in RETAINED.items()
        for grain in ("week", "month")
    },
)
# Few people, few moments: many things happen at once.
people = st.sampled_from([1, 1, 1, 2, 2, None, 99])
moments = mostly(st.integers(0, 8).map(lambda step: START + timedelta(hours=131 * step)))
products = [(1, 1, "a", START, FOREVER), (2, 1, "b", START, FOREVER)]
tables = st.fixed_dictionaries(
    {
        "shop.customers": unique(st.tuples(st.sampled_from([1, 2, 3]), words, moments), 2),
        "shop.brands": st.just([]),
        "shop.products": st.just(products),
        "shop.orders": unique(
            st.tuples(
                st.integers(1, 9), people, st.sampled_from(["done", "done", "returned", "returned", "draft"]), moments
            ),
            7,
        ),
        "shop.lines": unique(
            st.tuples(st.integers(1, 9), st.integers(1, 2), st.sampled_from([1, 1, 2, None]), amounts), 6, 2
        ),
    }
)


def rows_of(rows: dict[str, Any]) -> dict[Any, list[Row]]:
    """The rows of each step, with their key."""
    facts = Facts(rows)
    orders = [row | {"key": row["order"]} for row in facts.orders()]
    lines = [row | {"key": row["line"]} for row in facts.lines()]
    joined = [
        {
            "customer": key,
            "key": key,
            "country": country,
            "moment": at,
            "day": day(at),
            "month": month(at),
        }
        for key, country, at in rows["shop.customers"]
    ]
    return {
        Orders.orders: orders,
        done: brute.kept(orders, lambda row: row["status"] == "done"),
        returned: brute.kept(orders, lambda row: row["status"] == "returned"),
        Lines.lines: lines,
        red: brute.kept(lines, lambda row: row["colour"] == "a"),
        Customers.new_customers: joined,
    }


def fields(m: Any, by: list[str]) -> list[Any]:
    return [getattr(m, name) for name in by]


def ask(answer: Any, width: int) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    found = [tuple(row.values()) for row in answer.to_arrow().to_pylist()]
    assert len({row[:width] for row in found}) == len(found), "a group came twice"
    return {row[:width]: row[width:] for row in found}


@FEW_OR_MANY
@pytest.mark.parametrize("name", FUNNELS)
def test_funnels(name: str, examples: int) -> None:
    """The number belongs to the entry. No question changes to which entry a row is credited."""

    @settings(max_examples=examples, deadline=None)
    @given(
        tables,
        st.sampled_from(SPANS),
        st.lists(st.sampled_from(["month", "status", "country"]), unique=True, max_size=2),
        st.sampled_from([None, "status", "country"]),
        st.sampled_from([None, (date(2026, 4, 1), date(2026, 4, 20)), (date(2026, 3, 1), date(2026, 4, 12))]),
    )
    def check(rows: Any, within: str | None, by: list[str], condition: str | None, window: Any) -> None:
        metrics, _by = FUNNELS[name]
        known = rows_of(rows)
        if name == "three":
            by, condition = [word for word in by if word != "status"], condition and "country"
        steps = [known[metric] for metric in metrics]
        reached = brute.funnel(steps, "customer", WITHIN[within])
        wanted: dict[Any, list[int]] = {} if by else {(): [0] * len(steps)}
        for place, row in enumerate(steps[0]):
            if condition and row[condition] not in ("a", "done"):
                continue
            if window and not (row["day"] and window[0] <= row["day"] < window[1]):
                continue
            counts = wanted.setdefault(tuple(row[word] for word in by), [0] * len(steps))
            for step, places in enumerate(reached):
                counts[step] += place in places
        m = MODEL.bind(Shop(rows))
        asked = getattr(m, f"{name}_{SPANS.index(within)}")
        where = None if condition is None else getattr(m, condition).isin(["a", "done"])
        how = {"by": fields(m, by), "where": where, "between": window}
        found = ask(m(asked, *asked.steps(), **how), len(by))
        assert {key: list(row[1:]) for key, row in found.items()} == wanted
        for key, (share, *_rest) in found.items():
            assert share == (wanted[key][-1] / wanted[key][0] if wanted[key][0] else None)
        if condition:  # the same as a condition of the metric
            inside = m(*(step.where(where) for step in asked.steps()), by=fields(m, by), between=window)
            assert {key: list(row) for key, row in ask(inside, len(by)).items()} == wanted

    check()


@settings(max_examples=10, deadline=None)
@given(tables, st.sampled_from(["two", "itself", "back"]), st.sampled_from(SPANS), st.sampled_from([None, "a", "b"]))
def test_funnels_by_the_many(rows: Any, name: str, within: str | None, colour: str | None) -> None:
    """By what an entry's lines are of: the entry counts once for each, reached or not as it is without them."""
    known = rows_of(rows)
    steps = [known[metric] for metric in FUNNELS[name][0]]
    reached = brute.funnel(steps, "customer", WITHIN[within])
    wanted: dict[Any, list[int]] = {}
    for place, row in enumerate(steps[0]):
        colours = {line["colour"] for line in known[Lines.lines] if line["order"] == row["order"]} or {None}
        for value in colours if colour is None else colours & {colour}:
            counts = wanted.setdefault(value, [0] * len(steps))
            for step, places in enumerate(reached):
                counts[step] += place in places
    m = MODEL.bind(Shop(rows))
    asked = getattr(m, f"{name}_{SPANS.index(within)}")
    where = None if colour is None else m.colour == colour
    found = ask(m(*asked.steps(), by=m.colour, where=where, overlap=True), 1)
    assert {key: list(row) for (key,), row in found.items()} == wanted


@settings(max_examples=10, deadline=None)
@given(tables, st.sampled_from(["two", "three", "back"]), st.sampled_from(SPANS))
def test_funnels_moved_in_time(rows: Any, name: str, within: str | None) -> None:
    """Entries are counted in other days, each reached or not as ever."""
    known = rows_of(rows)
    steps = [known[metric] for metric in FUNNELS[name][0]]
    reached = brute.funnel(steps, "customer", WITHIN[within])
    m = MODEL.bind(Shop(rows))
    asked = getattr(m, f"{name}_{SPANS.index(within)}")
    found = ask(m(*(step.trailing("3 weeks") for step in asked.steps()), by=m.week), 1)
    for (week,), counts in found.items():
        end = min(week + timedelta(days=7), date(2026, 7, 1))
        inside = [
            place for place, row in enumerate(steps[0]) if row["day"] and end - timedelta(days=21) <= row["day"] < end
        ]
        assert inside, "a week without any entry"
        assert list(counts) == [len({*inside} & {*places}) for places in reached]


@FEW_OR_MANY
@pytest.mark.parametrize("name", RETAINED)
def test_retention(name: str, examples: int) -> None:
    """Everybody begins once, whatever is asked; who cannot be known yet is left out."""

    @settings(max_examples=examples, deadline=None)
    @given(
        rows=tables,
        grain=st.sampled_from(["week", "month"]),
        after=st.integers(0, 3),
        by=st.sampled_from([[], ["month"], ["country"], ["month", "country"]]),
        country=st.sampled_from([None, "a"]),
        window=st.sampled_from([None, (date(2026, 4, 1), date(2026, 4, 20))]),
        as_of=st.sampled_from([datetime(2026, 5, 31, 22, tzinfo=UTC), datetime(2026, 5, 17, 12, tzinfo=UTC)]),
    )
    def check(
        *, rows: Any, grain: str, after: int, by: list[str], country: str | None, window: Any, as_of: datetime
    ) -> None:
        first, back, _by = RETAINED[name]
        known = rows_of(rows)
        today = day(as_of)
        wanted: dict[Any, list[int]] = {} if by else {(): [0, 0]}
        for row, was_back in brute.retention(
            known[first], known[back], "customer", grain=grain, periods=after, today=today
        ):
            if (country and row["country"] != country) or (window and not window[0] <= row["day"] < window[1]):
                continue
            counts = wanted.setdefault(tuple(row[word] for word in by), [0, 0])
            counts[0] += was_back
            counts[1] += 1
        m = MODEL.bind(Shop(rows, Release("now", as_of)))
        asked = getattr(m, f"{name}_{grain}")
        where = None if country is None else m.country == country
        found = ask(asked.after(after).by(*fields(m, by), where=where, between=window), len(by))
        assert wanted.keys() <= found.keys()
        for key, (share,) in found.items():  # a group in which nobody's time is over is unknown
            there, began = wanted.get(key, (0, 0))
            assert share == (there / began if began else None), key
        if after == 1:
            assert ask(asked.by(*fields(m, by), where=where, between=window), len(by)) == found

    check()
