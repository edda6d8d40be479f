"""A company of a few rows, every number of which can be worked out on paper."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import ibis

from metrics import advertising, website
from workspace.errors import ReleaseError

TABLES = {
    "user_db.users": """
        select * from (values
            ('u1', 'DE', 'Berlin', 'ads', 'customer', 'active', timestamptz '2026-08-31 22:30:00+00'),
            ('u2', 'FR', 'Paris', 'organic', 'customer', 'active', timestamptz '2026-10-02 10:00:00+00'),
            ('u3', 'DE', null, 'organic', 'vendor', 'active', timestamptz '2026-10-03 10:00:00+00')
        ) v(id, country, city, signup_channel, role, status, created_at)""",
    "inventory_db.vendors": """
        select * from (values
            (1, 'spaces', 'Berlin', 'DE', 'basic', 0.1000::decimal(18, 4), timestamptz '2026-09-01 00:00:00+00',
                timestamptz '2026-10-10 00:00:00+00'),
            (1, 'spaces', 'Berlin', 'DE', 'gold', 0.2000::decimal(18, 4), timestamptz '2026-10-10 00:00:00+00',
                timestamptz '9999-12-31 00:00:00+00'),
            (2, 'music', 'Hamburg', 'DE', 'silver', 0.1500::decimal(18, 4), timestamptz '2026-09-15 00:00:00+00',
                timestamptz '9999-12-31 00:00:00+00')
        ) v(id, category, city, country, tier, commission_rate, valid_from, valid_to)""",
    "inventory_db.listings": """
        select *, timestamptz '9999-12-31 00:00:00+00' as valid_to from (values
            (10, 1, 'space', 'Loft', 'Berlin', timestamptz '2026-09-01 00:00:00+00'),
            (20, 2, 'service', 'Band', 'Hamburg', timestamptz '2026-09-15 00:00:00+00'),
            (30, 1, 'space', 'Cellar', 'Potsdam', timestamptz '2026-09-01 00:00:00+00')
        ) v(id, vendor_id, kind, title, city, valid_from)""",
    "inventory_db.bookings": """
        select *, null::varchar as discount_code from (values
            ('b1', 'u1', 'completed', 'wedding', 'EUR', 10.00, 290.00, timestamptz '2026-09-10 12:00:00+00'),
            ('b2', 'u1', 'refunded', 'wedding', 'USD', 0.00, 220.00, timestamptz '2026-09-30 22:30:00+00'),
            ('b3', 'u2', 'confirmed', null, 'EUR', 0.00, 50.00, timestamptz '2026-10-12 09:00:00+00'),
            ('b4', 'u2', 'pending', 'conference', 'EUR', 0.00, 999.00, timestamptz '2026-10-13 09:00:00+00')
        ) v(id, user_id, status, event_type, currency, discount_amount, total_amount, created_at)""",
    "inventory_db.booking_items": """
        select * from (values
            ('b1', 1, 10, 100.00), ('b1', 2, 20, 200.00), ('b2', 1, 10, 220.00), ('b3', 1, 30, 50.00),
            ('b4', 1, 30, 999.00)
        ) v(booking_id, line_no, listing_id, amount)""",
    "inventory_db.payments": """
        select * from (values
            (1, 'b1', 290.00, 'EUR', 'card', 'paid', timestamptz '2026-09-10 12:05:00+00'),
            (2, 'b2', 220.00, 'USD', 'card', 'paid', timestamptz '2026-09-30 22:31:00+00'),
            (3, 'b2', -220.00, 'USD', 'card', 'paid', timestamptz '2026-10-20 08:00:00+00'),
            (4, 'b3', 50.00, 'EUR', 'transfer', 'paid', timestamptz '2026-10-12 09:30:00+00'),
            (5, 'b3', 70.00, 'EUR', 'transfer', 'failed', null)
        ) v(id, booking_id, amount, currency, method, status, paid_at)""",
    "inventory_db.availability": """
        select * from (values
            (10, date '2026-09-21', 7, 5), (10, date '2026-09-28', 7, 3), (30, date '2026-09-28', 7, 7),
            (10, date '2026-10-05', 7, 2)
        ) v(listing_id, day, slots_total, slots_open)""",
    "fx.rates": """
        select d::date as day, c as currency,
            (case when c = 'EUR' then 1 when d >= '2026-10-01' then 1.1 else 1.2 end)::decimal(18, 6) as rate
        from range(date '2026-09-01', date '2026-11-01', interval 1 day) t(d), (values ('EUR'), ('USD')) v(c)""",
}
MONEY = {"amount", "discount_amount", "total_amount"}


@dataclass(frozen=True)
class Release:
    name: str = "2026-10-31"
    as_of: datetime = datetime(2026, 11, 1, tzinfo=UTC)


class Company:
    """What the semantic layer needs of a release, over hand-written tables."""

    release = Release()

    def __init__(self) -> None:
        self.connection = ibis.duckdb.connect()
        self.connection.raw_sql("set timezone = 'UTC'")
        for name, query in (TABLES | advertising.TABLES).items():
            self.write(name, query)
        for name, rows in website.tables().items():
            self.connection.con.register("arrived", rows)  # half of what Ibis' create_table takes
            self.connection.raw_sql(f'create table "{name}" as from arrived')
        self.connection.con.unregister("arrived")

    def at(self, release: str) -> Company:
        raise ReleaseError(f"There is no release {release!r}.", cure="This company has one only.")

    def write(self, name: str, query: str) -> None:
        columns = self.connection.sql(f"select * from ({query})").columns
        money = ", ".join(f"{c}::decimal(18, 2) as {c}" for c in columns if c in MONEY)
        replace = f" replace ({money})" if money else ""
        self.connection.raw_sql(f'create or replace table "{name}" as select *{replace} from ({query})')

    def table(self, name: str) -> Any:
        table = self.connection.table(name)
        return (
            table.filter(table.valid_to.year() == 9999).drop("valid_from", "valid_to")
            if "valid_to" in table.columns
            else table
        )

    def history(self, name: str) -> Any:
        return self.connection.table(name)
