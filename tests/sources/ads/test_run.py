"""A run over an advertising source, on all four platforms as the demo speaks them over HTTP."""

from __future__ import annotations

import dataclasses
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

import workspace.sources.ads.account
import workspace.sources.ads.deferral
from adserver import DELETED, NOW
from sources.ads.pulling import SINCE, utc
from workspace.errors import SourceError
from workspace.sources.ads import audit, policy
from workspace.sources.ads.adapter import Action
from workspace.sources.ads.answers import TooLargeError
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
