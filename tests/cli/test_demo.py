"""The commands of the simulated company, with tiny notebooks in place of its pipelines."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

import pytest

from runs.homes import Home
from workspace.cli import demo
from workspace.demo import PostgresServer, create, running
from workspace.sources import ingest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    Call = Callable[..., Result]


@pytest.fixture
def company(open_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home(open_folder / tmp_path.name)
    create(made.path, scale=0.02)
    made.notebook("a", "import os; assert os.environ['DEMO_USER_DB_DSN']", parameters='period: str = ""')
    made.schedule('steps.a = { notebook = "a.ipynb" }')
    settings = made.path / "workspace.toml"
    settings.write_text(re.sub(r'pipelines = ".*"', 'pipelines = "pipelines"', settings.read_text()))
    monkeypatch.setenv("WORKSPACE_HOME", str(made.path))
    monkeypatch.setattr(demo, "LAST_DAYS", (date(2025, 9, 28), date(2025, 9, 30)))
    return made


def test_the_demo_ticks_through_its_days_and_goes_on_where_it_stopped(company: Home, workspace: Call) -> None:
    workspace("demo", "advance", "--days", "3")
    told = workspace("demo")
    assert told.exit_code == 0
    assert "Tick of 2025-09-28" not in told.stdout
    assert "1 days passed until 2025-10-01" in told.stdout
    assert "a 2025-09-30  done" in told.stdout
    assert f"The demo in {company.path} has 0 releases; this took " in told.stdout
    assert "`workspace lab`" in told.stdout
    again = workspace("demo")
    assert "Nothing is due" in again.stdout
    assert not PostgresServer(company.path / "postgres").running


def test_sql_asks_and_changes_the_databases(company: Home, workspace: Call) -> None:
    count = int(workspace("demo", "sql", "user_db", "select count(*) from users").stdout)
    assert workspace("demo", "sql", "user_db", "update users set city = 'Bonn'").stdout == f"{count} rows changed.\n"


def test_a_database_is_read_again_as_a_whole(company: Home, workspace: Call) -> None:
    told = workspace("resnapshot", "user_db")
    assert told.exit_code == 1
    assert "user_db has never been read" in told.stderr
    with running(company.path):
        ingest("user_db", run="first", as_of="")
    workspace("demo", "sql", "user_db", "update users set city = 'Bonn'")
    told = workspace("resnapshot", "user_db")
    assert told.exit_code == 0
    assert told.stdout.startswith("user_db: 20 rows written")
    assert workspace("resnapshot", "fx").exit_code == 1


def test_reset_deletes_only_a_demo_that_nobody_uses(
    company: Home, monkeypatch: pytest.MonkeyPatch, workspace: Call
) -> None:
    monkeypatch.setattr(demo, "LAST_DAYS", ())
    old = company.path / "pipelines"
    with running(company.path):
        told = workspace("demo", "--reset")
        assert told.exit_code == 75
        assert "Somebody is using the demo" in told.stderr
        assert old.exists()
    told = workspace("demo", "--reset", "--scale", "0.02")
    assert told.exit_code == 0
    assert not old.exists()
    assert company.settings.demo


def test_a_home_that_is_no_demo_is_left_alone(home: Home, workspace: Call) -> None:
    for words in (["advance"], ["sql", "user_db", "select 1"]):
        told = workspace("demo", *words)
        assert told.exit_code == 1
        assert "is no demo" in told.stderr


def test_where_the_demo_is(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert demo.demo_home() == home.path / "var" / "demo"
    monkeypatch.setenv("WORKSPACE_HOME", str(tmp_path / "new"))
    assert demo.demo_home() == tmp_path / "new"
    monkeypatch.delenv("WORKSPACE_HOME")
    monkeypatch.chdir(home.path)
    assert demo.demo_home() == home.path / "var" / "demo"
    home.toml(more="demo = true")
    assert demo.demo_home() == home.path
