"""Google Ads as it is read: over HTTP, from the demo's server."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from adserver import DELETED, NOW, RENAMED, Ads
from sources.ads.adapters import Opener, totals
from sources.ads.google.pulls import (
    ANGELES,
    BERLIN,
    DISABLED,
    EMPTY,
    FIRST,
    LAST,
    MANAGER,
    account,
    agrees,
    pulled,
    truth,
)
from workspace.demo.ads.book import COUNTED
from workspace.sources.ads.answers import RefusedError
from workspace.sources.ads.google.rows import policy

if TYPE_CHECKING:
    from workspace.sources.ads.google import Google


def test_accounts_below_the_manager_that_the_settings_name(google: Google, ads: Ads) -> None:
    found = {each.id: each for each in google.accounts()}
    assert list(found) == [MANAGER, BERLIN, ANGELES, EMPTY, DISABLED]
    assert (found[ANGELES].name, found[ANGELES].currency) == ("BookMyEvent US", "USD")
    assert found[ANGELES].timezone == "America/Los_Angeles"
    assert {number: (each.status, each.open) for number, each in found.items()} == {
        MANAGER: ("manager", False),
        BERLIN: ("enabled", True),
        ANGELES: ("enabled", True),
        EMPTY: ("enabled", True),
        DISABLED: ("suspended", False),
    }
    assert google.notes == []
    assert [call["path"] for call in ads.calls("google_ads")] == [
        "/token",
        f"/v26/customers/{MANAGER}/googleAds:search",
    ]


def test_accounts_below_all_that_the_user_was_let_into(opened: Opener[Google], ads: Ads) -> None:
    """Two managers share an account, one is below the other, and one account is the user's own."""
    tree = {MANAGER: [BERLIN, ANGELES], ANGELES: [EMPTY]}
    ads.control("POST", "knobs", {"google_tree": tree, "google_accessible": [ANGELES, MANAGER, BERLIN]})
    google = opened({"login_customer_id": ""})
    found = google.accounts()
    assert sorted(each.id for each in found) == sorted([MANAGER, BERLIN, ANGELES, EMPTY])
    for each in found:  # each can be asked for by the way that it was found
        if each.open:
            assert list(google.entities(each)) or each.id == EMPTY
            assert google.lookback(each) == 30


def test_a_manager_may_be_named_with_dashes(opened: Opener[Google]) -> None:
    assert len(opened({"login_customer_id": "999-000-0001"}).accounts()) == 5


def test_a_closed_account_among_several_is_told_and_the_others_are_read(opened: Opener[Google], ads: Ads) -> None:
    ads.control("POST", "knobs", {"google_tree": {"none": []}, "google_accessible": [DISABLED, BERLIN]})
    google = opened({"login_customer_id": ""})
    found = {each.id: each for each in google.accounts()}
    assert (found[DISABLED].open, found[BERLIN].open) == (False, True)
    (note,) = google.notes
    assert note.startswith(f"Account {DISABLED} tells nothing of itself. Google Ads says CUSTOMER_NOT_ENABLED")


@pytest.mark.parametrize(("untold", "held"), [("currency", "XXX"), ("timezone", "Etc/Unknown")])
def test_an_account_whose_sign_up_nobody_finished_is_told_and_the_others_are_read(
    google: Google, ads: Ads, untold: str, held: str
) -> None:
    ads.control("POST", "account", {"id": EMPTY, untold: None})
    found = {each.id: each for each in google.accounts()}
    assert (getattr(found[EMPTY], untold), found[EMPTY].open) == (held, False)
    assert [each.id for each in found.values() if each.open] == [BERLIN, ANGELES]
    assert google.notes == [f"Account {EMPTY} is left out: it has no currency or no time zone."]


def test_no_account_at_all_is_a_refusal(opened: Opener[Google], ads: Ads) -> None:
    with pytest.raises(RefusedError, match="USER_PERMISSION_DENIED"):
        opened({"login_customer_id": BERLIN}).accounts()
    ads.control("POST", "account", {"id": MANAGER, "status": "disabled"})
    with pytest.raises(RefusedError, match="CUSTOMER_NOT_ENABLED"):
        opened().accounts()


@pytest.mark.parametrize("page", [None, 7])
def test_a_clean_pull_is_the_book(google: Google, ads: Ads, page: int | None) -> None:
    ads.control("POST", "knobs", {"page": page})
    for number in (BERLIN, ANGELES):
        found, told = pulled(google, account(google, number)), truth(ads, number)
        assert found.keys() == told.keys()
        assert len(found) > 150
        for key, row in found.items():
            agrees(row, told[key])
        hidden = {each.id for each in ads.book.campaigns(number) if each.ads_hidden}
        assert {row.campaign_id for row in found.values() if row.level == "campaign"} == hidden
        gone = {each.id for each in ads.book.campaigns(number) if each.status(NOW) == "deleted"}
        assert any(row.campaign_id in gone for row in found.values())  # what is deleted still has its past
    assert google.notes == []
    assert google.http.calls == len(ads.calls("google_ads"))


