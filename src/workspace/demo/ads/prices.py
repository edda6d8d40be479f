"""What a click on an advertisement costs: so much that each platform brings back what is planted.

A price holds for three hours, and is fixed when they begin. It is the average so far, corrected by what the bookings
that ads have caused say should have been spent by then; so no figure of the past ever changes, and the sum stays near.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING

from workspace.demo.clickstream.campaigns import ADS, LETTER, PLATFORMS
from workspace.demo.clickstream.sales import PENDING
from workspace.demo.ledger import reporting_day
from workspace.demo.names import CITIES
from workspace.demo.world import HOUR

if TYPE_CHECKING:
    from workspace.demo.rates import Rates
    from workspace.demo.world import World

# What a click costs in EUR before anything is known, and how many clicks that counts for.
AT_FIRST, WEIGHT = (130.0, 210.0, 450.0, 350.0), 20
BLOCK = 3 * HOUR
HASTE = 8  # the blocks in which a difference is made good
LOWEST, HIGHEST = 0.2, 4.0  # of a price, in averages


def chance(*parts: object) -> float:
    """Draw from 0 to 1, always the same for the same words.

    Examples:
        >>> chance(1, "a") == chance(1, "a") != chance(2, "a")
        True
    """
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=7).digest()) / 2**56


class Prices:
    """Prices of clicks by platform and block of time.

    Args:
        world: The company.
        rates: Exchange rates.
    """

    def __init__(self, world: World, rates: Rates) -> None:
        book, self._seed = world.web.clicks, world.seed
        brought = _brought(world, rates)
        clicks: list[Counter[int]] = [Counter() for _ in PLATFORMS]
        shares: list[defaultdict[int, float]] = [defaultdict(float) for _ in PLATFORMS]
        for number, (at, ad) in enumerate(zip(book.at, book.ad, strict=True)):
            if ad != LETTER:
                clicks[ADS[ad].platform][at // BLOCK] += 1
                shares[ADS[ad].platform][at // BLOCK] += self._share(number)
        self._prices = [
            _played(platform.roas, AT_FIRST[place], (clicks[place], shares[place], brought[place]))
            for place, platform in enumerate(PLATFORMS)
        ]

    def _share(self, click: int) -> float:
        """Tell what a click costs, in prices of the time."""
        return 0.5 + chance(self._seed, "cost", click)

    def of(self, platform: int, click: int, at: int) -> float:
        """Give what a click at a time costs, in EUR."""
        return self._prices[platform][at // BLOCK] * self._share(click)


def _brought(world: World, rates: Rates) -> list[defaultdict[int, float]]:
    """Sum what bookings that ads caused are worth, in EUR, by platform and the block in which they were placed."""
    clicks, sales = world.web.clicks, world.web.sales.now()
    brought: list[defaultdict[int, float]] = [defaultdict(float) for _ in PLATFORMS]
    for booking, click in zip(clicks.booking, clicks.cause, strict=True):
        sale = sales[booking - world.web.sales.first]
        if sale.settled != PENDING:
            rate = rates.of(CITIES[sale.city].currency, reporting_day(sale.at))
            brought[ADS[clicks.ad[click]].platform][sale.settled // BLOCK] += float(Decimal(sale.gross) / 100 / rate)
    return brought


def _played(
    roas: float, first: float, known: tuple[Counter[int], defaultdict[int, float], defaultdict[int, float]]
) -> dict[int, float]:
    """Fix one price after the other, each from what had been brought before."""
    clicks, shares, brought = known
    prices: dict[int, float] = {}
    due = spent = seen = 0.0
    blocks = range(min(clicks), max(clicks) + 1) if clicks else ()
    for number, block in enumerate(blocks):
        average = (due + first * WEIGHT) / (seen + WEIGHT)
        usual = max(0.5, seen / (number or 1))  # clicks in a block
        price = average + (due - spent) / (HASTE * usual)
        prices[block] = min(max(price, LOWEST * average), HIGHEST * average)
        spent += prices[block] * shares[block]
        due += brought[block] / roas
        seen += clicks[block]
    return prices
