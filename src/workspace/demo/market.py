"""Vendors and what they offer: prices and tiers change, weeks fill up, a key is renumbered."""

from __future__ import annotations

import json
from bisect import bisect
from collections import Counter
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from workspace.demo.ledger import month
from workspace.demo.names import (
    CATEGORIES,
    CITIES,
    KINDS,
    OFFERS,
    PRICE_LEVEL,
    ROOMS,
    TAGS,
    VENDOR_FIRST,
    VENDOR_LAST,
)
from workspace.demo.world import DAY, DAY_ZERO, FIRST_DAY, HOUR, MINUTE, OUTAGE, World, money, season, summer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workspace.demo.world import Handler, Step

VENDORS = 300
LISTINGS_EACH = 5
# Changes a day per 1.0 of scale.
PRICES, TITLES, DETAILS, PAUSES, RATES = 8, 1.5, 2, 0.6, 0.25
SNAPSHOT_ROWS = 100  # availability rows in a transaction

TIERS = ("basic", "silver", "gold")
RATE_BY_TIER = (1500, 1200, 1000)  # commission, in 1/10000
UPGRADES = 0.2  # the share of vendors that are upgraded once
UPGRADE_DAYS = (60, 340)
UPLIFT = 0.2  # by which an upgrade raises a vendor's bookings

# Once in the company's life.
RENUMBERED_ON = date(2026, 4, 21)
RENUMBERED_BY = 900_000
SCHEMA_CHANGES = {date(2026, 2, 10): "add_source_app", date(2026, 5, 12): "widen_payment_id"}


@dataclass(slots=True)
class Vendor:
    """What the simulation remembers of a vendor."""

    city: int
    tier: int
    rate: int
    lifted: bool = False


@dataclass(slots=True)
class Listing:
    """What the simulation remembers of a listing."""

    id: int
    vendor: int
    kind: str
    price: int
    appeal: float
    slots: int
    paused: bool = False


class Upgrade(NamedTuple):
    """A planted truth: a vendor rises by a tier, and its bookings by a fifth."""

    vendor_id: int
    day: date
    before: str
    after: str


class Market:
    """All vendors and listings, and how likely each is chosen."""

    def __init__(self) -> None:
        self.vendors: list[Vendor] = []
        self.listings: list[Listing] = []
        self.upgrades: list[Upgrade] = []
        self.renumbered = 0
        self.references: Counter[str] = Counter()  # rows by table that refer to the listing to be renumbered
        self._everywhere: list[float] = []
        self._by_country: dict[str, tuple[list[int], list[float]]] = {}
        self.lift = 1.0

    def weigh(self) -> None:
        """Work out anew how likely each listing is chosen, and by how much upgrades lift the total."""
        weights, plain = [], 0.0
        countries: dict[str, list[int]] = {}
        for number, listing in enumerate(self.listings):
            vendor = self.vendors[listing.vendor]
            weights.append(listing.appeal * (1 + UPLIFT * vendor.lifted))
            plain += listing.appeal
            countries.setdefault(CITIES[vendor.city].country, []).append(number)
        self._everywhere = list(accumulate(weights))
        self.lift = self._everywhere[-1] / plain
        self._by_country = {c: (ns, list(accumulate(weights[n] for n in ns))) for c, ns in countries.items()}

    def draw(self, world: World, country: str | None = None) -> int | None:
        """Draw a listing that can be booked."""
        numbers, sums = self._by_country[country] if country else (None, self._everywhere)
        for _ in range(10):
            place = bisect(sums, world.rng.random() * sums[-1])
            number = numbers[place] if numbers else place
            if not self.listings[number].paused:
                return number
        return None