def test_rows_say_what_they_belong_to(google: Google, ads: Ads) -> None:
    ads_of = {ad.id: ad for ad in ads.book.ads(BERLIN)}
    for row in pulled(google, account(google)).values():
        if row.ad_id is None:
            assert (row.level, row.ad_group_id) == ("campaign", None)
        else:
            ad = ads_of[row.ad_id]
            assert (row.level, row.ad_group_id, row.campaign_id) == ("ad", ad.group_id, ad.campaign_id)


def test_ids_beyond_what_a_double_holds_stay_whole(google: Google, ads: Ads) -> None:
    ids = {row.ad_id for row in pulled(google, account(google)).values() if row.ad_id}
    assert ids <= {ad.id for ad in ads.book.ads(BERLIN)}
    assert any(str(int(float(number))) != number for number in ids)


@pytest.mark.parametrize("number", [BERLIN, ANGELES])
def test_totals_of_campaigns_are_the_book_and_the_sums_of_rows(google: Google, ads: Ads, number: str) -> None:
    whose = account(google, number)
    found = pulled(google, whose, level="campaign")
    told = totals(ads, number, FIRST, LAST)
    assert found.keys() == told.keys()
    for key, row in found.items():
        agrees(row, told[key])
        assert (row.level, row.ad_id) == ("campaign", None)
    parts = pulled(google, whose).values()
    for (campaign, day), row in found.items():
        mine = [each for each in parts if (each.campaign_id, each.day) == (campaign, day)]
        assert sum(each.spend or 0 for each in mine) == row.spend
        assert sum(each.conversions or 0 for each in mine) == row.conversions


@pytest.mark.parametrize(
    ("number", "day"),
    [(BERLIN, date(2026, 10, 25)), (ANGELES, date(2026, 11, 1)), (BERLIN, date(2027, 3, 28))],
)
def test_days_of_23_and_25_hours(google: Google, ads: Ads, number: str, day: date) -> None:
    ads.clock(datetime(2027, 4, 20, tzinfo=UTC) if day.year == 2027 else NOW)
    whose = account(google, number)
    near = [day - timedelta(days=1), day, day + timedelta(days=1)]
    found = pulled(google, whose, near[0], near[2])
    assert {row.day for row in found.values()} == set(near)
    for key, facts in truth(ads, number, near[0], near[2]).items():
        agrees(found[key], facts)


def test_a_day_is_restated_up_and_down_and_vanishes(google: Google, ads: Ads) -> None:
    whose, day = account(google), date(2026, 10, 20)
    before = pulled(google, whose, day, day)
    up, down, gone = [row.ad_id for row in before.values() if row.ad_id][:3]
    ads.control("POST", "restate", {"ad": up, "date": str(day), "delta": {"conversions": "0.37", "value": "12.5"}})
    ads.control("POST", "restate", {"ad": down, "date": str(day), "delta": {"clicks": -1, "spend": "-0.000001"}})
    ads.control("POST", "restate", {"ad": gone, "date": str(day), "delta": {"vanish": True}})
    after = pulled(google, whose, day, day)
    assert before.keys() - after.keys() == {(gone, day)}
    for key, facts in truth(ads, BERLIN, day, day).items():
        agrees(after[key], facts)
    assert up is not None
    assert down is not None
    old, new = before[up, day], after[up, day]
    assert (new.conversions or 0) - (old.conversions or 0) == Decimal("0.37")
    assert (before[down, day].spend or 0) - (after[down, day].spend or 0) == Decimal("0.000001")


def test_claims_without_anything_else_make_a_row_of_zeros(google: Google, ads: Ads) -> None:
    """Somebody buys after a click that was found invalid: nothing but a claim is left, in two opposite parts."""
    whose, day = account(google), date(2026, 10, 20)
    before = pulled(google, whose, day, day)
    row = next(row for row in before.values() if row.ad_id and row.conversions)
    facts = truth(ads, BERLIN, day, day)[row.entity_id, day]
    undone = {name: -getattr(facts, name) for name in ("impressions", "clicks", "view_through")}
    delta = undone | {"spend": str(-facts.spend), "link_clicks": -facts.link_clicks}
    ads.control("POST", "restate", {"ad": row.ad_id, "date": str(day), "delta": delta})
    left = pulled(google, whose, day, day)[row.entity_id, day]
    zeros = [left.impressions, left.clicks, left.spend, left.view_through_conversions]
    assert zeros == [0, 0, 0, 0]
    assert (left.conversions, left.actions) == (row.conversions, row.actions)


