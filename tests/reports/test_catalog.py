"""The catalog: everything about every metric on one page, in a real browser."""

from __future__ import annotations

import dataclasses
import importlib
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from browser import browsing
from semantic.shop import small_shop
from workspace.metrics import model
from workspace.reports.catalog import catalog, write_catalog
from workspace.reports.uses import uses
from workspace.semantic.origins import lineage
from workspace.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from workspace.front import Workspace


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    cells = [
        {"cell_type": "code", "source": ["m.gbv.by(\n", "    m.month)"], "outputs": [{"text": "m.aov"}]},
        {"cell_type": "markdown", "source": "m.refunds is the one"},
        {"cell_type": "code", "source": "ws.table('inventory_db.bookings')"},
    ]
    (folder / "look.ipynb").write_text(json.dumps({"cells": cells}))
    (folder / "broken.ipynb").write_text("{")
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "questions.toml").write_text('[questions.a]\nmetrics = ["take_rate"]')
    return Settings(home=tmp_path, lake="", var=tmp_path / "var", pipelines=tmp_path / "pipelines")


@pytest.fixture
def written(settings: Settings, workspace: Workspace, tmp_path: Path) -> Path:
    return write_catalog(settings, workspace, tmp_path / "out")


def test_who_uses_a_metric_is_read_from_code_alone(settings: Settings) -> None:
    folders = [settings.home / "notebooks", settings.pipelines, settings.home / "missing"]
    assert uses(model.metrics, folders, settings.home) == {
        "gbv": ["notebooks/look.ipynb"],
        "take_rate": ["pipelines/questions.toml"],
    }
    assert uses([], folders, settings.home) == {}


def test_trends_are_the_numbers_that_the_metric_gives(settings: Settings, workspace: Workspace) -> None:
    m: Any = workspace.metrics
    entries = {entry.definition.name: entry for entry in catalog(settings, workspace).entries}
    asked = m.gbv.by(m.week, last="12 weeks").to_arrow().to_pylist()
    assert [(row["week"], float(row["gbv"])) for row in asked] == list(entries["gbv"].trend.points)
    assert entries["gbv"].trend.last == f"{asked[-1]['gbv']:,.2f}"


def test_every_kind_of_metric_has_its_place(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "moved_metrics.py").write_text("from semantic.test_ossie import moved\nmodel = moved()\n")
    monkeypatch.syspath_prepend(tmp_path)
    moved: Any = importlib.import_module("moved_metrics")
    shop = SimpleNamespace(metrics=moved.model.bind(small_shop()), release=small_shop().release)
    found = catalog(dataclasses.replace(settings, metrics="moved_metrics"), cast("Workspace", shop))
    entries = {entry.definition.name: entry for entry in found.entries}
    assert entries.keys() == moved.model.metrics.keys()
    assert all(entry.splits and entry.lineage.measures for entry in entries.values())
    # What counts from the start of the month is no number of a week.
    assert (entries["revenue_28d"].trend.grain, entries["revenue_mtd"].trend.grain) == ("week", "day")
    assert (entries["revenue_mtd"].trend.last, entries["joined_to_order"].trend.last) == ("43.00", "50.0 %")
    assert entries["revenue_growth"].trend.missing == "nothing in the last 12 weeks"


@pytest.mark.slow
def test_a_search_narrows_the_list_and_nothing_is_loaded(written: Path) -> None:
    with browsing() as browsed:
        page = browsed.page
        page.on("console", lambda message: browsed.errors.append(message.text))
        page.goto(written.as_uri())
        head = page.locator("header").inner_text()
        assert "release 2026-10-31 · as of 2026-11-01 00:00 UTC · days begin in Europe/Berlin" in head
        shown = page.locator("article:visible h2")
        assert shown.count() == len(model.metrics)
        paid = {name for name in model.metrics if "inventory_db.payments" in lineage(model, name).tables.values()}
        supplied = {name for name, metric in model.metrics.items() if metric.owner == "supply"}
        for word, names in (("inventory_db.payments", paid), ("SUPPLY", supplied)):
            page.fill("#search", word)
            assert set(shown.all_inner_texts()) == names
        page.fill("#search", "zebra")
        assert shown.count() == 0
        assert page.locator("#found").inner_text() == "Nothing is called so."
        page.fill("#search", "gbv")
        # What has it in its name stands above what is only made of it.
        heights = {article.get_attribute("id"): article.bounding_box() for article in page.locator("article").all()}
        tops = {name: box["y"] for name, box in heights.items() if box}
        assert min(tops, key=lambda name: tops[name]) == "gbv"
        assert {"aov", "take_rate"} <= tops.keys() < set(model.metrics)
        for width in (1280, 380):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0
        assert page.locator("#gbv .spark path").count() > 1
        assert page.locator("#gbv .lineage text").all_text_contents()[0] == "gbv"
        assert browsed.outside(written.as_uri()) == []
        assert browsed.errors == []


def test_without_a_release_there_are_no_trends(settings: Settings, tmp_path: Path) -> None:
    page = write_catalog(settings, None, tmp_path / "out").read_text()
    assert "no release yet" in page
    assert 'class="spark"' not in page
    assert all(f'<article id="{name}"' in page for name in model.metrics)
