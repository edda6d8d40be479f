"""The book of the simulated company's advertisements: all that follows from who clicked, and who booked."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from workspace.demo.ads.book import Claim, Facts, total
from workspace.demo.ads.catalogue import Catalogue
from workspace.demo.ads.claims import BEGIN, GOOGLE, TWITTER, Claimed, claims
from workspace.demo.ads.prices import Prices, chance
from workspace.demo.clickstream.campaigns import ADS, LETTER, click_id
from workspace.demo.rates import Rates
from workspace.demo.world import DAY, DAY_ZERO, EPOCH, HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workspace.demo.ads.book import Account, Ad, Campaign, Group, Window
    from workspace.demo.world import World

INVALID = 0.05  # of Google's clicks: so many more come that are not counted in the end
# Days of a campaign whose spend clearly goes down: by which share, and how many days later.
CREDITED = ((date(2026, 10, 4), date(2026, 10, 7)), "Conference season", Decimal("0.4"), 8)
_EXACT = Decimal("0.000001")


class Click(NamedTuple):
    """A click as its platform sees it: what it costs in EUR, and until when it counts."""

    number: int
    at: int
    cost: float
    until: int | None


class Row:
    """All that ever happens to an ad on a day of its account."""

    __slots__ = ("claims", "clicks")

    def __init__(self) -> None:
        self.clicks: list[Click] = []
        self.claims: list[Claimed] = []


class WorldBook:
    """The book, as `workspace.demo.ads.book` describes it, worked out once for a state of the company.

    Args:
        world: The company, at the clock or later: what is known at a moment does not change.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.catalogue = Catalogue()
        self.rates = Rates(world.today + timedelta(days=10))  # the rate of every day that a figure is of
        self._rate = cache(self.rates.of)
        self._end = DAY_ZERO + world.day * DAY  # nothing has happened since
        self._places: defaultdict[str, list[int]] = defaultdict(list)
        for place, ad in enumerate(ADS):
            self._places[ad.campaign.account.id].append(place)

    def accounts(self, platform: str) -> Sequence[Account]:
        """As `Book`."""
        return self.catalogue.accounts[platform]

    def campaigns(self, account_id: str) -> Sequence[Campaign]:
        """As `Book`."""
        return self.catalogue.campaigns.get(account_id, [])

    def groups(self, account_id: str) -> Sequence[Group]:
        """As `Book`."""
        return self.catalogue.groups.get(account_id, [])

    def ads(self, account_id: str) -> Sequence[Ad]:
        """As `Book`."""
        return self.catalogue.ads.get(account_id, [])

    def facts(self, account_id: str, day: date, as_of: datetime) -> Sequence[tuple[Ad, Facts]]:
        """As `Book`."""
        told = ((self.catalogue.shown[place].ad, facts) for place, facts in self._did(account_id, day, as_of))
        return [(ad, facts) for ad, facts in told if ad]

    def campaign_facts(self, account_id: str, day: date, as_of: datetime) -> Sequence[tuple[Campaign, Facts]]:
        """As `Book`."""
        parts: defaultdict[str, list[Facts]] = defaultdict(list)
        for place, facts in self._did(account_id, day, as_of):
            parts[self.catalogue.shown[place].campaign.id].append(facts)
        return [(each, total(parts[each.id])) for each in self.campaigns(account_id) if each.id in parts]

    def click_views(self, account_id: str, day: date, as_of: datetime) -> Sequence[tuple[str, Ad, datetime]]:
        """As `Book`."""
        told, until = [], _millis(as_of)
        for place in self._places[account_id]:
            ad, row = self.catalogue.shown[place].ad, self._rows.get((place, day.toordinal()))
            if ADS[place].platform == GOOGLE and ad and row:
                clicks = (c for c in row.clicks if c.number >= 0 and c.at < until)
                told += [(click_id(self.world.seed, GOOGLE, c.number), ad, _moment(c.at)) for c in clicks]
        return told

    @cached_property
    def _rows(self) -> dict[tuple[int, int], Row]:
        """What happened, by ad and local day."""
        rows: defaultdict[tuple[int, int], Row] = defaultdict(Row)
        for place, click in self._clicks():
            rows[place, local_day(_zone(place), click.at)].clicks.append(click)
        for claim in claims(self.world):
            rows[claim.ad, local_day(_zone(claim.ad), claim.at)].claims.append(claim)
        return dict(rows)

    def _clicks(self) -> Iterator[tuple[int, Click]]:
        """Give every click with its ad, and after it, now and then, one of a machine that Google does not count."""
        book, seed, prices = self.world.web.clicks, self.world.seed, Prices(self.world, self.rates)
        for number, (at, ad) in enumerate(zip(book.at, book.ad, strict=True)):
            if ad == LETTER:
                continue
            cost = prices.of(ADS[ad].platform, number, at)
            yield ad, Click(number, at, cost, None)
            drawn = chance(seed, "invalid", number)
            if ADS[ad].platform == GOOGLE and drawn < INVALID:
                yield ad, Click(-1, at, cost, at + 6 * HOUR + int(drawn / INVALID * 60 * HOUR))

    def _did(self, account_id: str, day: date, as_of: datetime) -> Iterator[tuple[int, Facts]]:
        """Give what each ad of an account did on a day; those that did nothing are left out."""
        account = self.catalogue.of[account_id]
        begin, end = bounds(account.timezone, day)
        if max(begin, BEGIN) >= min(_millis(as_of), end, self._end):
            return
        for place in self._places[account_id]:
            facts = self._facts(account, place, (day, begin, end), _millis(as_of))
            if facts:
                yield place, facts

    def _facts(self, account: Account, place: int, when: tuple[date, int, int], now: int) -> Facts:
        day = when[0].toordinal()
        row = self._rows.get((place, day))
        clicks = [c for c in row.clicks if c.at < now and (c.until is None or now < c.until)] if row else []
        known = [claim for claim in row.claims if claim.known < now] if row else []
        social = 0 if ADS[place].platform == GOOGLE else sum(c.number % 3 for c in clicks)  # likes, and the like
        factor, estimate = self._rough(place, when, now)
        spend = Decimal(repr(sum(c.cost for c in clicks))) * factor * self._rate(account.currency, day)
        return Facts(
            impressions=self._sights(place, when, now) + sum(24 + c.number % 37 for c in clicks) + social,
            clicks=len(clicks) + social,
            link_clicks=len(clicks),
            spend=_rounded(account, spend),
            claims=self._claims(account, known, day),
            view_through=sum(claim.action == "purchase" and claim.window in (None, "1d_view") for claim in known),
            estimate=estimate,
        )

    def _sights(self, place: int, when: tuple[date, int, int], now: int) -> int:
        """Tell how often an ad was shown without a click: evenly all day long, until it is stopped."""
        day, begin, end = when
        stopped = self.catalogue.shown[place].stopped
        until = min(now, end, self._end, _millis(stopped) if stopped else end)
        drawn = 40 + 200 * chance(self.world.seed, "sights", place, day)
        return max(0, math.ceil(drawn * self.world.scale * (until - max(begin, BEGIN)) / (end - begin)))

    def _rough(self, place: int, when: tuple[date, int, int], now: int) -> tuple[Decimal, bool]:
        """Tell by how much a spend is still wrong, and whether that is said: Twitter estimates, then gives credits."""
        day, _, end = when
        if ADS[place].platform != TWITTER:
            return Decimal(1), False
        drawn = chance(self.world.seed, "rough", place, day)
        planted, name, share, after = CREDITED
        if planted[0] <= day <= planted[1] and ADS[place].campaign.name == name:
            later = 1 / (1 - share) if now < end + after * DAY else Decimal(1)
        elif drawn < 0.3 and now < end + int((4 + 30 * drawn) * DAY):
            later = Decimal(1020 + int(drawn * 100)) / 1000
        else:
            later = Decimal(1)
        if now < end + 3 * DAY:
            return later * Decimal(970 + int(drawn * 110)) / 1000, True
        return later, False

    def _claims(self, account: Account, known: list[Claimed], day: int) -> tuple[Claim, ...]:
        sums: dict[tuple[str, Window], tuple[Decimal, Decimal]] = {}
        for claim in known:
            if claim.window is None:
                continue
            conversions, value = sums.get((claim.action, claim.window), (Decimal(), Decimal()))
            if claim.cents:
                rate = self._rate(account.currency, day) / self._rate(claim.currency, day)
                value += claim.conversions * claim.cents / 100 * rate
            sums[claim.action, claim.window] = conversions + claim.conversions, value
        return tuple(
            Claim(action=action, conversions=conversions, value=_rounded(account, value), window=window)
            for (action, window), (conversions, value) in sorted(sums.items())
        )


