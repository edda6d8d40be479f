"""Who comes by on a day, and why: those who book or sign up, users and strangers, and machines."""

from __future__ import annotations

from bisect import bisect
from dataclasses import replace
from datetime import timedelta
from hashlib import blake2b
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from workspace.demo.clickstream.campaigns import LETTER
from workspace.demo.clickstream.devices import BOT_WEIGHTS, BOTS, DEVICES, WEIGHTS
from workspace.demo.clickstream.landings import (
    ANONYMOUS,
    BY_SIGNUP,
    DECIDED,
    DRIVEN,
    EMAIL,
    KNOWN,
    REMINDED,
    WAYS,
    Landing,
    draw_ad,
    land,
    land_by_ad,
)
from workspace.demo.clickstream.line import uuid
from workspace.demo.clickstream.stories import Basket, Shop
from workspace.demo.clickstream.visits import Visit, Visitor
from workspace.demo.names import CITIES
from workspace.demo.people import AWAY
from workspace.demo.world import DAY, DAY_ZERO, FIRST_DAY, HOUR, HOURS_SUMMED, MINUTE, season

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from workspace.demo.clickstream.landings import Way
    from workspace.demo.clickstream.web import Web
    from workspace.demo.world import World

# Visits a day per 1.0 of scale.
STRANGERS, USERS, ABANDONED, PROSPECTS, CRAWLS = 85, 10, 27, 8, 5
RETURNING = 0.22  # the share of strangers that come back some days later
AHEAD = 40  # how many sign-ups ahead a future user may come by for a first time, per 1.0 of scale
REMEMBERED = 0.55
RETURNS = 0.6  # the share of those whom an advertisement convinces that book some hours later
GUESTS = 0.08  # the share of users' idle visits in which another user logs in
CITY_WEIGHTS = [city.weight for city in CITIES]
CITY_NUMBERS = range(len(CITIES))
APART = 40 * MINUTE  # between two visits of one browser


class Booked(NamedTuple):
    """A booking, as the company saw it: the amounts before and after a discount are in cents."""

    number: int
    id: str
    user: int
    lines: list[tuple[int, int]]
    gross: int
    cents: int


