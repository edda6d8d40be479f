"""What an older release said beside what is known now, over numbers from paper and over releases of a lake."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import pytest

from ads.adlake import AdLake, at, day, rows_of
from metrics.company import Company
from reports.conftest import Reader, Release, Settings, Source
from workspace.errors import LakeError, ReleaseError
from workspace.lake import maintain
from workspace.metrics import model
from workspace.reports import previous, restated
from workspace.settings import Keep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workspace.front import Workspace

DAYS = date(2026, 9, 1), date(2026, 11, 1)
THEN = replace(Release(), name="2026-10-10", as_of=datetime(2026, 10, 11, tzinfo=UTC))


def rows(view: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = view.rows.to_pylist()
    return found


def spend(view: Any) -> dict[str, tuple[Any, Any]]:
    """What each group spent then and now, the total among them."""
    found = rows(view) + ([view.total] if view.total else [])
    return {row["name"]: (pytest.approx(row["then0"]), pytest.approx(row["now0"])) for row in found}


@pytest.fixture
def now(m: Any, tmp_path: Path) -> Workspace:
    return cast("Workspace", Reader(m, Settings(tmp_path)))


@pytest.fixture
def older(tmp_path: Path) -> Callable[..., Workspace]:
    """Open a release that was told other rows, each made of the present ones."""

    def opened(select: str = "select *", release: Release = THEN) -> Workspace:
        before = Company()
        before.connection.raw_sql(f'create or replace table "ads.performance" as {select} from "ads.performance"')
        return cast("Workspace", Reader(model.bind(before), Settings(tmp_path), release))

    return opened


def test_what_an_older_release_said_stands_beside_what_is_known_now(m: Any, tmp_path: Path) -> None:
    before = Company()
    spent = 'select * replace (spend - 10 as spend, conversions * 0.5 as conversions) from "ads.performance"'
    before.connection.raw_sql(f'create or replace table "ads.performance" as {spent}')
    release = replace(Release(), name="2026-10-10", as_of=datetime(2026, 10, 11, tzinfo=UTC))
    older = cast("Workspace", Reader(model.bind(before), Settings(tmp_path), release))
    now = cast("Workspace", Reader(m, Settings(tmp_path)))
    view = restated(now, older, (m.ad_spend, m.claimed_conversions), m.platform, DAYS)
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
    assert rows(restated(now, None, (m.ad_spend,), m.platform, DAYS)) == []

    class Before(Company):
        def table(self, name: str) -> Any:
            if name == "ads.performance":
                raise LakeError("There is no table ads.performance.")
            return super().table(name)

    older = cast("Workspace", Reader(model.bind(Before()), Settings(tmp_path)))
    assert rows(restated(now, older, (m.ad_spend,), m.platform, DAYS)) == []


def test_a_day_that_an_account_west_of_utc_was_in_the_middle_of_was_not_restated(
    now: Workspace, older: Callable[..., Workspace]
) -> None:
    # Los Angeles is in the middle of September 30th when the day is over in UTC, and has spent 20 of its 120 dollars.
    select = "select * replace (case when currency = 'USD' then 20 else spend end as spend)"
    m = now.metrics
    at_midnight = replace(THEN, as_of=datetime(2026, 10, 1, tzinfo=UTC))
    view = restated(now, older(select, at_midnight), (m.ad_spend,), m.platform, DAYS)
    assert spend(view) == {"google_ads": (40, 40), "total": (40, 40)}


def test_days_that_a_late_source_had_not_been_read_of_were_not_restated(
    now: Workspace, older: Callable[..., Workspace]
) -> None:
    m = now.metrics
    late = Source("google_ads", datetime(2026, 10, 1, tzinfo=UTC))
    other = Source("inventory_db", datetime(2026, 9, 1, tzinfo=UTC))
    release = replace(THEN, as_of=datetime(2026, 10, 21, tzinfo=UTC), sources=(late, other))
    view = restated(now, older(release=release), (m.ad_spend,), m.platform, DAYS)
    assert spend(view) == {"google_ads": (40, 40), "total": (40, 40)}


def test_a_platform_that_is_new_is_no_part_of_the_total(now: Workspace, tmp_path: Path) -> None:
    before = Company()
    before.connection.raw_sql("delete from \"ads.performance\" where platform = 'google_ads'")
    m = now.metrics
    release = replace(THEN, as_of=datetime(2026, 10, 21, tzinfo=UTC))
    older = cast("Workspace", Reader(model.bind(before), Settings(tmp_path), release))
    view = restated(now, older, (m.ad_spend,), m.platform, DAYS)
    assert spend(view) == {"facebook_ads": (50, 50), "total": (50, 50)}


def test_a_release_that_saw_none_of_the_days_says_so(now: Workspace, older: Callable[..., Workspace]) -> None:
    m = now.metrics
    for first in (date(2026, 10, 10), date(2026, 10, 12)):
        view = restated(now, older(), (m.ad_spend,), m.platform, (first, date(2026, 11, 1)))
        assert (rows(view), view.total) == ([], None)
        assert view.notes == ("Release 2026-10-10 saw none of these days whole.",)


def row(number: int, spent: str) -> dict[str, Any]:
    key = {"account_id": "a", "level": "ad", "entity_id": "1", "placement": "ALL", "day": day(number)}
    return key | {"platform": "google_ads", "currency": "EUR", "spend": Decimal(spent), "conversions": Decimal(1)}


@pytest.fixture
def lake(tmp_path: Path) -> AdLake:
    """Two releases at the end of September and two in October; each restates a day."""
    made = AdLake(tmp_path, "google_ads")
    made.write("google_ads.performance", at(28), [row(number, "10") for number in range(28)])
    for number, restated_day in ((29, 3), (30, 4), (31, 5), (40, 6)):
        made.write("google_ads.performance", at(number - 0.5), [row(restated_day, f"{number}")])
        made.release(at(number))
        maintain(made.lake, keep=Keep(), now=at(number), force=True)
    return made


def tidy(made: AdLake) -> None:
    maintain(made.lake, keep=Keep(), now=at(200), force=True, grace=timedelta(0))


def test_the_last_release_of_an_earlier_month_says_the_same_for_good(lake: AdLake) -> None:
    def said() -> Any:
        older = previous(lake.open("2026-10-10"))
        assert older is not None
        return older.release.name, rows_of(older.table("ads.performance"))

    before = said()
    assert before[0] == "2026-09-30", "and not 2026-10-01, which was just before it"
    tidy(lake)
    assert said() == before


def test_within_the_first_month_the_release_just_before_is_compared(lake: AdLake) -> None:
    older = previous(lake.open("2026-09-30"))
    assert older is not None
    assert older.release.name == "2026-09-29"
    assert previous(older) is None


def test_of_a_release_that_is_not_kept_any_more_the_report_says_so(lake: AdLake) -> None:
    tidy(lake)
    ws = lake.open("2026-09-30")
    older = previous(ws)
    assert older is not None
    with pytest.raises(ReleaseError, match="were removed: no kept release reads them"):
        older.table("ads.performance")
    m = ws.metrics
    view = restated(ws, older, (m.ad_impressions,), m.platform, (day(0), day(29)))
    assert rows(view) == []
    assert view.notes == ("Release 2026-09-29 is no longer kept: what it said cannot be read.",)
