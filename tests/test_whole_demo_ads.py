"""Advertising in the whole demo: what the platforms told, what was restated, and what the company knows to be true."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from workspace.demo import totals
from workspace.demo.ads.paths import paths, truth
from workspace.demo.clickstream.campaigns import ADS, LETTER
from workspace.demo.home import read_clock
from workspace.demo.living import world_at
from workspace.front import Workspace, connect
from workspace.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from workspace.demo.world import World

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

PLATFORMS = ("google_ads", "facebook_ads", "tiktok_ads", "twitter_ads")
MODELS = ("first", "last", "linear", "position", "time_decay", "shapley")
EARLY = "2026-10-03"
TELLS_THE_AD = ("ad id in the URL", "click view")
TELLS_THE_CAMPAIGN = (*TELLS_THE_AD, "campaign name")


@pytest.fixture(scope="module")
def newest(whole_demo: Path) -> Workspace:
    return connect(settings=load_settings(whole_demo))


@pytest.fixture(scope="module")
def early(whole_demo: Path) -> Workspace:
    return connect(EARLY, settings=load_settings(whole_demo))


@pytest.fixture(scope="module")
def known(whole_demo: Path) -> dict[str, Any]:
    told: dict[str, Any] = totals(whole_demo)["ads"]["platforms"]
    return told


@pytest.fixture(scope="module")
def world(whole_demo: Path) -> World:
    return world_at(whole_demo, read_clock(whole_demo))


@pytest.fixture(scope="module")
def ours(newest: Workspace) -> dict[str, list[dict[str, Any]]]:
    """The rows of each booking, by touch."""
    rows = newest.table("marketing.attribution").order_by(["booking_id", "touch"]).to_pyarrow().to_pylist()
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["booking_id"]].append(row)
    return dict(found)


def test_every_figure_is_what_the_platforms_say_now(newest: Workspace, known: dict[str, Any]) -> None:
    rows = newest.table("ads.performance")
    names = ("impressions", "clicks", "conversions", "conversion_value")
    sums = rows.group_by("platform").aggregate(**{name: rows[name].sum() for name in names})
    held = {row["platform"]: row for row in sums.to_pyarrow().to_pylist()}
    native = rows.group_by(["account_id", "currency"]).aggregate(spend=rows.spend.sum()).to_pyarrow().to_pylist()
    for platform, told in known.items():
        assert held[platform]["impressions"] == told["impressions"]
        assert held[platform]["clicks"] == told["clicks"]
        assert held[platform]["conversions"] == told["claimed"]["total"]
    spent = {
        account: (entry["currency"], entry["total"])
        for told in known.values()
        for account, entry in told["native"].items()
    }
    assert {row["account_id"]: (row["currency"], row["spend"]) for row in native} == spent, "money is exact"


def test_spend_in_eur_is_at_the_rates_of_its_days(newest: Workspace, known: dict[str, Any]) -> None:
    m = newest.metrics
    found = m.ad_spend.by(m.advertised_on).to_pandas()
    for platform, spend in zip(found.iloc[:, 0], found.iloc[:, -1], strict=True):
        assert float(spend) == pytest.approx(float(known[platform]["spend"]["total"]), rel=1e-6)


def test_every_credit_is_what_the_generator_says_it_should_be(
    world: World, ours: dict[str, list[dict[str, Any]]]
) -> None:
    expected = {path.booking: (path, credits_) for path, credits_ in truth(world)}
    assert ours.keys() == expected.keys()
    assert len(expected) > 500
    for booking, (path, credits_) in expected.items():
        assert [row["player"] for row in ours[booking]] == [touch.player for touch in path.touches]
        for model in MODELS:
            assert [row[model] for row in ours[booking]] == credits_[model], (booking, model)
            assert sum(row[model] for row in ours[booking]) == 1


def test_every_way_to_find_an_ad_is_used_and_right(world: World, ours: dict[str, list[dict[str, Any]]]) -> None:
    methods = {row["match_method"] for rows in ours.values() for row in rows}
    assert methods == {*TELLS_THE_CAMPAIGN, "click id", "utm source", None}
    for path in paths(world):
        for touch, row in zip(path.touches, ours[path.booking], strict=True):
            found = (row["platform"], row["account_id"], row["campaign_id"], row["ad_id"])
            place, method = world.web.clicks.ad[touch.number], row["match_method"]
            if place == LETTER:
                assert (method, *found) == (None, None, None, None, None)
                continue
            campaign = ADS[place].campaign
            by_campaign = (campaign.account.id, campaign.id) if method in TELLS_THE_CAMPAIGN else (None, None)
            # A platform that keeps an ad to itself gives it no id.
            ad = (ADS[place].id or None) if method in TELLS_THE_AD else None
            assert found == (PLATFORMS[ADS[place].platform], *by_campaign, ad), (path.booking, method)


def test_the_order_of_the_platforms_is_the_true_one_and_shapley_is_near(
    newest: Workspace, known: dict[str, Any]
) -> None:
    m = newest.metrics
    found = m.roas.by(m.advertised_on).to_pandas()
    ours = dict(zip(found.iloc[:, 0], map(float, found.iloc[:, -1]), strict=True))
    true = {platform: float(told["roas"]) for platform, told in known.items()}
    assert sorted(ours, key=ours.__getitem__) == sorted(true, key=true.__getitem__)
    assert sorted(true, key=true.__getitem__) == ["tiktok_ads", "twitter_ads", "facebook_ads", "google_ads"]
    for platform in PLATFORMS:
        assert ours[platform] == pytest.approx(true[platform], rel=0.25)


def test_platforms_claim_far_more_than_there_was(newest: Workspace) -> None:
    m = newest.metrics
    found = m(m.double_claim_ratio, between=("2026-09-02", "2026-10-31")).to_pandas()
    ratio = found["double_claim_ratio"].astype(float).iloc[0]
    assert ratio > 1.4


def test_an_early_release_says_the_same_as_ever_and_restatements_show_what_moved(
    whole_demo: Path, early: Workspace, newest: Workspace
) -> None:
    then = totals(whole_demo, as_of=datetime(2026, 10, 4, tzinfo=UTC))["ads"]["platforms"]
    rows = early.table("ads.performance")
    sums = rows.group_by("platform").aggregate(clicks=rows.clicks.sum(), conversions=rows.conversions.sum())
    for row in sums.to_pyarrow().to_pylist():
        told = then[row["platform"]]
        found = (row["clicks"], row["conversions"])
        assert found == (told["clicks"], told["claimed"]["total"]), "as told then, whatever is told now"

    moved = newest.table("ads.restatements")
    september = moved.filter(moved.day < "2026-10-01")
    changed = september.filter(september.last_changed_at > datetime(2026, 10, 4, tzinfo=UTC))
    assert changed.count().to_pyarrow().as_py() > 50
    before = early.table("ads.restatements")
    assert before.filter(before.versions > 1).count().to_pyarrow().as_py() == 0, "it was the first look"
    lower = changed.filter(changed.spend < changed.spend_first).count().to_pyarrow().as_py()
    assert lower > 0, "a spend went down"
    total = Decimal(
        str(changed.conversions.sum().to_pyarrow().as_py() - changed.conversions_first.sum().to_pyarrow().as_py())
    )
    assert total > 0, "claims come late"


def test_budgets_are_compared_with_what_was_spent(newest: Workspace) -> None:
    m = newest.metrics
    found = m.budget_used.by(m.month, m.advertised_on, last="2 months").to_pandas()
    assert len(found) == 8
    assert ((found.iloc[:, -1].astype(float) > 0.3) & (found.iloc[:, -1].astype(float) < 3)).all()
