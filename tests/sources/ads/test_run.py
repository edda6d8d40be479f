"""A run over an advertising source, on all four platforms as the demo speaks them over HTTP."""

from __future__ import annotations

import dataclasses
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

import workspace.sources.ads.account
import workspace.sources.ads.deferral
from adserver import DELETED, NOW
from sources.ads.pulling import SINCE, utc
from workspace.errors import DeferredError, SourceError
from workspace.sources.ads import audit, policy
from workspace.sources.ads.account import Reading
from workspace.sources.ads.adapter import Action
from workspace.sources.ads.answers import RefusedError, TooLargeError
from workspace.sources.ads.facebook import Facebook
from workspace.sources.ads.tiktok import TikTok

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sources.ads.pulling import Home
    from workspace.sources.ads.adapter import Account, Adapter, Entity, Performance

DAY = timedelta(days=1)
TERA = Decimal("1E+12")


def test_a_pull_is_what_the_platform_has_and_a_second_one_changes_nothing(home: Home) -> None:
    first = home.pull()
    told = home.told()
    assert home.held() == told
    assert len(told) > 100
    before = home.rows("performance", live=False)
    assert {row["_op"] for row in before} <= {"S", "I"}

    again = home.pull()
    assert again.total == 0, again.rows
    assert home.rows("performance", live=False) == before
    assert first.watermark.reached == NOW
    assert first.quarantined == 0


def test_ads_sum_to_campaigns_sum_to_accounts(home: Home) -> None:
    home.pull()
    rows = home.rows("performance")
    ads, campaigns = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for row in rows:
        ads[row["account_id"], row["campaign_id"]] += row["spend"]
    for account in home.busy():
        for day in home.days():
            for campaign, facts in home.ads.sim.book.campaign_facts(account, day, NOW):
                campaigns[account, campaign.id] += facts.spend  # type: ignore[assignment]
    assert ads == campaigns
    assert all(isinstance(spent, Decimal) for spent in ads.values())


def test_what_is_restated_is_a_version_beside_the_old_one(home: Home) -> None:
    home.pull()
    account = home.busy()[0]
    day = date(2026, 10, 28)
    ad, facts = next(iter(home.ads.expected(account, day).items()))
    lower = -(facts.spend / 2).quantize(Decimal(1))
    home.ads.control("POST", "restate", {"entity": ad, "date": str(day), "delta": {"spend": str(lower), "clicks": 2}})
    home.pull(NOW + DAY)
    assert home.held() == home.told()

    versions = [row for row in home.rows("performance", live=False) if (row["entity_id"], row["day"]) == (ad, day)]
    spends = Counter[datetime]()
    for row in versions:
        spends[row["_recorded_at"]] += row["spend"]
    assert (min(spends), max(spends)) == (NOW, NOW + DAY)
    assert min(row["spend"] for row in versions) < facts.spend, "a spend may go down"


@pytest.mark.parametrize("home", ["tiktok_ads"], indirect=True)
def test_only_what_changed_is_written(home: Home) -> None:
    home.pull()
    held = home.held()
    home.pull(NOW + DAY)
    changed = {key for key, numbers in home.held().items() if held.get(key) != numbers}
    written = [row for row in home.rows("performance", live=False) if row["_recorded_at"] == NOW + DAY]
    assert {(row["account_id"], row["entity_id"], row["day"]) for row in written} >= changed
    assert 0 < len(written) < len(held)
    rereads = [row for row in home.rows("pulls") if row["kind"] == "ad" and row["pulled_at"] == NOW + DAY]
    assert sum(row["rows"] for row in rereads) > len(written), "more is asked for than is written"


@pytest.mark.parametrize("home", ["tiktok_ads"], indirect=True)
def test_a_day_that_is_empty_twice_has_gone_and_one_that_is_empty_once_has_not(home: Home) -> None:
    home.pull()
    account = home.busy()[0]
    day = date(2026, 11, 1)
    ad, _ = next(iter(home.ads.expected(account, day).items()))
    home.ads.control("POST", "restate", {"entity": ad, "date": str(day), "delta": {"vanish": True}})
    home.pull(NOW + DAY)
    assert home.held() == home.told()


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


def test_renamed_paused_and_deleted_campaigns_keep_their_history(home: Home) -> None:
    home.pull(utc(2026, 10, 5, 12))
    home.since = SINCE
    home.pull(utc(2026, 10, 20, 12))
    campaigns = [row for row in home.rows("campaigns", live=False) if row["account_id"] == home.busy()[0]]
    names = [row["name"] for row in campaigns if (row["name"] or "").startswith(("Herbst", "Winter"))]
    assert names == ["Herbst 🍂 · „Feiern“, 20 %", "Winter ❄️ · „Feiern“, 20 %"]
    gone = [row for row in campaigns if (row["name"] or "").startswith("قاعات")]
    assert gone[0]["name"] == "قاعات المؤتمرات" + " é" * 100
    later = campaigns[-4:]
    ended = {row["status"] for row in later} | {row["_op"] for row in later}
    assert ended & {"deleted", "D"}, campaigns
    assert utc(2026, 10, 20) > DELETED


