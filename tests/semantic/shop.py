"""A shop, declared in the language: read this first to learn how declarations look."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import ibis
import pyarrow as pa
from ibis import _

from workspace.semantic import Dataset, Model, dim, fact, key, measure, ratio, ref, time


class Customers(Dataset, table="shop.customers"):
    """People with an account."""

    customer = key(_.id)
    country = dim(_.country, "Where they live")
    joined = time(_.joined_at, default=True)
    new_customers = measure(_.count(), "Customers who joined", unit="count", owner="growth")


class Brands(Dataset, table="shop.brands", history=True):
    """Who makes products. History: a brand's tier changes, and an order keeps the tier of its time."""

    brand = key(_.id)
    tier = dim(_.tier, "Partner tier")
    fee = fact(_.fee)


class Products(Dataset, table="shop.products", history=True):
    """What is sold. A product may change hands."""

    product = key(_.id)
    brand = ref(Brands, _.brand_id)
    colour = dim(_.colour, "As on the box")


class Orders(Dataset, table="shop.orders", where=_.status != "draft"):
    """One row an order that was placed."""

    order = key(_.id)
    buyer = ref(Customers, _.customer_id)
    placed = time(_.placed_at, "When it was placed", default=True)
    status = dim(_.status)
    orders = measure(_.count(), "Orders placed", unit="count", owner="sales")
    buyers = measure(_.customer_id.nunique(), "Customers who ordered", unit="count")
    returned = measure(_.count(where=_.status == "returned"), "Orders that came back", unit="count")


class Lines(Dataset, table="shop.lines", where=_.order.status != "draft"):
    """One row a line of an order."""

    line = key(_.order_id, _.number)
    order = ref(Orders, _.order_id)
    product = ref(Products, _.product_id, valid="event")
    ordered = time(_.order.placed, default=True)
    revenue = measure(_.amount.sum(), "What was ordered", unit="EUR", owner="finance")
    lines = measure(_.count(), unit="count")
    cheapest = measure(_.amount.min(), unit="EUR")
    dearest = measure(_.amount.max(), unit="EUR")
    typical = measure(_.amount.mean(), unit="EUR")
    fees = measure((_.amount * _.product.brand.fee).sum(), "Our share", unit="EUR")


class Stock(Dataset, table="shop.stock"):
    """What lay on the shelf at the end of a day, counted now and then."""

    stock = key(_.product_id, _.day)
    product = ref(Products, _.product_id)
    counted = time(_.day, default=True)
    in_stock = measure(_.pieces.sum(), "Pieces on the shelf", unit="count", snapshot="last", over=product)


DATASETS = (Customers, Brands, Products, Orders, Lines, Stock)
RATIOS = {
    "basket": ratio(Lines.revenue, Orders.orders, "Revenue an order", unit="EUR", owner="finance"),
    "return_rate": ratio(Orders.returned, Orders.orders, "Share of orders that came back", unit="percent"),
}
MODEL = Model(*DATASETS, timezone="Europe/Berlin", week="mon", calendar=None, **RATIOS)

MOMENT, MONEY, NUMBER, TEXT = pa.timestamp("us", "UTC"), pa.decimal128(18, 2), pa.int64(), pa.string()
PERIOD = {"valid_from": MOMENT, "valid_to": MOMENT}
SCHEMAS = {
    "shop.customers": {"id": NUMBER, "country": TEXT, "joined_at": MOMENT},
    "shop.brands": {"id": NUMBER, "tier": TEXT, "fee": pa.decimal128(18, 4), **PERIOD},
    "shop.products": {"id": NUMBER, "brand_id": NUMBER, "colour": TEXT, **PERIOD},
    "shop.orders": {"id": NUMBER, "customer_id": NUMBER, "status": TEXT, "placed_at": MOMENT},
    "shop.lines": {"order_id": NUMBER, "number": NUMBER, "product_id": NUMBER, "amount": MONEY},
    "shop.stock": {"product_id": NUMBER, "day": pa.date32(), "pieces": NUMBER},
    "shop.seasons": {"day": pa.date32(), "season": TEXT},
}
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)


def at(day: int, hour: int = 12, month: int = 6) -> datetime:
    """A moment of 2026."""
    return datetime(2026, month, day, hour, tzinfo=UTC)


@dataclass(frozen=True)
class Release:
    name: str = "2026-06-30"
    as_of: datetime = datetime(2026, 7, 1, tzinfo=UTC)


@cache
def connection() -> Any:
    made = ibis.duckdb.connect()
    made.raw_sql("set timezone = 'UTC'")
    return made


@dataclass
class Shop:
    """A reader over rows that a test writes down: each table's as tuples, in the order of its schema."""

    rows: dict[str, list[tuple[Any, ...]]]
    release: Release = field(default_factory=Release)

    def __post_init__(self) -> None:
        for name, schema in SCHEMAS.items():
            given = self.rows.get(name, [])
            columns = list(zip(*given, strict=True)) if given else [() for _ in schema]
            arrays = [pa.array(values, kind) for values, kind in zip(columns, schema.values(), strict=True)]
            connection().con.register("given", pa.table(arrays, names=list(schema)))
            connection().con.execute(f'create or replace table "{name}" as from given')

    def history(self, name: str) -> Any:
        return connection().table(name)

    def table(self, name: str) -> Any:
        table = self.history(name)
        if "valid_to" not in table.columns:
            return table
        return table.filter(table.valid_to == ibis.literal(FOREVER)).drop("valid_from", "valid_to")


def small_shop() -> Shop:
    """Four orders, two brands of which one was promoted, and a missing value wherever one may be."""
    return Shop(
        {
            "shop.customers": [(1, "DE", at(1)), (2, "FR", at(2)), (3, None, at(3, month=5))],
            "shop.brands": [
                (1, "basic", Decimal("0.1"), at(1), at(15)),
                (1, "gold", Decimal("0.2"), at(15), FOREVER),
                (2, "basic", Decimal("0.1"), at(1), FOREVER),
            ],
            "shop.products": [(10, 1, "red", at(1), FOREVER), (20, 2, "blue", at(1), FOREVER)],
            "shop.orders": [
                (1, 1, "done", at(10)),
                (2, 1, "returned", at(20)),
                (3, None, "done", at(20)),
                (4, 2, "draft", at(20)),
                (5, 2, "done", at(31, hour=22, month=5)),  # midnight in Berlin: June 1st, and older than every brand
            ],
            "shop.lines": [
                (1, 1, 10, Decimal("10.00")),
                (1, 2, 20, Decimal("5.00")),
                (2, 1, 10, Decimal("20.00")),
                (3, 1, None, Decimal("7.00")),
                (4, 1, 10, Decimal("999.00")),
                (5, 1, 10, Decimal("1.00")),
            ],
            "shop.stock": [
                (10, date(2026, 5, 30), 9),
                (10, date(2026, 6, 20), 4),
                (20, date(2026, 5, 30), 6),
            ],
            "shop.seasons": [
                (date(2026, 5, 1) + timedelta(days=n), "spring" if n < 40 else "summer") for n in range(92)
            ],
        }
    )
