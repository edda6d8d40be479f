"""The book of the company's advertisements, against the website's own books and its own earlier self."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import httpx
import pytest

from workspace.demo.ads.book import COUNTED, PLATFORMS, Facts, total
from workspace.demo.ads.described import CREDENTIALS, variable
from workspace.demo.ads.serving import serving
from workspace.demo.ads.told import advertising
from workspace.demo.ads.worldbook import CREDITED, WorldBook, bounds
from workspace.demo.clickstream import clicks
from workspace.demo.home import move_clock, write_settings
from workspace.demo.world import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from demo.ads.conftest import Company
    from workspace.demo.ads.book import Account

CLOCK, FINAL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
EARLIER = datetime(2026, 10, 12, tzinfo=UTC)
DAYS = [date(2026, 8, 30) + timedelta(days=number) for number in range(66)]


@pytest.fixture(scope="module")
def book(company: Company) -> WorldBook:
    return WorldBook(company.world)


def spending(book: WorldBook) -> Iterator[Account]:
    for platform in PLATFORMS:
        yield from (account for account in book.accounts(platform) if book.campaigns(account.id))


def test_accounts_are_as_documented(book: WorldBook) -> None:
    for platform in PLATFORMS:
        accounts = book.accounts(platform)
        full = [account for account in accounts if book.campaigns(account.id)]
        assert len(full) == 2
        assert all(account.status == "enabled" and not account.manager for account in full)
        assert all(16 <= len(book.ads(account.id)) <= 24 for account in full)
        assert [account.status for account in accounts].count("disabled") == 1
        assert [account.manager for account in accounts].count(True) == (platform == "google_ads")
        empty = [account for account in accounts if not book.campaigns(account.id)]
        assert not any(book.campaign_facts(account.id, day, CLOCK) for account in empty for day in DAYS)
    zones = {(account.currency, account.timezone) for account in spending(book)}
    assert {("USD", "America/Los_Angeles"), ("GBP", "Europe/London"), ("JPY", "Asia/Tokyo")} < zones
    named = [each for account in spending(book) for each in book.campaigns(account.id)]
    assert len({each.id for each in named}) == len(named)
    assert sum(each.status(CLOCK) == "deleted" for each in named) == 1
    assert sum(each.status(CLOCK) == "paused" for each in named) == 1
    (renamed,) = [each for each in named if each.name(CLOCK) != each.name(EARLIER - timedelta(days=5))]
    assert renamed.updated(CLOCK) == datetime(2026, 10, 10, tzinfo=UTC)


def test_what_was_known_at_a_moment_does_not_change(company: Company, book: WorldBook) -> None:
    before = WorldBook(company.earlier)
    assert company.earlier.today == EARLIER.date()
    told = 0
    for account in spending(book):
        for day in DAYS:
            for as_of in (EARLIER, EARLIER - timedelta(days=6, hours=5)):
                then = before.campaign_facts(account.id, day, as_of)
                assert then == book.campaign_facts(account.id, day, as_of)
                assert before.facts(account.id, day, as_of) == book.facts(account.id, day, as_of)
                told += len(then)
    assert told > 1000


def test_ads_and_what_is_kept_whole_sum_to_campaigns(book: WorldBook) -> None:
    for account in spending(book):
        for day in DAYS:
            parts: dict[str, list[Facts]] = defaultdict(list)
            for ad, facts in book.facts(account.id, day, CLOCK):
                parts[ad.campaign_id].append(facts)
            for campaign, facts in book.campaign_facts(account.id, day, CLOCK):
                if campaign.ads_hidden:
                    assert campaign.id not in parts
                    assert account.platform == "google_ads"
                else:
                    assert facts == total(parts.pop(campaign.id))
            assert not parts


def test_every_click_is_told_once_on_the_day_of_its_account(company: Company, book: WorldBook) -> None:
    expected: Counter[tuple[str, date, str]] = Counter()
    views: dict[str, str] = {}
    for click in clicks(company.world):
        billed = click.ad.campaign.account
        at = datetime.fromtimestamp(click.at / 1000, UTC).astimezone(ZoneInfo(billed.zone))
        expected[billed.id, at.date(), click.ad.campaign.id] += 1
        if click.ad.id and click.ad.platform == 0:
            views[click.click_id] = click.ad.id
    told: Counter[tuple[str, date, str]] = Counter()
    seen: dict[str, str] = {}
    for account in spending(book):
        for day in DAYS:
            for campaign, facts in book.campaign_facts(account.id, day, FINAL):
                told[account.id, day, campaign.id] += facts.link_clicks
                assert facts.link_clicks <= facts.clicks <= facts.impressions
            for number, ad, at in book.click_views(account.id, day, FINAL):
                assert at.astimezone(ZoneInfo(account.timezone)).date() == day
                seen[number] = ad.id
    assert +told == expected
    assert expected.total() > 500
    assert seen == views
    assert min(day for _, day, _ in expected) == date(2026, 9, 1)  # in Los Angeles
    assert not any(book.campaign_facts(account.id, date(2026, 8, 31), FINAL) for account in spending(book))


def test_figures_grow_and_only_what_is_planted_falls(book: WorldBook) -> None:
    fallen: Counter[str] = Counter()
    for account in spending(book):
        for day in DAYS[3:40:4]:
            _, end = bounds(account.timezone, day)
            moments = [datetime.fromtimestamp(end / 1000, UTC) + timedelta(days=age) for age in range(40)]
            known = [book.campaign_facts(account.id, day, at) for at in moments]
            history = [{campaign.id: facts for campaign, facts in told} for told in known]
            for before, after in pairwise(history):
                for campaign, old in before.items():
                    _compare(account.platform, old, after[campaign], fallen)
            assert history[31] == history[-1]  # a month later nothing changes any more
            assert {c: replace(f, claims=()) for c, f in history[14].items() if account.platform == "twitter_ads"} == {
                c: replace(f, claims=()) for c, f in history[-1].items() if account.platform == "twitter_ads"
            }
    assert fallen.keys() == {"google_ads clicks", "google_ads spend", "twitter_ads spend"}


def _compare(platform: str, old: Facts, new: Facts, fallen: Counter[str]) -> None:
    for name in ("impressions", "clicks", "spend", "view_through"):
        if getattr(new, name) < getattr(old, name) and name != "impressions":
            fallen[f"{platform} {name}"] += 1
    assert platform == "google_ads" or new.impressions >= old.impressions
    for action in ("purchase", "add_to_cart", "sign_up"):
        assert new.claimed(action, COUNTED[platform])[0] >= old.claimed(action, COUNTED[platform])[0]
    assert new.estimate <= old.estimate


def test_twitter_estimates_and_gives_one_clear_credit(book: WorldBook) -> None:
    (first, last), name, share, after = CREDITED
    account = book.accounts("twitter_ads")[0]
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]

    def spend(age: float) -> tuple[Decimal, bool]:
        told = []
        for day in days:
            at = datetime.fromtimestamp(bounds(account.timezone, day)[1] / 1000, UTC) + timedelta(days=age)
            told += [f for c, f in book.campaign_facts(account.id, day, at) if c.name(CLOCK) == name]
        return sum((facts.spend for facts in told), Decimal()), any(facts.estimate for facts in told)

    before, final = spend(after - 0.1)[0], spend(after + 0.1)[0]
    assert final == spend(60)[0] > 0
    assert float(final / before) == pytest.approx(float(1 - share), rel=1e-4)
    assert [spend(age)[1] for age in (0, 2.9, 3.1)] == [True, True, False]


def test_money_is_rounded_as_the_platform_does(book: WorldBook) -> None:
    places = {"google_ads": 6, "twitter_ads": 6, "facebook_ads": 2}
    for account in spending(book):
        expected = 0 if account.currency == "JPY" else places.get(account.platform, 2)
        for day in DAYS[5:15]:
            for _, facts in book.facts(account.id, day, CLOCK):
                assert facts.spend.as_tuple().exponent in (-expected, 0)
                whole = all(claim.conversions == int(claim.conversions) for claim in facts.claims)
                assert whole or account.platform == "google_ads"


def test_days_have_23_24_or_25_hours() -> None:
    hours = {
        (zone, day): (bounds(zone, date.fromisoformat(day))[1] - bounds(zone, date.fromisoformat(day))[0]) / 3_600_000
        for zone, day in (
            ("Europe/Berlin", "2026-10-24"),
            ("Europe/Berlin", "2026-10-25"),
            ("America/Los_Angeles", "2026-11-01"),
            ("Europe/London", "2027-03-28"),
            ("Asia/Tokyo", "2026-10-25"),
        )
    }
    assert list(hours.values()) == [24, 25, 25, 23, 24]


def test_platforms_claim_more_than_there_is(company: Company) -> None:
    told = advertising(company.world, FINAL)
    assert told["bookings"] == len(company.world.web.sales)
    assert told["claims_a_booking"] == pytest.approx(Decimal("1.6"), rel=Decimal("0.01"))
    by_now = advertising(company.world)
    assert by_now["as_of"] == CLOCK
    assert 1.4 < by_now["claims_a_booking"] < told["claims_a_booking"]
    for platform in PLATFORMS:
        one, other = by_now["platforms"][platform], told["platforms"][platform]
        assert one["claimed"]["total"] < other["claimed"]["total"]
        assert 0 < one["caused"]["bookings"] < other["claimed"]["total"]
        assert sum(one["spend"]["month"].values()) == one["spend"]["total"]


@pytest.fixture
def home(tmp_path: Path, company: Company) -> Path:
    """A home without databases, whose company is the one above."""
    write_settings(tmp_path, EARLIER)
    (tmp_path / "world.json").write_text(json.dumps({"seed": 1, "scale": 0.25, "version": VERSION}))
    (tmp_path / "world.state").write_bytes(pickle.dumps((VERSION, company.earlier)))
    return tmp_path


def test_a_home_serves_its_company_at_its_clock(home: Path, company: Company, book: WorldBook) -> None:
    before = dict(os.environ)
    account = book.accounts("facebook_ads")[0]
    with serving(home) as server, httpx.Client(base_url=server.url) as client:
        assert os.environ["DEMO_ADS_URL"] == server.url
        names = [variable(platform, name) for platform, named in CREDENTIALS.items() for name in named]
        assert len({os.environ[name] for name in names}) == len(names) == 14
        assert datetime.fromisoformat(client.get("/_sim/clock").json()["now"]) == EARLIER
        for clock, world in ((EARLIER, company.earlier), (CLOCK, company.world)):
            (home / "world.state").write_bytes(pickle.dumps((VERSION, world)))
            move_clock(home, clock)
            query = {"account": account.id, "day": "2026-10-08"}
            told = client.get("/_sim/truth", params=query).json()["ads"]
            expected = {ad.id: facts for ad, facts in book.facts(account.id, date(2026, 10, 8), clock)}
            assert {name: Decimal(each["spend"]) for name, each in told.items()} == {
                name: facts.spend for name, facts in expected.items()
            }
        answer = client.get(
            "/v26.0/me/adaccounts", params={"access_token": os.environ["DEMO_FACEBOOK_ADS_ACCESS_TOKEN"]}
        )
        assert answer.status_code in (200, 400)  # as the platform will have it: it is there
        assert server.errors == []
    assert dict(os.environ) == before


def test_a_home_can_be_served_by_hand(home: Path) -> None:
    command = [sys.executable, "-m", "workspace.demo.ads", "--home", str(home), "--credentials"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        first = process.stdout.readline()
        url = first.split("=", 1)[1].split()[0]
        assert datetime.fromisoformat(httpx.get(f"{url}/_sim/clock").json()["now"]) == EARLIER
        assert process.stdout.readline().startswith("export DEMO_GOOGLE_ADS_CLIENT_ID=demo-google-ads-client-id-")
        process.terminate()
    done = subprocess.run([*command[:4], str(home / "none")], capture_output=True, text=True, check=False)
    assert (done.returncode, "is not the settings file of a demo" in done.stderr) == (1, True)