def test_days_of_23_and_25_hours_are_days(home: Home) -> None:
    home.pull()
    hours = {(row["timezone"], row["day"]): row["day_hours"] for row in home.rows("performance")}
    for (zone, day), count in hours.items():
        fall_back = {"Europe/Berlin": date(2026, 10, 25), "Europe/London": date(2026, 10, 25)}
        us = {"America/Los_Angeles": date(2026, 11, 1)}
        assert count == (25 if (fall_back | us).get(zone) == day else 24)


def test_ids_and_names_come_through_to_the_letter(home: Home) -> None:
    home.pull()
    known = {ad.id for account in home.busy() for ad in home.ads.book.ads(account)}
    assert {row["ad_id"] for row in home.rows("ads")} <= known
    if home.platform in ("google_ads", "tiktok_ads"):
        assert all(int(ad) > 2**53 for ad in known)
    names = {row["name"] for row in home.rows("campaigns")}
    assert '東京 イベント会場, "quoted"' in names
    hidden = {row["campaign_id"] for row in home.rows("campaigns")}
    assert {row["entity_id"] for row in home.rows("performance")} <= known | hidden


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
def test_rows_that_are_missing_once_each_have_not_gone(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.pull()
    told, claims = home.held(), home.rows("conversions")
    looks = []
    performance = TikTok.performance

    def one_lost(*asked: Any) -> Iterator[list[Performance]]:
        pages = list(performance(*asked))
        looks.append(asked)
        yield pages[0][1:] if len(looks) % 2 else pages[0][:-1]  # another one at each look
        yield from pages[1:]

    monkeypatch.setattr(TikTok, "performance", one_lost)
    account = home.busy()[0]
    home.pull(NOW + timedelta(minutes=1), accounts=(account,))
    assert len(looks) >= 2
    assert home.held().keys() == told.keys()
    assert len(home.rows("conversions")) >= len(claims)


@pytest.mark.parametrize("home", ["tiktok_ads"], indirect=True)
def test_campaigns_that_are_missing_once_have_not_gone(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.pull()

    def held() -> list[list[str]]:
        return [sorted(map(str, home.rows(table))) for table in ("campaigns", "ad_groups", "ads")]

    before = held()
    looks = []
    entities = TikTok.entities

    def one_lost(*asked: Any) -> Iterator[list[Entity]]:
        looks.append(asked)
        for page in entities(*asked):
            yield page[1:] if len(looks) == 1 else page

    monkeypatch.setattr(TikTok, "entities", one_lost)
    home.pull(NOW + timedelta(minutes=1), accounts=(home.busy()[0],))
    assert len(looks) == 2
    assert held() == before


@pytest.mark.parametrize("home", ["tiktok_ads"], indirect=True)
@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ({"spend": Decimal("0.1234567")}, "spend = 0.1234567 has more than six places"),
        ({"conversion_value": Decimal("999999999999.9999996")}, "conversion_value = 999999999999.9999996 is no amount"),
        ({"clicks": 2**63}, f"clicks = {2**63} is no count"),
        (
            {"actions": (Action(name="seen", conversions=None, value=TERA, counted=False),)},
            "value of seen = 1E+12 is no amount",
        ),
        (
            {"actions": (Action(name="seen", conversions=TERA, value=None, counted=False),)},
            "conversions of seen = 1E+12 is no amount",
        ),
    ],
)
def test_what_was_held_of_a_row_that_cannot_be_right_stands(
    home: Home, monkeypatch: pytest.MonkeyPatch, spoilt: dict[str, Any], said: str
) -> None:
    home.pull()
    held, claims = home.held(), home.rows("conversions")
    performance = TikTok.performance

    def told(*asked: Any) -> Iterator[list[Performance]]:
        for page in performance(*asked):
            yield [dataclasses.replace(page[0], **spoilt), *page[1:]] if page else page

    monkeypatch.setattr(TikTok, "performance", told)
    home.pull(NOW + timedelta(minutes=1))
    aside = home.lake.quarantined("tiktok_ads").column("raw").to_pylist()
    assert set(home.lake.quarantined("tiktok_ads").column("reason").to_pylist()) == {said}
    assert len(set(aside)) == len(aside), "a window that is read twice puts a row aside once"
    assert not [row for row in home.rows("performance", live=False) if row["_op"] == "D"]
    assert home.held().keys() == held.keys()
    assert len(home.rows("conversions")) >= len(claims)


