"""Google Ads as it is read: over HTTP, from the demo's server, with all that goes wrong there."""

from __future__ import annotations

import logging
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from adserver import CREDENTIALS, DELETED, NOW, RENAMED, Ads
from sources.ads.pulling import Home, describe
from workspace.demo.ads.book import COUNTED, Facts
from workspace.demo.ads.faults import TRANSPORT
from workspace.errors import DeferredError, SourceError
from workspace.sources.ads import http as web
from workspace.sources.ads.answers import AccountRefusedError, RefusedError, RestartError, TooLargeError
from workspace.sources.ads.google import Google, open_google
from workspace.sources.ads.google_rows import policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from workspace.sources.ads.adapter import Account, Level, Performance

MANAGER, BERLIN, ANGELES, EMPTY, DISABLED = ("9990000001", *(f"410000000{number}" for number in range(1, 5)))
FIRST, LAST = date(2026, 10, 5), date(2026, 10, 27)
SEARCH, TOKEN = "googleAds:search", "^/token$"
SECRET = CREDENTIALS["google_ads"]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch, ads: Ads) -> list[float]:
    """Let the platform's time pass at once where the adapter waits, and a moment of our own: its port may be closed."""
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        ads.sim.now += timedelta(seconds=seconds)
        time.sleep(0.06)

    monkeypatch.setattr(web, "pause", pause)
    return waited


@pytest.fixture(autouse=True)
def _without_sitting_still(waits: list[float]) -> None:
    """Every test waits like that."""


@pytest.fixture
def opened(ads: Ads) -> Iterator[Callable[..., Google]]:
    """Open the adapter, with other credentials or settings where they are given."""
    made = []

    def make(settings: dict[str, Any] | None = None, **changed: str) -> Google:
        given = {name: value for name, value in (SECRET | changed).items() if value}
        made.append(open_google(describe("google_ads", ads.url, **(settings or {})), given))
        return made[-1]

    yield make
    for each in made:
        each.http.close()


@pytest.fixture
def google(opened: Callable[..., Google]) -> Google:
    return opened()


def account(google: Google, number: str = BERLIN) -> Account:
    return next(each for each in google.accounts() if each.id == number)


Pulled = dict[tuple[str, date], "Performance"]


def pulled(google: Google, whose: Account, first: date = FIRST, last: date = LAST, level: Level = "ad") -> Pulled:
    rows = [row for page in google.performance(whose, first, last, level) for row in page]
    found = {(row.entity_id, row.day): row for row in rows}
    assert len(found) == len(rows)
    return found


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def truth(ads: Ads, number: str, first: date = FIRST, last: date = LAST) -> dict[tuple[str, date], Facts]:
    """Give what the book says of ads, and of campaigns that hide theirs."""
    book, now = ads.sim.book, ads.sim.now
    told = {(ad.id, day): facts for day in days(first, last) for ad, facts in book.facts(number, day, now)}
    for day in days(first, last):
        hidden = [each for each in book.campaign_facts(number, day, now) if each[0].ads_hidden]
        told |= {(campaign.id, day): facts for campaign, facts in hidden}
    return told


def agrees(row: Performance, facts: Facts) -> None:
    """Check a row against the book, to the last digit."""
    assert (row.impressions, row.clicks, row.spend) == (facts.impressions, facts.clicks, facts.spend)
    assert (row.conversions, row.conversion_value) == facts.claimed("purchase", COUNTED["google_ads"])
    assert row.view_through_conversions == facts.view_through
    assert row.link_clicks is None
    assert row.missing.keys() == {"link_clicks"}
    assert row.attribution == "data_driven/30d_click"
    claimed = {action.name: (action.conversions, action.value, action.counted) for action in row.actions}
    told = {}
    for action, name in (("purchase", "Purchase"), ("add_to_cart", "Add to cart")):
        count, value = facts.claimed(action, COUNTED["google_ads"])
        if count or value:
            told[name] = (count, value, action == "purchase")
    assert claimed == told


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
    assert [call["path"] for call in ads.calls("google_ads")] == ["/token", f"/v26/customers/{MANAGER}/{SEARCH}"]


