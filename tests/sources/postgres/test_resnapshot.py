"""After a slot is lost: what is true now is brought in, and the gap is kept in mind."""

from __future__ import annotations

import dataclasses
import signal
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from sources.postgres.shop import NOW, START, VARIABLE, Shop
from workspace.demo import PostgresServer
from workspace.errors import SlotLostError, SourceError
from workspace.sources import postgres

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BEFORE_NOW = NOW - timedelta(microseconds=1)
DROP = "select pg_drop_replication_slot('{0}')"
ADVANCE = "select pg_replication_slot_advance('{0}', pg_current_wal_flush_lsn())"


def filled(shop: Shop) -> None:
    shop.sql("create table t (id int primary key, v text, tags text[])", "create table empty (id int primary key)")
    shop.sql("insert into t values (1, 'a', '{x}'), (2, 'b', null), (3, 'c', '{}')")
    shop.ingest()
    shop.sql("insert into t values (4, 'd', null)", at=START + timedelta(days=1))
    shop.ingest()


@pytest.mark.parametrize("loss", [DROP, ADVANCE])
def test_a_lost_slot_is_told_and_bridged(shop: Shop, loss: str) -> None:
    filled(shop)
    shop.sql("update t set v = 'B' where id = 2", "delete from t where id = 3", "insert into t values (5, 'e', null)")
    shop.query(loss.format(shop.slot))
    with pytest.raises(SlotLostError, match="between 2026-01-02 00:00 and 2026-06-01 00:00 UTC") as caught:
        shop.ingest()
    assert caught.value.cure == "workspace resnapshot shop"
    told = shop.resnapshot()
    assert shop.log("t", "id", "v", "_valid_at")[4:] == [
        ("U", 2, "B", BEFORE_NOW),
        ("D", 3, None, BEFORE_NOW),
        ("I", 5, "e", BEFORE_NOW),
    ]
    [gap] = told.watermark.detail["gaps"]
    assert gap["from"].startswith("2026-01-02")
    assert gap["to"].startswith("2026-06-01")
    shop.sql("update t set v = 'C' where id = 1", "insert into empty values (1)", at=NOW)
    assert shop.ingest().watermark.detail["gaps"] == [gap]
    shop.agree("t")
    shop.agree("empty")


def test_a_slot_that_the_server_invalidated(open_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = PostgresServer(open_folder / "forgetful", settings={"max_slot_wal_keep_size": "1MB"}).start()
    try:
        monkeypatch.setenv(VARIABLE, server.dsn("postgres"))
        shop = Shop(server.dsn("postgres"), tmp_path / "lake", "forgetful")
        filled(shop)
        with psycopg.connect(shop.dsn, autocommit=True) as admin:
            admin.execute("create schema other")
            admin.execute("create table other.filler (x text)")
            for _ in range(3):
                admin.execute("insert into other.filler select repeat('x', 1000) from generate_series(1, 2000)")
                admin.execute("select pg_switch_wal()")
                admin.execute("checkpoint")
        with pytest.raises(SlotLostError, match="invalidated"):
            shop.ingest()
        findings = [f for f in postgres.preflight(shop.source) if f.level == "error"]
        assert [f.cure for f in findings] == ["workspace resnapshot shop"]
        shop.resnapshot()
        shop.ingest()
        shop.agree("t")
    finally:
        server.remove()


def test_a_sound_slot_loses_nothing(shop: Shop) -> None:
    filled(shop)
    shop.sql("update t set v = 'seen' where id = 1", at=NOW)
    shop.sql("update t set v = 'twice' where id = 1", at=NOW)
    told = shop.resnapshot()
    assert [row[2] for row in shop.log("t", "id", "v")[4:]] == ["seen", "twice"]
    assert told.watermark.detail["gaps"] == []
    assert shop.resnapshot().total == 0


def test_a_stopped_table_goes_on(shop: Shop) -> None:
    filled(shop)
    shop.sql("create table dates (id int primary key, d date)", "insert into dates values (1, 'infinity')")
    shop.sql("alter table t add column d date", "insert into t values (6, 'f', null, 'infinity')", at=NOW)
    assert set(shop.ingest().watermark.detail["stopped"]) == {"t", "dates"}
    shop.sql("update t set d = '2026-01-01' where id = 6", "update dates set d = '2026-01-01'", at=NOW)
    assert set(shop.ingest().watermark.detail["stopped"]) == {"t", "dates"}
    assert shop.resnapshot().watermark.detail["stopped"] == {}
    shop.sql("update t set d = '2026-01-02'", "delete from dates", at=NOW)
    shop.ingest()
    shop.agree("t")
    shop.agree("dates")


@pytest.mark.parametrize("point", ["postgres.after_slot", "postgres.snapshot_table:2", "postgres.before_watermark"])
def test_a_kill_is_made_good(shop: Shop, point: str) -> None:
    filled(shop)
    shop.sql("insert into empty values (1)", "delete from t where id = 1", "update t set tags = '{y}' where id = 2")
    shop.query(DROP.format(shop.slot))
    assert shop.in_process(Shop.resnapshot, crash=point) == -signal.SIGKILL
    with pytest.raises(SlotLostError):
        shop.ingest()
    shop.resnapshot()
    shop.ingest()
    shop.agree("t")
    shop.agree("empty")
    assert len(shop.log("t", "id")) == 6


def test_what_was_never_read_cannot_be_read_again(shop: Shop) -> None:
    with pytest.raises(SourceError, match="never been read"):
        shop.resnapshot()


def test_another_server_is_refused(new_shop: Callable[..., Shop]) -> None:
    shop = new_shop()
    filled(shop)
    mark = shop.lake.watermark("shop")
    assert mark
    shop.lake.advance(dataclasses.replace(mark, position=mark.position + 10**12))
    shop.query(DROP.format(shop.slot))
    with pytest.raises(SourceError, match="another server"):
        shop.resnapshot()
