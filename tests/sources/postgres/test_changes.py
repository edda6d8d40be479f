"""Transactions as they come: order, rollbacks, key changes, truncates, values that were not sent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from sources.postgres.shop import NOW, START
from workspace.sources.postgres import capture

if TYPE_CHECKING:
    from collections.abc import Callable

    from sources.postgres.shop import Shop

LONG = "(select string_agg(md5((random() + n)::text), '') from generate_series(1, 300) n)"


def with_documents(shop: Shop) -> None:
    """Make a table whose long texts are kept out of line."""
    shop.sql(
        "create table docs (id int primary key, body text, note text, more text)",
        "alter table docs alter body set storage external, alter more set storage external",
        f"insert into docs select n, {LONG} || n, 'first', {LONG} || n from generate_series(1, 4) n",
    )
    shop.ingest()


def test_every_version_in_its_order(shop: Shop) -> None:
    shop.sql("create table t (id int primary key, v text)", "insert into t values (1, 'a')")
    shop.ingest()
    shop.sql("update t set v = 'b'", "update t set v = 'c'", "insert into t values (2, 'x')", at=NOW)
    shop.sql("delete from t where id = 2", at=NOW + timedelta(hours=1))
    told = shop.ingest()
    assert shop.log("t", "id", "v", "_seq") == [
        ("S", 1, "a", 0),
        ("U", 1, "b", 0),
        ("U", 1, "c", 1),
        ("I", 2, "x", 2),
        ("D", 2, None, 0),
    ]
    assert told.transactions == 2
    assert dict(told.rows["shop.t"]) == {"U": 2, "I": 1, "D": 1}


def test_what_was_rolled_back_never_was(shop: Shop) -> None:
    shop.sql("create table t (id int primary key, v text)")
    shop.ingest()
    with psycopg.connect(shop.dsn) as connection:
        connection.execute("select pg_logical_emit_message(true, 'workspace.clock', '2027-01-01T00:00:00Z')")
        connection.execute("insert into t values (1, 'never')")
        connection.rollback()
        connection.execute("insert into t values (2, 'kept')")
        connection.execute("savepoint here")
        connection.execute("insert into t values (3, 'never')")
        connection.execute("rollback to here")
        connection.execute("insert into t values (4, 'kept')")
    told = shop.ingest()
    assert shop.log("t", "id", "_valid_at") == [("I", 2, START), ("I", 4, START)]
    assert told.watermark.detail["without_clock"] == 1


def test_a_key_change_ends_the_old_key(shop: Shop) -> None:
    shop.sql("create table t (a int, b text, v text, primary key (b, a))", "insert into t values (1, 'x', 'v')")
    shop.ingest()
    shop.sql("update t set a = 2", at=NOW)
    shop.ingest()
    assert shop.log("t", "a", "b", "v", "_seq")[1:] == [("D", 1, "x", None, 0), ("U", 2, "x", "v", 1)]
    shop.agree("t")


@pytest.mark.parametrize("identity", ["full", "using index other", "default"])
def test_every_replica_identity(shop: Shop, identity: str) -> None:
    shop.sql("create table t (id int primary key, code text not null, v int)", "create unique index other on t (code)")
    shop.sql(f"alter table t replica identity {identity}", "insert into t values (1, 'a', 1), (2, 'b', 2)")
    shop.ingest()
    shop.sql("update t set v = 10", "update t set id = 3 where id = 1", "update t set code = 'c' where id = 2", at=NOW)
    shop.ingest()
    shop.sql("delete from t where id = 2", at=NOW)
    shop.ingest()
    shop.agree("t")
    moved = [row[0] for row in shop.log("t", "id")]
    assert moved == ["S", "S", "U", "U", *(["D", "U", "U", "D"] if identity == "default" else moved[4:])]
    assert moved.count("D") == 2


def test_a_truncate_ends_every_row(shop: Shop) -> None:
    shop.sql("create table t (id int primary key, v text)", "create table u (id int primary key)")
    shop.sql("insert into t values (1, 'a'), (2, 'b')", "insert into u values (1)")
    shop.ingest()
    shop.sql("insert into t values (3, 'c')", "delete from t where id = 1", "truncate t, u", at=NOW)
    shop.sql("insert into t values (1, 'again')", "truncate u", at=NOW)
    shop.ingest()
    ended = sorted(row[:2] for row in shop.log("t", "id", "v") if row[0] == "T")
    assert ended == [("T", 2), ("T", 3)]
    assert [row[0] for row in shop.log("u", "id")] == ["S", "T"]
    assert shop.live("t") == [(1, "again")]


def test_values_that_were_not_sent_come_from_the_version_before(shop: Shop) -> None:
    with_documents(shop)
    shop.sql("update docs set note = 'from the log' where id <> 3", at=NOW)
    shop.sql(f"update docs set body = {LONG} where id = 1", "update docs set note = 'twice' where id = 1", at=NOW)
    shop.ingest()
    shop.agree("docs")
    assert all(row[2] and row[3] for row in shop.log("docs", "id", "body", "more"))


def test_values_that_were_not_sent_follow_the_key(shop: Shop) -> None:
    with_documents(shop)
    shop.sql("update docs set id = id + 10", at=NOW)
    shop.sql("update docs set id = 100, note = 'moved' where id = 11", "update docs set id = 1 where id = 100", at=NOW)
    shop.sql("delete from docs where id = 12", f"insert into docs values (12, {LONG}, 'new', 'x')", at=NOW)
    shop.sql("update docs set id = 20, note = 'y' where id = 12", at=NOW)
    shop.ingest()
    shop.agree("docs")
    shop.sql("update docs set id = id + 1000", at=NOW)
    shop.ingest()
    shop.agree("docs")


def test_keys_that_trade_places_keep_their_own_values(shop: Shop) -> None:
    with_documents(shop)
    swap = ["update docs set id = 99 where id = 1", "update docs set id = 1 where id = 2"]
    shop.sql(*swap, "update docs set id = 2 where id = 99", at=NOW)
    shop.ingest()
    shop.agree("docs")


def test_a_key_that_is_kept_out_of_line(shop: Shop) -> None:
    shop.sql("create table t (k text primary key, v int, body text)")
    shop.sql(
        "alter table t alter k set storage external, alter body set storage external",
        f"insert into t values (repeat('k', 2500), 1, {LONG})",
    )
    shop.ingest()
    shop.sql("update t set v = 2", at=NOW)
    shop.ingest()
    assert [row[0] for row in shop.log("t", "v")] == ["S", "U"]
    shop.agree("t")


@pytest.mark.parametrize("budget", [4_000, 40_000])
def test_a_transaction_larger_than_memory_is_one_commit(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, budget: int
) -> None:
    monkeypatch.setattr(capture, "BUDGET", budget)
    with_documents(shop)
    shop.sql("create table t (id int primary key, v text)")
    shop.ingest()
    before = shop.lake.log("shop.t").position
    shop.sql("insert into t values (-1, 'small')", at=NOW)
    shop.sql(
        "insert into t select n, 'some text ' || n from generate_series(1, 2000) n",
        "update docs set id = id + 10, note = 'a'",
        "update t set v = v || '!' where id % 3 = 0",
        "update docs set note = 'b', more = 'short' where id > 12",
        "delete from t where id % 5 = 0",
        "select pg_logical_emit_message(true, 'workspace.clock', '2026-07-01T00:00:00Z')",
    )
    shop.sql("insert into t values (-2, 'small')", at=NOW)
    shop.ingest()
    shop.agree("t")
    shop.agree("docs")
    rows = shop.log("t", "_position", "_seq", "_valid_at")
    positions = sorted({position for _, position, _, _ in rows if position > before})
    assert len(positions) == 3
    large = [row for row in rows if row[1] == positions[1]]
    assert len({seq for _, _, seq, _ in large}) == len(large) == 2000 + 666 + 400
    assert {valid for _, _, _, valid in large} == {NOW.replace(month=7)}


def test_log_is_the_same_whatever_the_batches(new_shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch) -> None:
    one, many = new_shop(), new_shop()
    with_documents(one)
    many.ingest()
    for step in range(12):
        one.sql(
            f"update docs set note = '{step}'",
            f"update docs set id = {step + 50} where id = {step + 49 if step else 4}",
            f"insert into docs values ({step + 100}, 'b', 'n', 'm')",
            at=NOW,
        )
    one.ingest()
    monkeypatch.setattr(capture, "BUDGET", 2_000)
    many.ingest()
    changes = [[row for row in shop.log("docs") if row[4] != "S"] for shop in (one, many)]
    assert changes[0] == changes[1]
    assert len(changes[0]) > 100
