"""Every type, value by value: what the snapshot read, what the stream read, and what the source has."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from sources.postgres.shop import Shop

# By type: values as SQL. Each is held in the lake as psycopg gives it.
HELD = {
    "smallint": ["-32768", "0", "32767"],
    "integer": ["-2147483648", "-1", "2147483647"],
    "bigint": ["-9223372036854775808", "0", "9223372036854775807"],
    "oid": ["0", "4294967295"],
    "real": ["1.5", "'1e-40'", "'-0'", "'Infinity'", "'3.4028235e38'"],
    "double precision": ["0.1", "'-Infinity'", "'1e308'", "'5e-324'"],
    "boolean": ["true", "false"],
    "numeric(5,4)": ["0.1234", "-9.9999", "0", "1", "0.0001"],
    "numeric(12,2)": ["9999999999.99", "-9999999999.99", "0.01", "-0.10", "10000", "100000000"],
    "numeric(18,0)": ["999999999999999999", "-1"],
    "numeric(18,18)": ["0.999999999999999999", "-0.000000000000000001"],
    "numeric(20,5)": ["999999999999999.99999", "-0.00001", "1000000000000"],
    "numeric(38,0)": ["99999999999999999999999999999999999999", "-99999999999999999999999999999999999999", "0"],
    "numeric(38,38)": ["0.99999999999999999999999999999999999999", "-0.00000000000000000000000000000000000001"],
    "numeric(30,7)": ["-12345678901234567890123.1234567", "0.0000001", "4294967296", "-18446744073709551616"],
    "numeric(3,5)": ["0.00999", "-0.00001"],
    "numeric(5,-2)": ["1234500", "-9999900", "100"],
    "text": ["''", "'grün 🎪 \\n'", "repeat('long ', 2000)", "E'tab\\there'"],
    "varchar(10)": ["'ten chars!'", "''"],
    "char(5)": ["'ab'", "'abcde'", "''"],
    "name": ["'a_name'"],
    "date": ["'2026-02-28'", "'0001-01-01'", "'9999-12-31'", "'1969-12-31'"],
    "timestamptz": ["'2026-10-31 23:59:59.999999+02'", "'1970-01-01 00:00+00'", "'1600-01-01 00:00:00.000001+00'"],
    "bytea": ["'\\x'", "'\\x00ff10'"],
    "boolean[]": ["'{t,f,NULL}'"],
    "integer[]": ["'{}'", "'{1,NULL,-3}'", "'[0:1]={7,8}'", "'{NULL}'"],
    "text[]": ["'{}'", """'{"a b",NULL,"","NULL","q\\"uote",ü}'""", "array[repeat('x', 3000)]"],
    "numeric(6,2)[]": ["'{1.50,-2.25,NULL}'"],
    "date[]": ["'{2026-01-01,NULL}'"],
    "timestamptz[]": ["'{2026-01-01 00:00+00,NULL}'"],
    "double precision[]": ["'{1.5,NULL,-0.25}'"],
    "bytea[]": ["array['\\x01'::bytea, null]"],
}
# Held as the text that PostgreSQL writes.
SPELLED = {
    "uuid": ["'00112233-4455-6677-8899-AABBCCDDEEFF'", "'00000000-0000-0000-0000-000000000000'"],
    "mood": ["'happy'", "'so la la'"],
    "json": ["""'{"b": 1,  "a" : [1.50, null]}'"""],
    "jsonb": ["""'{"b": 1, "a": [1.50, null, "ü"]}'""", "'null'", "'{}'"],
    "interval": ["'1 year -2 days 03:04:05.678'", "'0'"],
    "inet": ["'10.0.0.1/8'", "'::1'"],
    "cidr": ["'10.0.0.0/8'"],
    "macaddr": ["'08:00:2b:01:02:03'"],
    "money": ["'-12.34'"],
    "time": ["'23:59:59.999999'", "'00:00'"],
    "timetz": ["'12:00:00+05:30'"],
    "bit(3)": ["'101'"],
    "bit varying": ["'1'", "''"],
    "point": ["'(1.5,-2)'"],
    "int4range": ["'[1,5)'", "'empty'", "'(,)'"],
    "nummultirange": ["'{[1,2),[3,4)}'"],
    "tsvector": ["'a:1 b:2'"],
    "numeric": ["1.500", "'NaN'", "'-Infinity'", "1e-30", "123456789012345678901234567890123456789012345.6"],
    "numeric(50,2)": ["123456789012345678901234567890.12"],
    "numeric[]": ["'{1.500,NULL}'"],
    "pair": ["row(1, 'x, y')", "row(null, '')"],
    "integer[][]": ["'{{1,2},{3,4}}'", "'{}'"],
    "inet[]": ["'{10.0.0.1,NULL}'"],
    '"char"': ["'x'"],
    "pg_lsn": ["'16/B374D848'"],
}
HELD_AS_BASE = {"positive": ["7", "2147483647"], "price": ["12.50"], "tagged": ["'{a,b}'"]}
HELD_AS_TEXT_LISTS = {"uuid[]": ["'{00112233-4455-6677-8899-aabbccddeeff,NULL}'"], "mood[]": ["'{happy,NULL}'"]}
TYPES = """
    create type mood as enum ('happy', 'so la la');
    create type pair as (n int, t text);
    create domain positive as int check (value > 0);
    create domain price as numeric(8,2);
    create domain tagged as text[];
