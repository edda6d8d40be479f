"""Views over a release: made when asked for, first-class wherever a table is, the same on every engine."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import ibis
import pytest
from ibis import _

from engine.lakes import COLUMNS, START, TABLE, append, at, release, rich_lake
from engine.servers import SERVERS
from workspace.cli.discreet import Discreet
from workspace.engine import open_engine
from workspace.errors import LakeError, RunError, SettingsError
from workspace.front import Workspace, connect
from workspace.lake import Lake, View, find, made_of
from workspace.settings import PostgresSource, Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workspace.engine import Engine
    from workspace.lake import Reads

MADE: list[str] = []


def _owners(reads: Reads) -> ibis.Table:
    MADE.append("owners")
    things = reads.table(TABLE)
    # A sum of whole numbers is wider in DuckDB than Ibis promises.
    return things.group_by("owner").aggregate(things=_.count(), ids=_.id.sum(), called=_.name.max())


def _ever(reads: Reads) -> ibis.Table:
    return reads.history(TABLE).select("id", "part", "price", "name", "valid_from", "valid_to")


OWNERS = View(name="made.owners", inputs=made_of(TABLE), rows=_owners, key=("owner",), personal=frozenset({"called"}))
PRICES = View(
    name="made.prices",
    inputs=made_of(TABLE),
    rows=lambda reads: reads.table(TABLE).select("id", "part", "price", "name"),
    versions=_ever,
    ends=lambda reads: reads.deleted(TABLE),
    key=("id", "part"),
)
TOP = View(
    name="made.top",
    inputs=made_of("made.owners"),
    rows=lambda reads: reads.table("made.owners").filter(_.things > 1),
    key=("owner",),
)
LACKING = View(name="made.lacking", inputs=made_of("shop.things", "shop.absent"), rows=_owners, key=("id",))
LATER = View(name="made.later", inputs=made_of("made.lacking", "made.top"), rows=_owners, key=("id",))
NEVER = View(name="made.never", inputs=made_of(), rows=_owners, key=("id",), wants="a moon")
VIEWS = (OWNERS, PRICES, TOP, LACKING, LATER, NEVER)
HERE = ["made.owners", "made.prices", "made.top"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, list[str]]:
    """A lake and its releases, shared: no test may write to it."""
    return rich_lake(str(tmp_path_factory.mktemp("rich") / "lake"))


def opened(made: tuple[Lake, list[str]], name: str | None = None, engine: str = "duckdb") -> Engine:
    return open_engine(made[0], find(made[0], name), engine, lambda: VIEWS)


def rows(table: Any) -> list[dict[str, Any]]:
    return sorted(table.to_pyarrow().to_pylist(), key=repr)


def test_a_view_is_made_when_it_is_asked_for_and_once(made: tuple[Lake, list[str]]) -> None:
    MADE.clear()
    engine = opened(made)
    assert engine.tables == [*HERE, TABLE]
    rows(engine.table(TABLE))
    assert rows(engine.sql("select count(*) as n from shop.things")) == [{"n": 4}]
    assert MADE == []
    assert rows(engine.table("made.top")) == rows(engine.table("made.owners").filter(_.things > 1)) != []
    assert rows(engine.sql("select * from made.top")) == rows(engine.table("made.top"))
    assert MADE == ["owners"]


def test_a_question_for_the_tables_lists_views_too(made: tuple[Lake, list[str]]) -> None:
    engine = opened(made)
    listed = "select table_schema || '.' || table_name as name from information_schema.tables"
    names = {row["name"] for row in rows(engine.sql(f"{listed} where table_schema <> 'main'"))}
    assert {name for name in names if not name.endswith("_history")} == set(engine.tables)


def test_each_release_has_its_own(made: tuple[Lake, list[str]]) -> None:
    for name in made[1]:
        engine = opened(made, name)
        assert sum(row["things"] for row in rows(engine.table("made.owners"))) == len(rows(engine.table(TABLE)))
        assert rows(engine.history("made.prices")) == rows(
            engine.history(TABLE).select("id", "part", "price", "name", "valid_from", "valid_to")
        )
        then = engine.valid_at("made.prices", at(2)).select("id", "part", "price")
        assert rows(then) == rows(engine.valid_at(TABLE, at(2)).select("id", "part", "price"))
        assert rows(engine.deleted("made.prices")) == rows(engine.deleted(TABLE))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("made.lacking", r"no table 'made\.lacking': it is made of shop\.absent, which it lacks"),
        ("made.later", r"no table 'made\.later': it is made of shop\.absent, which it lacks"),
        ("made.never", r"no table 'made\.never': it is made of a moon, which it lacks"),
        ("made.owner", r"no table 'made\.owner'\."),
    ],
)
def test_what_is_not_there_says_why(made: tuple[Lake, list[str]], name: str, message: str) -> None:
    engine = opened(made)
    for asked in (engine.table, engine.history, engine.has_history, engine.columns, engine.deleted):
        with pytest.raises(LakeError, match=message):
            asked(name)
    with pytest.raises(LakeError, match=r"made\.owners has no history"):
        engine.history("made.owners")


def test_a_view_promises_the_types_that_it_has(made: tuple[Lake, list[str]]) -> None:
    table = opened(made).table("made.owners")
    assert str(table.schema()["ids"]) == "int64"
    assert str(table.to_pyarrow().schema.field("ids").type) == "int64"


def test_keys_and_personal_columns(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    lake.define(TABLE, [dataclasses.replace(column, personal=column.name == "name") for column in COLUMNS])
    append(lake, 10, 1, [("I", (1, "a"), {"owner": 7, "name": "x"})])
    engine = opened((lake, [release(lake, 3)]))
    of = {name: {c.name: (c.key, c.personal) for c in engine.columns(name)} for name in HERE}
    assert of["made.prices"] == {"id": (1, False), "part": (2, False), "price": (0, False), "name": (0, True)}
    assert of["made.owners"]["called"] == of["made.top"]["called"] == (0, True)
    assert of["made.top"]["owner"] == (1, False)
    assert engine.virtual.origins("made.top") == engine.virtual.origins(TABLE) == {TABLE}


METRICS = """
from ibis import _
from workspace.engine import Check
from workspace.lake import View, made_of
from workspace.semantic import Dataset, Model, dim, key, measure, time

