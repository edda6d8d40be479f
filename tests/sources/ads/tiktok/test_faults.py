"""What TikTok refuses, and what goes wrong on the way: no trace, a wait, or an error that says what to do."""

from __future__ import annotations

import logging
from datetime import date
from typing import TYPE_CHECKING

import pytest

from sources.ads.tiktok.pulls import BUSY, DISABLED, EMPTY, FIRST, LAST, PLATFORM, REPORT, YEN, check, of, pulled
from workspace.errors import DeferredError, SourceError
from workspace.sources.ads.answers import AccountRefusedError, RefusedError, TooLargeError
from workspace.sources.ads.http import ATTEMPTS, Pace

if TYPE_CHECKING:
    from adserver import Ads
    from sources.ads.adapters import Opener
    from workspace.sources.ads.tiktok import TikTok

BUSY_CODES = ["app_qps", "advertiser_qps", "too_frequent", "too_many", "maintenance"]
BROKEN_CODES = ["system_error", "system_timeout", "internal_timeout"]
TRANSPORT = ["reset_before", "reset_mid", "short", "truncate", "html", "empty", "gzip_corrupt", "duplicate_key"]


@pytest.mark.parametrize("fault", [*BUSY_CODES, *BROKEN_CODES, *TRANSPORT])
def test_what_passes_leaves_no_trace(ads: Ads, tiktok: TikTok, fault: str, waits: list[float]) -> None:
    who = of(tiktok)
    ads.control("POST", "knobs", {"page": 100})
    ads.fault(fault, PLATFORM, path=REPORT, skip=1, times=3)
    check(ads, BUSY, pulled(tiktok, who))
    told = [call["fault"] for call in ads.calls(PLATFORM) if call["fault"]]
    assert told == [fault] * 3, "the fault happened, and did no harm"
    assert len(waits) >= 3


@pytest.mark.parametrize("fault", ["bom", "charset", "slow"])
def test_an_answer_that_is_odd_but_whole_is_taken(ads: Ads, tiktok: TikTok, fault: str) -> None:
    who = of(tiktok)
    calls = tiktok.http.calls
    ads.fault(fault, PLATFORM, path=REPORT, seconds=0.1)
    check(ads, BUSY, pulled(tiktok, who))
    assert tiktok.http.calls == calls + 1


@pytest.mark.parametrize("fault", BUSY_CODES)
def test_a_quota_that_stays_used_up_puts_the_source_off(ads: Ads, tiktok: TikTok, fault: str) -> None:
    who = of(tiktok)
    ads.fault(fault, PLATFORM, path=REPORT, times=1000)
    with pytest.raises(DeferredError, match="TikTok answers with code"):
        pulled(tiktok, who)


@pytest.mark.parametrize("fault", [*BROKEN_CODES, "html", "empty"])
def test_a_platform_that_stays_broken_is_an_error(ads: Ads, tiktok: TikTok, fault: str) -> None:
    who = of(tiktok)
    ads.fault(fault, PLATFORM, path=REPORT, times=1000)
    with pytest.raises(SourceError, match=f"{ATTEMPTS} attempts failed") as caught:
        pulled(tiktok, who)
    assert type(caught.value) is SourceError


@pytest.mark.parametrize(
    ("fault", "error", "match"),
    [
        ("token_expired", RefusedError, "40102"),
        ("token_invalid", RefusedError, "40105"),
        ("no_permission", AccountRefusedError, "40001"),
        ("too_large", TooLargeError, "40067"),
        ("bad_parameter", RefusedError, "start_date"),
    ],
)
def test_what_does_not_pass_is_not_asked_again(
    ads: Ads, tiktok: TikTok, fault: str, error: type[SourceError], match: str
) -> None:
    who = of(tiktok)
    calls = tiktok.http.calls
    ads.fault(fault, PLATFORM, path=REPORT)
    with pytest.raises(error, match=match):
        pulled(tiktok, who)
    assert tiktok.http.calls == calls + 1


