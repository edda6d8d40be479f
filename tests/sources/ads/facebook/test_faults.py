"""What goes wrong at Facebook: it is got over, or said, and never makes another result."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sources.ads.adapters import Opener, truth
from sources.ads.facebook.pulls import EU, FIRST, JAPAN, LAST, SECRET, account, pulled
from workspace.errors import DeferredError, SourceError
from workspace.sources.ads.answers import (
    AccountDeferredError,
    AccountRefusedError,
    RefusedError,
    RestartError,
    TooLargeError,
    Wait,
    whole,
)
from workspace.sources.ads.facebook.answers import Usage, judge
from workspace.sources.ads.http import Answer

if TYPE_CHECKING:
    from adserver import Ads
    from workspace.sources.ads.adapter import Entity
    from workspace.sources.ads.facebook import Facebook


# What goes wrong and is got over by itself: the result is that of a clean pull.
PASSING: list[dict[str, Any]] = [
    *({"kind": kind} for kind in ("reset_before", "reset_mid", "short", "truncate", "empty", "bom", "charset")),
    *({"kind": kind} for kind in ("gzip_corrupt", "duplicate_key", "refuse")),
    *({"kind": "html", "status": status} for status in (500, 502, 503, 504, 404)),
    *({"kind": "rate_limit", "code": code, "times": 2} for code in (4, 17, 32, 341, 613, 80000, 80004, 80014)),
    {"kind": "rate_limit", "code": 80000, "minutes": 3},
    {"kind": "transient", "code": 1},
    {"kind": "transient", "code": 2, "times": 3},
    {"kind": "transient", "subcode": 99},
    {"kind": "usage", "percent": 97, "minutes": 2},
]

PLACES = ("/act_\\d+/insights", "/\\d+$", "/\\d+/insights")  # a job is begun, looked at, read


@pytest.mark.parametrize("place", range(len(PASSING)), ids=lambda place: "-".join(map(str, PASSING[place].values())))
def test_what_passes_changes_nothing(facebook: Facebook, ads: Ads, place: int) -> None:
    fault, where = PASSING[place], PLACES[place % len(PLACES)]
    whose = account(facebook)
    wanted = pulled(facebook, whose, FIRST, FIRST + timedelta(days=2))
    ads.control("POST", "knobs", {"page": 10})
    ads.fault(platform="facebook_ads", path=where, **fault)
    assert pulled(facebook, whose, FIRST, FIRST + timedelta(days=2)) == wanted
    assert ads.control("GET", "faults") == []  # it did happen


def test_a_budget_that_is_nearly_used_up_is_spared(facebook: Facebook, ads: Ads, waits: list[float]) -> None:
    whose = account(facebook)
    ads.fault("usage", "facebook_ads", path="act_", percent=94, minutes=0)
    pulled(facebook, whose, FIRST, FIRST)
    swift = sum(waits)
    ads.fault("usage", "facebook_ads", path="act_", percent=95, minutes=0)
    begun = sum(waits)
    pulled(facebook, whose, FIRST, FIRST)
    assert sum(waits) - begun > swift + 50


def test_a_budget_that_is_used_up_for_long_puts_the_source_off(facebook: Facebook, ads: Ads) -> None:
    whose = account(facebook)
    ads.fault("rate_limit", "facebook_ads", path="act_", code=80000, minutes=19)
    with pytest.raises(DeferredError, match="80000") as raised:
        pulled(facebook, whose)
    assert timedelta(minutes=18) < raised.value.until - datetime.now(UTC) < timedelta(minutes=20)
    ads.fault("usage", "facebook_ads", path="act_", percent=99, minutes=30)
    with pytest.raises(DeferredError):
        pulled(facebook, whose)


def test_an_account_rests_alone(waits: list[float]) -> None:
    budgets = Usage()
    case = {"type": "ads_insights", "call_count": 96, "total_cputime": 1, "estimated_time_to_regain_access": 30}
    budgets.before("/v26.0/act_1/insights")
    budgets.after(Answer(200, {"x-business-use-case-usage": json.dumps({"1": [case]})}, {}, b""))
    for url in ("/v26.0/act_2/insights", "/v26.0/123456", "/v26.0/123456/insights"):  # the other one's, and its job's
        budgets.before(url)
    assert waits == []
    with pytest.raises(AccountDeferredError, match="account's rate"):
        budgets.before("/v26.0/act_1/ads")

    budgets.after(Answer(200, {"x-app-usage": json.dumps({"call_count": 97})}, {}, b""))
    budgets.before("/v26.0/act_2/ads")
    assert sum(waits) > 50, "the app's budget rests all"


@pytest.mark.parametrize(
    ("code", "subcode", "is_account"),
    [
        (4, 1504022, False),
        (17, 0, False),
        (17, 2446079, True),
        (613, 1487742, True),
        (80000, 0, True),
        (80014, 0, True),
    ],
)
def test_whose_budget_is_used_up_is_told_by_the_code(code: int, subcode: int, is_account: bool) -> None:
    verdict = judge({"code": code, "error_subcode": subcode, "message": "too many calls"})
    assert isinstance(verdict, Wait)
    assert verdict.account is is_account


def test_an_hourly_budget_lasts_and_comes_back(facebook: Facebook, ads: Ads) -> None:
    whose = account(facebook)
    ads.control("POST", "limits", {"facebook_ads": {"ads_insights": 4}})
    wanted = truth(ads, EU, FIRST, FIRST)
    assert pulled(facebook, whose, FIRST, FIRST).keys() == wanted.keys()
    with pytest.raises(DeferredError):
        pulled(facebook, whose, FIRST, FIRST)
    ads.sim.now += timedelta(hours=1)
    ads.control("POST", "limits", {"facebook_ads": {"ads_insights": 400}})
    facebook.http._pace._free = 0.0
    assert pulled(facebook, whose, FIRST, FIRST).keys() == wanted.keys()


@pytest.mark.parametrize(
    ("kind", "error", "cure"),
    [
        ("token_expired", RefusedError, "access token"),
        ("token_invalid", RefusedError, "access token"),
        ("wrong_proof", RefusedError, "app_secret"),
        ("version_retired", RefusedError, "update the workspace"),
        ("too_old", RefusedError, "since"),
        ("permission", AccountRefusedError, "ads_read"),
        ("unknown_object", AccountRefusedError, "ads_read"),
        ("too_many_rows", TooLargeError, "fewer days"),
        ("reduce_data", TooLargeError, "fewer days"),
    ],
)
def test_what_does_not_pass_is_said(
    facebook: Facebook, ads: Ads, kind: str, error: type[SourceError], cure: str
) -> None:
    whose = account(facebook)
    before = facebook.http.calls
    ads.fault(kind, "facebook_ads", path="act_\\d+/insights")
    with pytest.raises(error) as raised:
        pulled(facebook, whose)
    assert cure in raised.value.cure
    assert facebook.http.calls == before + 1
    assert pulled(facebook, whose)


@pytest.mark.parametrize("kind", ["job_failed", "job_skipped", "job_not_starting", "job_stuck"])
def test_a_job_that_does_not_end_well_is_split(facebook: Facebook, ads: Ads, waits: list[float], kind: str) -> None:
    whose = account(facebook)
    ads.fault(kind, "facebook_ads", path="act_\\d+/insights")
    begun = sum(waits)
    with pytest.raises(TooLargeError):
        pulled(facebook, whose)
    waited = sum(waits) - begun
    longest = {"job_not_starting": 300, "job_stuck": 1800}.get(kind, 0)
    assert longest <= waited <= longest + 31


@pytest.mark.parametrize("kind", ["job_failed", "job_skipped", "job_stuck"])
def test_a_day_that_cannot_be_split_is_tried_again(facebook: Facebook, ads: Ads, kind: str) -> None:
    whose = account(facebook)
    ads.fault(kind, "facebook_ads", path="act_\\d+/insights")
    assert pulled(facebook, whose, FIRST, FIRST).keys() == truth(ads, EU, FIRST, FIRST).keys()
    ads.fault(kind, "facebook_ads", path="act_\\d+/insights", times=2)
    with pytest.raises(TooLargeError):
        pulled(facebook, whose, FIRST, FIRST)


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ({"error_code": 2, "error_message": "Please retry"}, TooLargeError),
        ({"error_code": 100, "error_subcode": 1487534, "error_message": "Too many rows"}, TooLargeError),
        ({"error_code": 80000, "error_message": "too many calls"}, DeferredError),
        ({"error_code": 190, "error_message": "expired"}, RefusedError),
        ({"error_code": 200, "error_message": "no right"}, AccountRefusedError),
    ],
)
def test_a_job_that_says_why_it_failed_is_believed(
    facebook: Facebook, ads: Ads, told: dict[str, Any], error: type[SourceError]
) -> None:
    whose = account(facebook)
    ads.fault("job_failed", "facebook_ads", path="act_\\d+/insights", error=told)
    with pytest.raises(error, match=told["error_message"]):
        pulled(facebook, whose)


@pytest.mark.parametrize("polls", [1, 2, 3, 4, 5])
def test_all_the_states_of_a_job_are_waited_for(facebook: Facebook, ads: Ads, polls: int) -> None:
    ads.control("POST", "knobs", {"facebook_polls": polls})
    assert pulled(facebook, account(facebook), FIRST, FIRST).keys() == truth(ads, EU, FIRST, FIRST).keys()
    looks = [call for call in ads.calls("facebook_ads") if "async_status" in call["query"].get("fields", "")]
    assert len(looks) == polls


def test_a_slow_job_is_waited_for_and_seldom_asked(facebook: Facebook, ads: Ads) -> None:
    ads.control("POST", "knobs", {"facebook_polls": 4, "facebook_job_seconds": 800})
    assert pulled(facebook, account(facebook), FIRST, FIRST)
    looks = [call for call in ads.calls("facebook_ads") if "async_status" in call["query"].get("fields", "")]
    assert 10 < len(looks) < 60


def test_the_result_is_that_of_one_moment_though_the_figures_change_meanwhile(facebook: Facebook, ads: Ads) -> None:
    ads.control("POST", "knobs", {"page": 5})
    whose, wanted = account(facebook), truth(ads, EU, FIRST, LAST)
    pages = facebook.performance(whose, FIRST, LAST, "ad")
    rows = list(next(pages))
    for ad, day in wanted:
        ads.control("POST", "restate", {"ad": ad, "date": day.isoformat(), "delta": {"clicks": 1}})
    rows += [row for page in pages for row in page]
    assert {(row.entity_id, row.day): row.clicks for row in rows} == {key: each.clicks for key, each in wanted.items()}


def test_a_result_that_is_forgotten_or_a_cursor_that_is_none_begins_anew(facebook: Facebook, ads: Ads) -> None:
    ads.control("POST", "knobs", {"page": 5})
    whose = account(facebook)
    pages = facebook.performance(whose, FIRST, LAST, "ad")
    next(pages)
    ads.sim.now += timedelta(days=31)
    with pytest.raises(RestartError):
        next(pages)
    for kind, where in (("cursor_invalid", "/\\d+/insights"), ("unknown_object", "/\\d+$")):
        ads.fault(kind, "facebook_ads", path=where)
        with pytest.raises(RestartError):
            pulled(facebook, whose)


def test_a_list_whose_cursor_is_lost_is_begun_again(facebook: Facebook, ads: Ads) -> None:
    ads.control("POST", "knobs", {"page": 4})
    whose = account(facebook)
    wanted = {entity.id: entity for page in facebook.entities(whose) for entity in page}

    def read() -> dict[str, Entity]:
        return {entity.id: entity for page in facebook.entities(whose) for entity in page}

    ads.fault("cursor_invalid", "facebook_ads", path="/ads$", skip=1, times=2)
    assert whole(read, "the ads") == wanted
    ads.fault("cursor_invalid", "facebook_ads", path="/ads$", times=3)
    with pytest.raises(SourceError, match="3 attempts gave no whole answer"):
        whole(read, "the ads")


def test_a_result_that_is_not_there_yet_is_waited_for(facebook: Facebook, ads: Ads) -> None:
    ads.fault("job_unfinished", "facebook_ads", path="/\\d+/insights", times=2)
    assert pulled(facebook, account(facebook), FIRST, FIRST)


def test_a_page_that_is_too_large_becomes_smaller(facebook: Facebook, ads: Ads) -> None:
    whose, wanted = account(facebook), truth(ads, EU, FIRST, LAST)
    ads.fault("reduce_data", "facebook_ads", path="/\\d+/insights", times=2)
    assert pulled(facebook, whose).keys() == wanted.keys()
    ads.fault("reduce_data", "facebook_ads", path="/ads$", times=2)
    assert len([entity for page in facebook.entities(whose) for entity in page]) == 21
    limits = [call["query"]["limit"] for call in ads.calls("facebook_ads") if call["path"].endswith("/ads")]
    assert limits == ["500", "125", "31"]


def test_pages_that_name_a_next_one_without_end_come_to_an_end(facebook: Facebook, ads: Ads) -> None:
    ads.control("POST", "knobs", {"facebook_endless": True, "page": 50})
    assert pulled(facebook, account(facebook)).keys() == truth(ads, EU, FIRST, LAST).keys()


def test_an_id_that_is_unknown_is_no_metric(facebook: Facebook, ads: Ads) -> None:
    whose = account(facebook)
    ads.fault("unknown_field", "facebook_ads", path="act_\\d+/insights", field="campaign_id")
    with pytest.raises(RefusedError, match="campaign_id"):
        pulled(facebook, whose)


def test_a_token_that_runs_out_stops_the_run_and_another_one_goes_on(opened: Opener[Facebook], ads: Ads) -> None:
    ads.control("POST", "knobs", {"page": 20})
    facebook, wanted = opened(), truth(ads, EU, FIRST, LAST)
    pages = facebook.performance(account(facebook), FIRST, LAST, "ad")
    next(pages)
    ads.control("POST", "tokens/expire", {"platform": "facebook_ads"})
    with pytest.raises(RefusedError, match="expired"):
        next(pages)
    ads.control("POST", "knobs", {"facebook_access_token": "EAAnext"})
    renewed = opened({"access_token": "EAAnext"})
    assert pulled(renewed, account(renewed)).keys() == wanted.keys()


def test_the_right_to_one_account_is_lost_and_the_others_are_read(facebook: Facebook, ads: Ads) -> None:
    lost, kept = account(facebook), account(facebook, JAPAN)
    ads.control("POST", "knobs", {"facebook_denied": [EU]})
    with pytest.raises(AccountRefusedError, match=EU):
        pulled(facebook, lost)
    with pytest.raises(AccountRefusedError):
        list(facebook.entities(lost))
    assert pulled(facebook, kept)


def test_the_proof_is_sent_and_no_secret_is_told(
    opened: Opener[Facebook], ads: Ads, caplog: pytest.LogCaptureFixture
) -> None:
    ads.control("POST", "knobs", {"facebook_proof": True, "page": 2})
    caplog.set_level(logging.INFO)
    facebook = opened()
    whose = account(facebook)
    assert pulled(facebook, whose, FIRST, FIRST)
    proof = facebook._proof["appsecret_proof"]
    with pytest.raises(RefusedError) as raised:
        opened({"app_secret": "not the secret"}).accounts()
    assert "app_secret" in raised.value.cure
    with pytest.raises(RefusedError, match="appsecret_proof"):
        opened({"app_secret": ""}).accounts()
    told = caplog.text + repr(facebook.__dict__.keys()) + repr(ads.calls())
    assert not [secret for secret in (*SECRET.values(), proof) if secret in told]
    ads.fault("html", "facebook_ads", times=6)
    with pytest.raises(SourceError) as broken:
        facebook.accounts()
    assert not [secret for secret in (*SECRET.values(), proof) if secret in str(broken.value)]
