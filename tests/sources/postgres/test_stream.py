"""The connection itself: one reader at a time, a server that goes away, a reader that is interrupted."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import psycopg
import pytest

from sources.postgres.shop import NOW
from workspace.errors import SourceError
from workspace.sources.postgres import capture, stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from sources.postgres.shop import Shop

KILL = """
    select pg_terminate_backend(active_pid, 5000) from pg_replication_slots
    where slot_name = '{0}' and active_pid is not null
"""


def with_changes(shop: Shop) -> None:
    shop.sql("create table t (id int primary key, v text)")
    shop.ingest()
    for step in range(20):
        shop.sql(f"insert into t select n, repeat('x', 500) from generate_series({step}00, {step}99) n", at=NOW)


def after_flush(monkeypatch: pytest.MonkeyPatch, action: Callable[[], object]) -> None:
    """Do something once, in the middle of a run."""
    monkeypatch.setattr(capture, "BUDGET", 200_000)
    advance = capture.Capture._advance

    def advanced(self: capture.Capture, position: int, **options: object) -> None:
        advance(self, position, **options)  # type: ignore[arg-type]  # passed on as they came
        monkeypatch.setattr(capture.Capture, "_advance", advance)
        action()

    monkeypatch.setattr(capture.Capture, "_advance", advanced)


def test_a_second_reader_is_turned_away(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with_changes(shop)
    monkeypatch.setattr(stream, "LINGERING", 0.1)
    refused = []

    def second() -> None:
        with pytest.raises(SourceError, match="another session is reading") as caught:
            shop.ingest()
        refused.append(caught.value)

    after_flush(monkeypatch, second)
    shop.ingest()
    assert len(refused) == 1
    shop.agree("t")
    assert len(shop.log("t", "id")) == 2000


def test_a_server_that_ends_the_stream(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with_changes(shop)
    after_flush(monkeypatch, lambda: shop.query(KILL.format(shop.slot)))
    with pytest.raises(SourceError) as caught:
        shop.ingest()
    assert "Confirming" in caught.value.message or "Reading the changes" in caught.value.message
    assert 0 < len(shop.log("t", "id")) < 2000
    shop.ingest()
    shop.agree("t")
    assert len(shop.log("t", "id")) == 2000


def test_an_interruption_leaves_no_session_behind(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with_changes(shop)

    def interrupt() -> None:
        raise KeyboardInterrupt

    after_flush(monkeypatch, interrupt)
    with pytest.raises(KeyboardInterrupt):
        shop.ingest()
    with psycopg.connect(shop.dsn) as connection:
        # A session that was closed may take a moment to end.
        query = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'workspace shop'"
        connection.execute(query)
    shop.ingest()
    assert len(shop.log("t", "id")) == 2000
    left = "select count(*) from pg_stat_activity where application_name = 'workspace shop' and state <> 'idle'"
    assert shop.query(left) == [(0,)]


def test_two_runs_that_overtake_each_other_are_noticed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with_changes(shop)

    def other_run() -> None:
        mark = shop.lake.watermark("shop")
        assert mark
        shop.lake.advance(dataclasses.replace(mark, run="another"))

    after_flush(monkeypatch, other_run)
    with pytest.raises(SourceError, match="another run has read it"):
        shop.ingest()
