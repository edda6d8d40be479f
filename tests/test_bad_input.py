"""What goes wrong outside is said in one screen, names what to do, loses nothing and publishes nothing.

A home whose pipeline consists of the real notebooks has one release of a small database; each test breaks something,
ticks from the command line, and mends it. What `tests/cli` shows of notebooks that raise and of wrong parameters is
not repeated here.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from deltalake import DeltaTable
from psycopg import conninfo
from typer.testing import CliRunner

from main_job import work
from runs.homes import Home
from workspace.cli import app
from workspace.demo import PostgresServer
from workspace.lake import Lake, releases

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.long

PIPELINES = Path(__file__).parents[1] / "pipelines"
SCREEN = 24
SETTINGS = """\
metrics = "promises"

[sources.shop]
kind = "postgres"
dsn_env = "SHOP_DSN"
clock = "message"
history_from = 2026-10-01T00:00:00Z
"""
SCHEDULE = """\
steps.ingest = { notebook = "ingest_postgres.ipynb", parameters = { source = "shop" } }
steps.check = { notebook = "check.ipynb", after = ["ingest"] }
steps.publish = { notebook = "publish.ipynb", after = ["check"] }
"""
REQUIRED_TABLES = "required_tables = ['items', 'dates']\n"
PROMISES = """
from workspace.semantic import Model

model = Model(timezone="UTC")
checks = []
"""
FIRST, SECOND = "2026-10-31T00:00:00Z", "2026-11-01T00:00:00Z"
SECRET = "s3cret-w0rd"  # noqa: S105 - of nobody


class Shop:
    """A database of one table, and a home that has published it as of the first day and is due for the second."""

    def __init__(self, home: Home, dsn: str) -> None:
        self.home = home
        self.dsn = dsn
        self.name = f"bad_input_{conninfo.conninfo_to_dict(dsn)['dbname']}"
        home.seen.mkdir()
        shutil.copytree(PIPELINES, home.path / "pipelines", ignore=shutil.ignore_patterns("reports"))
        home.schedule(SCHEDULE)
        (home.path / "pipelines" / "promises.py").write_text(PROMISES)
        self.settings(FIRST)
        self.sql("create table items (id int primary key, v text)", "insert into items values (1, 'a'), (2, 'b')")

    def settings(self, clock: str, more: str = "") -> None:
        self.home.toml(clock, f"{SETTINGS}slot = '{self.name}'\npublication = '{self.name}'\n{more}")

    def first_release(self, more: str = "") -> None:
        self.settings(FIRST, more)
        work(self.home.settings)
        self.settings(SECOND, more)
        self.sql("update items set v = 'A' where id = 1", "insert into items values (3, 'c')")

    def sql(self, *statements: str) -> None:
        """Run statements as one transaction of the second day's noon."""
        with psycopg.connect(self.dsn) as connection:
            connection.execute("select pg_logical_emit_message(true, 'workspace.clock', '2026-10-31T12:00:00Z')")
            for statement in statements:
                connection.execute(statement.encode())

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(statement.encode()).fetchall()

    def state(self) -> dict[str, Any]:
        """Tell what must be as it was after a failure: releases, logs, and how far the source was read."""
        lake = Lake(self.home.settings.lake)
        logs = {name: (lake.log(name).position, len(self.log(name))) for name in lake.names()}
        return {"published": self.published(), "logs": logs, "mark": lake.watermark("shop")}

    def published(self) -> list[str]:
        return [release.name for release in releases(Lake(self.home.settings.lake), "published")]

    def log(self, name: str) -> list[dict[str, Any]]:
        rows = DeltaTable(Lake(self.home.settings.lake).layout.uri("log", name)).to_pyarrow_table()
        return list(rows.sort_by([("_position", "ascending"), ("_seq", "ascending")]).to_pylist())

    def refused(self, *words: str) -> str:
        """Give a command that must fail, hold it to what all failures promise, and give what it said."""
        before = self.state()
        told = CliRunner().invoke(app, words or ["tick"], catch_exceptions=False)
        assert told.exit_code == 1, told.output
        assert self.state() == before
        return on_one_screen(told.output)

    def tick(self) -> None:
        """Tick once what was wrong is mended: the release is published, and shows what the source has."""
        told = CliRunner().invoke(app, ["tick"], catch_exceptions=False)
        assert told.exit_code == 0, told.output
        self.agree()

    def agree(self) -> None:
        from workspace.front import connect

        workspace = connect(settings=self.home.settings)
        assert workspace.release.as_of == self.home.settings.now()
        for name in workspace.tables:
            table = name.partition(".")[2]
            found = [tuple(row.values()) for row in workspace.table(name).to_pyarrow().to_pylist()]
            assert sorted(found) == sorted(self.query(f"select * from {table}")), name


