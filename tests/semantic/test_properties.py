"""Whatever the data: answers equal brute force, and asking differently does not change them.

The shop's tables are filled at random, with missing keys, keys that lead nowhere, versions with gaps, and facts from
before any history.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from semantic.brute import Facts, fees, grouped, last_counts, total
from semantic.drawn import tables
from semantic.shop import DATASETS, MODEL, RATIOS, Shop
from workspace.semantic import Model

line_dims = st.lists(st.sampled_from(["month", "status", "country", "colour", "brand", "tier", "product"]), unique=True)
order_dims = st.lists(st.sampled_from(["month", "status", "country"]), unique=True)
stock_dims = st.lists(st.sampled_from(["month", "colour", "tier"]), unique=True)
examples = settings(max_examples=12, deadline=None)


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
