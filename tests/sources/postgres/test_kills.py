"""`kill -9` at every boundary: what is in the logs afterwards is what an undisturbed reader has."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from sources.postgres.shop import NAME, NOW, Shop
from workspace.sources.postgres import capture

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

BUDGET = 3_000
OPERATION, POSITION = -5, -4  # in a row of a log without its recorded time
AT_FIRST = [
    "postgres.after_slot",
    "postgres.snapshot_table",
    "postgres.snapshot_table:2",
    "postgres.before_watermark",
    "postgres.after_watermark",
]
LATER = [
    "postgres.after_append",
    "postgres.after_append:3",
    "postgres.before_watermark:2",
    "postgres.after_watermark",
    "postgres.before_confirm",
    "postgres.after_confirm:2",
]


def contents(shop: Shop) -> dict[str, list[Any]]:
    """Give every log, without the position of a snapshot, which is the slot's own."""
    found = {}
    for name in shop.lake.names(NAME):
        rows = [list(row) for row in shop.log(name.partition(".")[2])]
        for row in rows:
            if row[OPERATION] == "S":
                row[POSITION] = None
        found[name] = sorted(rows, key=repr)
    return found


def test_a_kill_at_any_boundary_changes_nothing(new_shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch) -> None:
    victim, peaceful = new_shop(), new_shop()
    long = "(select string_agg(md5(n::text), '') from generate_series(1, 100) n)"
    victim.sql(
        "create sequence keys start 1000",
        "create table t (id int primary key, v text)",
        "create table docs (id int primary key, note int, body text)",
        "alter table docs alter body set storage external",
        f"insert into docs select n, 0, {long} || n from generate_series(1, 5) n",
        "insert into t select n, 'first' from generate_series(1, 50) n",
    )
    for point in AT_FIRST:
        assert victim.in_process(Shop.ingest, crash=point, budget=BUDGET) == -signal.SIGKILL, point
    victim.ingest()
    peaceful.ingest()
    assert contents(victim) == contents(peaceful)
    for step, point in enumerate(LATER):
        change(victim, step)
        assert victim.in_process(Shop.ingest, crash=point, budget=BUDGET) == -signal.SIGKILL, point
        change(victim, step + 100)
        with monkeypatch.context() as patch:
            patch.setattr(capture, "BUDGET", BUDGET * (step % 3 + 1))
            victim.ingest()
        peaceful.ingest()
        assert contents(victim) == contents(peaceful), point
        for table in ("t", "docs"):
            victim.agree(table)
        assert {mark.detail["without_clock"] for mark in (victim.ingest().watermark, peaceful.ingest().watermark)} == {
            step * 2 + 2
        }


def change(shop: Shop, step: int) -> None:
    """Change much: small transactions, one large, key changes, and texts that are not sent."""
    for part in range(2):
        first = 1000 * step + 10 * part + 1000
        shop.sql(
            f"insert into t select n, 'x' from generate_series({first}, {first + 9}) n",
            f"update docs set note = note + 1, id = nextval('keys') where id % 3 = {part}",
            at=NOW,
        )
    shop.sql(f"update t set v = '{step}'", f"delete from t where id % 7 = {step % 7}", "update docs set note = -1")
    # Where a default is noticed depends on where a run ends, unless a change shows it at once.
    shop.sql(f"alter table t add column c{step} int default {step}", f"insert into t values (-{step + 1}, 'x')", at=NOW)
    if step % 3 == 0:
        shop.sql("truncate t", "insert into t values (1, 'again')", at=NOW)
