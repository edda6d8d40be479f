"""The commands about metrics."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from cli.shop_home import ShopHome
from workspace.metrics import model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from typer.testing import Result

    from runs.homes import Home

    Call = Callable[..., Result]


def test_metrics_are_listed(home: Home, workspace: Call) -> None:
    told = workspace("metrics").stdout
    # A line that begins with a space goes on with the meaning above it.
    assert {line.split()[0] for line in told.splitlines()[2:] if not line.startswith(" ")} == set(model.metrics)
    assert model.definition("gbv").id in told


def test_one_metric_is_explained(home: Home, workspace: Call) -> None:
    lines = workspace("metrics", "show", "aov").stdout.splitlines()
    assert lines[0] == "aov: Average order value: gbv a booking"
    assert "measures: Items.gbv, Bookings.bookings" in lines
    assert "tables: fx.rates, inventory_db.booking_items, inventory_db.bookings" in lines
    assert any(line.startswith("split by: account_status, booker.city") for line in lines)


def test_a_misspelt_metric_is_answered_with_the_right_one(home: Home, workspace: Call) -> None:
    told = workspace("metrics", "show", "gvb")
    assert told.exit_code == 1
    assert "There is no metric 'gvb'." in told.stderr
    assert "Did you mean gbv" in told.stderr


def test_a_catalog_is_written(home: Home, workspace: Call, tmp_path: Path) -> None:
    assert workspace("metrics", "catalog").stdout == f"{tmp_path}/var/catalog/index.html\n"
    assert workspace("metrics", "catalog", "--out", str(tmp_path / "there")).exit_code == 0
    assert "no release yet" in (tmp_path / "there" / "index.html").read_text()


def test_definitions_go_out_and_come_back(home: Home, workspace: Call, tmp_path: Path) -> None:
    file = tmp_path / "metrics.yaml"
    told = workspace("metrics", "export", "--to", str(file), "--name", "market")
    assert told.stdout.splitlines()[-1] == str(file)
    assert "Vendors has history; the document shows its rows of now" in told.stdout
    names: dict[str, Any] = {"__name__": "imported"}
    exec(workspace("metrics", "import", str(file)).stdout, names)  # noqa: S102 - what the command has just written
    assert names["model"].definition("gbv") == model.definition("gbv")
    told = workspace("metrics", "import", str(tmp_path / "none.yaml"))
    assert told.exit_code == 1
    assert "cannot be read" in told.stderr


def test_questions_are_saved_once_a_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workspace: Call) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shop_metrics", raising=False)
    monkeypatch.setenv("WORKSPACE_HOME", str(tmp_path))
    ShopHome.make(tmp_path)
    told = workspace("metrics", "save")
    assert told.exit_code == 1
    assert "declares no question" in told.stderr
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "questions.toml").write_text('[questions.cities]\nmetrics = ["orders"]\nby = ["city"]\n')
    uri = f"{tmp_path}/var/lake/derived/saved/cities"
    assert workspace("metrics", "save").stdout == f"cities: 2 rows of release 2026-01-03 in {uri}\n"
    assert workspace("metrics", "save", "cities").stdout == "cities: release 2026-01-03 is saved already\n"
    assert "Did you mean cities" in workspace("metrics", "save", "citys").stderr


def test_every_command_says_what_it_does(workspace: Call) -> None:
    from workspace.cli.metrics import app

    for command in app.registered_commands:
        assert command.callback is not None
        assert (command.callback.__doc__ or "").partition("\n")[0].endswith((".", ":"))
        name = command.name or command.callback.__name__
        assert workspace("metrics", name, "--help").exit_code == 0
