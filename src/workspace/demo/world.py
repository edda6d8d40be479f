"""The simulation itself: an agenda of events in simulated time, played one day at a time.

Nothing here touches a database. A day is a pure function of the seed, its number and the state that the days before
left, so that a day that was cut off can be played again, and the same seed always lives the same life.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

from workspace.demo.ledger import Ledger
from workspace.demo.schema import STATEMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workspace.demo.clickstream import Web
    from workspace.demo.market import Market
    from workspace.demo.people import People

Value = str | int | bool | None
# Named statement, its values, and how many rows it changes.
Step = tuple[str, tuple[Value, ...], int]
# What happens for an entry of the agenda: the steps of the one transaction that it commits; none if nothing happens.
Handler = Callable[["World", Any], Sequence[Step]]

# Raised whenever the same seed would no longer live the same life.
VERSION = 3
FIRST_DAY = date(2025, 9, 27)
LENGTH = 400  # days for which the sizes below are stated; the world lives on after them
DAY = 86_400_000
MINUTE = 60_000
HOUR = 3_600_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_ZERO = (datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)

# The outage covers this day in UTC and in Berlin, whose day began an hour earlier.
OUTAGE = date(2026, 3, 17)
OUTAGE_ENDS = DAY_ZERO + ((OUTAGE - FIRST_DAY).days + 1) * DAY
OUTAGE_BEGINS = OUTAGE_ENDS - DAY - HOUR

ROLLBACKS = 0.01
WEEK = (1.05, 1.0, 1.0, 0.95, 0.9, 1.15, 1.25)
HOURS = (2, 1, 1, 1, 1, 2, 4, 6, 9, 11, 12, 12, 11, 11, 11, 12, 13, 14, 16, 18, 17, 13, 8, 4)
HOURS_SUMMED = [sum(HOURS[: h + 1]) for h in range(24)]


@dataclass(slots=True)
class Transaction:
    """One business event as its service commits it.

    Attributes:
        at: Simulated time, in milliseconds of the epoch; no two are equal.
        database: Where it happens.
        steps: Its statements.
        number: Counts the committed transactions of its database from 1.
        rolled_back: Whether it fails at its end; the one that then succeeds has the same number.
    """

    at: int
    database: str
    steps: Sequence[Step]
    number: int
    rolled_back: bool = False


def summer(day: date) -> float:
    """Tell how near the peak of the wedding season a day is, from 0 to 1."""
    return math.exp(-(((day.timetuple().tm_yday - 172) / 42) ** 2))


def season(day: date) -> float:
    """Tell how busy a day is, compared to a plain one."""
    if day == OUTAGE:
        return 0.0
    return WEEK[day.weekday()] * (1 + 0.5 * summer(day)) * (0.85 + 0.3 * (day - FIRST_DAY).days / LENGTH)


AVERAGE_SEASON = sum(season(FIRST_DAY + timedelta(days=n)) for n in range(LENGTH)) / LENGTH


class World:
    """The company's whole state after some days.

    Args:
        seed: Decides everything.
        scale: 1.0 gives the sizes of the documentation.

    Attributes:
        day: The number of the next day to play; 0 is the first.
        now: The simulated time of the present event, in milliseconds.
        rng: The present day's source of chance.
        written: How many transactions each database has committed.
        ledger: The company's books, from which the exact totals come.
        market: Vendors and listings.
        people: Users.
        web: The website, which only watches: it has sources of chance of its own.
        witnessed: What happened this day that somebody did on the website: kind, time and particulars.
    """

    market: Market
    people: People
    web: Web
    rng: Random

    def __init__(self, seed: int, scale: float) -> None:
        self.seed = seed
        self.scale = scale
        self.day = 0
        self.now = DAY_ZERO
        self.rng = Random(f"{seed}:before")
        self.written: Counter[str] = Counter()
        self.bookings = 0
        self.payments = 0
        self.reviews = 0
        self.ledger = Ledger()
        self.witnessed: list[tuple[str, int, tuple[Any, ...]]] = []
        self._agenda: list[tuple[int, int, str, Any]] = []
        self._entries = 0

    @property
    def today(self) -> date:
        """The day that is being played, or comes next."""
        return FIRST_DAY + timedelta(days=self.day)

    def play(self, parts: Sequence[Callable[[World], None]], handlers: dict[str, Handler]) -> Iterator[Transaction]:
        """Live one day.

        Args:
            parts: Each enters into the agenda what begins this day of its own accord.
            handlers: What happens for each kind of entry.

        Yields:
            The day's transactions in the order of time.
        """
        self.rng = Random(f"{self.seed}:{self.day}")
        self.witnessed = []
        end = DAY_ZERO + (self.day + 1) * DAY
        for part in parts:
            part(self)
        while self._agenda and self._agenda[0][0] < end:
            at, _, kind, subject = heapq.heappop(self._agenda)
            self.now = max(at, self.now + 1)
            if steps := handlers[kind](self, subject):
                yield from self._commit(steps)
        self.day += 1

    def _commit(self, steps: Sequence[Step]) -> Iterator[Transaction]:
        database = STATEMENTS[steps[0][0]].database
        self.written[database] += 1
        if STATEMENTS[steps[0][0]].op and self.rng.random() < ROLLBACKS:
            self.ledger.rolled_back[database] += 1
            yield Transaction(self.now, database, steps, self.written[database], rolled_back=True)
        self.ledger.record(steps)
        yield Transaction(self.now, database, steps, self.written[database])

    def plan(self, at: int, kind: str, subject: object = None) -> None:
        """Enter an event into the agenda; one that falls into the outage happens when the outage is over."""
        if OUTAGE_BEGINS <= at < OUTAGE_ENDS:
            at += OUTAGE_ENDS - OUTAGE_BEGINS
        if at % DAY >= DAY - MINUTE:  # leaves room to set events of the same moment apart without changing the day
            at -= MINUTE
        self._entries += 1
        heapq.heappush(self._agenda, (at, self._entries, kind, subject))

    def witness(self, kind: str, *particulars: object) -> None:
        """Tell the website what somebody does on it at the present time."""
        self.witnessed.append((kind, self.now, particulars))

    def moment(self) -> int:
        """Draw a time of the present day, more likely when people are awake."""
        hour = bisect(HOURS_SUMMED, self.rng.random() * HOURS_SUMMED[-1])
        return DAY_ZERO + self.day * DAY + hour * HOUR + int(self.rng.random() * HOUR)

    def how_many(self, mean: float) -> int:
        """Draw from a Poisson distribution; by its normal approximation where that is good."""
        if mean > 50:
            return max(0, round(self.rng.gauss(mean, math.sqrt(mean))))
        limit, product, count = math.exp(-mean), self.rng.random(), 0
        while product > limit:
            product *= self.rng.random()
            count += 1
        return count

    def stamp(self, at: int | None = None) -> str:
        """Write a time as the services do; the present one unless given."""
        return stamp(self.now if at is None else at)

    def identity(self, kind: str, number: int, part: int = 0) -> str:
        """Give the UUID of a user, a device or a booking by its number."""
        digest = blake2b(f"{self.seed}:{kind}:{number}:{part}".encode(), digest_size=16).digest()
        return str(UUID(bytes=digest, version=4))


def stamp(at: int) -> str:
    """Write a time in milliseconds of the epoch in ISO 8601.

    Examples:
        >>> stamp(1758931200123)
        '2025-09-27T00:00:00.123+00:00'
    """
    return (EPOCH + timedelta(milliseconds=at)).isoformat(timespec="milliseconds")


def money(cents: int) -> str:
    """Write an amount.

    Examples:
        >>> money(-1205)
        '-12.05'
    """
    return f"{cents / 100:.2f}"
