"""The tables of all advertising sources as one: rows, versions, keys, personal columns, on every engine."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from ads.adlake import AdLake, alike, at, day, rows_of
from engine.servers import SERVERS_LONG
from workspace.ads import KEYS
from workspace.cli.discreet import Discreet
from workspace.engine import run_checks, structure
from workspace.errors import LakeError, SemanticError
from workspace.lake import Column
from workspace.sources.ads.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workspace.front import Workspace

SOURCES = ("facebook_ads", "google_ads", "tiktok_ads", "twitter_ads")
ID = Column(name="id", type=pa.int64(), source_type="integer", key=1)


def row(account: str, entity: str, number: int, spend: str, **more: Any) -> dict[str, Any]:
    """One day of an ad."""
    place = {"account_id": account, "level": "ad", "entity_id": entity, "ad_id": entity, "placement": "ALL"}
    return {**place, "day": day(number), "spend": Decimal(spend), "impressions": 10, "currency": "EUR", **more}


def filled(home: Path, *sources: str) -> AdLake:
    """Each source has one account, an ad with two days, one of which is restated before the second release."""
    made = AdLake(home, *sources)
    for number, source in enumerate(sources):
        platform = {"platform": source}
        made.write(f"{source}.accounts", at(1), [{"account_id": f"a{number}", "name": "Käse 🧀", **platform}])
        # An id above 2^53, and a name that SQL might stumble over.
        ad = {"account_id": f"a{number}", "ad_id": "9007199254740993", "name": 'it\'s "ours"', **platform}
        made.write(f"{source}.ads", at(1), [ad])
        days = [row(f"a{number}", "9007199254740993", n, f"{number}.000001", **platform) for n in (0, 1)]
        made.write(f"{source}.performance", at(1), days)
        click = {"account_id": f"a{number}", "click_id": f"C{number}", "day": day(0), **platform}
        made.write(f"{source}.click_views", at(1), [click])
        pull = {"account_id": f"a{number}", "kind": "ad", "first_day": day(0), "last_day": day(1), "pulled_at": at(1)}
        made.write(f"{source}.pulls", at(1), [{**pull, "rows": 2, **platform}])
    made.release(at(2))
    for number, source in enumerate(sources):
        changed = row(f"a{number}", "9007199254740993", 1, f"{number}.5", platform=source)
        made.write(f"{source}.performance", at(2.5), [changed])
        made.write(f"{source}.performance", at(2.6), [row(f"a{number}", "9007199254740993", 0, "0")], op="D")
    made.release(at(3))
    return made


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> AdLake:
    return filled(tmp_path_factory.mktemp("four"), *SOURCES)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_view_is_all_sources_under_each_other(tmp_path: Path, count: int) -> None:
    made = filled(tmp_path, *SOURCES[:count])
    for name in (made.open().release.name, "2026-09-02"):
        ws = made.open(name)
        for table, key in KEYS.items():
            of_sources = [
                {"source": source} | found
                for source in SOURCES[:count]
                for found in ws.table(f"{source}.{table}").to_pyarrow().to_pylist()
            ]
            assert rows_of(ws.table(f"ads.{table}")) == sorted(of_sources, key=repr)
            assert ws.table(f"ads.{table}").columns == ("source", *(column.name for column in TABLES[table]))
            assert [c.name for c in ws.columns(f"ads.{table}") if c.key] == ["source", *key]
            of_sources = [
                {"source": source} | found
                for source in SOURCES[:count]
                for found in ws.history(f"{source}.{table}").to_pyarrow().to_pylist()
            ]
            assert rows_of(ws.history(f"ads.{table}")) == sorted(of_sources, key=repr)


def test_a_release_sees_what_was_known_then(four: AdLake) -> None:
    before, after = four.open("2026-09-02"), four.open()
    spent = [
        {(r["source"], r["day"]): r["spend"] for r in rows_of(ws.table("ads.performance"))} for ws in (before, after)
    ]
    assert spent[0] == {(s, day(n)): Decimal(f"{i}.000001") for i, s in enumerate(SOURCES) for n in (0, 1)}
    assert spent[1] == {(s, day(1)): Decimal(f"{i}.500000") for i, s in enumerate(SOURCES)}
    then = rows_of(after.valid_at(at(2.4)).table("ads.performance"))
    assert then == rows_of(before.table("ads.performance"))
    assert len(rows_of(after.history("ads.performance"))) == 12


def test_the_views_of_a_release_without_their_sources_are_not_there(tmp_path: Path) -> None:
    made = AdLake(tmp_path)
    made.add("shop", {"accounts": TABLES["accounts"], "performance": [ID]})
    made.release(at(1))
    ws = made.open()
    assert ws.tables == ["shop.accounts", "shop.performance"]
    assert "views" not in repr(ws)
    with pytest.raises(LakeError, match=r"no table 'ads\.performance': it is made of the tables of an advertising so"):
        ws.table("ads.performance")
    with pytest.raises(LakeError, match=r"no table 'ads\.performances'\.") as caught:
        ws.table("ads.performances")
    assert "ads." not in caught.value.cure
    made.add("google_ads")
    made.release(at(2))
    assert "ads.performance" in made.open().tables
    assert made.open("2026-09-01").tables == ["shop.accounts", "shop.performance"]
    assert rows_of(made.open().table("ads.accounts")) == []


def test_a_column_that_one_source_lacks_is_null_in_its_rows(tmp_path: Path) -> None:
    made = filled(tmp_path, "google_ads")
    views = Column(name="video_views", type=pa.int64(), source_type="integer")
    made.add("tiktok_ads", {**TABLES, "performance": [*TABLES["performance"], views]})
    made.write("tiktok_ads.performance", at(3), [row("t", "1", 0, "1", video_views=7)])
    made.release(at(4))
    found = rows_of(made.open().table("ads.performance").select("source", "video_views"))
    assert found == [{"source": "google_ads", "video_views": None}, {"source": "tiktok_ads", "video_views": 7}]


def test_what_is_personal_in_a_source_is_so_in_a_view(four: AdLake) -> None:
    ws = four.open()
    assert [c.name for c in ws.columns("ads.click_views") if c.personal] == ["click_id"]
    reader = Discreet(ws)
    assert "click_id" not in reader.table("ads.click_views").columns
    assert "click_id" not in reader.history("ads.click_views").columns
    assert "ads.click_views.click_id" in reader.personal()
    assert reader.table("ads.ads").columns == ws.table("ads.ads").columns


def test_a_release_shows_its_views(four: AdLake) -> None:
    ws = four.open()
    assert "ads.performance" in ws.tables
    assert "views over them: ads." in repr(ws)
    assert "ads.performance" in ws._repr_html_()
    assert ws.origins("ads.ads") == {f"{source}.ads" for source in SOURCES}


def test_a_table_of_the_release_goes_before_a_view_of_its_name(tmp_path: Path) -> None:
    made = filled(tmp_path, "google_ads")
    made.add("ads", {"campaigns": [ID]})
    made.release(at(4))
    assert made.open().table("ads.campaigns").columns == ("id",)
    assert "platform" in made.open().table("ads.ads").columns


def test_sql_sees_views(four: AdLake) -> None:
    ws = four.open()
    query = "select sum(spend) as s from ads.performance where \"source\" <> 'x'"
    assert ws.sql(query).to_pyarrow().to_pylist() == [{"s": Decimal("8.000000")}]
    query = "select count(*) as n from ads.performance_history as h join google_ads.ads as a on a.ad_id = h.ad_id"
    assert ws.sql(query).to_pyarrow().to_pylist() == [{"n": 12}]
    with pytest.raises(SemanticError):
        ws.sql("drop view ads.performance")


def test_keys_and_versions_of_views_hold(tmp_path: Path) -> None:
    made = filled(tmp_path, *SOURCES[:2])
    made.write("google_ads.performance", at(3.5), [row("a1", "9007199254740993", 0, "7")])
    made.release(at(4))
    ws = made.open()
    engine = ws._engine
    keys = {f"ads.{table}": ("source", *key) for table, key in KEYS.items()}
    done = run_checks(ws, structure(keys, engine.deleted))
    assert len(done) == 16
    assert [checked.text for checked in done if checked.verdict != "holds"] == []
    # A deletion is what excuses the gap in one row's history: without it, there is something to find.
    found = run_checks(ws, structure(keys, lambda name: engine.deleted(name).limit(0)))
    assert [checked.check.name for checked in found if checked.verdict != "holds"] == ["ads.performance: history"]


@pytest.fixture(params=SERVERS_LONG)
def there(request: pytest.FixtureRequest, four: AdLake, server_url: Callable[[str], str]) -> Workspace:
    return four.open(engine=server_url(request.param))


def test_views_are_the_same_on_every_engine(four: AdLake, there: Workspace) -> None:
    here = four.open()
    assert there.tables == here.tables
    live = {table for table in KEYS if alike(there.table(f"ads.{table}"), here.table(f"ads.{table}"))}
    past = {table for table in KEYS if alike(there.history(f"ads.{table}"), here.history(f"ads.{table}"))}
    assert live == past == {"accounts", "ads", "performance", "click_views", "pulls"}
    for query in (
        "select source, sum(spend) as s from ads.performance group by 1 order by 1",
        "select count(*) as n from ads.performance_history",
    ):
        assert there.sql(query).to_pyarrow().to_pylist() == here.sql(query).to_pyarrow().to_pylist()