def _rounded(account: Account, amount: Decimal) -> Decimal:
    """Round money as the platform does: to a millionth, or to what the currency has."""
    if account.platform in ("google_ads", "twitter_ads"):
        return amount.quantize(_EXACT, ROUND_HALF_UP)
    return amount.quantize(Decimal(1) if account.currency == "JPY" else Decimal("0.01"), ROUND_HALF_UP)


def _zone(place: int) -> str:
    return ADS[place].campaign.account.zone


def _millis(at: datetime) -> int:
    return (at - EPOCH) // timedelta(milliseconds=1)


def _moment(at: int) -> datetime:
    return EPOCH + timedelta(milliseconds=at)


@lru_cache(maxsize=100_000)
def _day_of_hour(zone: str, hour: int) -> int:
    return datetime.fromtimestamp(hour * 3600, UTC).astimezone(ZoneInfo(zone)).date().toordinal()


def local_day(zone: str, at: int) -> int:
    """Tell the calendar day (its ordinal) in a zone of a time in milliseconds; no zone here has half hours."""
    return _day_of_hour(zone, at // HOUR)


@lru_cache(maxsize=100_000)
def bounds(zone: str, day: date) -> tuple[int, int]:
    """Give when a calendar day begins in a zone, and when the next one does, in milliseconds of the epoch."""
    midnights = (datetime.combine(each, time(), ZoneInfo(zone)) for each in (day, day + timedelta(days=1)))
    begin, end = (_millis(midnight) for midnight in midnights)
    return begin, end