def test_accounts_below_all_that_the_user_was_let_into(opened: Callable[..., Google], ads: Ads) -> None:
    """Two managers share an account, one is below the other, and one account is the user's own."""
    tree = {MANAGER: [BERLIN, ANGELES], ANGELES: [EMPTY]}
    ads.control("POST", "knobs", {"google_tree": tree, "google_accessible": [ANGELES, MANAGER, BERLIN]})
    google = opened(login_customer_id="")
    found = google.accounts()
    assert sorted(each.id for each in found) == sorted([MANAGER, BERLIN, ANGELES, EMPTY])
    for each in found:  # each can be asked for by the way that it was found
        if each.open:
            assert list(google.entities(each)) or each.id == EMPTY
            assert google.lookback(each) == 30


def test_a_manager_may_be_named_with_dashes(opened: Callable[..., Google]) -> None:
    assert len(opened(login_customer_id="999-000-0001").accounts()) == 5


def test_a_closed_account_among_several_is_told_and_the_others_are_read(
    opened: Callable[..., Google], ads: Ads
) -> None:
    ads.control("POST", "knobs", {"google_tree": {"none": []}, "google_accessible": [DISABLED, BERLIN]})
    google = opened(login_customer_id="")
    found = {each.id: each for each in google.accounts()}
    assert (found[DISABLED].open, found[BERLIN].open) == (False, True)
    (note,) = google.notes
    assert note.startswith(f"Account {DISABLED} tells nothing of itself. Google Ads says CUSTOMER_NOT_ENABLED")


def test_no_account_at_all_is_a_refusal(opened: Callable[..., Google], ads: Ads) -> None:
    with pytest.raises(RefusedError, match="USER_PERMISSION_DENIED"):
        opened(login_customer_id=BERLIN).accounts()
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
    totals = pulled(google, whose, level="campaign")
    told = {
        (campaign.id, day): facts
        for day in days(FIRST, LAST)
        for campaign, facts in ads.book.campaign_facts(number, day, NOW)
    }
    assert totals.keys() == told.keys()
    for key, row in totals.items():
        agrees(row, told[key])
        assert (row.level, row.ad_id) == ("campaign", None)
    parts = pulled(google, whose).values()
    for (campaign, day), row in totals.items():
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
    opened: Callable[..., Google], ads: Ads, named: tuple[str, ...], counted: set[str]
) -> None:
    google = opened({"conversions": named})
    found, told = pulled(google, account(google)), truth(ads, BERLIN)
    keys = {"Purchase": "purchase", "Add to cart": "add_to_cart"}
    for key, row in found.items():
        assert {action.name for action in row.actions if action.counted} <= counted
        parts = [told[key].claimed(keys[name], COUNTED["google_ads"]) for name in counted]
        assert row.conversions == sum(part[0] for part in parts)
        assert row.conversion_value == sum(part[1] for part in parts)
    assert sum(row.conversions or 0 for row in found.values()) > 0
    assert google.notes == []


def test_an_action_that_no_account_has_is_told(opened: Callable[..., Google]) -> None:
    google = opened({"conversions": ("Purchases",)})
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


@pytest.mark.parametrize("skip", [0, 1, 3])
@pytest.mark.parametrize("kind", [kind for kind in TRANSPORT if kind != "slow"])
def test_what_goes_wrong_on_the_way_changes_nothing(google: Google, ads: Ads, kind: str, skip: int) -> None:
    whose = account(google)
    ads.control("POST", "knobs", {"page": 40})
    clean = pulled(google, whose)
    ads.fault(kind, "google_ads", path=SEARCH, skip=skip)
    try:
        found = pulled(google, whose)
    except RestartError:  # the answer was JSON, and no whole one: whoever asked asks again
        assert kind == "duplicate_key"
        found = pulled(google, whose)
    assert found == clean
    assert ads.control("GET", "faults") == []
    assert any(call["fault"] == kind for call in ads.calls("google_ads"))