def test_entities_removed_ones_too(google: Google, ads: Ads) -> None:
    ads.control("POST", "knobs", {"page": 3})
    found = {(each.level, each.id): each for page in google.entities(account(google)) for each in page}
    assert len(found) == 4 + 6 + 12
    states = {"enabled": "enabled", "paused": "paused", "deleted": "deleted"}
    for campaign in ads.book.campaigns(BERLIN):
        each = found["campaign", campaign.id]
        assert (each.name, each.status) == (campaign.name(NOW), states[campaign.status(NOW)])
        assert (each.campaign_id, each.ad_group_id) == (campaign.id, None)
        assert each.objective == ("PERFORMANCE_MAX" if campaign.ads_hidden else "DEMAND_GEN")
    for group in ads.book.groups(BERLIN):
        each = found["ad_group", group.id]
        assert (each.name, each.campaign_id, each.ad_group_id) == (group.name(NOW), group.campaign_id, group.id)
    for ad in ads.book.ads(BERLIN):
        each = found["ad", ad.id]
        assert (each.name, each.url) == (ad.name(NOW), ad.url)
        assert (each.campaign_id, each.ad_group_id) == (ad.campaign_id, ad.group_id)
    assert {each.status for each in found.values()} == {"enabled", "paused", "deleted"}


def test_a_renamed_and_a_deleted_campaign_as_they_are_at_the_time(google: Google, ads: Ads) -> None:
    def told(at: datetime) -> list[tuple[str | None, str]]:
        ads.clock(at)
        found = [each for page in google.entities(account(google)) for each in page if each.level == "campaign"]
        return [(each.name, each.status) for each in found]

    hour = timedelta(hours=1)
    assert told(RENAMED - hour)[0] == ("Herbst 🍂 · „Feiern“, 20 %", "enabled")
    assert told(RENAMED + hour)[0] == ("Winter ❄️ · „Feiern“, 20 %", "enabled")
    assert told(DELETED - hour)[2][1] == "enabled"
    assert told(DELETED + hour)[2][1] == "deleted"


@pytest.mark.parametrize(
    ("windows", "lookback"), [(None, 30), ({"click": 90, "view": 1}, 90), ({"click": 7, "view": 14}, 14)]
)
def test_the_lookback_is_the_longest_window_of_the_accounts_actions(
    google: Google, ads: Ads, windows: dict[str, int] | None, lookback: int
) -> None:
    if windows:
        ads.control("POST", "knobs", {"google_lookback": {BERLIN: windows}})
    assert google.lookback(account(google)) == lookback
    assert google.lookback(account(google, EMPTY)) == 30
    row = next(iter(pulled(google, account(google)).values()))
    assert row.attribution == f"data_driven/{(windows or {'click': 30})['click']}d_click"


def test_an_account_without_actions_has_the_usual_window() -> None:
    assert policy([], ("PURCHASE",), default=30).days == 30
    assert policy([], ("PURCHASE",), default=30).attribution == "none"


@pytest.mark.parametrize(
    ("named", "counted"),
    [
        (("Purchase",), {"Purchase"}),
        (("Add to cart",), {"Add to cart"}),
        (("PURCHASE", "ADD_TO_CART"), {"Purchase", "Add to cart"}),
    ],
)
def test_which_actions_count_is_the_settings_choice(
    opened: Opener[Google], ads: Ads, named: tuple[str, ...], counted: set[str]
) -> None:
    google = opened(conversions=named)
    found, told = pulled(google, account(google)), truth(ads, BERLIN)
    keys = {"Purchase": "purchase", "Add to cart": "add_to_cart"}
    for key, row in found.items():
        assert {action.name for action in row.actions if action.counted} <= counted
        parts = [told[key].claimed(keys[name], COUNTED["google_ads"]) for name in counted]
        assert row.conversions == sum(part[0] for part in parts)
        assert row.conversion_value == sum(part[1] for part in parts)
    assert sum(row.conversions or 0 for row in found.values()) > 0
    assert google.notes == []


def test_an_action_that_no_account_has_is_told(opened: Opener[Google]) -> None:
    google = opened(conversions=("Purchases",))
    found = pulled(google, account(google))
    assert {row.conversions for row in found.values()} == {Decimal()}
    (note,) = google.notes
    assert "called Purchases" in note


@pytest.mark.parametrize("day", [date(2026, 10, 20), date(2026, 10, 25), date(2026, 8, 7)])
def test_clicks_of_a_day(google: Google, ads: Ads, day: date) -> None:
    ads.control("POST", "knobs", {"page": 5})
    found = [each for page in google.clicks(account(google), day) or () for each in page]
    told = {number: ad for number, ad, _ in ads.book.click_views(BERLIN, day, NOW)}
    assert [each.click_id for each in found] == list(told)
    for each in found:
        ad = told[each.click_id]
        assert (each.ad_id, each.ad_group_id, each.campaign_id) == (ad.id, ad.group_id, ad.campaign_id)
        assert each.day == day
    assert google.notes == []


def test_clicks_that_are_kept_no_more(google: Google) -> None:
    assert [*(google.clicks(account(google), date(2026, 8, 6)) or ())] == []
    (note,) = google.notes
    assert "keeps the clicks of 2026-08-06 no more" in note
