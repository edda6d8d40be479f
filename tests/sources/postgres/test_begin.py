"""Where capture begins: the first snapshot, slots made by an administrator, tables that come later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from sources.postgres.shop import NOW, START, VARIABLE
from workspace.errors import SourceError
from workspace.sources.postgres import run as runs
from workspace.sources.postgres import session

if TYPE_CHECKING:
    from collections.abc import Callable

    from sources.postgres.shop import Shop
    from workspace.demo import PostgresServer


def while_reading(monkeypatch: pytest.MonkeyPatch, action: Callable[[], object]) -> None:
    """Do something after the snapshot and before the end of the run is fixed."""
    ask = runs.flushed

    def flushed(connection: psycopg.Connection[tuple[object, ...]]) -> int:
        monkeypatch.setattr(runs, "flushed", ask)
        action()
        return ask(connection)

    monkeypatch.setattr(runs, "flushed", flushed)


def test_what_commits_after_the_slot_began_is_a_change(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.sql("create table t (id int primary key, v int)", "insert into t values (1, 0), (2, 0)")
    while_reading(monkeypatch, lambda: shop.sql("update t set v = 1 where id = 1", at=NOW))
    shop.ingest()
    assert shop.log("t", "id", "v", "_valid_at") == [("S", 1, 0, START), ("S", 2, 0, START), ("U", 1, 1, NOW)]


@pytest.mark.parametrize("later", [False, True])
def test_transactions_that_ran_during_the_snapshot_are_told_apart(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, *, later: bool
) -> None:
    shop.sql("create table t (id int primary key, v text)", "create table u (id int primary key)")
    shop.sql("insert into t values (1, 'old'), (2, 'old')")
    shop.dba_makes_slot("u" if later else "t, u")
    if later:
        object.__setattr__(shop.source, "tables", ("public.u",))
        shop.ingest()
        shop.sql(f"alter publication {shop.slot} add table t")
        object.__setattr__(shop.source, "tables", ("public.*",))
    with psycopg.connect(shop.dsn) as running:
        running.execute("update t set v = 'running' where id = 1")
        shop.sql("update t set v = 'ended' where id = 2", at=NOW)
        while_reading(monkeypatch, running.commit)
        told = shop.ingest()
    versions = sorted(row for row in shop.log("t", "id", "v"))
    assert versions == [("S", 1, "old"), ("S", 2, "ended"), ("U", 1, "running")]
    assert told.watermark.detail["snapshots"] == []


def test_a_table_that_comes_later_is_read_whole_then_followed(shop: Shop) -> None:
    shop.sql("create table t (id int primary key)")
    shop.ingest()
    shop.sql("insert into t values (1)", "create table u (id int primary key)", "insert into u values (1)", at=NOW)
    shop.ingest()
    shop.sql("insert into u values (2)", at=NOW)
    shop.ingest()
    assert shop.log("u", "id") == [("S", 1), ("I", 2)]
    assert shop.log("t", "id") == [("I", 1)]


def test_a_table_that_is_made_anew_or_comes_back_is_compared(shop: Shop) -> None:
    make = "create table t (id int primary key, v text)"
    shop.sql(make, "insert into t values (1, 'a'), (2, 'b'), (3, 'c')")
    shop.ingest()
    shop.sql("drop table t", make, "insert into t values (1, 'a'), (2, 'B'), (4, 'd')")
    shop.ingest()
    assert shop.log("t", "id", "v")[3:] == [("U", 2, "B"), ("D", 3, None), ("I", 4, "d")]
    shop.sql("create table other (id int primary key)")
    object.__setattr__(shop.source, "tables", ("public.other",))
    shop.ingest()
    shop.sql("update t set v = 'unseen' where id = 1", at=NOW)
    shop.ingest()
    object.__setattr__(shop.source, "tables", ("public.*",))
    shop.ingest()
    assert shop.log("t", "id", "v")[6:] == [("U", 1, "unseen")]
    shop.agree("t")


def test_an_administrators_slot_and_a_reader_who_may_only_read(
    shop: Shop, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.sql(
        "create table t (id int primary key, kind inet)", "create schema private", "create table private.x (i int)"
    )
    shop.sql("insert into t values (1, '::1')")
    role = f"reader_{shop.slot}"
    shop.sql(
        f"create role {role} login replication password '{postgres.password(role)}'", f"grant select on t to {role}"
    )
    shop.dba_makes_slot("t")
    shop.sql("insert into t values (2, null)", at=NOW)
    database = shop.query("select current_database()")[0][0]
    monkeypatch.setenv(VARIABLE, postgres.dsn(database, user=role))
    object.__setattr__(shop.source, "tables", ("public.*",))
    shop.ingest()
    shop.sql("update t set kind = '10.0.0.0/8'", at=NOW)
    shop.ingest()
    assert shop.log("t", "id", "kind") == [
        ("S", 1, "::1/128"),
        ("S", 2, None),
        ("U", 1, "10.0.0.0/8"),
        ("U", 2, "10.0.0.0/8"),
    ]
    shop.sql(f"drop owned by {role}", f"drop role {role}")


def test_schemas_are_part_of_the_name(shop: Shop) -> None:
    shop.sql("create schema billing", 'create table billing."line items" (id int primary key, "Name" text)')
    shop.sql("""insert into billing."line items" values (1, 'x')""", "create table t (id int primary key)")
    object.__setattr__(shop.source, "tables", ("billing.*", "public.t"))
    shop.ingest()
    shop.sql("""insert into billing."line items" values (2, 'y')""", at=NOW)
    shop.ingest()
    assert shop.log("billing_line_items", "id", "Name") == [("S", 1, "x"), ("I", 2, "y")]


def test_partitions_and_generated_columns(shop: Shop) -> None:
    shop.sql(
        "create table p (id int primary key, twice int generated always as (id * 2) stored) partition by range (id)",
        "create table p1 partition of p for values from (0) to (10)",
        "insert into p values (1)",
    )
    shop.ingest()
    shop.sql("insert into p values (2)", at=NOW)
    shop.ingest()
    assert shop.log("p1") == [(1, "S", *shop.log("p1")[0][2:]), (2, "I", *shop.log("p1")[1][2:])]
    assert shop.lake.names("shop") == ["shop.p1"]


def test_a_publication_may_name_columns_rows_and_roots(shop: Shop) -> None:
    shop.sql(
        "create table p (id int primary key) partition by range (id)",
        "create table p1 partition of p for values from (0) to (10)",
        "create table t (id int primary key, secret text, shown text)",
        "insert into p values (1)",
        "insert into t values (1, 's', 'a'), (2, 's', 'b')",
        f"create publication {shop.slot} for table p, t (id, shown) where (id > 1) with (publish_via_partition_root)",
    )
    shop.ingest()
    shop.sql("insert into p values (2)", "insert into t values (3, 's', 'c'), (0, 's', 'd')", at=NOW)
    shop.ingest()
    assert shop.lake.names("shop") == ["shop.p", "shop.t"]
    assert shop.live("p") == [(1,), (2,)]
    assert shop.live("t") == [(2, "b"), (3, "c")]


def test_an_open_transaction_holds_the_slot_up_and_is_named(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "PATIENCE", 0.2)
    shop.sql("create table t (id int primary key)")
    with psycopg.connect(shop.dsn) as running:
        running.execute("insert into t values (1)")
        with pytest.raises(SourceError, match="still open") as caught:
            shop.ingest()
        assert "pg_stat_activity" in caught.value.cure
        running.commit()
    shop.ingest()
    assert shop.live("t") == [(1,)]


def test_a_writer_from_before_the_publication_is_waited_for(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.sql("create table t (id int primary key)", "create table u (id int primary key)")
    shop.dba_makes_slot("t")
    object.__setattr__(shop.source, "tables", ("public.t",))
    shop.ingest()
    object.__setattr__(shop.source, "tables", ("public.*",))
    monkeypatch.setattr(session, "PATIENCE", 0.2)
    with psycopg.connect(shop.dsn) as running:
        running.execute("insert into u values (1)")
        shop.sql(f"alter publication {shop.slot} add table u")
        with pytest.raises(SourceError, match="still open"):
            shop.ingest()
    shop.ingest()
    assert shop.live("u") == [(1,)]