@pytest.mark.parametrize("kind", [kind for kind in TRANSPORT if kind != "slow"])
def test_a_token_that_comes_broken_is_asked_for_again(google: Google, ads: Ads, kind: str) -> None:
    ads.fault(kind, "google_ads", path=TOKEN)
    assert len(google.accounts()) == 5
    assert ads.control("GET", "faults") == []


@pytest.mark.parametrize("skip", [0, 2, 5])
@pytest.mark.parametrize("kind", ["rate", "internal", "transient", "deadline", "token_expired"])
def test_what_passes_is_waited_for(google: Google, ads: Ads, waits: list[float], kind: str, skip: int) -> None:
    whose = account(google)
    ads.control("POST", "knobs", {"page": 40})
    clean = pulled(google, whose)
    ads.fault(kind, "google_ads", path=SEARCH, skip=skip, times=1 if kind == "token_expired" else 2)
    waits.clear()
    assert pulled(google, whose) == clean
    assert ads.control("GET", "faults") == []
    if kind == "rate":
        assert len(waits) == 2
        assert all(5 <= seconds <= 6 for seconds in waits)
    else:
        assert len(waits) == (0 if kind == "token_expired" else 2)


def test_a_token_is_refreshed_in_the_middle_of_pages(google: Google, ads: Ads) -> None:
    whose = account(google)
    clean = pulled(google, whose)
    ads.control("POST", "knobs", {"page": 30})
    found: Pulled = {}
    for number, page in enumerate(google.performance(whose, FIRST, LAST, "ad")):
        found |= {(row.entity_id, row.day): row for row in page}
        if number == 1:
            ads.control("POST", "tokens/expire", {"platform": "google_ads"})
    assert found == clean
    assert sum(call["path"] == "/token" for call in ads.calls("google_ads")) == 2


def test_a_token_that_never_works_is_an_error(google: Google, ads: Ads) -> None:
    whose = account(google)
    ads.fault("token_expired", "google_ads", path=SEARCH, times=9)
    with pytest.raises(SourceError, match="OAUTH_TOKEN_EXPIRED"):
        pulled(google, whose)


@pytest.mark.parametrize(("kind", "seconds"), [("quota", 40591), ("expensive_long", 7200)])
def test_a_used_up_budget_puts_the_source_off(
    google: Google, ads: Ads, waits: list[float], kind: str, seconds: int
) -> None:
    whose = account(google)
    ads.fault(kind, "google_ads", path=SEARCH, times=9)
    begun = datetime.now(UTC)
    with pytest.raises(DeferredError, match=r"EXHAUSTED|LONG_TERM") as refused:
        pulled(google, whose)
    assert timedelta(0) <= refused.value.until - begun - timedelta(seconds=seconds) < timedelta(minutes=5)
    assert waits == []
    assert len(ads.control("GET", "faults")) == 1  # and was asked once
    assert ads.control("GET", "faults")[0]["times"] == 8


def test_the_daily_quota_of_the_demo_puts_the_source_off(google: Google, ads: Ads) -> None:
    whose = account(google)
    ads.control("POST", "limits", {"google_ads": {"daily_operations": 3}})
    with pytest.raises(DeferredError, match="Retry in 43200 seconds"):
        pulled(google, whose)


@pytest.mark.parametrize("kind", ["expensive", "deadline"])
def test_what_is_too_much_at_once_is_to_be_split(google: Google, ads: Ads, kind: str) -> None:
    whose = account(google)
    ads.fault(kind, "google_ads", path=SEARCH, times=3 if kind == "deadline" else 1)
    with pytest.raises(TooLargeError):
        pulled(google, whose)


