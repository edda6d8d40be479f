"""Whatever the data: answers equal brute force, and asking differently does not change them.

The shop's tables are filled at random, with missing keys, keys that lead nowhere, versions with gaps, and facts from
before any history.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from semantic.brute import Facts, fees, grouped, last_counts, total
from semantic.shop import DATASETS, FOREVER, MODEL, RATIOS, Shop
from workspace.semantic import Model

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
line_dims = st.lists(st.sampled_from(["month", "status", "country", "colour", "brand", "tier", "product"]), unique=True)
order_dims = st.lists(st.sampled_from(["month", "status", "country"]), unique=True)
stock_dims = st.lists(st.sampled_from(["month", "colour", "tier"]), unique=True)
examples = settings(max_examples=20, deadline=None)


def ask(m: Any, metrics: list[str], by: list[str]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    answer = m(*(getattr(m, name) for name in metrics), by=[getattr(m, name) for name in by])
    rows = [tuple(row.values()) for row in answer.to_arrow().to_pylist()]
    found = {row[: len(by)]: row[len(by) :] for row in rows}
    assert len(found) == len(rows), "a group came twice"
    return found


def same(found: dict[Any, tuple[Any, ...]], expected: dict[Any, Any]) -> None:
    """Compare at 1e-9; an answer without groups has a row even where there is nothing."""
    expected = expected or ({(): None} if () in found else {})
    assert found.keys() == expected.keys()
    for key, (value,) in found.items():
        wanted = expected[key]
        assert (value is None) == (wanted is None), key
        assert value is None or abs(value - float(wanted)) <= 1e-9 * max(1, abs(float(wanted))), key


@examples
@given(tables, line_dims)
def test_lines_equal_brute_force(rows: dict[str, Any], by: list[str]) -> None:
    m = MODEL.bind(Shop(rows))
    lines = Facts(rows).lines()
    same(ask(m, ["revenue"], by), grouped(lines, by, total("amount")))
    same(ask(m, ["fees"], by), grouped(lines, by, fees))
    if by:
        same(ask(m, ["lines"], by), grouped(lines, by, len))


@examples
@given(tables, stock_dims)
def test_snapshots_equal_brute_force(rows: dict[str, Any], by: list[str]) -> None:
    m = MODEL.bind(Shop(rows))
    same(ask(m, ["in_stock"], by), grouped(last_counts(Facts(rows).counts(), by), by, total("pieces")))


@examples
@given(tables, order_dims)
def test_ratios_equal_brute_force(rows: dict[str, Any], by: list[str]) -> None:
    facts = Facts(rows)
    revenue = grouped(facts.lines(), by, total("amount"))
    orders = grouped(facts.orders(), by, len)
    expected = {
        key: revenue[key] / orders[key] if orders.get(key) and revenue.get(key) is not None else None
        for key in revenue.keys() | orders.keys()
    }
    same(ask(MODEL.bind(Shop(rows)), ["basket"], by), expected)


@examples
@given(tables, line_dims)
def test_groups_add_up_to_the_total(rows: dict[str, Any], by: list[str]) -> None:
    m = MODEL.bind(Shop(rows))
    groups = [value for (value,) in ask(m, ["revenue"], by).values() if value is not None]
    assert abs(sum(groups) - (m.revenue.value() or 0)) < 1e-9
    assert sum(value for (value,) in ask(m, ["lines"], by).values()) == m.lines.value()


@examples
@given(tables, order_dims)
def test_asked_together_is_asked_apart(rows: dict[str, Any], by: list[str]) -> None:
    m = MODEL.bind(Shop(rows))
    names = ["revenue", "fees", "buyers", "basket", "return_rate", "lines", "orders", "dearest"]
    together = ask(m, names, by)
    apart = [ask(m, [name], by) for name in names]
    assert together.keys() == set().union(*apart)
    for key, values in together.items():
        for name, value, alone in zip(names, values, apart, strict=True):
            absent = 0 if name in ("buyers", "lines", "orders") else None  # to count nothing is to count 0
            assert value == (alone[key][0] if key in alone else absent), (key, name)


@settings(max_examples=15, deadline=None)
@given(tables, line_dims, st.permutations(DATASETS))
def test_order_of_declarations_changes_nothing(rows: dict[str, Any], by: list[str], order: list[Any]) -> None:
    shop = Shop(rows)
    turned = Model(*order, timezone="Europe/Berlin", week="mon", calendar=None, **RATIOS)
    assert ask(turned.bind(shop), ["revenue", "fees"], by) == ask(MODEL.bind(shop), ["revenue", "fees"], by)


@examples
@given(tables, st.sampled_from(["status", "country", "colour", "tier"]), st.sampled_from(["a", "b", "done"]))
def test_a_condition_and_its_opposite_share_out_every_row(rows: dict[str, Any], name: str, value: str) -> None:
    m = MODEL.bind(Shop(rows))
    field = getattr(m, name)
    inside, outside = m.lines.by(where=field == value).value(), m.lines.by(where=field != value).value()
    assert inside + outside == m.lines.value()
    assert inside == ask(m, ["lines"], [name]).get((value,), (0,))[0]
