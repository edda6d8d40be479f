"""All that goes wrong at X: the same rows, or a failure that says what to do."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from adserver import NOW
from sources.ads.twitter.pulls import ENTITIES, JOBS, RESULTS, SECRETS, US, book, of, read, summed
from workspace.errors import DeferredError, SourceError
from workspace.sources.ads.answers import AccountRefusedError, RefusedError, RestartError, TooLargeError

if TYPE_CHECKING:
    from adserver import Ads
    from sources.ads.adapters import Opener
    from workspace.sources.ads.twitter import Twitter


BREAKS = ["reset_before", "reset_mid", "short", "truncate", "html", "empty", "gzip_corrupt"]
HARMLESS = ["bom", "charset", "duplicate_key"]


@pytest.mark.parametrize("kind", [*BREAKS, *HARMLESS, "refuse"])
@pytest.mark.parametrize("path", [r"/accounts$", ENTITIES, JOBS, RESULTS, "active_entities"])
def test_a_broken_answer_changes_nothing(ads: Ads, opened: Opener[Twitter], kind: str, path: str) -> None:
    since = NOW - timedelta(hours=30)
    clean = opened()
    expected = read(clean), clean.touched(of(clean), since, NOW)
    ads.fault(kind, "twitter_ads", path=path, times=2 if kind in BREAKS else 1)
    twitter = opened()
    assert (read(twitter), twitter.touched(of(twitter), since, NOW)) == expected
    assert ads.control("GET", "faults") == []


@pytest.mark.parametrize(
    "fault",
    [
        ("rate_limit", JOBS, {"seconds": 40}),
        ("rate_limit", ENTITIES, {"seconds": 90, "scope": "user"}),
        ("over_capacity", JOBS, {"retry_after": 7, "code": "SERVICE_UNAVAILABLE"}),
        ("over_capacity", ENTITIES, {}),
        ("internal", ENTITIES, {}),
        ("internal", JOBS, {}),
        ("cancelled", ENTITIES, {}),
        ("locked", JOBS, {}),
        ("too_many_jobs", JOBS, {"method": "POST"}),
        ("job_failed", JOBS, {"method": "POST"}),
        ("job_no_url", JOBS, {"method": "POST"}),
        ("not_ready", RESULTS, {"status": 426}),
        ("not_ready", RESULTS, {"status": 404}),
    ],
)
def test_what_passes_is_waited_for(
    ads: Ads, twitter: Twitter, waits: list[float], fault: tuple[str, str, dict[str, Any]]
) -> None:
    kind, path, more = fault
    ads.fault(kind, "twitter_ads", path=path, times=2, **more)
    assert summed(read(twitter)) == book(ads, US)
    assert ads.control("GET", "faults") == []
    least = more.get("seconds", more.get("retry_after", 1)) - 1  # resets are told in whole seconds
    assert sum(wait >= least for wait in waits) >= {"job_failed": 0, "job_no_url": 1}.get(kind, 2)


@pytest.mark.parametrize(
    ("kind", "path", "error"),
    [
        ("unauthorized", "/accounts$", RefusedError),
        ("unauthorized", JOBS, RefusedError),
        ("no_access", ENTITIES, RefusedError),
        ("account_locked", "/line_items", AccountRefusedError),
        ("account_locked", JOBS, AccountRefusedError),
        ("html_404", "/accounts$", RefusedError),
        ("retired", "/accounts$", RefusedError),
        ("invalid_cursor", ENTITIES, RestartError),
        ("too_complex", JOBS, TooLargeError),
    ],
)
def test_what_does_not_pass_is_told_by_its_kind(
    ads: Ads, twitter: Twitter, kind: str, path: str, error: type[SourceError]
) -> None:
    ads.fault(kind, "twitter_ads", path=path)
    with pytest.raises(error) as raised:
        read(twitter)
    assert raised.value.cure
    assert not any(secret in str(raised.value) for secret in SECRETS.values())
    assert summed(read(twitter)) == book(ads, US)


def test_a_long_refusal_puts_the_source_off(ads: Ads, twitter: Twitter, waits: list[float]) -> None:
    ads.fault("rate_limit", "twitter_ads", path=JOBS, seconds=800)
    with pytest.raises(DeferredError) as raised:
        read(twitter)
    assert timedelta(seconds=700) < raised.value.until - datetime.now(UTC) < timedelta(seconds=810)
    assert sum(waits) < 100


@pytest.mark.parametrize("ahead", [-240, 240])
def test_a_reset_is_told_by_the_clock_of_x(ads: Ads, twitter: Twitter, waits: list[float], ahead: int) -> None:
    ads.clock(datetime.now(UTC) + timedelta(seconds=ahead))
    ads.fault("rate_limit", "twitter_ads", path="/accounts$", seconds=40)
    assert len(twitter.accounts()) == 4
    assert [39 <= wait <= 42 for wait in waits] == [True]


def test_a_rate_that_is_used_up_is_waited_for_before_it_refuses(ads: Ads, twitter: Twitter, waits: list[float]) -> None:
    ads.control("POST", "limits", {"twitter_ads": {"core": 1}})
    ads.control("POST", "knobs", {"page": 1})
    with pytest.raises(DeferredError, match="used up until"):
        list(twitter.entities(of(twitter)))
    assert {call["status"] for call in ads.calls("twitter_ads") if "18ce0001" in call["path"]} == {200}
    assert waits == []


def test_the_list_of_accounts_is_given_five_times(ads: Ads, opened: Opener[Twitter]) -> None:
    for _ in range(5):
        assert len(opened().accounts()) == 4
    with pytest.raises(DeferredError):
        opened().accounts()
    ads.control("POST", "clock", {"advance": 901})
    assert len(opened().accounts()) == 4


def test_a_revoked_token_stops_and_a_new_one_goes_on(ads: Ads, opened: Opener[Twitter]) -> None:
    twitter = opened()
    of(twitter)
    ads.control("POST", "tokens/expire", {"platform": "twitter_ads"})
    with pytest.raises(RefusedError, match="UNAUTHORIZED_ACCESS") as raised:
        read(twitter)
    assert "four keys" in raised.value.cure
    fresh = {"token": "18ce-another-token"}
    ads.sim.credentials["twitter_ads"] |= fresh
    assert summed(read(opened(fresh))) == book(ads, US)


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_wrong_key_is_refused(opened: Opener[Twitter], name: str) -> None:
    with pytest.raises(RefusedError, match="UNAUTHORIZED_ACCESS") as raised:
        opened({name: "something-else-entirely"}).accounts()
    assert "something-else" not in str(raised.value)


def test_a_clock_that_is_off_is_refused(ads: Ads, twitter: Twitter, monkeypatch: pytest.MonkeyPatch) -> None:
    wall = time.time()
    monkeypatch.setattr(time, "time", lambda: wall + 400)  # this process's, which the server of the test shares
    ads.control("POST", "knobs", {"twitter_clock_ahead": -400})
    with pytest.raises(RefusedError, match="UNAUTHORIZED_ACCESS") as raised:
        twitter.accounts()
    assert "clock" in raised.value.cure


def test_a_warning_of_x_is_noted(ads: Ads, twitter: Twitter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspace.sources.ads.twitter.adapter.VERSION", "11")
    twitter.accounts()
    assert [note for note in twitter.notes if "Version 11 is deprecated" in note]


def test_no_secret_is_shown(ads: Ads, twitter: Twitter, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        read(twitter)
        ads.fault("unauthorized", "twitter_ads", path=JOBS)
        with pytest.raises(RefusedError) as raised:
            read(twitter)
    assert "httpx" in {record.name for record in caplog.records}
    shown = (
        caplog.text + repr(twitter) + repr(twitter.http) + str(raised.value) + str(vars(twitter)) + str(twitter.notes)
    )
    assert not [name for name, secret in SECRETS.items() if secret in shown]
    assert "oauth_signature" not in shown
