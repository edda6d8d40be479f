"""A metric by month over a to-one join, against hand-written SQL on the same files.

Aim: at most 1.2 times the CPU.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
from ibis import _

from measure import ratio, report
from workspace.engine import DuckDBEngine
from workspace.lake import Column, Lake, Watermark, delta, find, maintain, prepare, publish
from workspace.semantic import Dataset, Model, dim, key, measure, ref, time
from workspace.settings import Keep

if TYPE_CHECKING:
    from workspace.lake import Release

ORDERS, CUSTOMERS = 5_000_000, 300_000
NOW = datetime(2026, 11, 1, tzinfo=UTC)

META = """ 'S' AS _op, 1::BIGINT AS _position, row_number() OVER () AS _seq, 0::BIGINT AS _xid,
    TIMESTAMPTZ '2025-01-01 00:00:00+00' AS _valid_at, TIMESTAMPTZ '2026-02-01 00:00:00+00' AS _recorded_at """
TABLES = {
    "shop.customers": (
        {"id": (pa.int64(), "BIGINT"), "country": (pa.string(), "VARCHAR")},
        f"SELECT range AS id, 'country ' || range % 30 AS country, {META} FROM range({CUSTOMERS})",
    ),
    "shop.orders": (
        {
            "id": (pa.int64(), "BIGINT"),
            "customer_id": (pa.int64(), "BIGINT"),
            "amount": (pa.decimal128(18, 2), "DECIMAL"),
            "created_at": (pa.timestamp("us", "UTC"), "TIMESTAMPTZ"),
        },
        f"""SELECT range AS id, range * 7919 % {CUSTOMERS} AS customer_id,
            (range % 100000 / 100)::DECIMAL(18, 2) AS amount,
            TIMESTAMPTZ '2025-01-01 00:00:00+00' + INTERVAL (range * 10) SECOND AS created_at, {META}
        FROM range({ORDERS})""",
    ),
}
BY_HAND = """
    SELECT date_trunc('month', timezone('Europe/Berlin', created_at))::DATE AS month, country,
        sum(amount)::DOUBLE AS revenue, count(*) AS orders
    FROM {orders} AS orders LEFT JOIN {customers} AS customers ON orders.customer_id = customers.id
    GROUP BY ALL ORDER BY ALL
"""


class Customers(Dataset, table="shop.customers"):
    """Who orders."""

    customer = key(_.id)
    country = dim(_.country)


class Orders(Dataset, table="shop.orders"):
    """What is ordered."""

    order = key(_.id)
    buyer = ref(Customers, _.customer_id)
    created = time(_.created_at, default=True)
    revenue = measure(_.amount.sum(), unit="EUR")
    orders = measure(_.count(), unit="count")


class Reader:
    """A release, as a model wants it."""

    def __init__(self, lake: Lake, release: Release) -> None:
        self.release = release
        engine = DuckDBEngine(lake, release)
        self.table, self.history = engine.table, engine.history


def filled(root: str) -> Lake:
    lake = Lake(f"{root}/lake")
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for name, (columns, rows) in TABLES.items():
        log = lake.define(
            name,
            [Column(name=c, type=kind, source_type=said, key=int(c == "id")) for c, (kind, said) in columns.items()],
        )
        log.append(connection.sql(rows).to_arrow_reader(100_000), position=1)
    lake.advance(Watermark(source="shop", position=1, clock=NOW, reached=NOW, recorded_at=NOW, run="r"))
    prepare(lake, run="r", as_of=NOW, required={"shop": True}, now=NOW)
    publish(lake, run="r", now=NOW)
    maintain(lake, keep=Keep(), now=NOW)
    prepare(lake, run="folded", as_of=NOW, required={"shop": True}, now=NOW)
    publish(lake, run="folded", now=NOW)
    return lake


def main() -> None:
    with tempfile.TemporaryDirectory() as root:
        lake = filled(root)
        m = Model(Customers, Orders, timezone="Europe/Berlin").bind(Reader(lake, find(lake)))
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        for name in ("orders", "customers"):
            files = delta.files_of(delta.open_table(lake.layout.uri("current", f"shop.{name}")))
            connection.execute(f"CREATE VIEW {name}_files AS FROM read_parquet({files})")
        by_hand = BY_HAND.format(orders="orders_files", customers="customers_files")
        asked = [m.month, m.buyer.country]
        ours, theirs = ratio(
            lambda: m(m.revenue, m.orders, by=asked).to_arrow(), lambda: connection.sql(by_hand).to_arrow_table()
        )
        report(f"revenue by month and country, {ORDERS:,} orders", ours, theirs, unit="CPU s", aim=1.2)


if __name__ == "__main__":
    main()