def on_one_screen(told: str) -> str:
    assert len(told.splitlines()) <= SCREEN, told
    assert "What to do: " in told, told
    assert "Traceback" not in told, told
    return told


@pytest.fixture
def new_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Shop]:
    def make(dsn: str) -> Shop:
        monkeypatch.setenv("WORKSPACE_HOME", str(tmp_path))
        monkeypatch.setenv("SHOP_DSN", dsn)
        monkeypatch.syspath_prepend(tmp_path / "pipelines")
        return Shop(Home(tmp_path), dsn)

    return make


@pytest.fixture
def shop(new_shop: Callable[[str], Shop], database: str) -> Shop:
    made = new_shop(database)
    made.first_release()
    return made


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"password": SECRET}, "password authentication failed for user"),
        ({"password": SECRET, "port": "1"}, "Connection refused"),
        ({"dbname": "nowhere"}, 'database "nowhere" does not exist'),
        (f"postgresql://reader:{SECRET}@[half", "connection string in SHOP_DSN cannot be read"),
        ("", "The environment variable SHOP_DSN, which [sources.shop] names, is not set"),
    ],
)
def test_a_wrong_connection_string(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, change: dict[str, str] | str, said: str
) -> None:
    wrong = change if isinstance(change, str) else conninfo.make_conninfo(shop.dsn, **change)
    monkeypatch.setenv("SHOP_DSN", wrong)
    told = shop.refused()
    assert said in told
    assert SECRET not in told
    kept = [path for path in (shop.home.path / "var").rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in path.read_bytes() for path in kept)


def test_a_server_without_logical_decoding(open_folder: Path, new_shop: Callable[[str], Shop]) -> None:
    server = PostgresServer(open_folder / "replica", settings={"wal_level": "replica"}).start()
    try:
        shop = new_shop(server.dsn("postgres"))
        shop.settings(SECOND)
        told = shop.refused()
        assert "wal_level: It is replica, not logical" in told
        assert "alter system set wal_level = 'logical'" in told
    finally:
        server.remove()


