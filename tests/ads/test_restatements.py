"""What platforms changed later: versions, restatements and completeness against a plain reading of random histories."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from ads import histories
from ads.adlake import AdLake, alike, at, day, rows_of
from ads.histories import KEY, METRICS, drawn
from engine.servers import SERVERS_LONG

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workspace.front import Workspace

VIEWS = ("ads.performance_versions", "ads.restatements", "ads.completeness", "ads.platforms")
SEEDS = range(6)


def keyed(row: dict[str, Any]) -> dict[str, Any]:
    return {"key": tuple(row[name] for name in KEY)} | row


@pytest.mark.parametrize("seed", SEEDS)
def test_random_histories_are_read_as_they_are(tmp_path: Path, seed: int) -> None:
    made, versions = drawn(tmp_path, seed)
    ws = made.open()
    expected = histories.performance_versions(versions)
    found = [keyed(row) for row in rows_of(ws.table("ads.performance_versions"))]
    renamed = [row | {"from": row["recorded_from"], "to": row["recorded_to"]} for row in found]
    assert len(expected) > 100
    assert pick(renamed, expected) == pick(expected, expected)
    expected = histories.restatements(versions)
    found = [keyed(row) for row in rows_of(ws.table("ads.restatements"))]
    assert {row["deleted"] for row in expected} == {True, False}
    assert pick(found, expected) == pick(expected, expected)
    expected = histories.completeness(versions, ws.release.as_of)
    assert {row["metric"] for row in expected} == set(METRICS)
    assert_same_shares(rows_of(ws.table("ads.completeness")), expected)


def pick(rows: list[dict[str, Any]], like: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(({name: row[name] for name in like[0]} for row in rows), key=lambda row: repr(list(row.values())))


def assert_same_shares(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    exact = [name for name in expected[0] if name != "share"]
    names = ("platform", "metric", "age")
    one, two = (sorted(rows, key=lambda row: tuple(row[name] for name in names)) for rows in (found, expected))
    assert [[row[name] for name in exact] for row in one] == [[row[name] for name in exact] for row in two]
    for row, told in zip(one, two, strict=True):
        assert (row["share"] is None) == (told["share"] is None)
        assert row["share"] is None or math.isclose(row["share"], told["share"], rel_tol=1e-12)


def one_row(spend: str, number: int = 0) -> dict[str, Any]:
    place = {"account_id": "a", "level": "ad", "entity_id": "1", "placement": "ALL", "day": day(number)}
    return {**place, "platform": "google_ads", "currency": "EUR", "spend": Decimal(spend)}


def test_a_day_that_is_told_again_gets_the_next_version(tmp_path: Path) -> None:
    made = AdLake(tmp_path, "google_ads")
    made.write("google_ads.performance", at(1), [one_row("10")])
    made.write("google_ads.performance", at(3), [one_row("0")], op="D")
    made.release(at(4))
    made.write("google_ads.performance", at(5), [one_row("8.5")])
    made.release(at(40))
    (gone,) = rows_of(made.open("2026-09-04").table("ads.restatements"))
    assert (gone["deleted"], gone["spend"], gone["spend_first"], gone["days_to_final"]) == (True, None, 10, 3)
    (back,) = rows_of(made.open().table("ads.restatements"))
    assert (back["deleted"], back["spend"], back["versions"], back["days_to_final"]) == (False, Decimal("8.5"), 2, 5)
    assert [row["version"] for row in rows_of(made.open().table("ads.performance_versions"))] == [1, 2]
    told = {
        row["age"]: (row["known"], row["share"])
        for row in rows_of(made.open().table("ads.completeness"))
        if row["metric"] == "spend"
    }
    # Read on the second day: before it, nothing can be said of this day.
    assert sorted(told) == list(range(1, 31))
    assert (told[1], told[3], told[5]) == ((10, 10 / 8.5), (0, 0), (Decimal("8.5"), 1))


def test_a_release_tells_of_days_that_are_old_enough_only(tmp_path: Path) -> None:
    made = AdLake(tmp_path, "google_ads")
    made.write("google_ads.performance", at(0.9), [one_row("10")])
    made.write("google_ads.performance", at(32), [one_row("11")])  # at the age of 32 days, after all that is told of
    made.write("google_ads.performance", at(32), [one_row("1", 31)])
    names = [made.release(at(n)) for n in (30.9, 31, 33)]
    finals = []
    for name in names:
        spend = [r for r in rows_of(made.open(name).table("ads.completeness")) if r["metric"] == "spend"]
        finals.append({(row["known"], row["final"], row["days"]) for row in spend})
    # A release sees what its watermark says, here all of it; which days are old enough is a matter of its end.
    assert finals == [set(), {(10, 11, 1)}, {(10, 11, 1)}]


def test_every_source_has_its_platform(tmp_path: Path) -> None:
    made = AdLake(tmp_path, "google_ads", "google_2", "tiktok_ads", "twitter_ads")
    made.write("google_ads.accounts", at(1), [{"account_id": "1", "platform": "google_ads"}])
    made.write("google_2.performance", at(1), [one_row("1")])
    pull = {"account_id": "t", "kind": "ad", "first_day": day(0), "last_day": day(1), "pulled_at": at(1)}
    made.write("tiktok_ads.pulls", at(1), [{**pull, "platform": "tiktok_ads"}])
    made.release(at(2))
    found = {row["source"]: row["platform"] for row in rows_of(made.open().table("ads.platforms"))}
    assert found == {"google_ads": "google_ads", "google_2": "google_ads", "tiktok_ads": "tiktok_ads"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> AdLake:
    return drawn(tmp_path_factory.mktemp("drawn"), 1)[0]


@pytest.fixture(params=SERVERS_LONG)
def there(request: pytest.FixtureRequest, made: AdLake, server_url: Callable[[str], str]) -> Workspace:
    return made.open(engine=server_url(request.param))


def test_what_changed_is_the_same_on_every_engine(made: AdLake, there: Workspace) -> None:
    here = made.open()
    for name in VIEWS:
        if name != "ads.completeness":
            assert alike(there.table(name), here.table(name)), name
    found, expected = (ws.table("ads.completeness").to_pyarrow() for ws in (there, here))
    assert found.schema == expected.schema
    assert_same_shares(*(sorted(each.to_pylist(), key=repr) for each in (found, expected)))
    assert there.sql("select count(*) as n from ads.completeness").to_pyarrow().to_pylist() == [
        {"n": expected.num_rows}
    ]
