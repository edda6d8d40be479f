"""The front door: which release is opened, what may be asked of it, and what is published."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from lake import changes
from lake.changes import TABLE, Change, log_rows
from workspace.errors import LakeError, ReleaseError, RunError, SemanticError, SettingsError
from workspace.front import Workspace, connect
from workspace.lake import Lake, Watermark, delta, releases
from workspace.lake.fold import fold
from workspace.settings import PostgresSource, Settings

if TYPE_CHECKING:
    from pathlib import Path

# Changes of `lake.changes` begin on 2026-01-01; a minute of theirs.
DAY = 24 * 60
METRICS = """
from ibis import _
from workspace.engine import Check
from workspace.semantic import Dataset, Model, measure, time

class Stock(Dataset, table="shop.stock", history=True):
    counted = time(_.a.as_timestamp("s"), default=True)
    versions = measure(_.count())

model = Model(Stock, timezone="UTC")
checks = [
    Check(
        name="value_known",
        description="Every value is known.",
        severity="error",
        violations=lambda reader: reader.table("shop.stock").filter(_.value.isnull()),
        shown={"a": ("a",), "b": ("b",)},
    )
]
"""


def january(day: int) -> datetime:
    return datetime(2026, 1, day, tzinfo=UTC)


def write(settings: Settings, *changes: Change, until: datetime) -> None:
    lake = Lake(settings.lake)
    log = lake.log(TABLE)
    log.append(log_rows(log, changes), position=changes[-1].position)
    lake.advance(
        Watermark(source="shop", position=changes[-1].position, clock=until, reached=until, recorded_at=until, run="r")
    )


def release(settings: Settings, run: str, day: int) -> str:
    candidate = connect(candidate=run, as_of=january(day), settings=settings)
    candidate.audit()
    return candidate.publish().name


COLUMNS = [dataclasses.replace(column, personal=column.name == "b") for column in changes.COLUMNS]


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    (tmp_path / "stock_metrics.py").write_text(METRICS)
    monkeypatch.syspath_prepend(tmp_path)
    Lake(str(tmp_path / "lake")).define(TABLE, COLUMNS)
    source = PostgresSource(name="shop", dsn_env="SHOP_DSN")
    return Settings(
        home=tmp_path,
        lake=str(tmp_path / "lake"),
        var=tmp_path / "var",
        pipelines=tmp_path / "pipelines",
        metrics="stock_metrics",
        clock=january(10),
        sources={"shop": source},
    )


@pytest.fixture
def settings(empty: Settings) -> Settings:
    """A home with two releases: of the first day, and of the second with a change."""
    write(empty, Change("I", (1, "x"), 5, 10, 0, 60), Change("I", (2, "x"), 7, 10, 1, 60), until=january(2))
    release(empty, "one", 2)
    write(empty, Change("U", (1, "x"), 6, 20, 0, DAY + 60), until=january(10))
    release(empty, "two", 3)
    return empty


def stock(workspace: Any) -> dict[int, int]:
    rows = workspace.table(TABLE).to_pyarrow().to_pylist()
    return {row["a"]: int(row["value"]) for row in rows}


def test_a_release_is_opened_by_name_by_time_or_as_the_newest(settings: Settings) -> None:
    before, after = {1: 5, 2: 7}, {1: 6, 2: 7}
    assert stock(connect(settings=settings)) == after
    assert stock(connect("2026-01-01", settings=settings)) == before
    assert stock(connect(known_by="2026-01-01", settings=settings)) == before
    assert stock(connect(known_by=date(2026, 1, 2), settings=settings)) == after
    assert stock(connect(known_by=january(2), settings=settings)) == before
    with pytest.raises(ReleaseError, match="no release '2026-01-03'"):
        connect("2026-01-03", settings=settings)
    with pytest.raises(ReleaseError, match=r"No release was known by 2025-12-31\."):
        connect(known_by="2025-12-31", settings=settings)


def test_a_candidate_is_seen_by_those_who_ask_for_it_only(settings: Settings) -> None:
    write(settings, Change("D", (2, "x"), None, 30, 0, 3 * DAY), until=january(10))
    with pytest.raises(ReleaseError, match="'three' has no candidate"):
        connect(candidate="three", settings=settings)
    made = connect(candidate="three", as_of="2026-01-05", settings=settings)
    assert (made.release.status, made.release.as_of) == ("candidate", january(5))
    assert stock(made) == stock(connect(candidate="three", settings=settings)) == {1: 6}
    assert stock(connect(settings=settings)) == {1: 6, 2: 7}


def test_nothing_is_published_unchecked_and_once_is_enough(settings: Settings) -> None:
    candidate = connect(candidate="three", as_of=january(4), settings=settings)
    with pytest.raises(RunError, match="2026-01-03 of run three was not checked"):
        candidate.publish()
    assert candidate.audit().failed == ()
    assert candidate.publish().name == candidate.publish().name == "2026-01-03"
    assert connect(candidate="three", settings=settings).publish().name == "2026-01-03"
    assert len(releases(Lake(settings.lake), "published")) == 3


def test_a_check_of_another_candidate_of_the_run_does_not_count(settings: Settings) -> None:
    connect(candidate="three", as_of=january(4), settings=settings).audit()
    anew = connect(candidate="three", as_of=january(4), settings=settings)
    with pytest.raises(RunError, match="was not checked"):
        anew.publish()


def test_a_failed_check_rejects_and_is_kept(settings: Settings) -> None:
    write(settings, Change("U", (2, "x"), None, 30, 0, 3 * DAY), until=january(10))
    candidate = connect(candidate="three", as_of=january(5), settings=settings)
    with pytest.raises(RunError, match=r"value_known: 1 rows\. Every value is known\. Such as: 2\n") as caught:
        candidate.audit()  # and nothing of column b, which is personal
    assert "workspace tick" in caught.value.cure
    with pytest.raises(ReleaseError, match="no candidate"):
        candidate.publish()
    rejected = releases(Lake(settings.lake), "rejected")
    assert [(r.run, r.failed) for r in rejected] == [("three", ("value_known",))]
    newest = connect(settings=settings)
    assert newest.release.name == "2026-01-02"
    kept = newest.table("system.checks").to_pyarrow().to_pylist()
    assert [(row["name"], row["violations"]) for row in kept if row["run"] == "three"] == [
        ("shop.stock: key", 0),
        ("shop.stock: history", 0),
        ("Stock: schema", 0),
        ("value_known", 1),
    ]


def test_a_gap_in_history_is_told_from_a_deletion(settings: Settings) -> None:
    write(settings, Change("D", (2, "x"), None, 30, 0, 3 * DAY), until=january(10))
    write(settings, Change("I", (2, "x"), 8, 40, 0, 4 * DAY), until=january(10))
    release(settings, "three", 6)
    lake = Lake(settings.lake)
    fold(lake.layout, TABLE, to=40, force=True)
    assert connect(candidate="four", as_of=january(7), settings=settings).audit().failed == ()
    write(
        settings, Change("U", (1, "x"), 9, 50, 0, 6 * DAY), Change("U", (1, "x"), 10, 60, 0, 7 * DAY), until=january(10)
    )
    fold(lake.layout, TABLE, to=60, force=True)
    delta.open_table(lake.layout.uri("closed", TABLE)).delete("value = 9")  # a version is lost
    with pytest.raises(RunError, match=r"1 check failed[^\n]*\n  shop.stock: history: 1 of 5 rows") as caught:
        connect(candidate="four", as_of=january(9), settings=settings).audit()
    assert "a 1, valid_from 2026-01-02" in str(caught.value)


def test_time_travel_ends_where_the_release_does(settings: Settings) -> None:
    workspace = connect(settings=settings)
    assert stock(workspace.valid_at("2026-01-01T01:00")) == {1: 5, 2: 7}
    assert stock(workspace.valid_at(date(2026, 1, 1))) == {}
    assert stock(workspace.valid_at("2026-01-02T01:00:00+00:00")) == {1: 6, 2: 7}
    assert stock(workspace.valid_at("2026-01-02T01:30:00+01:00")) == {1: 5, 2: 7}
    assert "as it was at 2026-01-02 00:00 UTC" in repr(workspace.valid_at("2026-01-02"))
    for moment in ("2026-01-03", january(3), "2030-01-01"):
        with pytest.raises(RunError, match="Release 2026-01-02 knows nothing of 20") as caught:
            workspace.valid_at(moment)
        assert caught.value.cure == "Ask for a moment before 2026-01-03 00:00 UTC."


def test_tables_history_sql_and_metrics_see_the_same(settings: Settings) -> None:
    workspace = connect(settings=settings)
    assert workspace.tables == [TABLE]
    assert workspace.history(TABLE).count().to_pyarrow().as_py() == 3
    assert workspace.sql("select sum(value) as s from shop.stock").to_pyarrow().to_pylist() == [{"s": 13}]
    assert workspace.metrics.versions.value() == 2  # of what is true now
    with pytest.raises(SemanticError, match="read-only"):
        workspace.sql("drop view shop.stock")
    with pytest.raises(LakeError, match=r"no table 'shop\.stok'"):
        workspace.table("shop.stok")


def test_what_is_open_stays_as_it_is(settings: Settings) -> None:
    held = connect(settings=settings)
    table = held.table(TABLE)
    write(settings, Change("U", (1, "x"), 9, 30, 0, 3 * DAY), until=january(10))
    release(settings, "three", 5)
    assert stock(held) == {1: 6, 2: 7}
    assert table.count().to_pyarrow().as_py() == 2
    assert held.history(TABLE).count().to_pyarrow().as_py() == 3
    assert stock(connect(settings=settings)) == {1: 9, 2: 7}


def test_a_workspace_shows_what_it_is(settings: Settings) -> None:
    workspace = connect(settings=settings)
    assert repr(workspace).splitlines() == [
        "Release 2026-01-02, as of 2026-01-03 00:00 UTC",
        "  shop: read up to 2026-01-10 00:00 UTC",
        "  1 tables: shop.stock",
    ]
    page = workspace._repr_html_()
    for word in ("Release 2026-01-02", "as of 2026-01-03 00:00 UTC", "shop.stock", "complete"):
        assert word in page


def test_a_late_source_is_shown_as_late(settings: Settings) -> None:
    optional = dataclasses.replace(settings.sources["shop"], required=False)
    patient = dataclasses.replace(settings, sources={"shop": optional})
    late = connect(candidate="late", as_of=january(12), settings=patient)
    assert "shop: read up to 2026-01-10 00:00 UTC (late)" in repr(late)
    assert "late: older data is shown" in late._repr_html_()


@pytest.mark.parametrize(
    ("module", "said"), [("surely_not_there", "No module named 'surely_not_there'"), ("json", "json has no model")]
)
def test_metrics_that_cannot_be_imported(settings: Settings, module: str, said: str) -> None:
    workspace = connect(settings=dataclasses.replace(settings, metrics=module))
    assert isinstance(workspace, Workspace)
    with pytest.raises(SettingsError, match=said) as caught:
        _ = workspace.metrics
    assert "workspace.toml" in caught.value.cure
    assert stock(workspace) == {1: 6, 2: 7}


def test_an_empty_lake_says_what_to_do(empty: Settings) -> None:
    with pytest.raises(ReleaseError, match="No release has been published yet") as caught:
        connect(settings=empty)
    assert "workspace tick" in caught.value.cure
