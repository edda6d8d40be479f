"""The company's own books: what the simulation knows exactly, without asking a database."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from workspace.demo.schema import STATEMENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workspace.demo.world import Step

REPORTING_ZONE = ZoneInfo("Europe/Berlin")
HOUR = 3_600_000


@lru_cache(maxsize=10_000)
def _day_of_hour(hour: int) -> int:
    return datetime.fromtimestamp(hour * 3600, UTC).astimezone(REPORTING_ZONE).date().toordinal()


def reporting_day(at: int) -> int:
    """Tell the calendar day (its ordinal) in the reporting time zone of a time in milliseconds."""
    return _day_of_hour(at // HOUR)


@lru_cache(maxsize=10_000)
def month(day: int) -> str:
    """Name the month of a day, given by its ordinal."""
    return date.fromordinal(day).isoformat()[:7]


class Ledger:
    """Running sums, small enough to keep for years.

    Amounts stay in cents of their own currency, by the day whose rate applies: the rate of the last hours before
    midnight UTC is not published yet when the business clock stops there.

    Attributes:
        items: By booking day, city and tier: the sum of item amounts, and of amounts times commission (1/10000).
        bookings: Bookings that are no longer pending, by the month in which they were made.
        cancelled: Those of them that are now cancelled or refunded.
        bookers: Their users.
        refunds: Amounts paid back, by month of the refund, day of the booking and city.
        users: Users that exist, by the month in which they signed up.
        slots: Open slots by month and city, at the month's last snapshot.
        changes: Committed row changes by database, table and operation.
        rolled_back: Transactions that were rolled back, by database.
        noted: How often each planted peculiarity happened.
    """

    def __init__(self) -> None:
        self.items: dict[tuple[int, int, int], list[int]] = {}
        self.bookings: Counter[str] = Counter()
        self.cancelled: Counter[str] = Counter()
        self.bookers: defaultdict[str, set[int]] = defaultdict(set)
        self.refunds: Counter[tuple[str, int, int]] = Counter()
        self.users: Counter[str] = Counter()
        self.slots: dict[str, Counter[int]] = {}
        self.changes: Counter[tuple[str, str, str]] = Counter()
        self.rolled_back: Counter[str] = Counter()
        self.noted: Counter[str] = Counter()

    def record(self, steps: Sequence[Step]) -> None:
        """Count the row changes of a committed transaction; what a savepoint took back does not count."""
        for name, _, rows in steps:
            statement = STATEMENTS[name]
            if statement.op and rows:
                self.changes[statement.database, statement.table, statement.op] += rows

    def sell(self, day: int, city: int, tier: int, cents: int, rate: int) -> None:
        """Enter an item of a booking that has left the state `pending`."""
        sums = self.items.setdefault((day, city, tier), [0, 0])
        sums[0] += cents
        sums[1] += cents * rate
