"""The company's own totals, against plain SQL over its databases."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from workspace.demo import advance, running, totals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

# The versions of each vendor, kept by the database itself from the first day on.
_VERSIONS = """
create table demo.vendor_versions as
  select id, tier, commission_rate, timestamptz '-infinity' as since from vendors;
create function demo.keep() returns trigger language plpgsql as $$
begin
  insert into demo.vendor_versions values (new.id, new.tier, new.commission_rate, new.updated_at);
  return null;
end $$;
create trigger keep after update on vendors for each row execute function demo.keep();
"""
_MONTH = "to_char({} at time zone 'Europe/Berlin', 'YYYY-MM')"
_SOLD = f"""
create temp table sold as
select b.id, b.user_id, b.status, {_MONTH.format("b.created_at")} as month, l.city, v.tier,
  i.amount / r.rate as amount, i.amount * v.commission_rate / r.rate as commission
from bookings b
join booking_items i on i.booking_id = b.id
join listings l on l.id = i.listing_id
join lateral (select * from demo.vendor_versions v where v.id = l.vendor_id and v.since <= b.created_at
  order by since desc limit 1) v on true
join lateral (select rate from rates r where r.currency = b.currency
  and r.day <= (b.created_at at time zone 'Europe/Berlin')::date order by r.day desc limit 1) r on true
where b.status <> 'pending'
"""
_REFUNDS = f"""
select {_MONTH.format("p.paid_at")}, -sum(p.amount / r.rate)
from payments p
join bookings b on b.id = p.booking_id
join lateral (select rate from rates r where r.currency = b.currency
  and r.day <= (b.created_at at time zone 'Europe/Berlin')::date order by r.day desc limit 1) r on true
where p.amount < 0 and p.status = 'paid' group by 1
"""
_OPEN = """
select {}, sum(slots_open) from availability a join listings l on l.id = a.listing_id
where a.day = (select max(day) from availability b where b.listing_id = a.listing_id
  and date_trunc('month', b.day) = date_trunc('month', a.day)) {} group by 1
"""


def load_rates(connection: psycopg.Connection, home: Path) -> None:
    connection.execute("create temp table rates (day date, currency text, rate numeric, primary key (currency, day))")
    header, *lines = (home / "fx" / "eurofxref-hist.csv").read_text(encoding="utf-8").splitlines()
    names = header.split(",")
    with connection.cursor() as cursor, cursor.copy("copy rates from stdin") as copy:
        for line in lines[:500]:
            day, *values = line.split(",")
            for currency, value in zip(names[1:], values, strict=True):
                if currency in ("USD", "GBP", "CHF", "PLN", "SEK", "CZK"):
                    copy.write_row((day, currency, value))
            copy.write_row((day, "EUR", "1"))


def same(told: Mapping[str, Any], measured: Mapping[str, Any]) -> None:
    assert {k: float(v) for k, v in told.items() if v} == pytest.approx(
        {k: float(v) for k, v in measured.items()}, 1e-12
    )


def test_totals_are_what_sql_comes_to(new_demo: Callable[..., Path]) -> None:
    home = new_demo()
    with running(home) as engine:
        with psycopg.connect(engine.dsn("inventory_db")) as connection:
            connection.execute(_VERSIONS)
        for until in ("2026-03-20", "2026-11-01"):
            advance(home, until=until)
            with (
                psycopg.connect(engine.dsn("inventory_db")) as inventory,
                psycopg.connect(engine.dsn("user_db")) as users,
            ):
                load_rates(inventory, home)
                inventory.execute(_SOLD)
                compare(totals(home), inventory, users)


def compare(told: dict[str, Any], inventory: psycopg.Connection, users: psycopg.Connection) -> None:
    def ask(connection: psycopg.Connection, text: str) -> dict[str, Any]:
        return dict(connection.execute(text).fetchall())

    for metric, column in (("gbv", "amount"), ("commission", "commission")):
        for cut in ("month", "city", "tier"):
            measured = ask(inventory, f"select {cut}, sum({column}) from sold group by 1")
            same(told[metric][cut], measured)
            assert float(sum(measured.values())) == pytest.approx(float(told[metric]["total"]), rel=1e-12)
    same(told["refunds"]["month"], ask(inventory, _REFUNDS))
    for metric, value in (
        ("bookings", "count(distinct id)"),
        ("bookers", "count(distinct user_id)"),
        ("cancelled", "count(distinct id) filter (where status in ('cancelled', 'refunded'))"),
    ):
        same(told[metric]["month"], ask(inventory, f"select month, {value} from sold group by 1 having {value} > 0"))
        assert ask(inventory, f"select 'total', {value} from sold")["total"] == told[metric]["total"]
    rate = Decimal(told["cancelled"]["total"]) / told["bookings"]["total"]
    assert told["cancellation_rate"]["total"] == rate
    same(
        told["new_users"]["month"], ask(users, f"select {_MONTH.format('created_at')}, count(*) from users group by 1")
    )
    same(told["open_slots"]["month"], ask(inventory, _OPEN.format("to_char(a.day, 'YYYY-MM')", "")))
    newest = "and a.day = (select max(day) from availability)"
    same(told["open_slots"]["city"], ask(inventory, _OPEN.format("l.city", newest)))
    assert told["open_slots"]["total"] == sum(told["open_slots"]["city"].values())
    upgrades = [u.vendor_id for u in told["truths"]["tier_upgrades"]]
    changed = (
        "select id from demo.vendor_versions v where tier <> (select tier from demo.vendor_versions o where o.id = v.id"
    )
    assert {row[0] for row in inventory.execute(f"{changed} and o.since = '-infinity')")} == set(upgrades)


def test_before_the_first_event_there_is_nothing_to_sum(first_day: Path) -> None:
    told = totals(first_day)
    assert told["gbv"]["total"] == told["bookings"]["total"] == told["open_slots"]["total"] == 0
    assert told["cancellation_rate"]["total"] is None
    assert told["new_users"]["total"] == 50
    assert told["changes"] == {}
