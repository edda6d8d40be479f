"""A bakery: the small world of these pages. `python -i docs/metrics/bakery.py` gives you `m` to ask yourself."""  # noqa: INP001

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

import ibis
import pyarrow as pa
from ibis import _

from workspace.semantic import Dataset, Model, dim, fact, funnel, key, measure, metric, ratio, ref, retention, time


class Customers(Dataset, table="bakery.customers"):
    """People with a customer card."""

    customer = key(_.id)
    name = dim(_.name)
    city = dim(_.city, "Where they live")
    joined = time(_.joined_at, "When they got the card", default=True)
    new_customers = measure(_.count(), "Customers who joined", unit="count", owner="growth")


class Products(Dataset, table="bakery.products", history=True):
    """What is baked. History: a product's shelf changes, and a sale keeps the shelf of its time."""

    product = key(_.id)
    product_name = dim(_.name)
    shelf = dim(_.shelf, "new or classic")


class Orders(Dataset, table="bakery.orders", where=_.status != "draft"):
    """One row an order that was placed."""

    order = key(_.id)
    buyer = ref(Customers, _.customer_id)
    placed = time(_.placed_at, "When it was placed", default=True)
    status = dim(_.status)
    orders = measure(_.count(), "Orders placed", unit="count", owner="sales")
    buyers = measure(_.customer_id.nunique(), "Customers who ordered", unit="count", owner="sales")
    returned = measure(_.count(where=_.status == "returned"), "Orders that came back", unit="count", owner="sales")


class Lines(Dataset, table="bakery.lines", where=_.order.status != "draft"):
    """One row a line of an order."""

    line = key(_.order_id, _.number)
    order = ref(Orders, _.order_id)
    product = ref(Products, _.product_id)
    ordered = time(_.order.placed, default=True)
    amount = fact(_.pieces * _.price, "What the line costs", unit="EUR")
    revenue = measure(_.amount.sum(), "What was ordered", unit="EUR", owner="finance")
    dearest = measure(_.amount.max(), "The dearest line", unit="EUR", owner="finance")


class Stock(Dataset, table="bakery.stock"):
    """What lay on the shelf at the end of a day, counted now and then."""

    stock = key(_.product_id, _.day)
    product = ref(Products, _.product_id)
    counted = time(_.day, default=True)
    in_stock = measure(_.pieces.sum(), "Pieces on the shelf", unit="count", snapshot="last", over=product)


class Visits(Dataset, table="bakery.visits"):
    """One row a visit to the web site."""

    visit = key(_.id)
    visitor = ref(Customers, _.customer_id)
    came = time(_.came_at, default=True)
    visits = measure(_.count(), "Visits to the web site", unit="count", owner="growth")


DATASETS = (Customers, Products, Orders, Lines, Stock, Visits)
model = Model(
    *DATASETS,
    timezone="Europe/Berlin",
    week="mon",
    basket=ratio(Lines.revenue, Orders.orders, "Revenue an order", unit="EUR", owner="finance"),
    return_rate=ratio(Orders.returned, Orders.orders, "Share of orders that came back", unit="percent", owner="sales"),
    revenue_28d=metric(Lines.revenue.trailing("28 days"), "Revenue of the last 28 days"),
    visit_to_order=funnel(
        Visits.visits, Orders.orders, by="customer", within="7 days", description="Visits that led to an order"
    ),
    came_back=retention(
        Customers.new_customers, Orders.orders, by="customer", description="Customers who ordered the month after"
    ),
)

# The rows. The times are UTC, and Berlin is two hours ahead all summer.
MOMENT, NUMBER, TEXT = pa.timestamp("us", "UTC"), pa.int64(), pa.string()
COLUMNS = {
    "bakery.customers": {"id": NUMBER, "name": TEXT, "city": TEXT, "joined_at": MOMENT},
    "bakery.products": {"id": NUMBER, "name": TEXT, "shelf": TEXT, "valid_from": MOMENT, "valid_to": MOMENT},
    "bakery.orders": {"id": NUMBER, "customer_id": NUMBER, "status": TEXT, "placed_at": MOMENT},
    "bakery.lines": {"order_id": NUMBER, "number": NUMBER, "product_id": NUMBER, "pieces": NUMBER, "price": NUMBER},
    "bakery.stock": {"product_id": NUMBER, "day": pa.date32(), "pieces": NUMBER},
    "bakery.visits": {"id": NUMBER, "customer_id": NUMBER, "came_at": MOMENT},
}


def at(day: str, clock: str = "12:00") -> datetime:
    """A moment of 2026, in UTC: `at("05-04", "09:30")`."""
    return datetime.fromisoformat(f"2026-{day}T{clock}+00:00")


