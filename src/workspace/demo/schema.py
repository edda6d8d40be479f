"""The company's two databases: tables, the reader's rights, and every statement that its services run."""

from __future__ import annotations

from typing import NamedTuple

USER_DB = "user_db"
INVENTORY_DB = "inventory_db"
DATABASES = (USER_DB, INVENTORY_DB)
ROLE = "workspace"
PUBLICATION = "workspace"

_TABLES = {
    USER_DB: """
        create table users (
          id uuid primary key, email text not null, full_name text not null, phone text,
          country text not null, city text, locale text not null, signup_channel text not null,
          marketing_consent boolean not null, status text not null, role text not null,
          created_at timestamptz not null, updated_at timestamptz not null);
        create table user_devices (
          user_id uuid, domain_userid uuid, first_seen_at timestamptz not null, last_seen_at timestamptz not null,
          primary key (user_id, domain_userid));
        create table user_preferences (
          user_id uuid primary key, preferences jsonb not null, updated_at timestamptz not null);
    """,
    INVENTORY_DB: """
        create type booking_status as enum ('pending', 'confirmed', 'cancelled', 'refunded', 'completed');
        create table vendors (
          id bigint primary key, name text not null, category text not null, city text not null, country text not null,
          tier text not null, commission_rate numeric(5,4) not null, status text not null,
          created_at timestamptz not null, updated_at timestamptz not null);
        create table listings (
          id bigint primary key, vendor_id bigint not null, kind text not null, title text not null, city text not null,
          capacity integer, price_amount numeric(12,2) not null, currency char(3) not null, tags text[] not null,
          attributes jsonb not null, status text not null,
          created_at timestamptz not null, updated_at timestamptz not null);
        create table availability (
          listing_id bigint, day date, slots_total integer not null, slots_open integer not null,
          primary key (listing_id, day));
        create table bookings (
          id uuid primary key, user_id uuid not null, status booking_status not null, event_type text not null,
          event_date date not null, guests integer not null, currency char(3) not null,
          discount_amount numeric(12,2) not null, total_amount numeric(12,2) not null, discount_code text,
          created_at timestamptz not null, updated_at timestamptz not null, cancelled_at timestamptz);
        create table booking_items (
          booking_id uuid, line_no integer, listing_id bigint not null, quantity integer not null,
          unit_price numeric(12,2) not null, amount numeric(12,2) not null, primary key (booking_id, line_no));
        create table payments (
          id integer primary key, booking_id uuid not null, amount numeric(12,2) not null, currency char(3) not null,
          method text not null, status text not null, paid_at timestamptz);
        create table reviews (
          id bigint primary key, booking_id uuid not null, listing_id bigint not null, rating integer not null,
          body text, created_at timestamptz not null);
    """,
}
# How far the simulation has come, kept in the transactions themselves. Not in `public`, so never captured.
_PROGRESS = """
    create schema demo;
    create table demo.progress (transactions bigint not null, message pg_lsn);
    insert into demo.progress values (0);
"""
# What an administrator grants to a reader of changes, and no more.
_RIGHTS = f"""
    revoke create on schema public from public;
    grant usage on schema public to {ROLE};
    grant select on all tables in schema public to {ROLE};
    alter default privileges in schema public grant select on tables to {ROLE};
    create publication {PUBLICATION} for tables in schema public;
"""


def script(database: str) -> str:
    """Give the statements that set up an empty database: tables, rights, publication."""
    return _TABLES[database] + _PROGRESS + _RIGHTS


class Statement(NamedTuple):
    """A statement of a service, as it is prepared.

    Attributes:
        database: Where it runs.
        table: The table that it changes; empty for a change of the schema.
        op: I, U or D; K for an update of a primary key; empty for a change of the schema.
        sql: Its text, with `$1` and so on.
    """

    database: str
    table: str
    op: str
    sql: str


COLUMNS = {
    "users": "id email full_name phone country city locale signup_channel marketing_consent status role created_at"
    " updated_at",
    "user_devices": "user_id domain_userid first_seen_at last_seen_at",
    "user_preferences": "user_id preferences updated_at",
    "vendors": "id name category city country tier commission_rate status created_at updated_at",
    "listings": "id vendor_id kind title city capacity price_amount currency tags attributes status created_at"
    " updated_at",
    "availability": "listing_id day slots_total slots_open",
    "bookings": "id user_id status event_type event_date guests currency discount_amount total_amount discount_code"
    " created_at updated_at",
    "booking_items": "booking_id line_no listing_id quantity unit_price amount",
    "payments": "id booking_id amount currency method status paid_at",
    "reviews": "id booking_id listing_id rating body created_at",
}