@pytest.mark.parametrize("kind", ["page_expired", "page_invalid", "page_again", "page_lost"])
def test_pages_of_no_whole_answer_restart_the_window(google: Google, ads: Ads, kind: str) -> None:
    whose = account(google)
    clean = pulled(google, whose)
    ads.control("POST", "knobs", {"page": 20})
    for skip in (4, 5):
        ads.fault(kind, "google_ads", path=SEARCH, skip=skip)
        with pytest.raises(RestartError):
            pulled(google, whose)
    assert pulled(google, whose) == clean


@pytest.mark.parametrize("kind", ["page_expired", "page_lost", "duplicate_key"])
def test_entities_clicks_and_totals_begin_again_by_themselves(google: Google, ads: Ads, kind: str) -> None:
    whose, day = account(google), date(2026, 10, 20)

    def read() -> tuple[Any, ...]:
        entities = {(each.level, each.id): each for page in google.entities(whose) for each in page}
        clicks = {each.click_id: each for page in google.clicks(whose, day) or () for each in page}
        totals = [row for page in google.performance(whose, FIRST, LAST, "campaign") for row in page]
        return entities, clicks, {(row.entity_id, row.day): row for row in totals}

    ads.control("POST", "knobs", {"page": 4})
    clean = read()
    for skip in (2, 9, 15):
        ads.fault(kind, "google_ads", path=SEARCH, skip=skip)
    assert read() == clean
    assert ads.control("GET", "faults") == []


@pytest.mark.parametrize(
    ("kind", "error", "said"),
    [
        ("not_enabled", AccountRefusedError, "CUSTOMER_NOT_ENABLED"),
        ("permission", AccountRefusedError, "USER_PERMISSION_DENIED"),
        ("token_revoked", RefusedError, "OAUTH_TOKEN_REVOKED"),
        ("retired", RefusedError, "does not speak version v26 of its API any more"),
    ],
)
def test_what_a_human_must_mend(google: Google, ads: Ads, kind: str, error: type[SourceError], said: str) -> None:
    whose, calls = account(google), google.http.calls
    ads.fault(kind, "google_ads", path=SEARCH)
    with pytest.raises(error, match=said) as refused:
        pulled(google, whose)
    assert refused.value.cure
    assert google.http.calls == calls + 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"refresh_token": "1//revoked"}, "invalid_grant: Token has been expired or revoked"),
        ({"client_secret": "GOCSPX-wrong"}, "invalid_client"),
        ({"developer_token": "test"}, "DEVELOPER_TOKEN_NOT_APPROVED"),
        ({"developer_token": "unknown"}, "DEVELOPER_TOKEN_INVALID"),
        ({"login_customer_id": "manager"}, "INVALID_LOGIN_CUSTOMER_ID|INVALID_CUSTOMER_ID"),
    ],
)
def test_credentials_that_are_wrong(opened: Callable[..., Google], changed: dict[str, str], said: str) -> None:
    with pytest.raises(RefusedError, match=said) as refused:
        opened(**changed).accounts()
    assert refused.value.cure


def test_a_refresh_token_that_is_revoked_in_the_middle(google: Google, ads: Ads) -> None:
    whose = account(google)
    ads.control("POST", "tokens/expire", {"platform": "google_ads"})
    ads.fault("invalid_grant", "google_ads", path=TOKEN)
    with pytest.raises(RefusedError, match="invalid_grant"):
        pulled(google, whose)