views = [
    View(
        name="made.doubled", inputs=made_of("shop.things"), key=("id",),
        rows=lambda reads: (rows := reads.table("shop.things").select("id", "made_at", "name")).union(rows),
    ),
    View(name="made.absent", inputs=made_of("shop.absent"), key=("id",), rows=None),
]

class Doubled(Dataset, table="made.doubled"):
    thing = key(_.id)
    made = time(_.made_at, default=True)
    name = dim(_.name)
    doubled = measure(_.count())

class Absent(Dataset, table="made.absent"):
    thing = key(_.id)
    absent = measure(_.count())

model = Model(Doubled, Absent, timezone="UTC")
checks = []
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    (tmp_path / "made_metrics.py").write_text(METRICS)
    monkeypatch.syspath_prepend(tmp_path)
    lake = Lake(str(tmp_path / "lake"))
    lake.define(TABLE, COLUMNS)
    append(lake, 10, 1, [("I", (n, "a"), {"made_at": START, "name": "it"}) for n in (1, 2)])
    release(lake, 3)
    places: dict[str, Any] = {"home": tmp_path, "lake": str(tmp_path / "lake"), "var": tmp_path, "pipelines": tmp_path}
    source = PostgresSource(name="shop", dsn_env="SHOP", personal=("things.name",))
    return Settings(**places, metrics="made_metrics", sources={"shop": source}, clock=at(10))


def test_a_company_has_views_of_its_own(settings: Settings) -> None:
    ws = connect(settings=settings)
    assert ws.tables == ["made.doubled", TABLE]
    assert "1 views over them: made.doubled" in repr(ws)
    assert ws.metrics.doubled.to_pandas().doubled.tolist() == [4]
    with pytest.raises(LakeError, match=r"made\.absent"):
        ws.metrics.absent.to_pandas()


def test_what_the_settings_call_personal_is_so_in_a_view(settings: Settings) -> None:
    reader = Discreet(connect(settings=settings))
    assert reader.table("made.doubled").columns == ("id", "made_at")
    assert "made.doubled.name" in reader.personal()


def test_a_dataset_relies_on_the_key_of_its_view(settings: Settings) -> None:
    candidate = connect(candidate="new", as_of=at(3), settings=settings)
    with pytest.raises(RunError, match=r"Doubled: key: 2 of 4") as caught:
        candidate.audit()
    assert "made.absent" not in str(caught.value)  # what is not there only warns
    assert isinstance(candidate, Workspace)


def test_a_metrics_module_need_have_no_views(settings: Settings) -> None:
    assert connect(settings=dataclasses.replace(settings, metrics="json")).tables == [TABLE]
    broken = connect(settings=dataclasses.replace(settings, metrics="surely_not_there"))
    assert rows(broken.table(TABLE).select("id")) == [{"id": 1}, {"id": 2}]
    with pytest.raises(SettingsError, match="surely_not_there"):
        broken.table("made.doubled")


@pytest.fixture(params=SERVERS)
def there(request: pytest.FixtureRequest, made: tuple[Lake, list[str]], server_url: Callable[[str], str]) -> Engine:
    return opened(made, engine=server_url(request.param))


def test_views_are_the_same_on_every_engine(made: tuple[Lake, list[str]], there: Engine) -> None:
    here = opened(made)
    assert there.tables == here.tables
    for name in HERE:
        assert there.table(name).to_pyarrow().schema == here.table(name).to_pyarrow().schema
        assert rows(there.table(name)) == rows(here.table(name))
    assert rows(there.history("made.prices")) == rows(here.history("made.prices"))
    query = (
        "select o.owner, sum(p.price) as s from made.owners as o join shop.things as t on t.owner = o.owner "
        "join made.prices_history as p on p.id = t.id group by 1 order by 1"
    )
    assert there.sql(query).to_pyarrow().to_pylist() == here.sql(query).to_pyarrow().to_pylist() != []
