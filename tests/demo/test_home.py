"""A demo's folder: made once, served while somebody needs it, its clock moved on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import psycopg
import pytest

from workspace.demo import create, running
from workspace.demo.clickstream import BROKERS_VARIABLE
from workspace.demo.home import DSN_VARIABLES, alone, move_clock, read_clock, server
from workspace.demo.living import advance
from workspace.errors import BusyError, WorkspaceError
from workspace.settings import AdsSource, FxSource, PostgresSource, SheetsSource, SnowplowSource, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_IN_BLOCK = """
import sys
from workspace.demo import running
with running(sys.argv[1]):
    print("in", flush=True)
    input()
"""


def other_user(home: Path) -> subprocess.Popen[str]:
    """Start another process that uses the demo's server until it is told to go on."""
    process = subprocess.Popen(
        [sys.executable, "-c", _IN_BLOCK, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "in\n"
    return process


def test_settings_are_those_that_the_workspace_reads(first_day: Path) -> None:
    settings = load_settings(first_day)
    assert settings.demo
    assert settings.now() == datetime(2025, 9, 27, tzinfo=UTC)
    assert (settings.lake, settings.var) == (str(first_day.resolve() / "lake"), first_day.resolve() / "var")
    assert settings.pipelines.is_dir()
    users = settings.source("user_db")
    assert isinstance(users, PostgresSource)
    assert users.clock == "message"
    assert users.history_from == settings.now()
    assert users.personal == ("users.email", "users.full_name", "users.phone")
    website = settings.source("clickstream")
    assert isinstance(website, SnowplowSource)
    assert (website.topic, website.bad_topic, website.conversions) == ("enriched", "bad", ("purchase",))
    assert website.brokers == f"${BROKERS_VARIABLE}"
    assert not website.required
    for platform in ("google_ads", "facebook_ads", "tiktok_ads", "twitter_ads"):
        source = settings.source(platform)
        assert isinstance(source, AdsSource)
        assert (source.platform, source.since, source.required) == (platform, date(2026, 9, 1), False)
        with running(first_day):
            assert source.address().startswith("http://127.0.0.1:")
            assert all(source.secrets().values())
    assert isinstance(settings.source("sheets"), SheetsSource)
    rates = settings.source("fx")
    assert isinstance(rates, FxSource)
    with open(rates.location, encoding="utf-8") as file:  # noqa: PTH123  # a location is text: a path or an address
        assert file.readlines()[1].startswith("2025-09-26,")


def test_a_demo_is_made_once(first_day: Path) -> None:
    made = (first_day / "workspace.toml").stat()
    create(first_day, seed=2)
    assert (first_day / "workspace.toml").stat() == made


def test_a_creation_that_was_cut_off_is_begun_again(new_demo: Callable[..., Path]) -> None:
    home = new_demo()
    server(home).start()
    (home / "workspace.toml").unlink()
    with pytest.raises(WorkspaceError, match="not the settings file of a demo"), running(home):
        pass
    create(home, scale=0.01)
    with running(home) as engine, psycopg.connect(engine.dsn("inventory_db")) as connection:
        assert connection.execute("select count(*) from vendors").fetchone() == (14,)


def test_a_lake_of_another_company_is_not_taken_over(open_folder: Path) -> None:
    (open_folder / "left" / "lake").mkdir(parents=True)
    with pytest.raises(WorkspaceError, match="has a lake"):
        create(open_folder / "left")


def test_the_server_runs_while_somebody_needs_it(first_day: Path) -> None:
    engine = server(first_day)
    before = dict(os.environ)
    with running(first_day):
        with running(first_day):
            other = other_user(first_day)
        assert engine.running
        with psycopg.connect(os.environ[DSN_VARIABLES["user_db"]]) as connection:
            assert connection.execute("select current_user, count(*) from users").fetchone() == ("workspace", 50)
    assert dict(os.environ) == before
    assert engine.running
    other.communicate("\n")
    assert not engine.running


def test_a_server_that_was_left_behind_is_adopted(first_day: Path) -> None:
    other = other_user(first_day)
    other.send_signal(signal.SIGKILL)
    other.communicate()
    assert server(first_day).running
    with running(first_day) as engine:
        assert engine.running
    assert not engine.running


def test_the_role_may_read_and_capture_and_nothing_else(new_demo: Callable[..., Path]) -> None:
    home = new_demo()
    with running(home) as engine, psycopg.connect(os.environ[DSN_VARIABLES["inventory_db"]], autocommit=True) as reader:
        rights = (
            "select rolreplication, rolsuper, rolcreatedb, rolcreaterole from pg_roles where rolname = current_user"
        )
        assert reader.execute(rights).fetchone() == (True, False, False, False)
        published = "select count(*) from pg_publication_tables where pubname = 'workspace' and schemaname = 'public'"
        assert reader.execute(published).fetchone() == (7,)
        for forbidden in ("delete from bookings", "create table mine ()", "select * from demo.progress"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(forbidden)
        with psycopg.connect(engine.dsn("inventory_db")) as administrator:
            administrator.execute("create table later (n int primary key)")
        assert reader.execute("select count(*) from later").fetchone() == (0,)
        assert engine.password("workspace") != engine.password()


def test_moving_the_clock_leaves_the_rest_as_it_was_edited(new_demo: Callable[..., Path]) -> None:
    home = new_demo()
    path = home / "workspace.toml"
    path.write_text(path.read_text(encoding="utf-8") + "\n[keep]\ndays = 3 # mine\n", encoding="utf-8")
    before = path.read_text(encoding="utf-8")
    move_clock(home, datetime(2026, 1, 2, tzinfo=UTC))
    assert path.read_text(encoding="utf-8") == before.replace("clock = 2025-09-27T", "clock = 2026-01-02T", 1)
    assert read_clock(home) == datetime(2026, 1, 2, tzinfo=UTC)
    assert tomllib.loads(path.read_text(encoding="utf-8"))["keep"] == {"days": 3}


def test_only_one_process_moves_a_demo_on(first_day: Path) -> None:
    with running(first_day), alone(first_day), pytest.raises(BusyError, match="moving the demo"):
        advance(first_day, days=1)