def found(world: World) -> Iterator[Step]:
    """Make the vendors and listings of the first day, and plan the upgrades to come."""
    rng = world.rng
    market = world.market = Market()
    count = max(len(CITIES), round(VENDORS * world.scale))
    for number in range(count):
        city = number if number < len(CITIES) else rng.choices(range(len(CITIES)), [c.weight for c in CITIES])[0]
        tier = rng.choices((0, 1, 2), (60, 30, 10))[0]
        market.vendors.append(Vendor(city, tier, RATE_BY_TIER[tier]))
        yield _vendor(world, number)
        for _ in range(LISTINGS_EACH):
            yield _listing(world, number)
    promising = [n for n, vendor in enumerate(market.vendors) if vendor.tier < 2]
    for number in sorted(rng.sample(promising, max(1, round(count * UPGRADES)))):
        day, tier = rng.randrange(*UPGRADE_DAYS), market.vendors[number].tier
        day += FIRST_DAY.toordinal() + day == OUTAGE.toordinal()
        upgrade = Upgrade(number + 1, date.fromordinal(FIRST_DAY.toordinal() + day), TIERS[tier], TIERS[tier + 1])
        market.upgrades.append(upgrade)
        world.plan(DAY_ZERO + day * DAY + 5 * MINUTE, "upgrade", number)
    market.renumbered = max(  # a popular space, so that much refers to it
        (number for number, listing in enumerate(market.listings) if listing.slots),
        key=lambda number: market.listings[number].appeal,
    )
    market.weigh()


def _vendor(world: World, number: int) -> Step:
    rng, vendor = world.rng, world.market.vendors[number]
    city, made = CITIES[vendor.city], world.stamp(DAY_ZERO - int(rng.uniform(30, 900) * DAY))
    name = f"{rng.choice(VENDOR_FIRST)} {rng.choice(VENDOR_LAST)} {number + 1}"
    category = CATEGORIES[number % len(CATEGORIES)]
    place = (city.name, city.country, TIERS[vendor.tier], _rate(vendor.rate))
    return ("add_vendors", (number + 1, name, category, *place, "active", made, made), 1)


def _listing(world: World, vendor: int) -> Step:
    rng, market = world.rng, world.market
    number = len(market.listings)
    category = CATEGORIES[vendor % len(CATEGORIES)]
    kind, city = KINDS[category], CITIES[market.vendors[vendor].city]
    low, high = {"space": (8_000, 40_000), "vendor": (40_000, 180_000), "service": (6_000, 30_000)}[kind]
    price = round(rng.uniform(low, high) * PRICE_LEVEL[city.currency] / 100) * 100
    slots = rng.randrange(14, 60) if kind == "space" else 0
    market.listings.append(Listing(1_001 + number, vendor, kind, price, rng.lognormvariate(0, 0.7), slots))
    capacity = rng.randrange(2, 50) * 10 if kind == "space" else None
    made = world.stamp(DAY_ZERO - int(rng.uniform(1, 30) * DAY))
    facts = (kind, _title(world, kind), city.name, capacity, money(price), city.currency, _tags(world))
    return ("add_listings", (1_001 + number, vendor + 1, *facts, _details(world), "active", made, made), 1)


def _title(world: World, kind: str) -> str:
    return world.rng.choice(ROOMS if kind == "space" else OFFERS)


def _tags(world: World) -> str:
    return "{" + ",".join(world.rng.sample(TAGS, world.rng.randrange(4))) + "}"


def _details(world: World) -> str:
    rng = world.rng
    return json.dumps({"wifi": rng.random() < 0.8, "notice_days": rng.randrange(1, 30), "floor": rng.randrange(5)})


def _rate(rate: int) -> str:
    return f"{rate / 10_000:.4f}"


def begin_day(world: World) -> None:
    """Enter the day's changes of the market into the agenda."""
    today, market = world.today, world.market
    start = DAY_ZERO + world.day * DAY
    if today in SCHEMA_CHANGES:
        world.plan(start + 3 * HOUR, "change_schema", SCHEMA_CHANGES[today])
    if today == RENUMBERED_ON:
        world.plan(start + 4 * HOUR, "renumber")
    if today.weekday() == 0:
        spaces = [number for number, listing in enumerate(market.listings) if listing.slots]
        world.ledger.slots[month(today.toordinal())] = Counter()
        for first in range(0, len(spaces), SNAPSHOT_ROWS):
            world.plan(start + 2 * HOUR + first * 1_000, "snapshot", spaces[first : first + SNAPSHOT_ROWS])
    for upgrade in market.upgrades:
        if upgrade.day == today:  # felt from the day's first booking on
            market.vendors[upgrade.vendor_id - 1].lifted = True
            market.weigh()
    busy = season(today) * world.scale
    rates = {"price": PRICES, "retitle": TITLES, "describe": DETAILS, "pause": PAUSES, "renegotiate": RATES}
    for kind, mean in rates.items():
        for _ in range(world.how_many(mean * busy) if busy else 0):
            world.plan(world.moment(), kind)