def test_a_role_that_may_not(shop: Shop, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    role = shop.name
    shop.sql(f"create role {role} login password '{postgres.password(role)}'")
    monkeypatch.setenv("SHOP_DSN", postgres.dsn(shop.name.removeprefix("bad_input_"), user=role))
    told = shop.refused()
    assert f'alter role "{role}" replication;' in told
    assert 'grant select on "public"."items"' in told.replace("public.items", '"public"."items"')
    shop.sql(f"alter role {role} replication", f"grant select on items to {role}")
    shop.tick()
    shop.sql(f"drop owned by {role}", f"drop role {role}")


def test_a_table_without_a_key_is_refused_before_it_joins_the_publication(shop: Shop) -> None:
    shop.sql("create table notes (v text)", "insert into notes values ('x')")
    told = shop.refused()
    assert "notes: It has no primary key" in told
    assert "add primary key (...)" in told
    assert shop.query("select tablename from pg_publication_tables") == [("items",)]
    shop.sql("update notes set v = 'y'")  # a published table without a key would refuse that
    shop.sql("alter table notes add primary key (v)")
    shop.tick()


def test_a_lost_slot_is_bridged_and_the_gap_is_known(shop: Shop) -> None:
    shop.query(f"select pg_drop_replication_slot('{shop.name}')")
    shop.sql("delete from items where id = 2")
    told = shop.refused()
    assert f"The slot {shop.name} is gone" in told
    assert "between 2026-10-31 00:00 and 2026-11-01 00:00 UTC" in told
    assert "What to do: workspace resnapshot shop" in told
    before = shop.log("shop.items")
    assert CliRunner().invoke(app, ["resnapshot", "shop"]).exit_code == 0
    log = shop.log("shop.items")
    assert log[: len(before)] == before
    assert [(row["_op"], row["id"]) for row in log[len(before) :]] == [("U", 1), ("D", 2), ("I", 3)]
    mark = Lake(shop.home.settings.lake).watermark("shop")
    assert mark
    assert [gap["to"][:10] for gap in mark.detail["gaps"]] == ["2026-11-01"]
    shop.tick()


def test_a_required_table_that_has_stopped(new_shop: Callable[[str], Shop], database: str) -> None:
    shop = new_shop(database)
    shop.sql("create table dates (id int primary key, d date)")
    shop.first_release(REQUIRED_TABLES)
    shop.sql("insert into dates values (1, 'infinity')")
    told = CliRunner().invoke(app, ["tick"], catch_exceptions=False)
    assert told.exit_code == 1
    assert "The required table shop.dates has stopped" in on_one_screen(told.output)
    assert shop.published() == ["2026-10-30"]
    shop.sql("update dates set d = '2026-10-31'")
    assert CliRunner().invoke(app, ["resnapshot", "shop"]).exit_code == 0
    assert ", until 2026-11-01T00:00:00+00:00." in shop.refused()  # what is true from then on belongs to the next day
    shop.settings("2026-11-02T00:00:00Z", REQUIRED_TABLES)
    shop.tick()


@pytest.mark.parametrize(("size", "said"), [(400_000, "The disk is full"), (5_000, "whether its disk is full")])
def test_a_full_disk_is_called_by_its_name(shop: Shop, size: int, said: str) -> None:
    shop.sql("insert into items select n, sha512(n::text::bytea)::text from generate_series(10, 20000) n")
    before = shop.state()
    command = [sys.executable, "-c", "from workspace.cli import main; main()", "tick"]
    told = subprocess.run(
        command,
        env=os.environ,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1, told.stdout + told.stderr
    assert said in on_one_screen(told.stdout + told.stderr)
    assert shop.state() == before
    shop.tick()


def test_a_lake_of_a_newer_version(shop: Shop) -> None:
    before = shop.state()
    marks = DeltaTable(Lake(shop.home.settings.lake).layout.uri("system", "watermarks"))
    marks.alter.set_table_properties({"workspace.format": "99"}, raise_if_not_exists=False)
    told = CliRunner().invoke(app, ["tick"], catch_exceptions=False)
    assert told.exit_code == 1
    assert "has format 99; this version of the workspace knows format 2" in on_one_screen(told.output)
    marks.alter.set_table_properties({"workspace.format": "1"}, raise_if_not_exists=False)
    assert shop.state() == before
    shop.tick()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SCHEDULE.replace("steps.ingest = {", 'steps.ingest = { after = ["publish"],'), "go round in a circle"),
        (SCHEDULE.replace("notebook", "notebok"), "Did you mean notebook?"),
        (SCHEDULE.replace("source =", "sorce ="), "Did you mean source?"),
        (SCHEDULE.replace("publish.ipynb", "publsh.ipynb"), "publish.ipynb"),
        (SCHEDULE.replace("{", "["), "is not valid TOML"),
    ],
)
def test_a_schedule_with_a_slip(shop: Shop, text: str, said: str) -> None:
    shop.home.schedule(text)
    told = shop.refused()
    assert said in told
    assert "pipeline.toml" in told


def test_a_wrong_parameter_starts_nothing(shop: Shop) -> None:
    assert "Did you mean source?" in shop.refused("run", "ingest", "-p", "sorce=shop")
    assert "has no source named 'shp'" in shop.refused("run", "ingest", "-p", "source=shp")
