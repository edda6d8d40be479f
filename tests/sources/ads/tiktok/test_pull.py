"""TikTok read over HTTP from the demo: exact numbers, whole pages, every refusal, and records of a real account."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from adserver import NOW
from sources.ads.pulling import Home
from sources.ads.tiktok.pulls import (
    BUSY,
    DISABLED,
    EMPTY,
    FIRST,
    LAST,
    PLATFORM,
    REPORT,
    YEN,
    check,
    expected,
    of,
    pulled,
)
from workspace.demo.ads.book import COUNTED
from workspace.errors import SourceError
from workspace.sources.ads.answers import AccountRefusedError, RefusedError, RestartError, TooLargeError
from workspace.sources.ads.tiktok.rows import identity

if TYPE_CHECKING:
    from pathlib import Path

    from adserver import Ads
    from sources.ads.adapters import Opener
    from workspace.sources.ads.tiktok import TikTok

BY_NAME = {"purchase": "complete_payment", "add_to_cart": "web_event_add_to_cart", "sign_up": "user_registration"}


@pytest.mark.parametrize("who", [BUSY, YEN])
def test_a_pull_is_what_the_book_has_to_the_last_digit(ads: Ads, tiktok: TikTok, who: str) -> None:
    rows = pulled(tiktok, of(tiktok, who))
    check(ads, who, rows)
    assert len(rows) > 100
    assert {row.currency for row in rows} == {"JPY" if who == YEN else "EUR"}
    assert all(row.missing.keys() == {"link_clicks"} and row.link_clicks is None for row in rows)
    assert pulled(tiktok, of(tiktok, EMPTY)) == []
    assert tiktok.notes == []


def test_deleted_ads_keep_what_they_cost(ads: Ads, tiktok: TikTok) -> None:
    deleted = {ad.id for ad in ads.book.ads(BUSY) if ad.status(ads.sim.now) == "deleted"}
    spent = sum(row.spend or 0 for row in pulled(tiktok, of(tiktok)) if row.ad_id in deleted)
    assert spent == sum(facts.spend for (ad, _), facts in expected(ads, BUSY).items() if ad in deleted) > 0
    mine = next(iter(deleted))
    campaign = next(ad.campaign_id for ad in ads.book.ads(BUSY) if ad.id == mine)
    totals = pulled(tiktok, of(tiktok), level="campaign")
    assert sum(row.spend or 0 for row in totals if row.campaign_id == campaign) == spent


def test_actions_are_told_by_name(ads: Ads, tiktok: TikTok) -> None:
    known = expected(ads, BUSY)
    seen: Counter[str] = Counter()
    for row in pulled(tiktok, of(tiktok)):
        facts = known[str(row.ad_id), row.day]
        told = {action.name: action for action in row.actions}
        for name, metric in BY_NAME.items():
            count, value = facts.claimed(name, COUNTED[PLATFORM])
            assert (metric in told) == bool(count)
            if count:
                assert (told[metric].conversions, told[metric].value) == (count, value)
                assert told[metric].counted == (metric == "complete_payment")
                seen[metric] += 1
    assert seen["complete_payment"] > 20
    assert seen["web_event_add_to_cart"] > 20


def test_what_counts_is_a_setting(ads: Ads, opened: Opener[TikTok]) -> None:
    tiktok = opened(conversions=("web_event_add_to_cart", "complete_payment"))
    known = expected(ads, BUSY)
    for row in pulled(tiktok, of(tiktok)):
        facts = known[str(row.ad_id), row.day]
        both = [facts.claimed(name, COUNTED[PLATFORM]) for name in ("purchase", "add_to_cart")]
        assert row.conversions == both[0][0] + both[1][0]
        assert row.conversion_value == both[0][1] + both[1][1]
        assert row.view_through_conversions is None
        assert "web_event_add_to_cart" in row.missing["view_through_conversions"]


def test_campaign_totals_are_the_sums_of_their_ads(ads: Ads, tiktok: TikTok) -> None:
    who = of(tiktok)
    sums: Counter[tuple[str, date, str]] = Counter()
    for row in pulled(tiktok, who):
        for name in ("spend", "impressions", "clicks", "conversions", "conversion_value"):
            sums[row.campaign_id, row.day, name] += getattr(row, name)
    totals = pulled(tiktok, who, level="campaign")
    assert {(row.level, row.ad_group_id, row.ad_id) for row in totals} == {("campaign", None, None)}
    told = {
        (row.campaign_id, row.day, name): getattr(row, name)
        for row in totals
        for name in ("spend", "impressions", "clicks", "conversions", "conversion_value")
    }
    assert {key: value for key, value in told.items() if value} == {key: value for key, value in sums.items() if value}


def test_entities_are_all_there_whatever_their_status(ads: Ads, tiktok: TikTok) -> None:
    smart = ads.book.ads(BUSY)[0].id
    ads.control("POST", "knobs", {"tiktok_smart": [smart]})
    found = {(one.level, one.id): one for page in tiktok.entities(of(tiktok)) for one in page}
    now = ads.sim.now
    for campaign in ads.book.campaigns(BUSY):
        one = found.pop(("campaign", campaign.id))
        assert (one.name, one.status, one.objective) == (campaign.name(now), campaign.status(now), "WEB_CONVERSIONS")
        assert (one.campaign_id, one.ad_group_id) == (campaign.id, None)
    for group in ads.book.groups(BUSY):
        one = found.pop(("ad_group", group.id))
        assert (one.name, one.status, one.campaign_id, one.ad_group_id) == (
            group.name(now),
            group.status(now),
            group.campaign_id,
            group.id,
        )
    for ad in ads.book.ads(BUSY):
        one = found.pop(("ad", ad.id))
        assert (one.name, one.status, one.url) == (ad.name(now), ad.status(now), ad.url)
        assert (one.campaign_id, one.ad_group_id) == (ad.campaign_id, ad.group_id)
    assert found == {}


def test_who_is_below_a_deleted_campaign_is_deleted_below_a_paused_one_as_it_was(ads: Ads, tiktok: TikTok) -> None:
    first = ads.book.campaigns(BUSY)[0].id

    def states() -> set[str]:
        pages = tiktok.entities(of(tiktok))
        return {one.status for page in pages for one in page if one.level != "campaign" and one.campaign_id == first}

    ads.control("POST", "entity", {"id": first, "status": "paused"})
    assert states() == {"enabled"}
    ads.control("POST", "entity/delete", {"id": first})
    assert states() == {"deleted"}
    ads.control("POST", "entity", {"id": first, "status": "enabled", "name": "back again"})
    assert states() == {"enabled"}


def test_accounts_say_whether_they_can_be_asked(ads: Ads, tiktok: TikTok) -> None:
    accounts = tiktok.accounts()
    assert [(one.id, one.currency, one.timezone, one.open) for one in accounts] == [
        (BUSY, "EUR", "Europe/Berlin", True),
        (YEN, "JPY", "Asia/Tokyo", True),
        (EMPTY, "EUR", "Europe/Berlin", True),
        (DISABLED, "EUR", "Europe/Berlin", False),
    ]
    assert [one.status for one in accounts] == ["enable", "enable", "enable", "disable"]
    with pytest.raises(AccountRefusedError, match=DISABLED):
        pulled(tiktok, accounts[3])


def test_all_that_is_granted_is_told_whatever_the_settings_name(opened: Opener[TikTok]) -> None:
    tiktok = opened(accounts=(YEN, "7059999999999999999"))
    assert [one.id for one in tiktok.accounts()] == [BUSY, YEN, EMPTY, DISABLED]
    assert tiktok.notes == []


def test_an_account_that_the_settings_leave_out_is_still_reached(ads: Ads, tmp_path: Path) -> None:
    home = Home(tmp_path / "lake", ads, PLATFORM)
    home.pull()
    before = sorted(home.rows("accounts"), key=str)
    done = home.pull(NOW + timedelta(days=1), accounts=(YEN,))
    assert sorted(home.rows("accounts"), key=str) == before
    assert not any("not reached" in note for note in done.notes), done.notes
    with pytest.raises(RefusedError, match="do not reach the account nobody") as raised:
        home.pull(accounts=("nobody",))
    assert f"they reach {BUSY}, {YEN}, " in raised.value.cure


def test_a_zone_and_a_currency_that_are_not_told_any_more_stay_as_they_were(ads: Ads, tmp_path: Path) -> None:
    home = Home(tmp_path / "lake", ads, PLATFORM)
    home.pull()
    before = sorted(home.rows("accounts"), key=str)
    ads.control("POST", "knobs", {"tiktok_info": {BUSY: {"timezone": "", "display_timezone": "", "currency": ""}}})
    done = home.pull(NOW + timedelta(days=1))
    assert sorted(home.rows("accounts"), key=str) == before
    assert not any(" was " in note for note in done.notes), done.notes
    assert [note for note in done.notes if BUSY in note] == [
        f"TikTok's account {BUSY} is left out: its time zone, '', is unknown."
    ]


@pytest.mark.parametrize(
    ("told", "shown", "zone", "open_"),
    [
        ("Etc/GMT+8", "America/Los_Angeles", "Etc/GMT+8", True),  # eight hours behind, all year
        ("Europe/Moscow", "Europe/Moscow", "Europe/Moscow", True),
        ("GMT+08:00", "Asia/Shanghai", "Asia/Shanghai", True),
        ("nowhere", "", "Etc/Unknown", False),
        ("../../etc/passwd", None, "Etc/Unknown", False),
    ],
)
def test_the_day_ends_where_timezone_says(
    ads: Ads, tiktok: TikTok, told: str, shown: str | None, zone: str, *, open_: bool
) -> None:
    ads.control("POST", "knobs", {"tiktok_info": {BUSY: {"timezone": told, "display_timezone": shown}}})
    found = of(tiktok)
    assert (found.timezone, found.open) == (zone, open_)
    assert bool(tiktok.notes) == (zone != told)


@pytest.mark.parametrize("how", ["number", "dash", "null", "absent"])
@pytest.mark.parametrize("metric", ["spend", "clicks", "complete_payment", "vta_complete_payment", "user_registration"])
def test_numbers_come_as_they_like_and_are_exact_or_missing_with_a_reason(
    ads: Ads, tiktok: TikTok, metric: str, how: str
) -> None:
    clean = pulled(tiktok, of(tiktok))
    ads.control("POST", "knobs", {"tiktok_metrics": {metric: how}, "numeric_ids": True})
    rows = pulled(tiktok, of(tiktok))
    if how == "number":
        assert rows == clean
        return
    names = {"complete_payment": "conversions", "vta_complete_payment": "view_through_conversions"}
    name = names.get(metric, metric)
    for row, whole in zip(rows, clean, strict=True):
        assert row.missing[name]
        assert getattr(row, name, None) is None
        others = {"spend", "impressions", "clicks", "conversion_value"} - {metric}
        assert all(getattr(row, other) == getattr(whole, other) for other in others)


def test_ids_beyond_any_double_are_exact(ads: Ads, tiktok: TikTok) -> None:
    ads.control("POST", "knobs", {"numeric_ids": True})
    check(ads, BUSY, pulled(tiktok, of(tiktok)))
    found = {one.id for page in tiktok.entities(of(tiktok)) for one in page if one.level == "ad"}
    assert found == {ad.id for ad in ads.book.ads(BUSY)}
    assert identity(Decimal("1.790000000000000003E18")) == "1790000000000000003"
    for wrong in (1.79e18, True, None, "", "a1", "1.5", Decimal("1.5"), -1, Decimal("NaN")):
        with pytest.raises(SourceError, match="as an id"):
            identity(wrong)


def test_a_metric_that_is_withdrawn_is_missing_with_a_reason_and_the_rest_goes_on(ads: Ads, tiktok: TikTok) -> None:
    who = of(tiktok)
    clean = pulled(tiktok, who)
    ads.control("POST", "knobs", {"tiktok_withdrawn": ["total_complete_payment_rate", "vta_complete_payment"]})
    rows = pulled(tiktok, who)
    for row, whole in zip(rows, clean, strict=True):
        assert (row.conversion_value, row.view_through_conversions) == (None, None)
        assert "refuses the metric total_complete_payment_rate" in row.missing["conversion_value"]
        assert row.conversions == whole.conversions
        assert replace(row, conversion_value=None, view_through_conversions=None, actions=(), missing={}) == replace(
            whole, conversion_value=None, view_through_conversions=None, actions=(), missing={}
        )
    assert len(tiktok.notes) == 2
    calls = tiktok.http.calls
    pulled(tiktok, who)
    assert tiktok.http.calls == calls + 1, "it is not asked for again"
    assert all(row.conversion_value is None for row in pulled(tiktok, who, level="campaign"))


def test_an_action_that_tiktok_does_not_know_is_missing_and_not_zero(opened: Opener[TikTok]) -> None:
    tiktok = opened(conversions=("complete_payments",))
    rows = pulled(tiktok, of(tiktok))
    assert {row.conversions for row in rows} == {None}
    assert "complete_payments" in rows[0].missing["conversions"]
    assert any("complete_payments" in note for note in tiktok.notes)


def test_without_the_ids_of_its_parents_an_ad_cannot_be_kept(ads: Ads, tiktok: TikTok) -> None:
    ads.control("POST", "knobs", {"tiktok_withdrawn": ["campaign_id"]})
    with pytest.raises(RefusedError, match="campaign_id"):
        pulled(tiktok, of(tiktok))


def test_pages_are_put_together(ads: Ads, tiktok: TikTok) -> None:
    who = of(tiktok)
    ads.control("POST", "knobs", {"page": 7})
    pages = list(tiktok.performance(who, FIRST, LAST, "ad"))
    assert {len(page) for page in pages[:-1]} == {7}
    assert len(pages) > 10
    check(ads, BUSY, [row for page in pages for row in page])
    ads.control("POST", "knobs", {"page": 5})
    levels = Counter(one.level for page in tiktok.entities(who) for one in page)
    assert levels == {"campaign": 3, "ad_group": 6, "ad": 12}


@pytest.mark.parametrize("fault", ["pages_shrink", "pages_grow", "row_lost"])
def test_pages_of_different_answers_are_not_put_together(ads: Ads, tiktok: TikTok, fault: str) -> None:
    who = of(tiktok)
    ads.control("POST", "knobs", {"page": 50})
    ads.fault(fault, PLATFORM, path=REPORT, skip=1)
    with pytest.raises(RestartError):
        pulled(tiktok, who)
    check(ads, BUSY, pulled(tiktok, who))


def test_a_row_that_comes_twice_is_one_row_too_many_for_the_run_to_see(ads: Ads, tiktok: TikTok) -> None:
    ads.fault("row_twice", PLATFORM, path=REPORT)
    rows = pulled(tiktok, of(tiktok))
    assert len(rows) == len(expected(ads, BUSY)) + 1
    assert rows[-1] == rows[-2]


def test_a_report_that_would_not_be_whole_is_read_in_parts(ads: Ads, tiktok: TikTok) -> None:
    who = of(tiktok)
    ads.control("POST", "limits", {PLATFORM: {"ads": 9}})  # 12 ads in three campaigns
    check(ads, BUSY, pulled(tiktok, who))
    ads.control("POST", "limits", {PLATFORM: {"ads": 4}})  # a campaign has four, and that is one too many
    with pytest.raises(RefusedError, match="more ads than a report holds"):
        pulled(tiktok, who)


def test_at_most_thirty_days_are_asked_for(ads: Ads, tiktok: TikTok) -> None:
    assert tiktok.longest == 30
    assert (LAST - FIRST).days + 1 == 30
    check(ads, BUSY, pulled(tiktok, of(tiktok)))
    with pytest.raises(RefusedError, match="30 days"):
        pulled(tiktok, of(tiktok), FIRST - timedelta(days=1))


def test_too_large_a_question_is_for_the_run_to_divide(ads: Ads, tiktok: TikTok) -> None:
    who = of(tiktok)
    ads.control("POST", "limits", {PLATFORM: {"cost": 2000}})
    with pytest.raises(TooLargeError):
        pulled(tiktok, who)
    first, last = FIRST, FIRST + timedelta(days=3)
    check(ads, BUSY, pulled(tiktok, who, first, last), first, last)