Rows = list[tuple[Any, ...]]
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
ROWS: dict[str, Rows] = {
    "bakery.customers": [
        (1, "Ada", "Berlin", at("05-02")),
        (2, "Ben", "Berlin", at("05-10")),
        (3, "Cleo", "Paris", at("06-01")),
        (4, "Dan", None, at("06-05")),
        (5, "Eve", "Paris", at("05-15")),
    ],
    "bakery.products": [
        (1, "rye", "classic", at("05-01"), FOREVER),
        (2, "croissant", "new", at("05-01"), at("06-01")),
        (2, "croissant", "classic", at("06-01"), FOREVER),
        (3, "eclair", "new", at("06-01"), FOREVER),
    ],
    "bakery.orders": [
        (1, 1, "done", at("05-04")),
        (2, 2, "done", at("05-12")),
        (3, 1, "done", at("05-20")),
        (4, 2, "done", at("05-31", "22:30")),  # half past midnight in Berlin: June 1st
        (5, 3, "done", at("06-03")),
        (6, 1, "returned", at("06-10")),
        (7, 4, "done", at("06-17")),
        (8, None, "done", at("06-24")),  # no card
        (9, 3, "draft", at("06-25")),  # not placed, so not counted
    ],
    "bakery.lines": [
        (1, 1, 1, 2, 3),
        (1, 2, 2, 2, 2),
        (2, 1, 1, 1, 3),
        (3, 1, 2, 4, 2),
        (4, 1, 1, 1, 3),
        (4, 2, 3, 1, 5),
        (5, 1, 3, 2, 5),
        (6, 1, 1, 2, 3),
        (6, 2, 2, 1, 2),
        (7, 1, 2, 2, 2),
        (8, 1, 1, 3, 3),
        (9, 1, 3, 9, 5),
    ],
    "bakery.stock": [
        (1, date(2026, 5, 2), 20),
        (1, date(2026, 5, 30), 9),
        (1, date(2026, 6, 28), 4),
        (2, date(2026, 5, 30), 6),
        (2, date(2026, 6, 15), 8),
    ],
    "bakery.visits": [
        (1, 1, at("05-04", "09:00")),
        (2, 1, at("05-18")),
        (3, 1, at("05-19")),
        (4, 2, at("05-01")),
        (5, 3, at("06-03", "09:00")),
        (6, 4, at("06-17", "15:00")),
        (7, None, at("06-20")),
    ],
}


@dataclass(frozen=True)
class Release:
    """A state of the tables: its name, and the moment up to which it is complete."""

    name: str
    as_of: datetime


NEWEST = Release("2026-06-30", at("07-01", "00:00"))
# A month earlier only four orders were known, and a price was still wrong: a croissant of order 3 cost 3 EUR.
EARLIER = Release("2026-05-31", at("06-01", "00:00"))
KNOWN_EARLIER: dict[str, Rows] = ROWS | {
    "bakery.orders": ROWS["bakery.orders"][:4],
    "bakery.lines": [*ROWS["bakery.lines"][:3], (3, 1, 2, 4, 3), *ROWS["bakery.lines"][4:6]],
}


@dataclass
class Bakery:
    """A release as a model reads it: what `connect()` gives for a lake, here over the rows above."""

    rows: dict[str, Rows] = field(default_factory=lambda: ROWS)
    release: Release = NEWEST
    columns: dict[str, dict[str, pa.DataType]] = field(default_factory=lambda: COLUMNS)

    @cached_property
    def _connection(self) -> Any:
        made = ibis.duckdb.connect()
        made.raw_sql("set timezone = 'UTC'")
        for name, kinds in self.columns.items():
            values = list(zip(*self.rows[name], strict=True))
            arrays = [pa.array(column, kind) for column, kind in zip(values, kinds.values(), strict=True)]
            made.create_table(name, pa.table(arrays, names=list(kinds)))
        return made

    def history(self, name: str) -> Any:
        """Every version of a table's rows."""
        return self._connection.table(name)

    def table(self, name: str) -> Any:
        """The rows as they are now."""
        table = self.history(name)
        if "valid_to" not in table.columns:
            return table
        return table.filter(table.valid_to == ibis.literal(FOREVER)).drop("valid_from", "valid_to")

    def at(self, release: str) -> Bakery:
        """Another release."""
        return {NEWEST.name: Bakery(), EARLIER.name: Bakery(KNOWN_EARLIER, EARLIER)}[release]


bakery = Bakery()
m = model.bind(bakery)