@pytest.mark.parametrize("home", ["tiktok_ads"], indirect=True)
def test_totals_that_differ_are_read_again_however_old(home: Home) -> None:
    home.since = date(2026, 9, 2)
    home.source = type(home.source)(**{**vars(home.source), "since": home.since})
    home.pull()
    account = home.busy()[0]
    day = date(2026, 9, 4)
    ad, _ = next(iter(home.ads.expected(account, day).items()))
    home.ads.control("POST", "restate", {"entity": ad, "date": str(day), "delta": {"spend": "7"}})
    home.pull(NOW + 8 * DAY)
    assert home.held() == home.told(), "an audit finds what no window would have asked for"


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


@pytest.mark.parametrize("home", ["tiktok_ads"], indirect=True)
def test_the_first_window_is_a_day_and_they_grow(home: Home) -> None:
    home.pull()
    pulls = [row for row in home.rows("pulls") if (row["kind"], row["account_id"]) == ("ad", home.busy()[0])]
    lengths = [(row["last_day"] - row["first_day"]).days + 1 for row in sorted(pulls, key=lambda row: row["first_day"])]
    assert lengths == [1, 2, 4, 8, 2]


@pytest.mark.parametrize("home", ["tiktok_ads"], indirect=True)
def test_a_window_that_is_too_large_at_the_second_look_is_split_too(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.pull()
    held, looks = home.held(), []
    performance = TikTok.performance

    def lost(*asked: Any) -> Iterator[list[Performance]]:
        looks.append(asked[2:4])
        if looks.count(asked[2:4]) == 2 and asked[2] != asked[3]:
            raise TooLargeError("Too many rows.", cure="Ask for fewer days at once.")
        for page in performance(*asked):
            yield page[1:] if len(looks) == 1 else page

    monkeypatch.setattr(TikTok, "performance", lost)
    home.pull(NOW + timedelta(minutes=1), accounts=(home.busy()[0],))
    assert looks[0] == looks[1]
    assert looks[2][0] == looks[0][0]
    assert looks[2][1] < looks[0][1], "the half of it"
    assert home.held() == held


@pytest.mark.parametrize("home", ["google_ads"], indirect=True)
def test_many_clicks_are_kept_before_the_week_is_over(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace.sources.ads.account, "ROWS", 60)
    home.pull()
    at = home.ads.sim.now
    for account in home.busy():
        days = [day for day in home.days() if day <= at.date()]
        told = {id_ for day in days for id_, *_ in home.ads.sim.book.click_views(account, day, at)}
        assert {row["click_id"] for row in home.rows("click_views") if row["account_id"] == account} == told
        pulls = [row for row in home.rows("pulls") if (row["kind"], row["account_id"]) == ("clicks", account)]
        spans = sorted((row["first_day"], row["last_day"]) for row in pulls)
        assert [day for first, last in spans for day in policy.span(first, last)] == days
        assert sum(row["rows"] for row in pulls) == len(told)
        assert len(pulls) > 3
        assert all(last == first or last < first + 6 * DAY for first, last in spans)


@pytest.mark.parametrize("home", ["facebook_ads"], indirect=True)
@pytest.mark.parametrize("error", [KeyError("currency"), AttributeError("no attribute 'currency'")])
def test_an_answer_that_is_not_as_documented_is_said_and_the_next_run_goes_on(
    home: Home, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    import workspace.sources.ads.facebook.adapter as module

    def broken(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(module.Facebook, "accounts", broken)
        with pytest.raises(SourceError, match=r"the list of accounts: .* not as the platform documents it .*currency"):
            home.pull()
    home.pull()
    assert home.held() == home.told()


@pytest.mark.parametrize("home", ["tiktok_ads"], indirect=True)
def test_nothing_is_audited_before_there_is_a_day_that_stands(home: Home) -> None:
    young = dataclasses.replace(home, since=NOW.date())
    young.pull()
    assert {row["kind"] for row in home.rows("pulls")} == {"ad", "entities"}
    young.pull(NOW + 10 * DAY)
    assert "campaign" in {row["kind"] for row in home.rows("pulls")}


@pytest.mark.parametrize("home", ["tiktok_ads"], indirect=True)
def test_totals_that_stay_apart_are_on_record(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    account, day = home.busy()[0], date(2026, 10, 28)
    told = audit.totals

    def more(adapter: Adapter, asked: Account, first: date, last: date) -> Any:
        found = told(adapter, asked, first, last)
        hidden = ("a campaign of which no ad is told", "ALL", day)
        return found | (
            {hidden: (Decimal(3), 1, 1, None, None)} if asked.id == account and first <= day <= last else {}
        )

    monkeypatch.setattr(audit, "totals", more)
    done = home.pull()
    note = f"Totals of campaigns differed on {day}, read again. On {day} they are still not the sums of their ads."
    assert f"Account {account}: {note}" in done.notes
    assert [row["note"] for row in home.rows("pulls") if row["kind"] == "campaign" and row["note"]] == [note]
