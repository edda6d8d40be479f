"""Facebook as it is read: over HTTP, from the demo's server."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from adserver import DELETED, NOW, RENAMED, Ads
from sources.ads.adapters import Opener, totals, truth
from sources.ads.facebook.pulls import DISABLED, EMPTY, EU, FIRST, JAPAN, LAST, SECRET, account, pulled
from workspace.demo.ads.book import COUNTED, Facts
from workspace.settings import AdsSource
from workspace.sources.ads.facebook import Facebook, open_facebook

if TYPE_CHECKING:
    from workspace.sources.ads.adapter import Performance


def agrees(row: Performance, facts: Facts) -> None:
    """Check a row against the book, to the last digit."""
    assert (row.impressions, row.clicks, row.link_clicks) == (facts.impressions, facts.clicks, facts.link_clicks)
    assert row.spend == facts.spend
    assert (row.conversions, row.conversion_value) == facts.claimed("purchase", COUNTED["facebook_ads"])
    assert row.view_through_conversions == facts.claimed("purchase", frozenset({"1d_view"}))[0]
    assert row.missing == {}
    assert row.attribution == "7d_click_1d_view"


def test_accounts_and_the_disabled_one_among_them(facebook: Facebook, ads: Ads) -> None:
    ads.control("POST", "knobs", {"page": 2})
    found = facebook.accounts()
    assert [each.id for each in found] == [EU, JAPAN, EMPTY, DISABLED]
    assert [(each.name, each.currency, each.timezone) for each in found[:2]] == [
        ("BookMyEvent EU", "EUR", "Europe/Berlin"),
        ("BookMyEvent 日本", "JPY", "Asia/Tokyo"),
    ]
    assert [(each.status, each.open) for each in found[2:]] == [("active", True), ("disabled", True)]
    assert len(ads.calls("facebook_ads")) == 2


def test_an_account_without_a_currency_is_told_and_the_others_are_read(facebook: Facebook, ads: Ads) -> None:
    ads.control("POST", "account", {"id": EMPTY, "currency": None})
    found = {each.id: each for each in facebook.accounts()}
    assert (found[EMPTY].currency, found[EMPTY].open) == ("XXX", False)
    assert [each.id for each in found.values() if each.open] == [EU, JAPAN, DISABLED]
    assert facebook.notes == [f"Account {EMPTY} is left out: it has no currency or no time zone."]


@pytest.mark.parametrize("page", [None, 3])
@pytest.mark.parametrize("account_id", [EU, JAPAN])
def test_a_clean_pull_is_the_book(facebook: Facebook, ads: Ads, account_id: str, page: int | None) -> None:
    ads.control("POST", "knobs", {"page": page})
    found = pulled(facebook, account(facebook, account_id))
    wanted = truth(ads, account_id, FIRST, LAST)
    assert found.keys() == wanted.keys()
    assert len(found) > 100
    for key, row in found.items():
        agrees(row, wanted[key])
        assert row.currency == {EU: "EUR", JAPAN: "JPY"}[account_id]
    gone = {campaign.id for campaign in ads.book.campaigns(account_id) if campaign.status(NOW) == "deleted"}
    assert any(row.campaign_id in gone for row in found.values())  # what is deleted still has its past


def test_campaign_totals_for_the_audit(facebook: Facebook, ads: Ads) -> None:
    found = pulled(facebook, account(facebook), level="campaign")
    wanted = totals(ads, EU, FIRST, LAST)
    assert found.keys() == wanted.keys()
    for key, row in found.items():
        agrees(row, wanted[key])
        assert (row.level, row.ad_group_id, row.ad_id) == ("campaign", None, None)


def test_an_empty_account_has_no_rows_and_the_days_of_daylight_saving_have_one_each(
    facebook: Facebook, ads: Ads
) -> None:
    assert pulled(facebook, account(facebook, EMPTY)) == {}
    change = date(2026, 10, 25)  # 25 hours in Berlin
    assert pulled(facebook, account(facebook), change, change).keys() == truth(ads, EU, change, change).keys()


def test_what_is_restated_up_down_or_away_comes_so(facebook: Facebook, ads: Ads) -> None:
    before = pulled(facebook, account(facebook))
    up, down, away = list(before)[:3]
    changes = ((up, {"conversions": 2, "value": "199.50"}), (down, {"spend": "-1.25"}), (away, {"vanish": True}))
    for (ad, day), delta in changes:
        ads.control("POST", "restate", {"ad": ad, "date": day.isoformat(), "delta": delta})
    after = pulled(facebook, account(facebook))
    assert after.keys() == before.keys() - {away}
    assert after[up].conversions == before[up].conversions + 2
    assert after[up].conversion_value == before[up].conversion_value + Decimal("199.50")
    assert after[down].spend == before[down].spend - Decimal("1.25")
    assert {key for key in after if after[key] != before[key]} == {up, down}


def test_entities_with_the_deleted_ones_their_names_and_addresses(facebook: Facebook, ads: Ads) -> None:
    ads.control("POST", "knobs", {"page": 2})
    found = [entity for page in facebook.entities(account(facebook)) for entity in page]
    by_id = {entity.id: entity for entity in found}
    assert len(by_id) == len(found) == 3 + 6 + 12
    book = ads.book
    for level, entities in (("campaign", book.campaigns(EU)), ("ad_group", book.groups(EU)), ("ad", book.ads(EU))):
        for each in entities:
            entity = by_id[each.id]
            assert (entity.level, entity.name, entity.status) == (level, each.name(NOW), each.status(NOW))
    for ad in book.ads(EU):
        assert (by_id[ad.id].campaign_id, by_id[ad.id].ad_group_id) == (ad.campaign_id, ad.group_id)
        assert by_id[ad.id].url == ad.url
    assert {by_id[each.id].objective for each in book.campaigns(EU)} == {"OUTCOME_SALES"}


def test_an_ad_of_a_paused_campaign_is_not_paused_itself(facebook: Facebook, ads: Ads) -> None:
    campaign = next(each for each in ads.book.campaigns(EU) if each.status(NOW) == "enabled")
    ads.control("POST", "entity", {"id": campaign.id, "status": "paused", "name": "夏"})
    found = {entity.id: entity for page in facebook.entities(account(facebook)) for entity in page}
    assert (found[campaign.id].status, found[campaign.id].name) == ("paused", "夏")
    assert {found[ad.id].status for ad in ads.book.ads(EU) if ad.campaign_id == campaign.id} == {"enabled"}
    ads.control("POST", "entity/delete", {"id": campaign.id})
    found = {entity.id: entity for page in facebook.entities(account(facebook)) for entity in page}
    assert {found[ad.id].status for ad in ads.book.ads(EU) if ad.campaign_id == campaign.id} == {"deleted"}


def test_names_and_states_are_those_of_the_moment(facebook: Facebook, ads: Ads) -> None:
    ads.clock(RENAMED - timedelta(hours=1))
    before = {entity.name for page in facebook.entities(account(facebook)) for entity in page}
    ads.clock(DELETED - timedelta(hours=1))
    assert "enabled" in {entity.status for page in facebook.entities(account(facebook)) for entity in page}
    assert "Herbst 🍂 · „Feiern“, 20 %" in before


def test_actions_are_told_by_window(facebook: Facebook, ads: Ads) -> None:
    wanted = truth(ads, EU, FIRST, LAST)
    seen = set()
    for key, row in pulled(facebook, account(facebook)).items():
        told = {action.name: action for action in row.actions}
        windows = {"1d_click": {"1d_click"}, "7d_click": {"1d_click", "7d_click"}, "1d_view": {"1d_view"}}
        windows["28d_click"] = windows["7d_click"] | {"28d_click"}
        for window, within in windows.items():
            conversions, value = wanted[key].claimed("purchase", frozenset(within))  # type: ignore[arg-type]
            action = told.get(f"omni_purchase:{window}")
            assert ((action.conversions, action.value) if action else (0, 0)) == (conversions, value)
            seen.add(window) if conversions else None
        assert {name for name, action in told.items() if action.counted} <= {"omni_purchase"}
    assert seen == {"1d_click", "7d_click", "28d_click", "1d_view"}


def test_the_ad_sets_own_setting_decides_what_counts(facebook: Facebook, ads: Ads) -> None:
    ads.control("POST", "knobs", {"facebook_attribution_setting": "1d_click"})
    wanted = truth(ads, EU, FIRST, LAST)
    for key, row in pulled(facebook, account(facebook)).items():
        assert row.attribution == "1d_click"
        assert (row.conversions, row.conversion_value) == wanted[key].claimed("purchase", frozenset({"1d_click"}))


def test_other_actions_count_if_the_settings_say_so(opened: Opener[Facebook], ads: Ads) -> None:
    facebook = opened(conversions=("omni_purchase", "omni_add_to_cart"))
    wanted = truth(ads, EU, FIRST, LAST)
    for key, row in pulled(facebook, account(facebook)).items():
        both = [wanted[key].claimed(action, COUNTED["facebook_ads"])[0] for action in ("purchase", "add_to_cart")]
        assert row.conversions == sum(both)
        assert {each.name for each in row.actions if each.counted} <= {"omni_purchase", "omni_add_to_cart"}


@pytest.mark.parametrize(
    ("field", "metric"), [("inline_link_clicks", "link_clicks"), ("action_values", "conversion_value")]
)
def test_a_metric_that_is_gone_is_empty_with_a_reason(facebook: Facebook, ads: Ads, field: str, metric: str) -> None:
    ads.control("POST", "knobs", {"facebook_removed_fields": [field]})
    for row in pulled(facebook, account(facebook)).values():
        assert getattr(row, metric) is None
        assert field in row.missing[metric]
        assert row.clicks is not None
    assert pulled(facebook, account(facebook))  # and it is asked for no more
    assert [note for note in facebook.notes if field in note] == facebook.notes
    assert len(facebook.notes) == 1
    refused = [call for call in ads.calls("facebook_ads") if call["status"] == 400]
    assert len(refused) == 1


def test_a_part_of_a_creative_that_is_gone_leaves_the_rest(facebook: Facebook, ads: Ads) -> None:
    ads.control("POST", "knobs", {"facebook_removed_fields": ["asset_feed_spec"]})
    found = [entity for page in facebook.entities(account(facebook)) for entity in page if entity.level == "ad"]
    assert len(found) == 12
    assert 0 < sum(entity.url is None for entity in found) < 12


def test_a_source_is_opened_by_its_settings(ads: Ads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_ADS_URL", ads.url)
    source = AdsSource(
        name="facebook_ads",
        platform="facebook_ads",
        credentials={"access_token": "$TOKEN"},
        since=FIRST,
        url="$DEMO_ADS_URL",
    )
    facebook = open_facebook(source, SECRET)
    assert len(facebook.accounts()) == 4
    whose = account(facebook)
    assert (facebook.api_version, facebook.lookback(whose)) == ("v26.0", 28)
    assert facebook.clicks(whose, FIRST) is None
    assert facebook.touched(whose, NOW, NOW) is None
    facebook.http.close()
