"""A home with a small lake, published releases and metrics of its own, one column of which is personal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workspace.front import connect
from workspace.lake import Column, Lake, Watermark
from workspace.settings import Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

METRICS = """
from ibis import _
from workspace.semantic import Dataset, Model, dim, key, measure, ratio, ref, time

class People(Dataset, table="shop.people"):
    person = key(_.id)
    city = dim(_.city, "Where they live")
    email = dim(_.email, "How to reach them")

class Orders(Dataset, table="shop.orders"):
    order = key(_.id)
    buyer = ref(People, _.person_id)
    placed = time(_.placed_at, default=True)
    orders = measure(_.count(), "Orders placed", unit="count", owner="sales")
    revenue = measure(_.amount.sum(), "What was ordered", unit="EUR", owner="finance")
    reachable = measure(_.buyer.email.nunique(), "Addresses behind the orders", unit="count")

model = Model(
    People, Orders, timezone="UTC", basket=ratio(Orders.revenue, Orders.orders, "Revenue an order", unit="EUR")
)
checks = []
"""
TOML = """
[workspace]
clock = 2026-02-01T00:00:00Z
metrics = "shop_metrics"

[sources.shop]
kind = "postgres"
dsn_env = "SHOP_DSN"
personal = ["people.email"]
"""
PEOPLE = (
    Column(name="id", type=pa.int64(), source_type="bigint", key=1),
    Column(name="email", type=pa.string(), source_type="text", personal=True),
    Column(name="city", type=pa.string(), source_type="text"),
)
ORDERS = (
    Column(name="id", type=pa.int64(), source_type="bigint", key=1),
    Column(name="person_id", type=pa.int64(), source_type="bigint"),
    Column(name="placed_at", type=pa.timestamp("us", "UTC"), source_type="timestamptz"),
    Column(name="amount", type=pa.decimal128(18, 2), source_type="numeric(12,2)"),
)


def january(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 1, day, hour, tzinfo=UTC)


@dataclass(frozen=True)
class ShopHome:
    """A folder with `workspace.toml`, `shop_metrics.py` and a lake."""

    path: Path

    @classmethod
    def make(cls, path: Path) -> ShopHome:
        """Ada and Bob order in Paris and Rome on the first four days; the first release sees three of the orders."""
        (path / "workspace.toml").write_text(TOML)
        (path / "shop_metrics.py").write_text(METRICS)
        home = cls(path)
        lake = Lake(home.settings.lake)
        lake.define("shop.people", PEOPLE)
        lake.define("shop.orders", ORDERS)
        people = [{"id": 1, "email": "ada@x.org", "city": "Paris"}, {"id": 2, "email": "bob@x.org", "city": "Rome"}]
        home.write("shop.people", people, january(1))
        home.order(1, 1, 10, january(1, 10))
        home.order(2, 2, 20, january(2, 10))
        home.order(3, 1, 30, january(3, 10))
        home.publish("one", 4)
        return home

    @property
    def settings(self) -> Settings:
        return load_settings(self.path)

    def order(self, number: int, person: int, amount: int, moment: datetime) -> None:
        row = {"id": number, "person_id": person, "amount": Decimal(amount), "placed_at": moment}
        self.write("shop.orders", [row], moment)

    def write(self, table: str, rows: list[dict[str, Any]], moment: datetime) -> None:
        """Capture rows as inserted at a moment."""
        lake = Lake(self.settings.lake)
        log = lake.log(table)
        position = log.position + 10
        meta = {"_op": "I", "_position": position, "_xid": position, "_valid_at": moment, "_recorded_at": moment}
        entries = [row | meta | {"_seq": seq} for seq, row in enumerate(rows)]
        log.append(pa.Table.from_pylist(entries, schema=log.schema), position=position)

    def publish(self, run: str, day: int) -> str:
        """Publish what was true before a day of January; gives the release's name."""
        reached = january(day) + timedelta(days=1)
        mark = Watermark(source="shop", position=1000, clock=reached, reached=reached, recorded_at=reached, run=run)
        Lake(self.settings.lake).advance(mark)
        candidate = connect(candidate=run, as_of=january(day), settings=self.settings)
        candidate.audit()
        return candidate.publish().name
