"""Google Ads when things go wrong: the result is that of a clean pull, or an error that says what to do."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from adserver import CREDENTIALS, NOW, Ads
from sources.ads.google.pulls import ANGELES, BERLIN, EMPTY, FIRST, LAST, account, pulled
from sources.ads.pulling import Home
from workspace.demo.ads.faults import TRANSPORT
from workspace.errors import DeferredError, SourceError
from workspace.sources.ads.answers import (
    AccountDeferredError,
    AccountRefusedError,
    RefusedError,
    RestartError,
    TooLargeError,
    whole,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sources.ads.adapters import Opener, Pulled
    from workspace.sources.ads.google import Google

SEARCH, TOKEN = "googleAds:search", "^/token$"


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


@pytest.mark.parametrize("kind", ["internal", "transient"])
def test_a_platform_that_goes_on_failing_has_no_quota_that_is_used_up(google: Google, ads: Ads, kind: str) -> None:
    whose = account(google)
    ads.fault(kind, "google_ads", path=SEARCH, times=999)
    with pytest.raises(SourceError, match="again and again") as raised:
        pulled(google, whose)
    assert not isinstance(raised.value, DeferredError), "nobody would hear of it"


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
    google.lookback(whose)
    ads.fault(kind, "google_ads", path=SEARCH, times=3 if kind == "deadline" else 1)
    with pytest.raises(TooLargeError):
        pulled(google, whose)


def test_what_is_too_expensive_and_cannot_be_split_is_waited_for(google: Google, ads: Ads, waits: list[float]) -> None:
    whose = account(google)
    day = pulled(google, whose, LAST, LAST)
    for number, ask in enumerate(
        (
            lambda: pulled(google, whose, LAST, LAST) == day,
            lambda: [page for page in google.entities(whose) if page],
            lambda: [page for page in google.clicks(whose, LAST) or () if page],
            google.accounts,
        ),
        1,
    ):
        ads.fault("expensive", "google_ads", path=SEARCH, seconds=50)
        assert ask()
        assert [50 <= wait <= 51 for wait in waits] == [True] * number
    ads.fault("expensive", "google_ads", path=SEARCH, times=9)
    with pytest.raises(AccountDeferredError, match="SHORT_TERM"):
        pulled(google, whose, LAST, LAST)


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


@pytest.mark.parametrize("asked", ["segments.conversion_action", "metrics.clicks"])
def test_a_row_that_comes_twice_in_another_one_s_place_restarts_the_window(
    google: Google, ads: Ads, asked: str
) -> None:
    whose = account(google)
    google.lookback(whose)
    ads.control("POST", "knobs", {"page": 40})
    ads.control("DELETE", "calls")
    clean = pulled(google, whose)
    texts = [call["text"] for call in ads.calls("google_ads")]
    skip = next(number for number, text in enumerate(texts) if asked in text and "pageToken" in text)
    ads.fault("page_again", "google_ads", path=SEARCH, skip=skip)
    ads.fault("page_lost", "google_ads", path=SEARCH, skip=skip)  # as many rows as there are, all in all
    with pytest.raises(RestartError, match="sent a row twice"):
        pulled(google, whose)
    ads.control("DELETE", "faults")
    assert pulled(google, whose) == clean


def test_a_page_that_names_itself_as_the_next_one_is_not_followed(google: Google, ads: Ads) -> None:
    whose = account(google)
    ads.control("POST", "knobs", {"page": 3})
    calls = google.http.calls
    ads.fault("page_stuck", "google_ads", path=SEARCH, times=40)
    with pytest.raises(RestartError, match="names itself"):
        list(google.entities(whose))
    assert google.http.calls == calls + 2


@pytest.mark.parametrize("kind", ["page_expired", "page_lost", "duplicate_key"])
def test_entities_clicks_and_totals_are_asked_for_anew(google: Google, ads: Ads, kind: str) -> None:
    whose, day = account(google), date(2026, 10, 20)

    def read() -> tuple[Any, ...]:
        entities = {(each.level, each.id): each for page in google.entities(whose) for each in page}
        clicks = {each.click_id: each for page in google.clicks(whose, day) or () for each in page}
        totals = [row for page in google.performance(whose, FIRST, LAST, "campaign") for row in page]
        return entities, clicks, {(row.entity_id, row.day): row for row in totals}

    ads.control("POST", "knobs", {"page": 4})
    clean = read()
    for skip in (2, 15):
        ads.fault(kind, "google_ads", path=SEARCH, skip=skip)
    assert whole(read, "all of it") == clean
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
def test_credentials_that_are_wrong(opened: Opener[Google], changed: dict[str, Any], said: str) -> None:
    with pytest.raises(RefusedError, match=said) as refused:
        opened(changed).accounts()
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


def test_no_secret_is_ever_told(opened: Opener[Google], ads: Ads, caplog: pytest.LogCaptureFixture) -> None:
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
    public = ("client_id", "login_customer_id")
    secrets = [*told, *(value for name, value in CREDENTIALS["google_ads"].items() if name not in public)]
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
