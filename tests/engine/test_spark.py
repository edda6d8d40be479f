"""A release over Spark Connect is, row for row and type for type, what it is on DuckDB."""

from __future__ import annotations

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from ibis import _

from engine.lakes import TABLE, at, disturb, rich_lake
from engine.servers import SERVERS, apache_spark
from workspace.engine import DuckDBEngine, Engine, open_engine
from workspace.engine.spark import SparkEngine
from workspace.errors import LakeError, SemanticError, SettingsError
from workspace.front import connect
from workspace.lake import Lake, find
from workspace.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, list[str]]:
    """A lake and its releases, shared: no test may write to it."""
    return rich_lake(str(tmp_path_factory.mktemp("rich") / "lake"))


@pytest.fixture(scope="module", params=SERVERS)
def url(request: pytest.FixtureRequest, server_url: Callable[[str], str]) -> str:
    return server_url(request.param)


def rows(table: Any) -> tuple[pa.Schema, list[dict[str, Any]]]:
    found = table.to_pyarrow()
    return found.schema, sorted(found.to_pylist(), key=repr)


def pair(lake: Lake, name: str, url: str) -> tuple[Engine, Engine]:
    release = find(lake, name)
    return DuckDBEngine(lake, release), SparkEngine(lake, release, url)


def test_a_program_that_is_no_file_may_use_it() -> None:
    program = "import workspace.engine.backend; print('imported')"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "imported\n"


def test_every_release_is_the_same(made: tuple[Lake, list[str]], url: str) -> None:
    lake, names = made
    seen = []
    for name in names:
        duck, spark = pair(lake, name, url)
        assert spark.tables == duck.tables == [TABLE]
        for asked in ("table", "history"):
            expected = rows(getattr(duck, asked)(TABLE))
            assert rows(getattr(spark, asked)(TABLE)) == expected
            seen.append(expected[1])
        for minute in (1, 7):
            assert rows(spark.valid_at(TABLE, at(minute))) == rows(duck.valid_at(TABLE, at(minute)))
    assert [len(found) for found in seen] == [5, 6, 4, 7, 4, 10]


def test_pandas_shows_the_same(made: tuple[Lake, list[str]], url: str) -> None:
    duck, spark = pair(made[0], made[1][-1], url)
    expected, found = (e.history(TABLE).order_by("id", "part", "valid_from").to_pandas() for e in (duck, spark))
    assert list(found.dtypes) == list(expected.dtypes)
    assert str(found.to_dict("list")) == str(expected.to_dict("list"))


def test_a_release_stays_as_it_was(tmp_path: Path, url: str) -> None:
    lake, names = rich_lake(str(tmp_path / "lake"))
    opened = SparkEngine(lake, find(lake, names[-1]), url)
    before = [rows(opened.table(TABLE)), rows(opened.history(TABLE))]
    disturb(lake)
    again = SparkEngine(lake, find(lake, names[-1]), url)
    for engine in (opened, again):
        assert [rows(engine.table(TABLE)), rows(engine.history(TABLE))] == before
    newest = rows(SparkEngine(lake, find(lake), url).table(TABLE))
    assert newest == rows(DuckDBEngine(lake, find(lake)).table(TABLE)) != before[0]


@pytest.mark.parametrize("name", ["sail", "sail-cluster"])  # closing one takes parts of Spark that the tests leave out
def test_a_session_that_the_server_closed_is_opened_anew(
    made: tuple[Lake, list[str]], server_url: Callable[[str], str], name: str
) -> None:
    duck, spark = pair(made[0], made[1][-1], server_url(name))
    table = spark.table(TABLE)
    days = rows(duck.table(TABLE).select(day=_.made_at.cast("date")))[1]
    session = spark._backend._session  # type: ignore[attr-defined]
    session.client.release_session()
    assert rows(table.select(day=_.made_at.cast("date")))[1] == days


@pytest.mark.parametrize(
    "query",
    [
        "select id, part, price from shop.things where price > 1 order by 1, 2",
        (
            "select things.id, h.valid_from from shop.things join shop.things_history as h"
            " on things.id = h.id and things.part = h.part order by 1, 2"
        ),
        "with big as (select * from shop.things where id > 1) select count(*) as n, sum(price) as s from big",
        "select shop.things.id from shop.things union all select id from shop.things_history order by 1",
    ],
)
def test_sql_sees_the_release(made: tuple[Lake, list[str]], url: str, query: str) -> None:
    duck, spark = pair(made[0], made[1][-1], url)
    assert spark.sql(query).to_pyarrow().to_pylist() == duck.sql(query).to_pyarrow().to_pylist()
    assert spark.sql(query).count().to_pyarrow().as_py() == duck.sql(query).count().to_pyarrow().as_py()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("drop table shop.things", "read-only"),
        ("insert into shop.things select * from shop.things", "read-only"),
        ("create view v as select 1", "read-only"),
        ("set spark.sql.session.timeZone = 'America/New_York'", "read-only"),
        ("refresh table shop.things", "read-only"),
        ("select 1; select 2", "read-only"),
        ("select 1; drop table shop.things", "read-only"),
        ("selec 1 from", "no SQL|read-only"),
        ("select * from shop.thing", "Did you mean shop.things"),
        ("select * from things", "has no table things"),
        ("select * from parquet.`/etc/passwd`", "has no table"),
        ("select * from shop.things version as of 0", "has no table"),
        ("select reflect('java.lang.System', 'exit', 1)", "does not call reflect"),
        ("select nothing from shop.things", "Spark refuses this SQL.*nothing"),
    ],
)
def test_sql_can_only_read(
    made: tuple[Lake, list[str]], server_url: Callable[[str], str], query: str, message: str
) -> None:
    _, spark = pair(made[0], made[1][-1], server_url("sail"))
    with pytest.raises(SemanticError, match=message):
        spark.sql(query)