class Day:
    """One day at the website.

    Args:
        web: What is remembered of the days before.
        world: The company at the day's end.
        today: Which day it is.
    """

    def __init__(self, web: Web, world: World, today: date) -> None:
        self.web = web
        self.world = world
        self.rng = Random(f"{world.seed}:web:{today}")
        self.begin = DAY_ZERO + (today - FIRST_DAY).days * DAY
        self.busy = season(today) * world.scale
        self.today = today
        self.shop = Shop(self.rng, world.market, today)
        self.taken: dict[int, list[int]] = {}  # when each browser has been here already

    def visits(self) -> list[Visit]:
        """Give the day's visits in the order in which they begin."""
        told: list[Visit] = []
        for kind, at, subject in self.world.witnessed:
            if kind == "booked":
                told += self._book(at, Booked(*subject))
            elif kind == "signed_up":
                told.append(self._sign_up(at, *subject))
            elif kind == "seen":
                told += self._come_back(at, *subject)
        told += self._users()
        told += self._strangers()
        told += self._machines()
        told.sort(key=lambda visit: (visit.start, visit.visitor.key))
        for visit in told:
            if visit.landing.click >= 0:
                self.web.clicks.at[visit.landing.click] = visit.start
        return told

    def _book(self, at: int, booked: Booked) -> Iterator[Visit]:
        """Tell how a booking came about; a booking that an advertisement caused is blamed on one click."""
        rng, world = self.rng, self.world
        visitor = self._device(booked.user, int(rng.random() * world.people.devices[booked.user]))
        currency = CITIES[world.market.vendors[world.market.listings[booked.lines[0][0]].vendor].city].currency
        listings, quantities = zip(*booked.lines, strict=True)
        basket = Basket(listings, quantities, currency, booked.gross)
        platform = self._driven()
        if platform >= 0 and rng.random() < RETURNS and at - self.begin > 3 * HOUR:  # saw it earlier that day
            before = at - 2 * HOUR - int(rng.random() * (at - self.begin - 3 * HOUR))
            first = Visit(rng, visitor, self._click(platform, visitor))
            self.web.clicks.blame(booked.number, first.landing.click)
            self.shop.arrive(first)
            self.shop.wander(first, 0.8)
            first.settle(before, self.begin)
            self._take(visitor, before)
            yield first
            landing = self._land(REMINDED, WAYS[4:], visitor)
        elif platform >= 0:
            landing = self._click(platform, visitor)
            self.web.clicks.blame(booked.number, landing.click)
        else:
            landing = self._land(DECIDED, WAYS, visitor)
        visit = Visit(rng, visitor, landing, known=rng.random() < REMEMBERED and self._was_here(visitor))
        self.shop.arrive(visit)
        self.shop.fill(visit, basket)
        self.shop.check_out(visit, basket)
        self.shop.purchase(visit, basket, booked.id, booked.cents)
        visit.settle(at + 600 + int(rng.random() * 900), self.begin, "purchase")
        self._take(visitor, visit.start)
        yield visit

    def _driven(self) -> int:
        """Draw the platform whose advertisement causes a booking, -1 if none does."""
        chance = self.rng.random()
        for platform, share in enumerate(DRIVEN):
            chance -= share
            if chance < 0:
                return platform
        return -1

    def _sign_up(self, at: int, user: int, channel: str) -> Visit:
        """Tell how somebody became a user: a look around, then the first login."""
        visitor = self._device(user, 0)
        visit = Visit(self.rng, visitor, self._come(BY_SIGNUP[channel], visitor))
        self.shop.arrive(visit)
        self.shop.wander(visit, 0.6)
        visit.log_in(new=True)
        if self.rng.random() < 0.5:
            self.shop.search(visit)
        visit.settle(at, self.begin, "login")
        self._take(visitor, visit.start)
        return visit

    def _come_back(self, at: int, user: int, part: int) -> Iterator[Visit]:
        """Tell the visit behind a service's note that it has seen a device."""
        visitor = self._device(user, part)
        if self._free(visitor, at):
            yield self._at_home(visitor, at, abandons=False)

    def _users(self) -> Iterator[Visit]:
        """Users look around, or go as far as the checkout; future users come for the first time."""
        people, rng = self.world.people, self.rng
        joined = len(people.flags)
        for _ in range(self._how_many(PROSPECTS)):
            user = joined + int(rng.random() ** 2 * max(2, AHEAD * self.world.scale))
            visitor, at = self._device(user, 0, ahead=True), self._moment()
            if self._free(visitor, at):
                visit = Visit(rng, visitor, self._land(ANONYMOUS, WAYS, visitor))
                yield self._look_around(visit, at, 0.5)
        for mean, abandons in ((USERS, False), (ABANDONED, True)):
            for _ in range(self._how_many(mean)):
                user = int(rng.random() * joined)
                visitor, at = self._device(user, int(rng.random() * people.devices[user])), self._moment()
                if not people.flags[user] & AWAY and self._free(visitor, at):
                    yield self._at_home(visitor, at, abandons=abandons)

    def _at_home(self, visitor: Visitor, at: int, *, abandons: bool) -> Visit:
        visit = Visit(self.rng, visitor, self._land(KNOWN, WAYS, visitor))
        visit.known = self.rng.random() < REMEMBERED and self._was_here(visitor)
        if not abandons:
            if self._guest(visit, at):
                return self._look_around(visit, at, 0.6, logs_in=1.0)
            return self._look_around(visit, at, 0.6, logs_in=0.5)
        basket = self.shop.basket()
        self.shop.arrive(visit)
        self.shop.fill(visit, basket)
        self.shop.check_out(visit, basket)
        visit.settle(at, self.begin)
        self._take(visitor, at)
        return visit

    def _guest(self, visit: Visit, at: int) -> bool:
        """Let another user sit at somebody's browser now and then."""
        rng, people = self.rng, self.world.people
        user = int(rng.random() * len(people.flags))
        host = visit.visitor
        apart = HOUR < at - self.begin < DAY - HOUR and user != host.user and not people.flags[user] & AWAY
        if not apart or rng.random() >= GUESTS:
            return False
        visit.visitor = replace(host, user=user, user_id=self.world.identity("user", user))
        visit.known = False
        return True

    def _look_around(self, visit: Visit, at: int, appetite: float, logs_in: float = 0.0) -> Visit:
        self.shop.arrive(visit)
        self.shop.wander(visit, appetite)
        if not visit.known and self.rng.random() < logs_in:
            visit.log_in(new=False)
        visit.settle(at, self.begin)
        self._take(visit.visitor, at)
        return visit

    def _strangers(self) -> Iterator[Visit]:
        rng, web = self.rng, self.web
        again = web.returning.pop(self.today, [])
        fresh = self._how_many(STRANGERS)
        web.strangers += fresh
        for number, visits in [*again, *((n, 0) for n in range(web.strangers - fresh, web.strangers))]:
            visitor, at = self._stranger(number), self._moment()
            visit = Visit(rng, visitor, self._land(ANONYMOUS, WAYS, visitor), index=visits + 1)
            yield self._look_around(visit, at, 0.26)
            if rng.random() < RETURNING:
                when = self.today + timedelta(days=1 + int(rng.expovariate(1 / 5)))
                web.returning.setdefault(when, []).append((number, visits + 1))

    def _machines(self) -> Iterator[Visit]:
        rng = self.rng
        for _ in range(self._how_many(CRAWLS)):
            self.web.machines += 1
            name = f"{self.world.seed}:machine:{self.web.machines}"
            device = rng.choices(BOTS, BOT_WEIGHTS)[0]
            address = f"192.0.2.{int(rng.random() * 250) + 1}"
            key = -1 - self.web.machines  # never looked at
            visitor = Visitor(key, _uuid(name), device, rng.choices(CITY_NUMBERS, CITY_WEIGHTS)[0], address, 0)
            visit = Visit(rng, visitor, Landing("", "", {}, {}))
            for _ in range(2 + int(rng.random() * 10)):
                visit.open(f"/l/{self.world.market.listings[self.shop.pick()].id}", "A place for your event")
            visit.events = [event for event in visit.events if event.name == "page_view"]
            visit.settle(self._moment(), self.begin)
            yield visit

    def _device(self, user: int, part: int, *, ahead: bool = False) -> Visitor:
        """Give a user's browser; a future user lives somewhere, too."""
        world = self.world
        key = user * 4 + part
        traits = Random(f"{world.seed}:traits:{key}")
        city = traits.choices(CITY_NUMBERS, CITY_WEIGHTS)[0] if ahead else world.people.city[user]
        device = traits.choices(DEVICES, WEIGHTS)[0]
        ip = f"198.51.100.{int(traits.random() * 250) + 1}"
        skew = _skew(traits)
        return Visitor(
            key, world.identity("device", user, part), device, city, ip, skew, user, world.identity("user", user)
        )

    def _stranger(self, number: int) -> Visitor:
        traits = Random(f"{self.world.seed}:stranger:{number}")
        city = traits.choices(CITY_NUMBERS, CITY_WEIGHTS)[0]
        device = traits.choices(DEVICES, WEIGHTS)[0]
        ip = f"203.0.113.{int(traits.random() * 250) + 1}"
        return Visitor(-1 - number, uuid(traits.getrandbits(128)), device, city, ip, _skew(traits))

    def _land(self, weights: tuple[float, ...], ways: tuple[Way, ...], visitor: Visitor) -> Landing:
        return self._come(self.rng.choices(ways, weights)[0], visitor)

    def _come(self, way: Way, visitor: Visitor) -> Landing:
        if isinstance(way, int):
            return self._click(way, visitor)
        landing = land(self.rng, way)
        if landing.channel == EMAIL:
            return replace(landing, click=self.web.clicks.add(0, LETTER, visitor.key))
        return landing

    def _click(self, platform: int, visitor: Visitor) -> Landing:
        """Click on an advertisement; when, is known once the visit is told."""
        ad = draw_ad(self.rng, platform, self.today)
        return land_by_ad(self.rng, self.world.seed, (ad, self.today), self.web.clicks.add(0, ad, visitor.key))

    def _free(self, visitor: Visitor, at: int) -> bool:
        """Tell whether a browser was not here just before, and will not be just after."""
        return all(abs(at - other) > APART for other in self.taken.get(visitor.key, ()))

    def _take(self, visitor: Visitor, at: int) -> None:
        self.taken.setdefault(visitor.key, []).append(at)

    def _was_here(self, visitor: Visitor) -> bool:
        return self.web.logged_in(visitor.key)

    def _moment(self) -> int:
        """Draw a time of the day, more likely when people are awake."""
        hour = bisect(HOURS_SUMMED, self.rng.random() * HOURS_SUMMED[-1])
        return self.begin + hour * HOUR + int(self.rng.random() * HOUR)

    def _how_many(self, mean: float) -> int:
        mean *= self.busy
        return max(0, round(self.rng.gauss(mean, mean**0.5)))


def _skew(traits: Random) -> int:
    """Draw by how many milliseconds a clock is ahead; one in fifty is hours wrong."""
    spread = 5 * HOUR if traits.random() < 0.02 else 4_000
    return int((traits.random() * 2 - 1) * spread)


def _uuid(name: str) -> str:
    return uuid(int.from_bytes(blake2b(name.encode(), digest_size=16).digest()))
