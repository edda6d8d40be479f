"""Valid time: per transaction, per source, and never back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from sources.postgres.shop import NOW, START

if TYPE_CHECKING:
    from collections.abc import Callable

    from sources.postgres.shop import Shop

DAY = timedelta(days=1)


def test_the_message_is_the_clock_wherever_it_stands(shop: Shop) -> None:
    shop.sql("create table t (id int primary key)", "insert into t values (0)")
    shop.ingest()
    shop.sql("insert into t values (1)", at=START + DAY)
    emit = "select pg_logical_emit_message(true, 'workspace.clock', '2026-01-03 12:00:00+02')"
    shop.sql("insert into t values (2)", emit, "insert into t values (3)")
    shop.sql("insert into t values (4)", at=START)  # its own clock lies before the last one's
    shop.sql("insert into t values (5)")
    shop.sql("insert into t values (6)", at="tomorrow")
    shop.sql("insert into t values (7)", at="2026-02-01T00:00:00")
    shop.sql("insert into t values (8)", "select pg_logical_emit_message(true, 'other', '2027-01-01T00:00:00Z')")
    told = shop.ingest()
    noon = datetime(2026, 1, 3, 10, tzinfo=UTC)
    times = dict(row[1:] for row in shop.log("t", "id", "_valid_at"))
    assert times == {0: START, 1: START + DAY} | dict.fromkeys(range(2, 9), noon)
    assert told.watermark.detail["without_clock"] == 2
    assert told.watermark.detail["unreadable_clock"] == 2
    assert len([note for note in told.notes if "clock message" in note]) == 2


def test_a_message_outside_any_transaction_does_not_count(shop: Shop) -> None:
    shop.sql("create table t (id int primary key)")
    shop.ingest()
    with psycopg.connect(shop.dsn) as connection:
        connection.execute("insert into t values (1)")
        connection.execute("select pg_logical_emit_message(false, 'workspace.clock', '2027-01-01T00:00:00Z')")
    shop.ingest()
    assert shop.log("t", "_valid_at") == [("I", START)]


def test_nothing_older_than_a_published_release_appears_later(shop: Shop) -> None:
    shop.sql("create table t (id int primary key)")
    shop.as_of = NOW - 7 * DAY
    assert shop.ingest().watermark.clock == shop.as_of
    shop.sql("insert into t values (1)", at=START + DAY)
    shop.as_of = NOW + DAY  # that time has not come yet
    told = shop.ingest()
    assert shop.log("t", "_valid_at") == [("I", NOW - 7 * DAY)]
    assert told.watermark.clock == NOW - 7 * DAY
    assert told.watermark.reached == NOW


def test_the_running_clock_goes_on_from_run_to_run(shop: Shop) -> None:
    shop.sql("create table t (id int primary key)")
    shop.ingest()
    shop.sql("insert into t values (1)", at=NOW)
    shop.ingest()
    shop.sql("insert into t values (2)", at=START)
    assert shop.ingest().watermark.clock == NOW
    assert shop.log("t", "_valid_at") == [("I", NOW)] * 2


def test_commit_times_are_the_clock_unless_told_otherwise(new_shop: Callable[..., Shop]) -> None:
    shop = new_shop(clock="commit")
    shop.sql("create table t (id int primary key)", "insert into t values (0)")
    [(before,)] = shop.query("select clock_timestamp()")
    shop.ingest()
    shop.sql("insert into t values (1)", at=START)
    shop.sql("insert into t values (2)")
    [(after,)] = shop.query("select clock_timestamp()")
    told = shop.ingest()
    times = [row[1] for row in shop.log("t", "_valid_at")]
    assert before < times[0] < times[1] < times[2] < after
    assert told.watermark.detail["without_clock"] == 0


@pytest.mark.parametrize("published", [True, False])
def test_an_idle_source_still_advances(shop: Shop, *, published: bool) -> None:
    shop.sql("create table t (id int primary key)", "create table other (id int)")
    tables = ("public.t",)
    object.__setattr__(shop.source, "tables", tables)
    first = shop.ingest()
    shop.now += DAY
    if published:
        shop.sql("insert into other select generate_series(1, 10000)")
    second = shop.ingest()
    assert second.total == 0
    assert second.watermark.reached == shop.now
    assert (second.watermark.position > first.watermark.position) == published
    assert shop.slot_position() == second.watermark.position + 1
