"""Filtered metrics, shares, metrics per entity, conditions on groups, the largest, filled periods, rows and why."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis import _

from semantic.brute import Facts, Row, average, buyers, equal, fees, grouped, leading, per, shares, total
from semantic.brute_time import begin, periods
from semantic.drawn import tables
from semantic.shop import DATASETS, RATIOS, Lines, Orders, Shop
from workspace.errors import SemanticError
from workspace.semantic import Model, funnel

if TYPE_CHECKING:
    from collections.abc import Callable

Rows = dict[str, list[tuple[Any, ...]]]
MODEL = Model(
    *DATASETS,
    timezone="Europe/Berlin",
    week="mon",
    calendar=None,
    **RATIOS,
    red_fees=Lines.fees.where(_.product.colour == "a", _.order.status == "done"),
    done_share=Orders.orders.where(_.status == "done") / Orders.orders,
    back=funnel(Orders.orders.where(_.status == "done"), Orders.orders.where(_.status == "returned"), by="buyer"),
)
OF_LINES: dict[str, Callable[[list[Row]], Any]] = {
    "revenue": total("amount"),
    "lines": len,
    "typical": average,
    "dearest": lambda rows: max((row["amount"] for row in rows if row["amount"] is not None), default=None),
    "fees": fees,
}
OF_ORDERS: dict[str, Callable[[list[Row]], Any]] = {"orders": len, "buyers": buyers}
RATES = ("basket", "return_rate", "done_share", "back")
COUNTS = ("lines", "orders", "buyers", "returned")
line_dims = st.lists(st.sampled_from(["month", "status", "country", "colour", "tier"]), unique=True, max_size=3)
order_dims = st.lists(st.sampled_from(["month", "status", "country"]), unique=True, max_size=2)
few = settings(max_examples=9, deadline=None)


def ask(answer: Any, width: int) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    rows = [tuple(row.values()) for row in answer.to_arrow().to_pylist()]
    found = {row[:width]: row[width:] for row in rows}
    assert len(found) == len(rows), "a group came twice"
    return found


def fields(m: Any, by: list[str]) -> list[Any]:
    return [getattr(m, name) for name in by]


def same(found: dict[Any, tuple[Any, ...]], expected: dict[Any, tuple[Any, ...]]) -> None:
    assert found.keys() == expected.keys()
    for key, row in found.items():
        assert all(map(equal, row, expected[key])), (key, row, expected[key])


def together(rows: list[Row], by: list[str], measures: dict[str, Any]) -> dict[Any, tuple[Any, ...]]:
    groups = {name: grouped(rows, by, measure) for name, measure in measures.items()}
    keys = {key for found in groups.values() for key in found} or ({()} if not by else set())
    return {key: tuple(groups[name].get(key, 0 if name in COUNTS else None) for name in measures) for key in keys}


@few
@given(tables, line_dims, st.sampled_from(["status", "colour", "tier"]), st.sampled_from(["a", "b", "done"]))
def test_a_filtered_metric_counts_the_rows_of_which_the_condition_holds(
    rows: Rows, by: list[str], name: str, value: str
) -> None:
    m, facts = MODEL.bind(Shop(rows)), Facts(rows).lines()
    kept = [row for row in facts if row[name] == value]
    metrics = [getattr(m, metric).where(getattr(m, name) == value) for metric in OF_LINES]
    # Alone, only groups of which some row counts; beside others, every group.
    same(ask(m(*metrics, by=fields(m, by)), len(by)), together(kept, by, OF_LINES))
    beside = ask(m(m.cheapest, *metrics, by=fields(m, by)), len(by))
    some, every = together(kept, by, OF_LINES), together(facts, by, {"lines": len})
    absent = tuple(0 if metric in COUNTS else None for metric in OF_LINES)
    same({key: row[1:] for key, row in beside.items()}, {key: some.get(key, absent) for key in every})
    # Each by its own condition: a group is shown for which one of them counts a row.
    mixed = m(m.lines.where(m.country == "a"), m.revenue.where(getattr(m, name) == value), by=fields(m, by))
    apart = [[row for row in facts if row["country"] == "a"], kept]
    keys = {key for found in apart for key in grouped(found, by, len)} or ({()} if not by else set())
    lines, revenue = grouped(apart[0], by, len), grouped(apart[1], by, total("amount"))
    same(ask(mixed, len(by)), {key: (lines.get(key, 0), revenue.get(key)) for key in keys})


@few
@given(tables, order_dims)
def test_filtered_metrics_of_a_model(rows: Rows, by: list[str]) -> None:
    m, facts = MODEL.bind(Shop(rows)), Facts(rows)
    kept = [row for row in facts.lines() if row["colour"] == "a" and row["status"] == "done"]
    same(ask(m.red_fees.by(*fields(m, by)), len(by)), together(kept, by, {"red_fees": fees}))
    done = {key: (value,) for key, value in grouped(facts.orders(), by, done_share).items()}
    same(ask(m.done_share.by(*fields(m, by)), len(by)), done or ({} if by else {(): (None,)}))


def done_share(rows: list[Row]) -> Any:
    return sum(row["status"] == "done" for row in rows) / len(rows)


@few
@given(
    tables, st.lists(st.sampled_from(["month", "status", "country"]), unique=True, min_size=1, max_size=3), st.data()
)
def test_shares_are_of_the_rows_that_agree(rows: Rows, by: list[str], data: Any) -> None:
    within = [name for name in by if data.draw(st.booleans())]
    m, facts = MODEL.bind(Shop(rows)), Facts(rows)
    inside = tuple(getattr(m, name) for name in within)
    lines, orders = facts.lines(), facts.orders()
    expected = {
        "revenue": shares(lines, by, within, total("amount")),
        "lines": shares(lines, by, within, len),
        "buyers": shares(orders, by, within, buyers),  # over the number of all buyers, not the sum of the groups'
    }
    for name, wanted in expected.items():
        found = ask(getattr(m, name).share(within=inside).by(*fields(m, by)), len(by))
        same(found, {key: (value,) for key, value in wanted.items()})
    sums: dict[Any, float] = {}
    for key, value in ask(m.lines.share(within=inside).by(*fields(m, by)), len(by)).items():
        whole = tuple(part for name, part in zip(by, key, strict=True) if name in within)
        sums[whole] = sums.get(whole, 0) + value[0]
    assert all(equal(value, 1) for value in sums.values())


@few
@given(tables, st.sampled_from([[], ["status"], ["colour", "month"]]), st.integers(0, 2))
def test_a_metric_per_entity_is_a_value_of_each_row(rows: Rows, by: list[str], least: int) -> None:
    m, facts = MODEL.bind(Shop(rows)), Facts(rows)
    lines, orders = facts.lines(), facts.orders()
    start = date(2026, 4, 5)
    recent = [row for row in orders if row["day"] is not None and row["day"] >= start]
    values = {  # counts are 0 for who is in no row
        m.orders.per(m.buyer): per(orders, "customer", len, 0),
        m.revenue.per(m.buyer): per(lines, "customer", total("amount"), None),
        m.orders.per(m.buyer, between=(start, "2027-01-01")): per(recent, "customer", len, 0),
    }
    for word, value in values.items():
        known = [row | {"value": value(row["customer"])} for row in lines]
        kept = [row for row in known if row["value"] is not None and row["value"] > least]
        found = ask(m(*fields(m, list(OF_LINES)), by=fields(m, by), where=word > least), len(by))
        same(found, together(kept, by, OF_LINES))
        split = ask(m(m.lines, m.revenue, by=[word, *fields(m, by)]), 1 + len(by))
        wanted = together(known, ["value", *by], {"lines": len, "revenue": total("amount")})
        same(
            {tuple(round(k, 2) if isinstance(k, float) else k for k in key): row for key, row in split.items()},
            {
                tuple(round(float(k), 2) if k is not None and n == 0 else k for n, k in enumerate(key)): row
                for key, row in wanted.items()
            },
        )
    # Customers, by how many orders they have: those of an entity that never ordered have none.
    number = per(orders, "customer", len, 0)
    customers = grouped([{"number": number(key)} for key, *_rest in rows["shop.customers"]], ["number"], len)
    found = ask(m.new_customers.by(m.orders.per(m.customer)), 1)
    same(found, {key: (value,) for key, value in customers.items()})


@few
@given(tables, line_dims, st.integers(0, 3), st.integers(-20, 20))
def test_conditions_on_groups(rows: Rows, by: list[str], least: int, amount: int) -> None:
    m, facts = MODEL.bind(Shop(rows)), Facts(rows)
    groups = together(facts.lines(), by, OF_LINES)

    def keep(how: Callable[[dict[str, Any]], bool]) -> dict[Any, tuple[Any, ...]]:
        return {key: (row[0], row[4]) for key, row in groups.items() if how(dict(zip(OF_LINES, row, strict=True)))}

    def holds(value: Any, how: Callable[[Any], bool]) -> bool:
        return value is not None and how(value)

    asked = {  # the condition's metric may be another than those that are asked for
        "lines": (m.lines > least, lambda row: row["lines"] > least),
        "revenue": (m.revenue <= amount, lambda row: holds(row["revenue"], lambda value: value <= amount)),
        "not": (~(m.revenue <= amount), lambda row: not holds(row["revenue"], lambda value: value <= amount)),
        "either": (
            (m.revenue > amount) | (m.lines == least),
            lambda row: holds(row["revenue"], lambda value: value > amount) or row["lines"] == least,
        ),
    }
    for condition, how in asked.values():
        same(ask(m(m.revenue, m.fees, by=fields(m, by), where=condition), len(by)), keep(how))


@few
@given(tables, st.sampled_from([["status"], ["country"], ["status", "country"]]), st.booleans(), st.integers(1, 3))
@pytest.mark.parametrize("first", ["revenue", "lines", "orders"])
def test_the_largest_groups_and_the_rest(first: str, rows: Rows, by: list[str], monthly: bool, top: int) -> None:
    m, facts = MODEL.bind(Shop(rows)), Facts(rows)
    lines, orders = facts.lines(), facts.orders()
    ranked = grouped(*((orders, by, len) if first == "orders" else (lines, by, OF_LINES[first])))
    largest = leading(ranked, top)

    def renamed(found: list[Row]) -> list[Row]:
        rest = dict.fromkeys(by, "(rest)")
        return [row if tuple(row[name] for name in by) in largest else row | rest for row in found]

    names = dict.fromkeys([first, "revenue", "dearest", "orders", "buyers"])
    split = ["month", *by] if monthly else by
    found = ask(m(*fields(m, list(names)), by=fields(m, split), top=top), len(split))
    groups = {
        name: grouped(renamed(orders), split, OF_ORDERS[name])
        if name in OF_ORDERS
        else grouped(renamed(lines), split, OF_LINES[name])
        for name in names
    }
    keys = {key for known in groups.values() for key in known}
    same(
        found,
        {key: tuple(groups[name].get(key, 0 if name in COUNTS else None) for name in names) for key in keys},
    )
    if not monthly:
        shown = [key for key in found if "(rest)" not in key]
        assert len(shown) == min(top, len(ranked))
        named = [key for key in shown if None not in key]  # what is missing comes last
        assert named == [key for key in largest if key in named], "the largest come first"


@few
@given(
    tables,
    st.sampled_from([[], ["status"], ["status", "country"]]),
    st.sampled_from(["day", "week", "month"]),
    st.data(),
)
def test_filled_periods(rows: Rows, by: list[str], grain: str, data: Any) -> None:
    """Every period of the window, or from the first to the last, for every group: sums are 0 in it, else unknown."""
    m, facts = MODEL.bind(Shop(rows)), Facts(rows)
    start = date(2026, 4, 1) + timedelta(days=data.draw(st.integers(-9, 9)))
    window = data.draw(st.sampled_from([None, (start, start + timedelta(days=30))]))
    lines, orders = facts.lines(), facts.orders()
    for row in (*lines, *orders):
        row["period"] = row["day"] and begin(row["day"], grain)
    if window:
        lines, orders = (
            [row for row in found if row["day"] and window[0] <= row["day"] < window[1]] for found in (lines, orders)
        )
    names = ["revenue", "lines", "typical", "orders"]
    groups = {
        name: grouped(orders if name == "orders" else lines, ["period", *by], {**OF_LINES, **OF_ORDERS}[name])
        for name in names
    }
    keys = {key for known in groups.values() for key in known}
    known = [key[0] for key in keys if key[0]]
    first, end = window or (min(known, default=date.max), max(known, default=date.min) + timedelta(days=1))
    listed = [day for day, _end in periods(grain, first, end)] if first < end else []
    others = {key[1:] for key in keys} if by else {()}
    every = {(day, *other) for day in listed for other in others}
    zero = {"revenue": 0, "lines": 0, "typical": None, "orders": 0}
    expected = {}
    for key in keys | every:
        numbers = [groups[name].get(key, zero[name] if key in every or name in COUNTS else None) for name in names]
        if key in every and numbers[0] is None:  # amounts of which none is known add up to nothing
            numbers[0] = 0
        expected[key] = tuple(numbers)
    found = ask(m(*fields(m, names), by=fields(m, [grain, *by]), fill=True, between=window), 1 + len(by))
    same(found, expected)
    alone = ask(m.revenue.by(*fields(m, [grain, *by]), fill=True, between=window), 1 + len(by))
    assert all(alone[key][0] == found[key][0] for key in alone)


@few
@given(tables, line_dims, st.sampled_from(["done", "returned"]), st.booleans())
def test_the_rows_behind_a_number(rows: Rows, by: list[str], status: str, windowed: bool) -> None:
    m, facts = MODEL.bind(Shop(rows)), Facts(rows)
    window = (date(2026, 3, 28), date(2026, 4, 20)) if windowed else None
    answer = m(m.revenue, m.lines, by=fields(m, by), where=m.status == status, between=window)
    behind = answer.rows().to_pyarrow().to_pylist()
    known = {row["line"]: row for row in facts.lines()}
    keys = [(row["order_id"], row["number"]) for row in behind]
    assert len(set(keys)) == len(keys)
    listed = [known[key] for key in keys]
    wanted = [row for row in known.values() if row["status"] == status]
    if window:
        wanted = [row for row in wanted if row["day"] and window[0] <= row["day"] < window[1]]
    assert {row["line"] for row in wanted} == set(keys)
    same(ask(answer, len(by)), together(listed, by, {"revenue": total("amount"), "lines": len}))
    for row, key in zip(behind, keys, strict=True):
        assert [row[name] for name in by] == [known[key][name] for name in by]
        assert row["amount"] == known[key]["amount"]
    # Of one group: by a further condition.
    for found in ask(answer, len(by)):
        if by and by[0] != "month" and found[0] is not None:
            mine = answer.rows(getattr(m, by[0]) == found[0]).to_pyarrow().to_pylist()
            assert {(row["order_id"], row["number"]) for row in mine} == {
                row["line"] for row in wanted if row[by[0]] == found[0]
            }
            break


@few
@given(tables, st.sampled_from(["revenue", "orders", "basket", "return_rate", "done_share", "back"]))
def test_effects_add_up_to_the_whole_change(rows: Rows, name: str) -> None:
    m = MODEL.bind(Shop(rows))
    metric = getattr(m, name)
    windows = (("2026-03-27", "2026-04-15"), ("2026-04-15", "2026-05-30"))
    values = [metric.by(between=window).value() for window in windows]
    if None in values and (name in RATES or values == [None, None]):
        with pytest.raises(SemanticError, match="no change to explain"):
            metric.why(*windows)
        return
    before, after = (value or 0 for value in values)
    if values == [0, 0]:
        return  # of counts, this may be a period without any group
    effects: dict[str, float] = {}
    table = metric.why(*windows).to_arrow().to_pylist()
    for row in table:
        effects[row["by"]] = effects.get(row["by"], 0) + row["effect"]
        if name in RATES:
            assert equal(row["mix"] + row["rate"], row["effect"])
    for effect in effects.values():
        assert abs(effect - (after - before)) <= 1e-9 * max(1, abs(after), abs(before))
    # What is said of a group is what one would get by asking.
    for row in table:
        if row["by"] in ("status", "order.status"):
            for side, window in zip(("before", "after"), windows, strict=True):
                value = metric.by(where=m.status == row["group"], between=window).value()
                assert equal(row[side] or 0, value or 0), (row, value)


@pytest.mark.parametrize(
    "made",
    [
        lambda m: m.buyers,  # one who bought twice would be in two groups
        lambda m: (m.revenue / m.buyers).named("each"),
        lambda m: (m.revenue / 2).named("half"),
        lambda m: (1 / m.orders).named("inverse"),
        lambda m: m.dearest,
        lambda m: m.in_stock,
        lambda m: m.orders.by(overlap=True),
    ],
)
def test_what_groups_do_not_add_up_to_is_not_explained_by_them(m: Any, made: Any) -> None:
    with pytest.raises(SemanticError, match="groups do not add up to its change"):
        made(m).why(("2026-06-01", "2026-06-15"), ("2026-06-15", "2026-06-30"))