def _insert(table: str, more: str = "") -> Statement:
    columns = (COLUMNS[table] + more).split()
    values = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
    database = USER_DB if table.startswith("user") else INVENTORY_DB
    return Statement(database, table, "I", f"insert into {table} ({', '.join(columns)}) values ({values})")


def _change(table: str, op: str, change: str, key: str = "id") -> Statement:
    database = USER_DB if table.startswith("user") else INVENTORY_DB
    text = f"delete from {table}" if op == "D" else f"update {table} set {change}"
    return Statement(database, table, op, f"{text} where {key}")


_DEVICE = "user_id = $1 and domain_userid = $2"
_LINE = "booking_id = $1 and line_no = $2"
STATEMENTS: dict[str, Statement] = {
    **{f"add_{table}": _insert(table) for table in COLUMNS},
    "add_bookings_from_app": _insert("bookings", " source_app"),
    "set_user_email": _change("users", "U", "email = $2, updated_at = $3", "id = $1"),
    "set_user_phone": _change("users", "U", "phone = $2, updated_at = $3", "id = $1"),
    "set_user_city": _change("users", "U", "country = $2, city = $3, updated_at = $4", "id = $1"),
    "set_user_consent": _change("users", "U", "marketing_consent = not marketing_consent, updated_at = $2", "id = $1"),
    "set_user_status": _change("users", "U", "status = $2, updated_at = $3", "id = $1"),
    "see_device": _change("user_devices", "U", "last_seen_at = $3", _DEVICE),
    "set_preferences": _change("user_preferences", "U", "preferences = $2, updated_at = $3", "user_id = $1"),
    "touch_preferences": _change("user_preferences", "U", "updated_at = $2", "user_id = $1"),
    "drop_user": _change("users", "D", "", "id = $1"),
    "drop_devices": _change("user_devices", "D", "", "user_id = $1"),
    "drop_preferences": _change("user_preferences", "D", "", "user_id = $1"),
    "set_vendor_tier": _change("vendors", "U", "tier = $2, commission_rate = $3, updated_at = $4", "id = $1"),
    "set_vendor_rate": _change("vendors", "U", "commission_rate = $2, updated_at = $3", "id = $1"),
    "set_listing_price": _change("listings", "U", "price_amount = $2, updated_at = $3", "id = $1"),
    "set_listing_title": _change("listings", "U", "title = $2, tags = $3, updated_at = $4", "id = $1"),
    "set_listing_details": _change("listings", "U", "attributes = $2, updated_at = $3", "id = $1"),
    "set_listing_status": _change("listings", "U", "status = $2, updated_at = $3", "id = $1"),
    "renumber_listing": _change("listings", "K", "id = $2, updated_at = $3", "id = $1"),
    "renumber_availability": _change("availability", "K", "listing_id = $2", "listing_id = $1"),
    "renumber_items": _change("booking_items", "U", "listing_id = $2", "listing_id = $1"),
    "renumber_reviews": _change("reviews", "U", "listing_id = $2", "listing_id = $1"),
    "set_booking_status": _change("bookings", "U", "status = $2, updated_at = $3", "id = $1"),
    "cancel_booking": _change("bookings", "U", "status = 'cancelled', updated_at = $2, cancelled_at = $2", "id = $1"),
    "set_booking_amounts": _change(
        "bookings", "U", "discount_amount = $2, total_amount = $3, updated_at = $4", "id = $1"
    ),
    "set_item": _change("booking_items", "U", "quantity = $3, amount = $4", _LINE),
    "drop_item": _change("booking_items", "D", "", _LINE),
    "drop_review": _change("reviews", "D", "", "id = $1"),
    # Not prepared: changes of the schema and the control of transactions.
    "add_source_app": Statement(INVENTORY_DB, "", "", "alter table bookings add column source_app text"),
    "widen_payment_id": Statement(INVENTORY_DB, "", "", "alter table payments alter column id type bigint"),
    "savepoint": Statement(INVENTORY_DB, "", "", "savepoint attempt"),
    "rollback_to": Statement(INVENTORY_DB, "", "", "rollback to savepoint attempt"),
}