def test_the_front_door(made: tuple[Lake, list[str]], url: str, tmp_path: Path) -> None:
    lake, names = made
    home: dict[str, Any] = {"home": tmp_path, "lake": lake.layout.root, "var": tmp_path, "pipelines": tmp_path}
    chosen = connect(settings=Settings(**home, engine=url))
    asked = connect(names[0], engine=url, settings=Settings(**home))
    here = connect(settings=Settings(**home))
    assert rows(chosen.table(TABLE)) == rows(here.table(TABLE))
    assert rows(asked.history(TABLE)) == rows(connect(names[0], settings=Settings(**home)).history(TABLE))
    assert rows(chosen.valid_at(at(4)).table(TABLE)) == rows(here.valid_at(at(4)).table(TABLE))
    assert rows(chosen.table("system.releases")) == rows(here.table("system.releases"))
    with pytest.raises(LakeError, match=r"no table system\.runs yet"):
        chosen.table("system.runs")
    with pytest.raises(LakeError, match=r"no table 'shop\.thing'") as unknown:
        chosen.table("shop.thing")
    assert "shop.things" in unknown.value.cure


def test_a_version_that_is_gone_is_named(tmp_path: Path, url: str) -> None:
    lake, names = rich_lake(str(tmp_path / "lake"))
    engine = SparkEngine(lake, find(lake, names[-1]), url)
    for file in (tmp_path / "lake/log/shop/things").glob("*.parquet"):
        file.unlink()
    # A cluster tries again, and may then tell of its attempts only.
    with pytest.raises(Exception, match=r"parquet|exist|attempt"):
        engine.table(TABLE).to_pyarrow()


def test_a_lake_that_the_server_does_not_see_is_named(made: tuple[Lake, list[str]], url: str) -> None:
    engine = pair(made[0], made[1][-1], url)[1]
    assert isinstance(engine, SparkEngine)
    table = _Elsewhere()
    with pytest.raises(LakeError, match="cannot open version 3 of /nowhere/log") as refused:
        engine._register("log.x", table)  # type: ignore[arg-type]
    assert "sees the lake" in refused.value.cure


class _Elsewhere:
    table_uri = "file:///nowhere/log/"

    def version(self) -> int:
        return 3


@pytest.mark.spark
def test_a_server_without_delta_is_named(made: tuple[Lake, list[str]], tmp_path: Path) -> None:
    with apache_spark(tmp_path, delta=False) as url:
        engine = SparkEngine(made[0], find(made[0]), url)
        with pytest.raises(LakeError, match="cannot read Delta tables"):
            engine.table(TABLE)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sc://127.0.0.1:1", "No server answers at sc://127.0.0.1:1"),
        ("sc://nowhere.invalid/;token=secret", "No server answers at sc://nowhere.invalid:15002"),
        ("spark://127.0.0.1:7077", "is no address of a Spark Connect server"),
        ("duck", "is no address of a Spark Connect server"),
        ("sc://", "is no address of a Spark Connect server"),
    ],
)
def test_an_engine_that_cannot_be_reached_is_named(made: tuple[Lake, list[str]], url: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as refused:
        open_engine(made[0], find(made[0]), url)
    assert "secret" not in str(refused.value)


def test_another_kind_of_server_is_named(made: tuple[Lake, list[str]]) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"sc://127.0.0.1:{server.server_port}"
        with pytest.raises(SettingsError, match=f"The server at {url} refuses a session") as refused:
            open_engine(made[0], find(made[0]), url)
        server.shutdown()
    assert "speaks Spark Connect" in refused.value.cure


def test_a_missing_extra_names_the_command(made: tuple[Lake, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "workspace.engine.backend", raising=False)
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(SettingsError, match="pyspark") as refused:
        open_engine(made[0], find(made[0]), "sc://127.0.0.1:1")
    assert "pip install 'bookmyevent-workspace[spark]'" in refused.value.cure
