"""What a model promises of the data: each check finds the fault that it is there for, and only that."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis import _

from semantic.shop import DATASETS, FOREVER, MODEL, Brands, Customers, Orders, Shop, at, small_shop
from workspace.engine import run_checks
from workspace.errors import LakeError
from workspace.semantic import Dataset, Model, dim, key, measure, ref, time
from workspace.semantic.trust import derived

KEYS = {"shop.customers": ("id",), "shop.lines": ("number", "order_id"), "shop.brands": ("tier", "id")}
TENTH = Decimal("0.1")
LINE = (1, 9, 10, Decimal("1.00"))


def found(shop: Shop, model: Model = MODEL) -> dict[str, str]:
    """What does not hold, by the name of the check."""
    done = run_checks(shop, derived.checks(model))
    return {c.check.name: c.text.partition(" rows")[0] for c in done if c.verdict != "holds"}


def shop_with(**more: list[tuple[Any, ...]]) -> Shop:
    """The small shop with more rows."""
    rows = dict(small_shop().rows)
    for name, added in more.items():
        rows[f"shop.{name}"] = [*rows[f"shop.{name}"], *added]
    return Shop(rows)


def shop_without(name: str, *lost: int) -> Shop:
    """The small shop without the rows of these ids."""
    rows = dict(small_shop().rows)
    rows[f"shop.{name}"] = [row for row in rows[f"shop.{name}"] if row[0] not in lost]
    return Shop(rows)


def test_every_declaration_is_checked() -> None:
    names = [check.name for check in derived.checks(Model(*DATASETS, timezone="UTC"))]
    references = ["Products.brand", "Orders.buyer", "Lines.order", "Lines.product", "Stock.product"]
    datasets = [cls.__name__ for cls in DATASETS]
    assert set(names) >= {f"{name}: reference" for name in references}
    assert set(names) >= {f"{name}: {what}" for name in datasets for what in ("schema", "key")}
    assert len(names) == len(set(names))


def test_what_a_primary_key_promises_is_not_checked_again() -> None:
    others = {spec.table: () for spec in MODEL.specs.values()}
    names = {check.name for check in derived.checks(MODEL, {**others, **KEYS})}
    assert not names & {"Customers: key", "Lines: key"}
    assert names >= {"Brands: key", "Orders: key"}


def test_a_dataset_whose_table_is_not_there_warns_and_is_not_checked() -> None:
    there = {spec.table: () for spec in MODEL.specs.values() if spec.table != "shop.orders"}
    found = {check.name: check for check in derived.checks(MODEL, there)}
    assert not {"Orders: schema", "Orders: key", "Orders.buyer: reference", "Lines.order: reference"} & found.keys()
    (done,) = run_checks(small_shop(), [found["Orders: table"]])
    assert (done.verdict, done.examples) == ("warning", ("shop.orders",))


def test_sound_data_break_nothing() -> None:
    assert found(small_shop()) == {}
    assert found(Shop({})) == {}


SOUND = {
    "a draft twice": {"orders": [(4, 1, "draft", at(20))]},
    "a line of a draft": {"lines": [(4, 9, 10, Decimal("1.00"))]},
    "no buyer": {"orders": [(9, None, "done", at(9))]},
    "older than the first version": {"orders": [(9, 1, "done", at(1, month=2))], "lines": [(9, 1, 10, TENTH)]},
    "versions that touch": {"brands": [(3, "a", TENTH, at(1), at(2)), (3, "b", TENTH, at(2), at(3))]},
    "a brand that came after its product": {
        "brands": [(3, "a", TENTH, at(9), FOREVER)],
        "products": [(30, 3, "red", at(1), FOREVER)],
    },
    "a product that went before its brand": {
        "brands": [(3, "a", TENTH, at(1), at(9))],
        "products": [(30, 3, "red", at(1), at(9))],
    },
}


@pytest.mark.parametrize("rows", SOUND.values(), ids=SOUND)
def test_what_is_sound_is_left_alone(rows: dict[str, list[tuple[Any, ...]]]) -> None:
    assert found(shop_with(**rows)) == {}


FAULTS = {
    "a customer twice": ({"customers": [(1, "DE", at(1))]}, "Customers: key", "1 of 4"),
    "a customer without id": ({"customers": [(None, "DE", at(1))]}, "Customers: key", "1 of 4"),
    "an order twice": ({"orders": [(1, 1, "done", at(1))]}, "Orders: key", "1 of 5"),
    "versions that overlap": ({"brands": [(2, "gold", TENTH, at(3), FOREVER)]}, "Brands: key", "1 of 4"),
    "a version without id": ({"brands": [(None, "gold", TENTH, at(3), at(4))]}, "Brands: key", "1 of 4"),
    "an unknown buyer": ({"orders": [(9, 99, "done", at(9))]}, "Orders.buyer: reference", "1 of 4"),
    "an unknown order": ({"lines": [(99, 1, 10, TENTH)]}, "Lines.order: reference", "1 of 6"),
    "an unknown product": ({"lines": [(1, 9, 99, TENTH)]}, "Lines.product: reference", "1 of 5"),
    "a product that was gone": (
        {"products": [(30, 1, "red", at(1), at(9))], "lines": [(1, 9, 30, TENTH)]},
        "Lines.product: reference",
        "1 of 5",
    ),
    "a product that was away": (
        {
            "products": [(30, 1, "red", at(1), at(9)), (30, 1, "red", at(11), FOREVER)],
            "lines": [(1, 9, 30, TENTH), (2, 9, 30, TENTH)],
        },
        "Lines.product: reference",
        "1 of 6",
    ),
    "an unknown brand": ({"products": [(30, 99, "red", at(1), FOREVER)]}, "Products.brand: reference", "1 of 3"),
    "a brand that went before its product": (
        {"brands": [(3, "a", TENTH, at(1), at(9))], "products": [(30, 3, "red", at(1), FOREVER)]},
        "Products.brand: reference",
        "1 of 3",
    ),
    "a brand that was away": (
        {
            "brands": [(3, "a", TENTH, at(1), at(9)), (3, "a", TENTH, at(11), FOREVER)],
            "products": [(30, 3, "red", at(1), FOREVER), (31, 3, "red", at(1), at(9)), (32, 3, "red", at(9), at(10))],
        },
        "Products.brand: reference",
        "2 of 5",
    ),
    "stock of an unknown product": ({"stock": [(99, date(2026, 6, 1), 1)]}, "Stock.product: reference", "1 of 4"),
}


@pytest.mark.parametrize(("rows", "name", "count"), FAULTS.values(), ids=FAULTS)
def test_each_fault_is_found_by_its_check(rows: dict[str, list[tuple[Any, ...]]], name: str, count: str) -> None:
    shop = shop_with(**rows)
    assert found(shop) == {name: f"{name}: {count}"}


def test_what_is_lost_is_named() -> None:
    (lost,) = [c for c in run_checks(shop_without("orders", 2), derived.checks(MODEL)) if c.violations]
    assert lost.text == (
        "Lines.order: reference: 1 of 5 rows (20 %). Every row of Lines that names its order leads to a row of Orders. "
        "Such as: order_id 2, number 1"
    )
    assert lost.failed


def test_examples_show_no_personal_columns() -> None:
    shop, asked = shop_with(orders=[(9, 99, "done", at(9))]), derived.checks(MODEL)
    examples = {
        personal: [c.examples for c in run_checks(shop, asked, personal=personal) if c.violations]
        for personal in ((), ("customer_id",), ("customer_id", "id"))
    }
    assert examples == {
        (): [("id 9, customer_id 99",)],
        ("customer_id",): [("9",)],
        ("customer_id", "id"): [()],
    }


def lines(**how: Any) -> Model:
    """A model of lines and orders, with something said of the reference."""

    class Bills(Dataset, table="shop.orders"):
        order = key(_.id)

    class Lines(Dataset, table="shop.lines"):
        line = key(_.order_id, _.number)
        order = ref(Bills, _.order_id, **how)

    return Model(Bills, Lines, timezone="UTC")


def test_a_share_of_lost_rows_may_be_declared() -> None:
    shop = shop_with(lines=[(99, 1, 10, TENTH)])
    verdicts = {}
    for missing in (0.0, 0.14, 0.15):
        (checked,) = [c for c in run_checks(shop, derived.checks(lines(missing=missing))) if c.violations]
        verdicts[missing] = checked.verdict
    assert verdicts == {0.0: "failed", 0.14: "failed", 0.15: "tolerated"}
    assert checked.check.description.endswith("leads to a row of Bills, but for 15 % of them at most.")


def test_a_reference_into_another_source_only_warns() -> None:
    class People(Dataset, table="crm.people"):
        person = key(_.id)

    class Cases(Dataset, table="shop.cases"):
        person = ref(People, _.person_id)

    class Mails(Dataset, table="crm.mails"):
        person = ref(People, _.person_id)

    model = Model(People, Cases, Mails, timezone="UTC")
    severities = {check.name: check.severity for check in derived.checks(model) if "reference" in check.name}
    assert severities == {"Cases.person: reference": "warning", "Mails.person: reference": "error"}


def test_values_that_are_calculated_are_named_after_the_key() -> None:
    class Days(Dataset, table="shop.stock"):
        count = key(_.product_id, _.day)

    class Bills(Dataset, table="shop.orders"):
        order = key(_.id)
        placed = time(_.placed_at, default=True)
        counted = ref(Days, product_id=_.id * 10, day=_.placed.date())

    (check,) = [c for c in derived.checks(Model(Days, Bills, timezone="Europe/Berlin")) if c.name.startswith("Bills.")]
    (checked,) = run_checks(small_shop(), [check])
    assert checked.examples[0] == "id 1, counted_product_id 10, counted_day 2026-06-10"
    assert check.shown == {"id": {"id"}, "counted_product_id": {"id"}, "counted_day": {"placed_at"}}


class Wrong(Dataset, table="shop.orders", where=_.status):
    """An orders dataset in which nothing fits."""

    order = key(_.id)
    buyer = ref(Customers, _.status)
    brand = ref(Brands, _.placed_at)
    placed = time(_.status, default=True)
    colour = dim(_.color)
    size = dim(_.customer_id.upper())
    twice = measure(_.customer_id * 2)


def test_declarations_that_do_not_fit_the_tables() -> None:
    done = run_checks(small_shop(), derived.checks(Model(Customers, Brands, Wrong, timezone="UTC")))
    (schema,) = [c for c in done if c.check.name == "Wrong: schema"]
    assert schema.failed
    rows = schema.check.violations(small_shop()).to_pyarrow().to_pydict()["problem"]
    said = {row.partition(" uses. ")[0].partition(": ")[0]: row for row in rows}
    assert "Wrong.colour uses" in said.pop("there is no column 'color', which Wrong.colour")
    assert {name: text.partition(": ")[2].partition(".")[0] for name, text in said.items()} == {
        "Wrong.buyer": "its value is string, but Customers",
        "Wrong.brand": "its value is timestamp('UTC', 6), but Brands",
        "Wrong.placed": "a time is a timestamp or a date, not string",
        "Wrong.size": "'IntegerColumn' object has no attribute 'upper'",
        "Wrong.twice": "it gives a value a row; a measure aggregates rows",
        "Wrong.where": "a condition is true or false, and this is string",
    }


def test_conditions_of_metrics_that_do_not_fit_the_tables() -> None:
    wrong = {
        "gone": Orders.orders.where(_.state == "done"),
        "late": Orders.orders.where(_.status).trailing("7 days"),
        "sound": Orders.orders.where(_.status == "done").ago("1 week"),
    }
    model = Model(Customers, Orders, timezone="UTC", **wrong)  # type: ignore[arg-type]
    (schema,) = [c for c in run_checks(small_shop(), derived.checks(model)) if c.check.name == "Orders: schema"]
    assert schema.examples == (
        "the metric late: a condition is true or false, and this is string.",
        "there is no column 'state', which the metric gone uses. Did you mean status?",
    )


def test_what_cannot_be_asked_fails() -> None:
    class Gone(Dataset, table="shop.gone"):
        gone = key(_.id)
        buyer = ref(Customers, _.customer_id)

    class Lake(Shop):
        def table(self, name: str) -> Any:
            if name == "shop.gone":
                raise LakeError("The release has no table 'shop.gone'.")
            return super().table(name)

    done = run_checks(Lake(small_shop().rows), derived.checks(Model(Customers, Gone, timezone="UTC")))
    assert [c.check.name for c in done if c.failed] == ["Gone: schema", "Gone: key", "Gone.buyer: reference"]
    assert all(c.text.startswith(f"{c.check.name}: cannot be asked. ") for c in done if c.failed)


Spans = dict[int, list[tuple[int, int]]]
LAST = 6
SALE = st.tuples(st.integers(1, 3), st.integers(1, LAST - 1))


@st.composite
def spans(draw: st.DrawFn) -> Spans:
    """Draw, for each of two keys, the days on which it is there: spans that never overlap but may touch."""
    found: Spans = {}
    for number in (1, 2):
        edges = sorted(draw(st.sets(st.integers(1, LAST), max_size=4)))
        found[number] = [pair for pair in pairwise(edges) if draw(st.booleans())]
    return found


def versions(there: Spans, of: int | None = None) -> list[tuple[Any, ...]]:
    said = ("gold", TENTH) if of is None else (of, "red")
    rows = [(number, a, b) for number, found in there.items() for a, b in found]
    return [(number, *said, at(a), FOREVER if b == LAST else at(b)) for number, a, b in rows]


def is_there(days: list[tuple[int, int]], day: int) -> bool:
    """Whether something is there on a day; before the first day on which it was known, as on that day."""
    return bool(days) and (day < min(a for a, _ in days) or any(a <= day < b for a, b in days))


@settings(max_examples=30, deadline=None)
@given(brands=spans(), products=spans(), brand=st.integers(1, 3), sold=st.lists(SALE, max_size=4))
def test_references_to_history_are_those_of_a_calendar(
    brands: Spans, products: Spans, brand: int, sold: list[tuple[int, int]]
) -> None:
    shop = Shop(
        {
            "shop.brands": versions(brands),
            "shop.products": versions(products, of=brand),
            "shop.orders": [(i, None, "done", at(day)) for i, (_, day) in enumerate(sold)],
            "shop.lines": [(i, 1, product, TENTH) for i, (product, _) in enumerate(sold)],
        }
    )
    asked = [check for check in derived.checks(MODEL) if check.name.startswith(("Products.brand", "Lines.product"))]
    done = {c.check.name: c.violations for c in run_checks(shop, asked)}
    made = brands.get(brand, [])
    alone = [any(not is_there(made, day) for day in range(a, b)) for found in products.values() for a, b in found]
    lost = [not is_there(products.get(product, []), day) for product, day in sold]
    assert done == {"Products.brand: reference": sum(alone), "Lines.product: reference": sum(lost)}