"""
EVERY = HELD | SPELLED | HELD_AS_BASE | HELD_AS_TEXT_LISTS


def expected(kind: str, value: Any, text: str | None) -> Any:
    """Say how the lake holds what the source has."""
    if text is None:
        return None
    if kind in SPELLED:
        return text
    if kind == "real":  # the value itself, where psycopg reads the shortest text for it
        return float(np.float32(value))
    if kind.startswith("timestamptz"):
        return [v and v.astimezone(UTC) for v in value] if kind.endswith("[]") else value.astimezone(UTC)
    return value


def test_every_value_is_the_same_in_source_snapshot_and_stream(shop: Shop) -> None:
    names = {kind: f"c{number}" for number, kind in enumerate(EVERY)}
    columns = ", ".join(f"{name} {kind}" for kind, name in names.items())
    shop.sql(TYPES, f"create table every (id int primary key, {columns})")

    def insert(start: int) -> None:
        most = max(len(values) for values in EVERY.values())
        for row in range(most + 1):  # the last row is NULL throughout
            values = [f"({v[row]})::{kind}" if row < len(v) else "null" for kind, v in EVERY.items()]
            shop.sql(f"insert into every values ({start + row}, {', '.join(values)})", at=shop.now)

    insert(0)
    shop.ingest()
    insert(100)
    shop.ingest()
    live = {row["id"]: row for row in shop.lake.log("shop.every").live().read_all().to_pylist()}
    for kind, name in names.items():
        shown = f"{name}::text[]" if kind in HELD_AS_TEXT_LISTS else name
        for row, value, text in shop.query(f"select id, {shown}, {name}::text from every"):
            wanted, found = expected(kind, value, text), live[row][name]
            assert found == wanted, (kind, row)
            assert type(found) is type(wanted), (kind, row)
    assert len(live) == 14


def test_a_timestamp_without_zone_is_taken_as_utc(shop: Shop) -> None:
    shop.sql("create table t (id int primary key, at timestamp)")
    shop.sql("insert into t values (1, '2026-03-29 02:30:00.5')")
    shop.ingest()
    shop.sql("insert into t values (2, '2026-03-29 02:30:00.5')", at=shop.now)
    shop.ingest()
    assert shop.live("t") == [(number, datetime(2026, 3, 29, 2, 30, 0, 500_000, UTC)) for number in (1, 2)]


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("timestamptz", "'infinity'", "infinite timestamp"),
        ("timestamptz", "'-infinity'", "infinite timestamp"),
        ("timestamptz", "'294276-12-31 00:00+00'", "infinite timestamp"),
        ("date", "'infinity'", "infinite date"),
        ("numeric(6,2)", "'NaN'", "not a number"),
        ("integer[]", "'{{1},{2}}'", "several dimensions"),
        ("date[]", "'{2026-01-01,-infinity}'", "infinite date"),
    ],
)
def test_what_has_no_counterpart_stops_the_table(shop: Shop, kind: str, value: str, reason: str) -> None:
    shop.sql(f"create table bad (id int primary key, v {kind}); create table good (id int primary key)")
    shop.ingest()
    shop.sql("insert into bad values (1, null)", f"insert into bad values (2, {value})", at=shop.now)
    shop.sql("insert into good values (1)", at=shop.now)
    told = shop.ingest()
    assert shop.log("bad") == []
    assert shop.live("good") == [(1,)]
    assert reason in told.watermark.detail["stopped"]["bad"]["reason"]
    assert told.quarantined == 2
    assert any(reason in note for note in told.notes)


def test_what_has_no_counterpart_in_a_snapshot_stops_that_table_alone(shop: Shop) -> None:
    shop.sql("create table bad (id int primary key, v date); create table good (id int primary key)")
    shop.sql("insert into bad values (1, 'infinity')", "insert into good values (1)")
    told = shop.ingest()
    assert told.watermark.detail["stopped"]["bad"]["position"] == 0
    assert shop.live("good") == [(1,)]
    shop.sql("update bad set v = '2026-01-01'", at=shop.now)
    assert shop.ingest().quarantined == 1


def test_uuid_keys_are_text(shop: Shop) -> None:
    key = uuid.uuid4()
    shop.sql("create table t (id uuid primary key)")
    shop.ingest()
    shop.sql(f"insert into t values ('{key}')", at=shop.now)
    shop.ingest()
    assert shop.live("t") == [(str(key),)]
