"""The simulation by itself: always the same life, and the life that the documentation describes."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from workspace.demo.company import founded, live, trade_for_a_day
from workspace.demo.world import FIRST_DAY, LENGTH, OUTAGE, VERSION, World, season, stamp

if TYPE_CHECKING:
    from workspace.demo.world import Transaction


def lived(seed: int, days: int) -> str:
    world = founded(seed, 0.05)
    digest = hashlib.sha256()
    for _ in range(days):
        for transaction in live(world):
            digest.update(repr(transaction).encode())
    return digest.hexdigest()


def test_a_seed_decides_everything() -> None:
    assert lived(1, 60) == lived(1, 60)
    assert lived(2, 60) != lived(1, 60)


def test_the_version_names_a_life() -> None:
    # Demos are continued by later versions of this code. If the simulation is meant to change, raise VERSION.
    assert (VERSION, lived(1, 30)[:16]) == (3, "c50b3934cb393f78")


@dataclass
class Life:
    """What a whole life at scale 1 left behind."""

    world: World
    days: set[date] = field(default_factory=set)
    clock: list[int] = field(default_factory=list)
    transactions: int = 0
    booked: dict[int, list[date]] = field(default_factory=lambda: defaultdict(list))  # by vendor
    bookings: dict[str, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))  # by user
    replied: dict[str, int] = field(default_factory=dict)  # by booking

    def hear(self, transaction: Transaction) -> None:
        if transaction.rolled_back:
            return
        day = datetime.fromtimestamp(transaction.at / 1000, UTC).date()
        self.transactions += 1
        self.clock.append(transaction.at)
        self.days |= {day, datetime.fromtimestamp(transaction.at / 1000, ZoneInfo("Europe/Berlin")).date()}
        for name, values, _ in transaction.steps:
            if name == "add_booking_items":
                listing = int(values[2] or 0) % 900_000
                self.booked[(listing - 1_001) // 5].append(day)
            elif name.startswith("add_bookings"):
                self.bookings[str(values[1])].append((transaction.at, str(values[0])))
            elif name in ("set_booking_status", "cancel_booking"):
                self.replied.setdefault(str(values[0]), transaction.at)


@pytest.fixture(scope="module")
def life() -> Life:
    told = Life(founded(1, 1.0))
    for _ in range(LENGTH):
        for transaction in trade_for_a_day(told.world):
            told.hear(transaction)
    return told


def test_time_only_moves_on(life: Life) -> None:
    assert all(earlier < later for earlier, later in zip(life.clock, life.clock[1:], strict=False))


def test_nothing_happens_on_the_day_of_the_outage(life: Life) -> None:
    assert OUTAGE not in life.days
    assert season(OUTAGE) == 0
    assert len([d for d in life.days if d >= FIRST_DAY]) == LENGTH  # with the first hours of one more in Berlin


def test_sizes_are_those_of_the_documentation(life: Life) -> None:
    changes = life.world.ledger.changes
    assert len(life.world.people.city) == pytest.approx(8_000, rel=0.03)
    assert len(life.world.market.vendors) == 300
    assert len(life.world.market.listings) == 1_500
    assert sum(bool(listing.slots) for listing in life.world.market.listings) == 500
    assert changes["inventory_db", "bookings", "I"] == pytest.approx(15_000, rel=0.04)
    assert changes["inventory_db", "booking_items", "I"] == pytest.approx(30_000, rel=0.04)
    assert changes.total() == pytest.approx(160_000, rel=0.1)
    assert life.transactions == life.world.written.total()


def test_every_planted_fault_happens(life: Life) -> None:
    ledger = life.world.ledger
    assert min(ledger.noted.values()) > 50
    assert len(ledger.noted) == 7
    assert 0.005 < ledger.rolled_back.total() / life.transactions < 0.015
    assert ledger.changes["inventory_db", "listings", "K"] == 1
    assert ledger.changes["inventory_db", "availability", "K"] > 20


def test_an_upgrade_raises_a_vendors_bookings_by_a_fifth(life: Life) -> None:
    upgrades = {upgrade.vendor_id - 1: upgrade.day for upgrade in life.world.market.upgrades}
    everybody = Counter(day for vendor, days in life.booked.items() if vendor not in upgrades for day in days)
    before = after = expected = 0.0
    for vendor, since in upgrades.items():
        mine = life.booked[vendor]
        early = sum(day < since for day in mine)
        before, after = before + early, after + len(mine) - early
        pace = sum(n for day, n in everybody.items() if day >= since) / sum(
            n for day, n in everybody.items() if day < since
        )
        expected += early * pace
    assert before > 1_000
    assert after / expected == pytest.approx(1.2, abs=0.08)


def test_users_who_waited_long_lapse_twice_as_often(life: Life) -> None:
    came_back: dict[bool, list[bool]] = {True: [], False: []}
    horizon = life.clock[-1] - 150 * 86_400_000  # time enough to come back
    for bookings in life.bookings.values():
        at, first = bookings[0]
        if first in life.replied and life.replied[first] < horizon and life.replied[first] - at < 160 * 3_600_000:
            late = life.replied[first] - at > 48 * 3_600_000
            came_back[late].append(any(again > life.replied[first] for again, _ in bookings[1:]))
    lapsed = {late: 1 - sum(back) / len(back) for late, back in came_back.items()}
    assert len(came_back[True]) > 100
    assert lapsed[True] > lapsed[False] + 0.15


def test_bookings_peak_in_summer_and_at_weekends(life: Life) -> None:
    days = Counter(
        datetime.fromtimestamp(at / 1000, UTC).date() for bookings in life.bookings.values() for at, _ in bookings
    )
    june = sum(n for day, n in days.items() if day.month == 6)
    february = sum(n for day, n in days.items() if day.month == 2)
    assert june > 1.3 * february
    assert sum(n for d, n in days.items() if d.weekday() == 6) > 1.15 * sum(
        n for d, n in days.items() if d.weekday() == 4
    )


def test_an_event_of_the_outage_happens_afterwards() -> None:
    world = founded(1, 0.05)
    while world.today < OUTAGE:
        for transaction in live(world):
            assert stamp(transaction.at) < "2026-03-16T23:00"
    assert list(live(world)) == []
    assert list(live(world))