def _upgrade(world: World, number: int) -> Sequence[Step]:
    vendor = world.market.vendors[number]
    vendor.tier += 1
    vendor.rate = min(vendor.rate, RATE_BY_TIER[vendor.tier])
    return (("set_vendor_tier", (number + 1, TIERS[vendor.tier], _rate(vendor.rate), world.stamp()), 1),)


def _renegotiate(world: World, _: object) -> Sequence[Step]:
    number = world.rng.randrange(len(world.market.vendors))
    vendor = world.market.vendors[number]
    vendor.rate = min(2_500, max(500, vendor.rate + world.rng.choice((-150, -100, -50, 50, 75, 125))))
    return (("set_vendor_rate", (number + 1, _rate(vendor.rate), world.stamp()), 1),)


def _price(world: World, _: object) -> Sequence[Step]:
    listing = world.rng.choice(world.market.listings)
    listing.price = max(100, round(listing.price * world.rng.uniform(0.92, 1.1) / 50) * 50)
    return (("set_listing_price", (listing.id, money(listing.price), world.stamp()), 1),)


def _retitle(world: World, _: object) -> Sequence[Step]:
    listing = world.rng.choice(world.market.listings)
    title = f"{_title(world, listing.kind)} II"
    return (("set_listing_title", (listing.id, title, _tags(world), world.stamp()), 1),)


def _describe(world: World, _: object) -> Sequence[Step]:
    listing = world.rng.choice(world.market.listings)
    return (("set_listing_details", (listing.id, _details(world), world.stamp()), 1),)


def _pause(world: World, _: object) -> Sequence[Step]:
    number = world.rng.randrange(len(world.market.listings))
    listing = world.market.listings[number]
    if listing.paused:
        return ()
    listing.paused = True
    world.plan(world.now + int(world.rng.uniform(3, 30) * DAY), "resume", number)
    return (("set_listing_status", (listing.id, "paused", world.stamp()), 1),)


def _resume(world: World, number: int) -> Sequence[Step]:
    listing = world.market.listings[number]
    listing.paused = False
    return (("set_listing_status", (listing.id, "active", world.stamp()), 1),)


def _snapshot(world: World, numbers: list[int]) -> Sequence[Step]:
    """Write down how many slots of each space are still open this week."""
    market, today = world.market, world.today
    slots = world.ledger.slots[month(today.toordinal())]
    steps: list[Step] = []
    for number in numbers:
        listing = market.listings[number]
        taken = min(1.0, max(0.0, world.rng.gauss(0.45 + 0.35 * summer(today), 0.15)))
        left = round(listing.slots * (1 - taken))
        slots[market.vendors[listing.vendor].city] += left
        market.references["availability"] += number == market.renumbered
        steps.append(("add_availability", (listing.id, today.isoformat(), listing.slots, left), 1))
    return steps


def _renumber(world: World, _: object) -> Sequence[Step]:
    """Give a listing another key, everywhere."""
    market = world.market
    listing = market.listings[market.renumbered]
    old, listing.id = listing.id, listing.id + RENUMBERED_BY
    return (
        ("renumber_listing", (old, listing.id, world.stamp()), 1),
        *((f"renumber_{t}", (old, listing.id), market.references[t]) for t in ("availability", "items", "reviews")),
    )


def _change_schema(_: World, name: str) -> Sequence[Step]:
    return ((name, (), 1),)


HANDLERS: dict[str, Handler] = {
    "upgrade": _upgrade,
    "renegotiate": _renegotiate,
    "price": _price,
    "retitle": _retitle,
    "describe": _describe,
    "pause": _pause,
    "resume": _resume,
    "snapshot": _snapshot,
    "renumber": _renumber,
    "change_schema": _change_schema,
}