@pytest.mark.parametrize(
    ("gone", "emptied"),
    [
        ("metrics.view_through_conversions", {"view_through_conversions"}),
        ("metrics.cost_micros", {"spend"}),
        ("metrics.conversions", {"conversions"}),
        ("metrics.conversions_value", {"conversion_value"}),
    ],
)
def test_a_metric_that_google_has_removed_is_empty_with_a_reason(
    google: Google, ads: Ads, gone: str, emptied: set[str]
) -> None:
    whose = account(google)
    clean = pulled(google, whose)
    ads.control("POST", "knobs", {"google_removed_fields": [gone]})
    found = pulled(google, whose)
    assert found.keys() == clean.keys()
    numbers = {"spend", "impressions", "clicks", "conversions", "conversion_value", "view_through_conversions"}
    for key, row in found.items():
        assert {name for name in numbers if getattr(row, name) is None} == emptied
        assert row.missing.keys() == emptied | {"link_clicks"}
        assert all(f"'{gone}'" in row.missing[name] for name in emptied)
        for name in numbers - emptied:
            assert getattr(row, name) == getattr(clean[key], name)
    (note,) = google.notes
    assert note.startswith(f"{gone} cannot be had any more")


def test_a_field_that_cannot_be_done_without_is_refused(google: Google, ads: Ads) -> None:
    whose = account(google)
    ads.control("POST", "knobs", {"google_removed_fields": ["campaign.name"]})
    with pytest.raises(RefusedError, match=r"Unrecognized field in the query: 'campaign\.name'") as refused:
        list(google.entities(whose))
    assert "Update the workspace" in refused.value.cure


def test_an_empty_account_is_empty(google: Google) -> None:
    whose = account(google, EMPTY)
    assert pulled(google, whose) == {}
    assert pulled(google, whose, level="campaign") == {}
    assert [page for page in google.entities(whose) if page] == []
    assert [page for page in google.clicks(whose, LAST) or () if page] == []


def test_days_to_come_are_empty(google: Google) -> None:
    assert pulled(google, account(google), date(2026, 11, 20), date(2026, 11, 25)) == {}
    assert google.touched(account(google), NOW, NOW) is None


def test_no_secret_is_ever_told(opened: Callable[..., Google], ads: Ads, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    google = opened()
    whose = account(google)
    told.append(google.http.headers["Authorization"].removeprefix("Bearer "))
    google.lookback(whose)
    for kind in ("token_revoked", "retired", "not_enabled", "page_invalid", "expensive", "quota"):
        ads.fault(kind, "google_ads", path=SEARCH)
        with pytest.raises(SourceError) as refused:
            pulled(google, whose)
        logging.getLogger("test").info("%s %r", refused.value, refused.value)
    logging.getLogger("test").info("%r %r %s", google, google.http, google.notes)
    secrets = [*told, *(value for name, value in SECRET.items() if name not in ("client_id", "login_customer_id"))]
    assert "CUSTOMER_NOT_ENABLED" in caplog.text
    assert [secret for secret in secrets if secret in caplog.text] == []


def test_a_run_over_a_platform_in_trouble_holds_what_the_book_says(tmp_path: Path, ads: Ads) -> None:
    """All at once: small pages, short windows, tokens that expire, rates, resets, and a place that is lost."""
    home = Home(tmp_path / "lake", ads, "google_ads", since=date(2026, 10, 28))
    ads.control("POST", "knobs", {"page": 9, "google_longest": 4})
    for skip, kind in ((5, "token_expired"), (8, "rate"), (11, "reset_mid"), (14, "page_expired"), (17, "truncate")):
        ads.fault(kind, "google_ads", path=SEARCH, skip=skip)
    home.pull()
    assert ads.control("GET", "faults") == []
    assert home.held() == home.told()
    assert len(home.told()) > 30


def test_an_account_that_is_closed_in_the_middle_of_a_run(tmp_path: Path, ads: Ads) -> None:
    home = Home(tmp_path / "lake", ads, "google_ads", since=date(2026, 11, 2))
    ads.fault("not_enabled", "google_ads", path=f"{BERLIN}/{SEARCH}", skip=3, times=99)
    taken = home.pull()
    assert {key[0] for key in home.held()} == {ANGELES}
    assert any(BERLIN in note and "CUSTOMER_NOT_ENABLED" in note for note in taken.notes)
    ads.control("DELETE", "faults")
    home.pull()
    assert home.held() == home.told()
