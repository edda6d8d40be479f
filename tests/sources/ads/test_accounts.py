"""A run over a source of several accounts: which are read, which are left out, and that none stops the others."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import workspace.sources.ads.deferral
from adserver import NOW
from workspace.errors import DeferredError, SourceError
from workspace.sources.ads.account import Reading
from workspace.sources.ads.answers import RefusedError
from workspace.sources.ads.facebook import Facebook

if TYPE_CHECKING:
    from sources.ads.pulling import Home
    from workspace.sources.ads.adapter import Account

DAY = timedelta(days=1)


@pytest.mark.parametrize("home", ["tiktok_ads"], indirect=True)
def test_a_new_account_a_new_currency_and_another_time_zone_are_said(home: Home) -> None:
    home.pull()
    account = home.busy()[0]
    known = {row["account_id"]: row for row in home.rows("accounts")}
    home.ads.control("POST", "account", {"id": account, "currency": "CHF"})
    done = home.pull(NOW + DAY)
    was = known[account]["currency"]
    assert any(f"its currency was {was} and is CHF now" in note for note in done.notes), done.notes
    latest = [row for row in home.rows("performance") if row["account_id"] == account]
    assert "CHF" in {row["currency"] for row in latest}
    assert home.held() == home.told(), "no amount is converted or lost"


@pytest.mark.parametrize("home", ["tiktok_ads"], indirect=True)
def test_disabled_and_empty_accounts_do_no_harm(home: Home) -> None:
    home.pull()
    there = {row["account_id"]: row["status"] for row in home.rows("accounts")}
    assert len(there) >= 4
    assert {row["account_id"] for row in home.rows("performance")} == set(home.busy())


@pytest.mark.parametrize("home", ["tiktok_ads"], indirect=True)
def test_only_the_accounts_that_are_named_are_read_and_one_that_is_not_reached_is_refused(home: Home) -> None:
    one = home.busy()[1]
    home.pull(accounts=(one,))
    assert {row["account_id"] for row in home.rows("performance")} == {one}
    with pytest.raises(SourceError, match="do not reach the account nobody"):
        home.pull(accounts=("nobody",))


@pytest.mark.parametrize("home", ["tiktok_ads"], indirect=True)
def test_an_account_that_is_not_reached_any_more_keeps_its_row(home: Home) -> None:
    home.pull()
    before = {row["account_id"]: row for row in home.rows("accounts")}
    one, *others = home.busy()
    home.ads.control("POST", "knobs", {"tiktok_revoked": sorted(before.keys() - {one})})
    done = home.pull(NOW + DAY)
    assert sum("is not reached any more" in note for note in done.notes) == len(before) - 1
    after = {row["account_id"]: row for row in home.rows("accounts")}
    assert after.keys() == before.keys(), "the rows that were read of it name it"
    assert after[others[0]] == before[others[0]] | {"status": "unreached"}
    assert not any("not reached" in note for note in home.pull(NOW + 2 * DAY).notes)
    home.ads.control("POST", "knobs", {"tiktok_revoked": []})
    done = home.pull(NOW + 3 * DAY)
    assert any("its status was unreached and is enable now" in note for note in done.notes), done.notes


@pytest.mark.parametrize("home", ["facebook_ads"], indirect=True)
def test_an_account_whose_time_zone_nobody_knows_is_left_out(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    one, *others = home.busy()
    accounts = Facebook.accounts

    def moved(self: Facebook) -> list[Account]:
        return [
            dataclasses.replace(each, timezone="Mars/Olympus") if each.id == one else each for each in accounts(self)
        ]

    monkeypatch.setattr(Facebook, "accounts", moved)
    done = home.pull()
    assert any("its time zone, 'Mars/Olympus', is unknown" in note for note in done.notes), done.notes
    assert {row["account_id"] for row in home.rows("performance")} == set(others)


@pytest.mark.parametrize("home", ["tiktok_ads"], indirect=True)
def test_a_put_off_source_is_left_alone_until_its_time(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.pull()
    until = datetime.now(UTC) + timedelta(hours=5)

    def refuse(*_: object) -> None:
        raise DeferredError("The day's quota is used up.", until=until)

    with monkeypatch.context() as patch:
        patch.setattr(Reading, "_entities", refuse)
        with pytest.raises(DeferredError):
            home.pull(NOW + DAY)
    mark = home.lake.watermark(home.platform)
    assert mark is not None
    assert mark.reached == NOW, "a release shows the source as late"

    calls = len(home.ads.calls(home.platform))
    with pytest.raises(DeferredError, match="quota is used up"):
        home.pull(NOW + DAY)
    assert len(home.ads.calls(home.platform)) == calls, "nothing is asked meanwhile"

    monkeypatch.setattr(workspace.sources.ads.deferral, "away", lambda _: {})  # the time has come
    home.pull(NOW + DAY)
    assert home.held() == home.told()


@pytest.mark.parametrize(
    ("home", "fault"),
    [
        ("google_ads", {"kind": "expensive_long", "path": "customers/{}/"}),
        ("facebook_ads", {"kind": "rate_limit", "path": "act_{}/", "code": 80004, "minutes": 50}),
        ("facebook_ads", {"kind": "usage", "path": "act_{}/", "percent": 99, "minutes": 50}),
    ],
    indirect=["home"],
)
def test_an_account_whose_own_quota_is_used_up_waits_and_the_others_are_read(
    home: Home, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any]
) -> None:
    home.pull()
    spent, before = home.busy()[0], home.told()
    path = fault["path"].format(spent)
    home.ads.fault(platform=home.platform, times=1, **{**fault, "path": path})
    with pytest.raises(DeferredError, match=rf"1 of \d accounts had to be put off\. Account {spent}: ") as raised:
        home.pull(NOW + DAY)
    assert raised.value.until > datetime.now(UTC) + timedelta(minutes=45)
    assert home.ads.control("GET", "faults") == [], "it did happen"
    told = home.told()
    assert told != before
    others = {key: row for key, row in told.items() if key[0] != spent}
    assert home.held() == others | {key: row for key, row in before.items() if key[0] == spent}
    mark = home.lake.watermark(home.platform)
    assert mark is not None
    assert mark.reached == NOW, "a release shows the source as late"

    calls = len(home.ads.calls(home.platform))
    with pytest.raises(DeferredError, match=f"Account {spent}"):
        home.pull(NOW + DAY)
    asked = [call["path"] for call in home.ads.calls(home.platform)[calls:]]
    assert asked
    assert not any(path in each for each in asked), "it is left alone, and only it"

    monkeypatch.setattr(workspace.sources.ads.deferral, "away", lambda _: {})  # the time has come
    done = home.pull(NOW + DAY)
    assert home.held() == home.told()
    assert done.watermark.detail == {}


@pytest.mark.parametrize("home", ["google_ads"], indirect=True)
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "deadline"}, "took too long 3 times in a row"),
        ({"kind": "deadline", "skip": 4}, r"\d: the platform will not answer even for one day"),
        ({"kind": "page_expired"}, "what is in it: 3 attempts gave no whole answer"),
    ],
)
def test_an_account_that_cannot_be_read_to_its_end_stops_no_other(home: Home, fault: dict[str, Any], said: str) -> None:
    broken, other = home.busy()
    home.ads.control("POST", "knobs", {"page": 40})
    home.ads.fault(platform="google_ads", path=f"customers/{broken}/", times=999, **fault)
    with pytest.raises(SourceError, match=rf"^1 of 3 accounts could not .* Account {broken}: .*{said}") as raised:
        home.pull()
    assert raised.value.cure
    assert home.held() == {key: row for key, row in home.told().items() if key[0] == other}
    assert home.lake.watermark("google_ads") is None

    # One that is put off beside it does not hide it.
    home.ads.fault("expensive_long", "google_ads", path=f"customers/{other}/", times=1)
    with pytest.raises(SourceError, match=f"^1 of 3 accounts could not .* Account {broken}: ") as raised:
        home.pull()
    assert not isinstance(raised.value, DeferredError)

    home.ads.control("DELETE", "faults")
    home.pull()
    assert home.held() == home.told()


@pytest.mark.parametrize("home", ["google_ads"], indirect=True)
def test_a_run_to_which_every_account_is_closed_is_none(home: Home) -> None:
    home.ads.fault("not_enabled", "google_ads", path=r"customers/41\d+/", times=99)
    with pytest.raises(RefusedError, match=r"Of 3 accounts, none can be read\. Account 41\d+: .*NOT_ENABLED") as raised:
        home.pull()
    assert "open the account again" in raised.value.cure
    assert home.lake.watermark("google_ads") is None
