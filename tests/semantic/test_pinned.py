"""A release is pinned: whatever is written, changed, folded and published later, its metrics stay what they were."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from lake import changes
from lake.changes import TABLE, Change, log_rows
from workspace.front import Workspace, connect
from workspace.lake import Lake, Watermark
from workspace.lake.fold import fold
from workspace.settings import PostgresSource, Settings

if TYPE_CHECKING:
    from pathlib import Path

DAY = 24 * 60  # minutes: changes begin on 2026-01-01
METRICS = """
from ibis import _
from workspace.semantic import Dataset, Model, dim, fact, key, measure, ref, time

class Versions(Dataset, table="shop.stock", history=True):
    version = key(_.a, _.b)
    value = fact(_.value)

class Stock(Dataset, table="shop.stock"):
    stock = key(_.a, _.b)
    then = ref(Versions, _.a, _.b, valid="event")
    letter = dim(_.b)
    counted = time((_.a * 86_400 + 1_767_225_600).as_timestamp("s"), default=True)
    total = measure(_.value.sum())
    shelves = measure(_.count())
    middle = measure(_.value.median())
    at_first = measure(_.then.value.sum())

model = Model(
    Stock, Versions, timezone="Europe/Berlin", growth=Stock.total.growth("1 day"), part=Stock.total.share(),
    mean=Stock.total / Stock.shelves,
)
checks = []
"""


def january(day: int) -> datetime:
    return datetime(2026, 1, day, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    (tmp_path / "pinned_metrics.py").write_text(METRICS)
    monkeypatch.syspath_prepend(tmp_path)
    Lake(str(tmp_path / "lake")).define(TABLE, changes.COLUMNS)
    return Settings(
        home=tmp_path,
        lake=str(tmp_path / "lake"),
        var=tmp_path / "var",
        pipelines=tmp_path / "pipelines",
        metrics="pinned_metrics",
        clock=january(20),
        sources={"shop": PostgresSource(name="shop", dsn_env="SHOP_DSN")},
    )


def publish(settings: Settings, *written: Change, day: int) -> str:
    lake = Lake(settings.lake)
    log = lake.log(TABLE)
    log.append(log_rows(log, written), position=written[-1].position)
    until = january(day)
    lake.advance(
        Watermark(source="shop", position=written[-1].position, clock=until, reached=until, recorded_at=until, run="r")
    )
    candidate = connect(candidate=f"run{day}", as_of=until, settings=settings)
    candidate.audit()
    return candidate.publish().name


def answers(workspace: Workspace) -> dict[str, Any]:
    """Everything that a reader may have written down."""
    m = workspace.metrics
    asked = {
        "all": m(m.total, m.shelves, m.middle, m.at_first, m.mean),
        "by day": m(m.total, m.growth, m.middle.trailing("3 days").named("trailing"), by=m.day),
        "by letter": m(m.total, m.part, m.shelves, by=m.letter, where=m.total > 0),
        "some": m.total.by(m.day, m.letter, top=1, between=("2026-01-01", "2026-02-01"), fill=True),
    }
    found: dict[str, Any] = {name: answer.to_arrow() for name, answer in asked.items()}
    found["rows"] = m.total.by(m.letter).rows().to_pyarrow()
    found["captions"] = [answer.caption for answer in asked.values()]
    found["definitions"] = [dataclasses.astuple(d) for answer in asked.values() for d in answer.definitions]
    return found


def test_metrics_of_a_release_never_change(settings: Settings) -> None:
    first = publish(settings, *[Change("I", (n, "xyz"[n % 3]), 5 + n, 10, n, 60 * n) for n in range(1, 7)], day=3)
    held = connect(settings=settings)
    lazy = held.metrics.total.by(held.metrics.day)
    written = answers(held)
    later = [
        [Change("U", (1, "y"), 100, 20, 0, 3 * DAY), Change("D", (2, "z"), None, 20, 1, 3 * DAY)],
        [Change("I", (2, "z"), 9, 30, 0, 4 * DAY), Change("U", (3, "x"), None, 30, 1, 4 * DAY)],
    ]
    for number, batch in enumerate(later):
        publish(settings, *batch, day=5 + number)
        fold(Lake(settings.lake).layout, TABLE, to=batch[-1].position, force=True)
    assert answers(held) == written, "a workspace that was open all the time"
    assert answers(connect(release=first, settings=settings)) == written, "one that is opened anew"
    assert lazy.to_arrow() == held.metrics.total.by(held.metrics.day).to_arrow(), "an answer not yet looked at"
    newest = connect(settings=settings)
    assert answers(newest)["all"] != written["all"]
    assert answers(newest)["definitions"] == written["definitions"]
    compared = newest.metrics.total.by(newest.metrics.letter).diff(first).to_arrow().to_pylist()
    then = {row["letter"]: row["total"] for row in written["by letter"].to_pylist()}
    assert {row["letter"]: row["total_then"] for row in compared} == then
