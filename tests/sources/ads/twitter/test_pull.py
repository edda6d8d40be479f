"""X as it is read: over HTTP, from the demo's server, row by row as the book has it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from adserver import DELETED, NOW, RENAMED
from sources.ads import adapters
from sources.ads.adapters import totals
from sources.ads.twitter.pulls import DISABLED, EMPTY, FIRST, LAST, UK, US, book, granularities, of, read, summed, told
from workspace.sources.ads.answers import AccountRefusedError

if TYPE_CHECKING:
    from adserver import Ads
    from sources.ads.adapters import Opener
    from workspace.sources.ads.twitter import Twitter


@pytest.mark.parametrize("account_id", [US, UK])
@pytest.mark.parametrize("knobs", [{}, {"page": 2}, {"twitter_job_polls": 3, "twitter_double_id": True}])
def test_a_clean_pull_is_the_book_exactly(ads: Ads, twitter: Twitter, account_id: str, knobs: dict[str, Any]) -> None:
    ads.control("POST", "knobs", knobs)
    found = read(twitter, account_id)
    assert summed(found) == book(ads, account_id)
    assert {row.placement for row in found} == {"ALL_ON_TWITTER", "SPOTLIGHT"}
    assert not any(row.missing for row in found)
    assert granularities(ads) == {"DAY", "HOUR"}


@pytest.mark.parametrize("account_id", [US, UK])
def test_totals_of_campaigns_are_the_book_exactly(ads: Ads, twitter: Twitter, account_id: str) -> None:
    found = summed(read(twitter, account_id, level="campaign"))
    expected = {key: told(facts) for key, facts in totals(ads, account_id, FIRST, LAST).items()}
    assert found == expected


def test_rows_say_where_they_belong(twitter: Twitter, ads: Ads) -> None:
    parents = {ad.id: (ad.campaign_id, ad.group_id) for ad in ads.book.ads(US)}
    for row in read(twitter):
        assert (row.campaign_id, row.ad_group_id) == parents[str(row.ad_id)]
        assert (row.level, row.currency, row.attribution) == ("ad", "USD", "post_engagement+post_view")
    for row in read(twitter, level="campaign"):
        assert (row.level, row.ad_group_id, row.ad_id, row.entity_id) == ("campaign", None, None, row.campaign_id)


def test_what_the_second_listing_lacks_is_still_asked_about(ads: Ads, twitter: Twitter) -> None:
    whose = of(twitter)
    ads.control("POST", "knobs", {"twitter_without_tweets": [ads.book.groups(US)[0].id]})
    first = [each.id for page in twitter.entities(whose) for each in page]
    ads.control("POST", "knobs", {"twitter_without_tweets": [ads.book.groups(US)[1].id]})
    second = [each.id for page in twitter.entities(whose) for each in page]
    assert set(first) - set(second)
    assert set(second) - set(first)
    ads.control("POST", "knobs", {"twitter_without_tweets": []})
    assert summed(adapters.read(twitter, whose, FIRST, LAST, "ad")) == book(ads, US)


def test_line_items_that_promote_no_tweet_are_told_as_a_whole(ads: Ads, twitter: Twitter) -> None:
    groups = ads.book.groups(US)
    campaign = next(one for one, count in Counter(group.campaign_id for group in groups).items() if count > 1)
    mixed, *_ = [group.id for group in groups if group.campaign_id == campaign]
    whole = {group.id for group in groups if group.campaign_id == next(g.campaign_id for g in groups[::-1])}
    without = {mixed} | whole
    ads.control("POST", "knobs", {"twitter_without_tweets": sorted(without)})
    found = read(twitter)
    of_them = [row for row in found if row.ad_group_id in without]
    assert {(row.level, row.ad_id, row.entity_id == row.ad_group_id) for row in of_them} == {("ad_group", None, True)}
    assert {row.ad_group_id for row in of_them} >= {mixed}
    assert {row.level for row in found if row.ad_group_id not in without} == {"ad"}
    assert {row.level for row in found if row.campaign_id == campaign} == {"ad", "ad_group"}
    by_campaign = [dataclasses.replace(row, ad_id=None, ad_group_id=None) for row in found]
    assert summed(by_campaign) == summed(read(twitter, level="campaign")), "nothing is missing, nothing told twice"


def test_a_line_item_that_gets_its_first_ad_keeps_what_it_did_before(ads: Ads, twitter: Twitter) -> None:
    group = ads.book.groups(US)[0]
    ads.control("POST", "knobs", {"twitter_without_tweets": [group.id]})
    before = read(twitter)
    tree = twitter._trees[US]
    other, place = next((ad, place) for ad, place in tree.places["ad"].items() if place.deleted)
    made = LAST - timedelta(days=5)
    late = dataclasses.replace(place, campaign_id=group.campaign_id, ad_group_id=group.id, made=made)
    tree.places["ad"][other] = late  # another line item's, as if it were this one's first
    after = [row for row in read(twitter) if row.ad_group_id == group.id]
    shown = {(row.placement, row.day) for row in after if row.level == "ad"}
    kept = {(row.placement, row.day) for row in after if row.level == "ad_group"}
    told = {(row.placement, row.day) for row in before if row.ad_group_id == group.id}
    assert shown
    assert kept
    assert kept == told - shown, "nothing of it goes, and nothing is told twice"


@pytest.mark.parametrize("page", [None, 3])
def test_entities_are_told_with_those_that_are_deleted(ads: Ads, twitter: Twitter, page: int | None) -> None:
    ads.control("POST", "knobs", {"page": page})
    found = {each.id: each for some in twitter.entities(of(twitter)) for each in some}
    assert len(found) == 3 + 6 + 12
    for level, expected in (
        ("campaign", ads.book.campaigns(US)),
        ("ad_group", ads.book.groups(US)),
        ("ad", ads.book.ads(US)),
    ):
        for each in expected:
            entity = found[each.id]
            assert (entity.level, entity.name) == (level, each.name(NOW))
            assert entity.status == each.status(NOW)
    renamed, paused, deleted = ads.book.campaigns(US)
    assert found[renamed.id].name == renamed.names[1][1]
    assert found[renamed.id].objective == "WEBSITE_CLICKS"
    assert (found[paused.id].status, found[deleted.id].status) == ("paused", "deleted")
    for ad in ads.book.ads(US):
        assert found[ad.id].url == ad.url
        assert (found[ad.id].campaign_id, found[ad.id].ad_group_id) == (ad.campaign_id, ad.group_id)


def test_a_renamed_and_a_revived_campaign_are_told_as_they_are(ads: Ads, twitter: Twitter) -> None:
    campaign = ads.book.campaigns(US)[2]
    for name, status in (('a "b", ,\u200f\u05d0\x00\n', "enabled"), ("é" * 255, "paused")):
        ads.control("POST", "entity", {"id": campaign.id, "name": name, "status": status})
        found = {each.id: each for some in twitter.entities(of(twitter)) for each in some}
        assert (found[campaign.id].name, found[campaign.id].status) == (name, status)


def test_accounts_have_the_currency_of_their_campaigns_or_of_what_funds_them(ads: Ads, twitter: Twitter) -> None:
    found = {each.id: each for each in twitter.accounts()}
    assert [found[each].currency for each in (US, UK, EMPTY, DISABLED)] == ["USD", "GBP", "JPY", "XXX"]
    assert [found[each].open for each in (US, UK, EMPTY, DISABLED)] == [True, True, True, False]
    assert (found[US].timezone, found[US].status, found[DISABLED].status) == (
        "America/Los_Angeles",
        "enabled",
        "cancelled",
    )


def test_accounts_are_asked_for_once(ads: Ads, twitter: Twitter) -> None:
    for _ in range(8):
        twitter.accounts()
    read(twitter)
    read(twitter, UK)
    assert [call["path"] for call in ads.calls("twitter_ads")].count("/12/accounts") == 1


def test_ads_are_asked_for_on_days_on_which_they_were_there(ads: Ads, twitter: Twitter) -> None:
    first, last = date(2026, 11, 2), date(2026, 11, 4)
    deleted = {ad.id for ad in ads.book.ads(US) if ad.status(NOW) == "deleted"}
    assert summed(read(twitter, first=first, last=last)) == book(ads, US, first, last)
    asked = {id_ for call in ads.calls("twitter_ads") for id_ in call["query"].get("entity_ids", "").split(",") if id_}
    assert asked == {ad.id for ad in ads.book.ads(US)} - deleted
    read(twitter, first=DELETED.date(), last=DELETED.date())
    assert deleted <= {*ads.calls("twitter_ads")[-1]["query"]["entity_ids"].split(",")}


def test_who_may_not_see_what_funds_an_account_reads_it_all_the_same(ads: Ads, twitter: Twitter) -> None:
    ads.fault("no_funding_access", "twitter_ads", path="/funding_instruments", times=4)
    assert [each.currency for each in twitter.accounts()] == ["USD", "GBP", "XXX", "XXX"]
    assert {row.currency for row in read(twitter)} == {"USD"}


def test_an_account_without_money_has_no_currency_and_no_rows(ads: Ads, twitter: Twitter) -> None:
    ads.control("POST", "knobs", {"twitter_unfunded": [EMPTY]})
    assert of(twitter, EMPTY).currency == "XXX"
    assert read(twitter, EMPTY) == []
    assert list(twitter.entities(of(twitter, EMPTY))) == [[], [], []]


def test_an_account_that_is_closed_is_refused(twitter: Twitter) -> None:
    with pytest.raises(AccountRefusedError, match="ACCOUNT_LOCKED_OUT"):
        read(twitter, DISABLED)


def test_yen_are_micros_too(ads: Ads, twitter: Twitter) -> None:
    ads.control("POST", "account", {"id": US, "currency": "JPY"})
    found = read(twitter, first=date(2026, 11, 2))
    assert {row.currency for row in found} == {of(twitter).currency} == {"JPY"}
    assert summed(found) == book(ads, US, date(2026, 11, 2))


def test_null_is_not_zero(ads: Ads, twitter: Twitter) -> None:
    ads.control("POST", "knobs", {"twitter_null": ["url_clicks", "conversion_purchases"]})
    found = read(twitter)
    assert found
    for row in found:
        assert (row.link_clicks, row.conversions, row.conversion_value, row.view_through_conversions) == (None,) * 4
        assert {"link_clicks", "conversions", "conversion_value", "view_through_conversions"} == row.missing.keys()
        assert all("null" in reason for reason in row.missing.values())
        assert row.impressions is not None
        assert all(action.name != "conversion_purchases" for action in row.actions)


def test_a_metric_that_x_removed_is_missing(ads: Ads, twitter: Twitter) -> None:
    ads.control("POST", "knobs", {"twitter_removed": ["clicks"]})
    for row in read(twitter):
        assert (row.clicks, dict(row.missing)) == (None, {"clicks": "X did not answer with it"})


def test_a_day_on_which_nothing_was_served_has_no_row(ads: Ads, twitter: Twitter) -> None:
    expected = book(ads, US)
    days = {FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)}
    silent = {(ad.id, day) for ad in ads.book.ads(US) for day in days} - expected.keys()
    assert silent
    assert summed(read(twitter)).keys() == expected.keys()


def test_the_unit_of_sales_is_a_setting(ads: Ads, opened: Opener[Twitter]) -> None:
    ads.control("POST", "knobs", {"twitter_sale_amount_scale": 100})
    twitter = opened(sale_amount_scale=100)
    assert summed(read(twitter)) == book(ads, US)
    assert [note for note in twitter.notes if "sale_amount" in note and "100 " in note]
    assert len(twitter.notes) == 1


def test_which_actions_count_is_a_setting(ads: Ads, opened: Opener[Twitter]) -> None:
    chosen = ("conversion_add_to_carts", "conversion_purchases")
    for row in read(opened(conversions=chosen)):
        assert row.conversions == sum(action.conversions or 0 for action in row.actions if action.counted)
        assert {action.name for action in row.actions if action.counted} <= {*chosen}
    both = [row for row in read(opened(conversions=chosen)) if {*chosen} == {action.name for action in row.actions}]
    assert both


def test_restated_days_are_told(ads: Ads, twitter: Twitter) -> None:
    ad, day = ads.book.ads(US)[0].id, date(2026, 9, 30)
    ads.clock(NOW + timedelta(hours=2))
    before = twitter.touched(of(twitter), NOW, NOW + timedelta(hours=1))
    assert before is not None
    assert day not in before
    ads.control("POST", "restate", {"ad": ad, "date": str(day), "delta": {"spend": "-1.250001", "clicks": 2}})
    ads.clock(NOW + timedelta(hours=3))
    after = twitter.touched(of(twitter), NOW + timedelta(hours=1, minutes=30), NOW + timedelta(hours=2, minutes=20))
    assert after is not None
    assert day in after
    assert summed(read(twitter, first=day, last=day)) == book(ads, US, day, day)


def test_a_restated_day_goes_up_down_and_away(ads: Ads, twitter: Twitter) -> None:
    day = date(2026, 11, 3)
    ad = next(iter(ads.expected(US, day)))
    first = summed(read(twitter, first=day, last=day))[ad, day]
    for delta in ({"spend": "3.5", "conversions": 2, "value": "19.99"}, {"spend": "-90"}):
        ads.control("POST", "restate", {"ad": ad, "date": str(day), "delta": delta})
        found = summed(read(twitter, first=day, last=day))
        assert found == book(ads, US, day, day)
        assert found[ad, day] != first
    assert found[ad, day][0] < 0
    ads.control("POST", "restate", {"ad": ad, "date": str(day), "delta": {"vanish": True}})
    assert (ad, day) not in summed(read(twitter, first=day, last=day))


def test_changes_of_more_than_90_days_are_asked_for_in_parts(ads: Ads, twitter: Twitter) -> None:
    found = twitter.touched(of(twitter), NOW - timedelta(days=100, minutes=1), NOW)
    calls = [call["query"] for call in ads.calls("twitter_ads") if call["path"].endswith("active_entities")]
    assert [call["start_time"] for call in calls] == ["2026-07-28T11:00:00Z", "2026-10-26T11:00:00Z"]
    assert calls[-1]["end_time"] == "2026-11-05T12:00:00Z"
    assert found is not None
    assert {date(2026, 9, 2), date(2026, 11, 5)} <= found


def test_the_days_to_look_back_and_no_clicks(twitter: Twitter) -> None:
    assert twitter.lookback(of(twitter)) == 14
    assert twitter.clicks(of(twitter), LAST) is None


def test_names_of_the_past_are_not_in_the_way(ads: Ads, twitter: Twitter) -> None:
    """Before the campaign was renamed and another deleted, the same rows come."""
    ads.clock(RENAMED - timedelta(days=1))
    assert summed(read(twitter, first=date(2026, 9, 20), last=date(2026, 10, 7))) == book(
        ads, US, date(2026, 9, 20), date(2026, 10, 7)
    )
    ads.clock(DELETED + timedelta(days=1))
    assert summed(read(twitter, first=date(2026, 9, 20), last=date(2026, 10, 7))) == book(
        ads, US, date(2026, 9, 20), date(2026, 10, 7)
    )