def test_a_token_that_expires_between_pages_stops_the_pull_and_a_new_one_goes_on(
    ads: Ads, tiktok: TikTok, opened: Opener[TikTok]
) -> None:
    who = of(tiktok)
    ads.control("POST", "knobs", {"page": 60})
    pages = tiktok.performance(who, FIRST, LAST, "ad")
    assert len(next(pages)) == 60
    ads.control("POST", "tokens/expire", {"platform": PLATFORM})
    with pytest.raises(RefusedError, match="40102") as caught:
        list(pages)
    assert "access token" in caught.value.cure
    fresh = {"access_token": "a-new-access-token"}
    ads.sim.credentials[PLATFORM] |= fresh
    again = opened(fresh)
    check(ads, BUSY, pulled(again, of(again)))


def test_a_permission_that_is_lost_midway_is_that_account_s_alone(ads: Ads, tiktok: TikTok) -> None:
    who, other = of(tiktok), of(tiktok, YEN)
    ads.control("POST", "knobs", {"tiktok_revoked": [BUSY]})
    with pytest.raises(AccountRefusedError, match=BUSY):
        list(tiktok.entities(who))
    check(ads, YEN, pulled(tiktok, other))
    assert [one.id for one in tiktok.accounts()] == [YEN, EMPTY, DISABLED]


def test_wrong_credentials_of_the_app_are_told_without_them(
    ads: Ads, opened: Opener[TikTok], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "a-secret-that-nobody-may-read"  # noqa: S105 - that is what the test is about
    tiktok = opened({"secret": secret})
    with pytest.raises(RefusedError, match="app_id or secret") as caught:
        tiktok.accounts()
    ads.fault("code", PLATFORM, code=40001, message=f"no permission for app with secret {secret}")
    with pytest.raises(RefusedError, match=r"\[secret\]") as other:
        tiktok.accounts()
    told = f"{caught.value!r} {caught.value} {other.value!r} {other.value} {tiktok!r} {tiktok.http!r}"
    assert secret not in told
    assert secret not in caplog.text, "nor does the HTTP library log it"


def test_the_rate_is_kept_before_it_is_refused(ads: Ads, tiktok: TikTok, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("workspace.sources.ads.http.time.monotonic", lambda: clock[0])

    def pause(seconds: float) -> None:
        clock[0] += seconds
        ads.control("POST", "clock", {"advance": seconds})

    monkeypatch.setattr("workspace.sources.ads.http.pause", pause)
    who = of(tiktok)
    ads.control("POST", "knobs", {"page": 3, "tiktok_clock": "virtual"})
    pages = list(tiktok.performance(who, FIRST, LAST, "ad"))
    assert len(pages) > 40
    assert clock[0] - 1000 >= len(pages) / 8 - 1
    told = [call for call in ads.calls(PLATFORM) if call["path"].endswith(f"{REPORT}/")]
    assert len(told) == len(pages), "not one was refused"
    assert isinstance(tiktok.http._pace, Pace)


def test_a_restated_day_is_what_the_platform_says_now(ads: Ads, tiktok: TikTok) -> None:
    who, day = of(tiktok), date(2026, 10, 20)
    ad = next(iter(ads.expected(BUSY, day)))
    for delta in ({"spend": "-1.11", "clicks": -1, "conversions": 2, "value": "99.90"}, {"vanish": True}):
        ads.control("POST", "restate", {"ad": ad, "date": str(day), "delta": delta})
        check(ads, BUSY, pulled(tiktok, who))
    assert ad not in ads.expected(BUSY, day)


def test_tiktok_tells_neither_clicks_nor_changes(ads: Ads, tiktok: TikTok) -> None:
    who = of(tiktok)
    assert tiktok.clicks(who, FIRST) is None
    assert tiktok.touched(who, ads.sim.now, ads.sim.now) is None
    assert tiktok.lookback(who) == 28
    assert tiktok.api_version == "v1.3"
