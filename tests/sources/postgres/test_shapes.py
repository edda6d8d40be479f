"""Tables that change their shape, and what stops a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sources.postgres.shop import NAME, NOW
from workspace.sources import postgres
from workspace.sources.postgres import tables

if TYPE_CHECKING:
    from sources.postgres.shop import Shop
    from workspace.lake import Column


def test_columns_come_go_and_change_their_names(shop: Shop) -> None:
    shop.sql("create table t (id int primary key, a text, b int)", "insert into t values (1, 'a', 1)")
    shop.ingest()
    shop.sql("insert into t values (2, 'a', 2)", "alter table t add column c date", at=NOW)
    shop.sql("insert into t values (3, 'a', 3, '2026-01-01')", at=NOW)
    shop.sql("alter table t drop column b", "insert into t values (4, 'a', null)", at=NOW)
    shop.sql("alter table t rename column a to d", "insert into t values (5, 'd', null)", at=NOW)
    shop.ingest()
    rows = [row[1:] for row in shop.log("t", "id", "a", "b", "d")]
    assert rows == [(1, "a", 1, None), (2, "a", 2, None), (3, "a", 3, None), (4, "a", None, None), (5, None, None, "d")]
    assert str(dict(shop.live("t", "id", "c"))[3]) == "2026-01-01"


@pytest.mark.parametrize(("old", "new"), [("int", "bigint"), ("varchar(3)", "text"), ("numeric(5,2)", "numeric(9,2)")])
def test_a_wider_type_goes_on(shop: Shop, old: str, new: str) -> None:
    shop.sql(f"create table t (id {old} primary key, v {old})", "insert into t values (1, 2)")
    shop.ingest()
    shop.sql("insert into t values (3, 4)", at=NOW)
    shop.sql(f"alter table t alter id type {new}, alter v type {new}", "insert into t values ('5', '12345')", at=NOW)
    assert shop.ingest().watermark.detail["stopped"] == {}
    shop.agree("t")


def test_a_number_of_another_type_goes_on_while_it_fits(shop: Shop) -> None:
    shop.sql("create table t (id int primary key, v int, w numeric(20,2), x text)")
    shop.ingest()
    shop.sql("alter table t alter v type numeric(10,1), alter w type numeric(10,2), alter x type int using x::int")
    shop.sql("insert into t values (1, 7, 1.25, 42)", at=NOW)
    assert shop.ingest().watermark.detail["stopped"] == {}
    assert [tuple(map(str, row)) for row in shop.live("t")] == [("1", "7", "1.25", "42")]
    shop.sql("insert into t values (2, 8, 1, 1)", at=NOW)
    shop.sql("insert into t values (3, 7.5, 1, 1)", at=NOW)
    told = shop.ingest()
    assert "a number in v" in told.watermark.detail["stopped"]["t"]["reason"]
    assert [row[0] for row in shop.live("t", "id")] == [1, 2]


def test_a_default_shows_on_rows_that_were_there(shop: Shop) -> None:
    shop.sql("create table t (id int primary key, v text)", "insert into t values (1, 'a'), (2, 'b'), (3, 'c')")
    shop.ingest()
    shop.sql("delete from t where id = 3", "insert into t values (4, 'd')", at=NOW)
    shop.sql("alter table t add column n numeric(6,2) default 1.5, add column tags text[] default '{\"a b\",c}'")
    shop.sql("alter table t add column span interval default '1 day', add column kind text default 'it''s'")
    shop.sql("update t set v = 'A', n = null where id = 1", at=NOW)
    shop.ingest()
    shop.agree("t", "id", "v", "n", "tags", "kind")
    assert {span for (span,) in shop.live("t", "span")} == {"1 day"}
    ops = [row[0] for row in shop.log("t", "id")]
    assert ops == ["S", "S", "S", "D", "I", "U", "U", "U", "U"]
    shop.sql("update t set v = 'B' where id = 2", at=NOW)
    shop.ingest()
    shop.agree("t", "id", "v", "n", "tags", "kind")
    assert len(shop.log("t", "id")) == 10


def test_a_default_shows_though_nothing_is_written_after_it(shop: Shop) -> None:
    shop.sql("create table t (id int primary key)", "insert into t values (1)")
    shop.ingest()
    shop.sql("alter table t add column v int default 7")
    shop.ingest()
    shop.ingest()
    assert shop.log("t", "id", "v") == [("S", 1, None), ("U", 1, 7)]
    shop.sql("alter table t alter v set default 8", "insert into t values (2)", at=NOW)
    shop.ingest()
    shop.agree("t")


def test_a_default_that_rewrote_the_table_is_told(shop: Shop) -> None:
    shop.sql("create table t (id int primary key)", "insert into t values (1)")
    shop.ingest()
    shop.sql("alter table t add column v float default random()")
    told = shop.ingest()
    assert any("workspace resnapshot shop" in note for note in told.notes)
    postgres.resnapshot(shop.source, shop.lake, run="again", now=NOW)
    shop.agree("t")


def test_types_made_after_the_run_began_to_exist(shop: Shop) -> None:
    shop.sql("create table t (id int primary key)")
    shop.ingest()
    shop.sql("create type mood as enum ('sad')", "alter table t add column m mood, add column n mood[]")
    shop.sql("insert into t values (1, 'sad', '{sad,NULL}')", at=NOW)
    shop.sql("alter type mood add value 'glad'")
    shop.sql("insert into t values (2, 'glad', '{}')", at=NOW)
    shop.ingest()
    assert shop.live("t") == [(1, "sad", ["sad", None]), (2, "glad", [])]


def test_a_stopped_table_keeps_its_changes_and_the_others_go_on(shop: Shop) -> None:
    shop.sql("create table bad (id int primary key, v text)", "create table good (id int primary key)")
    shop.sql("insert into bad values (0, 'zero')")
    shop.ingest()
    shop.sql("insert into bad values (1, '1')", "insert into good values (1)", at=NOW)
    shop.sql("alter table bad alter v type float using id", "insert into bad values (2, 2)", at=NOW)
    shop.sql("alter table bad alter v type text", at=NOW)
    shop.ingest()
    # A text column takes whatever has a text.
    assert shop.live("bad") == [(0, "zero"), (1, "1"), (2, "2")]
    shop.sql("alter table bad drop constraint bad_pkey", "alter table bad add primary key (v)", at=NOW)
    shop.sql("alter table bad drop column id", "insert into bad values ('x'), ('y')", at=NOW)
    shop.sql("insert into good values (2)", at=NOW)
    told = shop.ingest()
    assert "lost the column id of its key" in told.watermark.detail["stopped"]["bad"]["reason"]
    assert told.quarantined == 2
    assert shop.live("good") == [(1,), (2,)]
    shop.sql("update bad set v = 'z' where v = 'x'", "truncate bad", at=NOW)
    assert shop.ingest().quarantined == 2
    assert shop.slot_position() > told.watermark.position
    kept = shop.lake.quarantined(NAME).to_pylist()
    assert [row["raw"][:1] for row in kept] == [b"I", b"I", b"U", b"T"]
    assert len(shop.live("bad")) == 3


def test_what_was_put_aside_is_applied_when_it_fits(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.sql("create table t (id int primary key, v int)", "insert into t values (1, 1), (2, 2)")
    shop.ingest()
    with monkeypatch.context() as patch:
        # As if this version of the workspace knew no decimals.
        exact = tables._exact
        patch.setattr(tables, "_exact", lambda kind: exact(kind) and kind.bit_width == 64)
        shop.sql("insert into t values (3, 3)", at=NOW)
        shop.sql("alter table t alter v type numeric(5,0)", "insert into t values (4, 4)", at=NOW)
        shop.sql("update t set id = 10 where id = 1", "delete from t where id = 2", at=NOW)
        assert shop.ingest().quarantined == 3
        shop.sql("truncate t", "insert into t values (1, 5)", at=NOW)
        assert shop.ingest().quarantined == 2
        again = postgres.replay_quarantine(shop.source, shop.lake, run="replay", now=NOW)
        assert again.total == 0
        assert "t" in again.watermark.detail["stopped"]
    again = postgres.replay_quarantine(shop.source, shop.lake, run="replay", now=NOW)
    assert again.watermark.detail["stopped"] == {}
    assert dict(again.rows["shop.t"]) == {"I": 2, "U": 1, "D": 2, "T": 3}
    assert shop.live("t") == [(1, 5)]
    shop.sql("insert into t values (2, 6)", at=NOW)
    shop.ingest()
    shop.agree("t", "id")
    assert postgres.replay_quarantine(shop.source, shop.lake, run="replay", now=NOW).total == 0


def test_personal_columns_are_marked(shop: Shop) -> None:
    object.__setattr__(shop.source, "personal", ("users.email", "users.phone"))
    shop.sql("create table users (id int primary key, email text, city varchar(20))")
    shop.ingest()
    shop.sql("alter table users add column phone text", "insert into users values (1, 'e', 'c', 'p')", at=NOW)
    shop.ingest()
    columns: dict[str, Column] = {column.name: column for column in shop.lake.log("shop.users").columns}
    assert {name for name, column in columns.items() if column.personal} == {"email", "phone"}
    assert columns["city"].source_type == "character varying(20)"
    assert shop.lake.log("shop.users").keys == ("id",)
