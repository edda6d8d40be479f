"""Saved questions become Delta tables that say what they are of, once a release."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from deltalake import DeltaTable

from cli.shop_home import METRICS, ShopHome, january
from workspace.errors import SemanticError, SettingsError
from workspace.front import connect
from workspace.lake import Lake, delta
from workspace.reports.saved import Saved, chosen, load_questions, save

if TYPE_CHECKING:
    from pathlib import Path

BY_CITY = Saved(name="by_city", question={"metrics": ["revenue"], "by": ["city"]})


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ShopHome:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shop_metrics", raising=False)
    return ShopHome.make(tmp_path)


def rows(uri: str) -> list[dict[str, Any]]:
    return [
        {name: float(value) if name == "revenue" else value for name, value in row.items()}
        for row in delta.read(DeltaTable(uri)).to_pylist()
    ]


def test_a_saved_question_is_a_delta_table_that_says_what_it_is_of(shop: ShopHome) -> None:
    ws = connect(settings=shop.settings)
    kept = save(ws, BY_CITY)
    assert kept.uri == Lake(shop.settings.lake).layout.root + "/derived/saved/by_city"
    assert (kept.rows, kept.release) == (2, "2026-01-03")
    assert sorted(rows(kept.uri), key=str) == [{"city": "Paris", "revenue": 40.0}, {"city": "Rome", "revenue": 20.0}]
    said = DeltaTable(kept.uri).history(1)[0]
    assert (said["release"], said["as_of"]) == ("2026-01-03", "2026-01-04T00:00:00+00:00")
    assert json.loads(said["definitions"]) == {"revenue": ws.metrics.revenue.definitions[0].id}
    assert json.loads(said["question"]) == BY_CITY.question
    # A value could be personal, and what the Delta log was told stays there.
    assert (
        "Paris" not in (shop.path / "var/lake/derived/saved/by_city/_delta_log").joinpath(f"{1:020}.json").read_text()
    )


def test_the_same_release_is_saved_once(shop: ShopHome) -> None:
    kept = save(connect(settings=shop.settings), BY_CITY)
    again = save(connect(settings=shop.settings), BY_CITY)
    assert (again.uri, again.rows) == (kept.uri, None)
    assert DeltaTable(kept.uri).version() == 1


def test_a_new_release_replaces_the_rows_and_the_old_ones_stay_readable(shop: ShopHome) -> None:
    kept = save(connect(settings=shop.settings), BY_CITY)
    shop.order(4, 2, 40, january(4, 10))
    shop.publish("two", 5)
    assert save(connect(settings=shop.settings), BY_CITY).rows == 2
    assert {row["city"]: row["revenue"] for row in rows(kept.uri)} == {"Paris": 40.0, "Rome": 60.0}
    assert delta.read(DeltaTable(kept.uri, version=1)).num_rows == 2
    assert DeltaTable(kept.uri).version() == 2


def test_another_question_or_definition_replaces_the_rows(shop: ShopHome, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = save(connect(settings=shop.settings), BY_CITY)
    counted = Saved(name="by_city", question={"metrics": ["orders"], "by": ["day"]})
    assert save(connect(settings=shop.settings), counted).rows == 3
    assert rows(kept.uri)[0].keys() == {"day", "orders"}
    (shop.path / "shop_metrics.py").write_text(METRICS.replace("_.count()", "_.id.nunique()"))
    monkeypatch.delitem(sys.modules, "shop_metrics")
    assert save(connect(settings=shop.settings), counted).rows == 3
    assert DeltaTable(kept.uri).version() == 3


def test_a_question_that_is_none_is_named(shop: ShopHome) -> None:
    with pytest.raises(SemanticError, match=r"The saved question by_city: metrics\[0\]: there is no metric 'revenu'"):
        save(connect(settings=shop.settings), Saved(name="by_city", question={"metrics": ["revenu"]}))


def test_questions_are_declared_beside_the_schedule(tmp_path: Path) -> None:
    assert load_questions(tmp_path) == {}
    file = tmp_path / "questions.toml"
    file.write_text('[questions.a]\nmetrics = ["gbv"]\ndescription = "All"\n')
    assert load_questions(tmp_path) == {"a": Saved(name="a", question={"metrics": ["gbv"]}, description="All")}
    for text, said in (
        ("[a", "not valid TOML"),
        ("[question.a]", r"unknown section \[question\]"),
        ("[questions.A-1]", r"\[questions\.A-1\] cannot be a table"),
        ("[questions]\na = 1", "cannot be a table"),
        ("[questions.a]\ndescription = 1", "description is no text"),
    ):
        file.write_text(text)
        with pytest.raises(SettingsError, match=said):
            load_questions(tmp_path)


def test_one_is_chosen_by_name(tmp_path: Path) -> None:
    questions = {"by_city": BY_CITY}
    assert chosen(questions, None, tmp_path) == chosen(questions, "by_city", tmp_path) == [BY_CITY]
    with pytest.raises(SettingsError, match="no saved question 'by_town'") as caught:
        chosen(questions, "by_town", tmp_path)
    assert "by_city" in caught.value.cure
    with pytest.raises(SettingsError, match="declares no question"):
        chosen({}, None, tmp_path)
