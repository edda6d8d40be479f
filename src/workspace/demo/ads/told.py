"""What the company's advertising truly cost and brought, and what the platforms say about it, as known at a moment."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from workspace.demo.ads.book import COUNTED, PLATFORMS
from workspace.demo.ads.worldbook import WorldBook
from workspace.demo.clickstream.campaigns import ADS
from workspace.demo.clickstream.campaigns import PLATFORMS as OWN
from workspace.demo.clickstream.sales import PENDING
from workspace.demo.clickstream.web import SINCE
from workspace.demo.ledger import month, reporting_day
from workspace.demo.names import CITIES
from workspace.demo.rates import Rates
from workspace.demo.world import DAY_ZERO, EPOCH, FIRST_DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workspace.demo.ads.book import Account, Campaign, Facts
    from workspace.demo.world import World

_COUNTS = ("impressions", "clicks", "link_clicks", "view_through")


def advertising(world: World, as_of: datetime | None = None) -> dict[str, Any]:
    """Sum up the advertising of the time in which the website is watched; see `workspace.demo.totals`.

    Args:
        world: The company.
        as_of: What was known then; by the clock if None.
    """
    book = WorldBook(world)
    clock = EPOCH + timedelta(milliseconds=DAY_ZERO) + timedelta(days=world.day)
    as_of = as_of or clock
    rates = Rates(clock.date())
    platforms = {platform: _platform(book, platform, as_of, rates) for platform in PLATFORMS}
    caused = _caused(world, rates, as_of)
    for platform, told in platforms.items():
        told["caused"], spent = caused[platform], told["spend"]["total"]
        told["roas"] = told["caused"]["gbv"] / spent if spent else None
    claimed = sum((told["claimed"]["total"] for told in platforms.values()), Decimal())
    bookings = sum(1 for at in world.web.sales.at if EPOCH + timedelta(milliseconds=at) < as_of)
    return {
        "as_of": as_of,
        "platforms": platforms,
        "bookings": bookings,
        "claims_a_booking": claimed / bookings if bookings else None,
        "planted_roas": {name: own.roas for name, own in zip(PLATFORMS, OWN, strict=True)},
    }


def days(book: WorldBook, platform: str, as_of: datetime) -> Iterator[tuple[Account, date, Campaign, Facts]]:
    """Give what each campaign of a platform did on each day, as known at a moment."""
    last = max(as_of.date(), FIRST_DAY) + timedelta(days=1)
    for account in book.accounts(platform):
        for number in range(-1, (min(last, book.world.today) - SINCE).days + 2):
            day = SINCE + timedelta(days=number)
            for campaign, facts in book.campaign_facts(account.id, day, as_of):
                yield account, day, campaign, facts


def _platform(book: WorldBook, platform: str, as_of: datetime, rates: Rates) -> dict[str, Any]:
    spend: defaultdict[str, Decimal] = defaultdict(Decimal)
    native: defaultdict[str, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    claimed: defaultdict[str, Decimal] = defaultdict(Decimal)
    value = Decimal()
    counts: Counter[str] = Counter()
    for account, day, _, facts in days(book, platform, as_of):
        when, rate = month(day.toordinal()), rates.of(account.currency, day.toordinal())
        spend[when] += facts.spend / rate
        native[account.id][when] += facts.spend
        conversions, worth = facts.claimed("purchase", COUNTED[platform])
        claimed[when] += conversions
        value += worth / rate
        counts.update({name: getattr(facts, name) for name in _COUNTS})
    return {
        "spend": _summed(spend),
        "native": {
            account.id: {"currency": account.currency, **_summed(native[account.id])}
            for account in book.accounts(platform)
            if account.id in native
        },
        "claimed": _summed(claimed),
        "claimed_value": value,
        **{name: counts[name] for name in _COUNTS},
    }


def _caused(world: World, rates: Rates, as_of: datetime) -> dict[str, dict[str, Any]]:
    """Sum the placed bookings that ads truly caused, by platform; gross booking value in EUR."""
    clicks, sales = world.web.clicks, world.web.sales.now()
    until = (as_of - EPOCH) // timedelta(milliseconds=1)
    told: dict[str, dict[str, Any]] = {platform: {"bookings": 0, "gbv": Decimal()} for platform in PLATFORMS}
    for booking, click in zip(clicks.booking, clicks.cause, strict=True):
        sale = sales[booking - world.web.sales.first]
        if PENDING < sale.settled < until:
            own = told[PLATFORMS[ADS[clicks.ad[click]].platform]]
            own["bookings"] += 1
            own["gbv"] += Decimal(sale.gross) / 100 / rates.of(CITIES[sale.city].currency, reporting_day(sale.at))
    return told


def _summed(months: defaultdict[str, Decimal]) -> dict[str, Any]:
    return {"total": sum(months.values(), Decimal()), "month": dict(sorted(months.items()))}
