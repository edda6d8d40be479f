"""Rules side by side, returns with their intervals, and what an older release said, over numbers from paper."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import ibis
import pytest

from metrics.company import Company
from reports.conftest import Reader, Release, Settings
from workspace.errors import LakeError
from workspace.metrics import model
from workspace.reports import completed, completeness, ranged, restated, returns, side_by_side

if TYPE_CHECKING:
    from pathlib import Path

    from workspace.front import Workspace

DAYS = ("2026-09-01", "2026-11-01")


def rows(view: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = view.rows.to_pylist()
    return found


def test_rules_stand_under_each_other_with_what_they_do(m: Any) -> None:
    view = side_by_side(m, (m.roas, m.roas_first, m.roas_last), m.platform, DAYS)
    assert [column.heading for column in view.columns] == ["rule", "what it does", "facebook_ads", "google_ads", "all"]
    first = rows(view)[1]
    assert (first["name"], first["v0"], first["v1"], first["total"]) == ("roas first", 0, 250 / 200, 1)
    assert first["bias"] == "flatters what makes people aware"
    assert all(row["bias"] for row in rows(view))


def test_returns_are_those_of_the_metrics(m: Any) -> None:
    view = returns(
        m,
        {"Shapley": m.ad_value, "first": m.ad_value_first},
        m.ad_spend,
        (m.booking, m.platform),
        DAYS,
        units=m.bookings,
        beside={"claimed": m.claimed_roas},
    )
    asked = {r["platform"]: r for r in m(m.roas, m.roas_first, by=m.platform, between=DAYS).to_arrow().to_pylist()}
    found = {(row["group"], row["rule"]): row for row in rows(view)}
    for platform in ("google_ads", "facebook_ads"):
        assert found[platform, "Shapley"]["value"] == pytest.approx(asked[platform]["roas"])
        assert found[platform, "first"]["value"] == pytest.approx(asked[platform]["roas_first"])
        assert found[platform, "claimed"]["low"] is None
    # Of few bookings, drawn again, the one with Google's credit may come never or more than once.
    low, value, high = (found["google_ads", "Shapley"][name] for name in ("low", "value", "high"))
    assert low < value < high
    assert found["facebook_ads", "first"]["low"] == found["facebook_ads", "first"]["high"] == 0
    assert ranged(view).startswith("<svg")


def test_the_same_bookings_give_the_same_intervals(m: Any) -> None:
    asked = ({"Shapley": m.ad_value}, m.ad_spend, (m.booking, m.platform), DAYS)
    assert rows(returns(m, *asked, units=m.bookings)) == rows(returns(m, *asked, units=m.bookings))


def test_what_an_older_release_said_stands_beside_what_is_known_now(m: Any, tmp_path: Path) -> None:
    before = Company()
    spent = 'select * replace (spend - 10 as spend, conversions * 0.5 as conversions) from "ads.performance"'
    before.connection.raw_sql(f'create or replace table "ads.performance" as {spent}')
    release = replace(Release(), name="2026-10-10", as_of=datetime(2026, 10, 11, tzinfo=UTC))
    older = cast("Workspace", Reader(model.bind(before), Settings(tmp_path), release))
    now = cast("Workspace", Reader(m, Settings(tmp_path)))
    view = restated(now, older, (m.ad_spend, m.claimed_conversions), m.platform, _days())
    assert rows(view) == [
        # October 12th is a day that the older release has not seen.
        {"name": "facebook_ads", "then0": 40, "now0": 50, "change0": 0.25, "then1": 1, "now1": 2, "change1": 1},
        {
            "name": "google_ads",
            "then0": pytest.approx(30 + 110 / 1.2),
            "now0": 140,
            "change0": pytest.approx(140 / (30 + 110 / 1.2) - 1),
            "then1": 1,
            "now1": 2,
            "change1": 1,
        },
    ]
    assert view.total is not None
    assert {name: view.total[name] for name in ("name", "then1", "now1", "change1")} == {
        "name": "total",
        "then1": 2,
        "now1": 4,
        "change1": 1,
    }
    assert (view.title, view.columns[1].heading) == ("Restated since 2026-10-10", "ad spend then")


def test_without_an_older_release_that_knows_nothing_was_restated(m: Any, tmp_path: Path) -> None:
    now = cast("Workspace", Reader(m, Settings(tmp_path)))
    assert rows(restated(now, None, (m.ad_spend,), m.platform, _days())) == []

    class Before(Company):
        def table(self, name: str) -> Any:
            if name == "ads.performance":
                raise LakeError("There is no table ads.performance.")
            return super().table(name)

    older = cast("Workspace", Reader(model.bind(Before()), Settings(tmp_path)))
    assert rows(restated(now, older, (m.ad_spend,), m.platform, _days())) == []


def test_completeness_is_summed_over_currencies() -> None:
    told = ibis.memtable(
        [
            ("google_ads", "EUR", "conversions", 0, 5.0, 10.0),
            ("google_ads", "USD", "conversions", 0, 1.0, 20.0),
            ("google_ads", "EUR", "conversions", 1, 10.0, 10.0),
            ("google_ads", "EUR", "spend", 0, 9.0, 10.0),
            ("x", "EUR", "conversions", 0, 0.0, 0.0),
        ],
        columns=["platform", "currency", "metric", "age", "known", "final"],
    )

    class Told:
        def table(self, name: str) -> Any:
            assert name == "ads.completeness"
            return told

    view = completeness(cast("Workspace", Told()), "conversions")
    assert [(r["age"], r["share"]) for r in rows(view)] == [(0, pytest.approx(6 / 30)), (1, 1)]
    assert completed(view).startswith("<svg")


def _days() -> tuple[Any, Any]:
    return datetime(2026, 9, 1, tzinfo=UTC).date(), datetime(2026, 11, 1, tzinfo=UTC).date()
