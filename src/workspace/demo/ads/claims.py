"""What the platforms claim to have led to: far more than they have, each booking for itself, and some weeks late.

A platform claims a booking whose user has clicked on one of its ads within its window, on whatever browser. It claims
others that somebody has only seen an ad before; so many that all platforms together claim `CLAIMED` times all bookings.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from workspace.demo.ads.book import COUNTED
from workspace.demo.ads.book import PLATFORMS as NAMES
from workspace.demo.ads.prices import chance
from workspace.demo.clickstream.campaigns import ADS, ADS_OF, LETTER
from workspace.demo.clickstream.web import SINCE
from workspace.demo.names import CITIES
from workspace.demo.world import DAY, DAY_ZERO, FIRST_DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workspace.demo.ads.book import Window
    from workspace.demo.clickstream.sales import Sale
    from workspace.demo.world import World

CLAIMED = 1.6
BEGIN = DAY_ZERO + (SINCE - FIRST_DAY).days * DAY
GOOGLE, TWITTER = 0, 3
# After how many days nothing is added to a day any more.
_FINAL = (28 * DAY, 28 * DAY, 28 * DAY, 14 * DAY)
_SEEN = (0.7, 1.0, 0.7, 0.45)  # how readily a platform claims what nobody clicked for
_WINDOWS: tuple[tuple[int, Window], ...] = ((DAY, "1d_click"), (7 * DAY, "7d_click"), (28 * DAY, "28d_click"))


class Claimed(NamedTuple):
    """A part of a claim, with the ad that it belongs to.

    Attributes:
        ad: The place of the ad.
        at: When that was clicked or seen, in milliseconds of the epoch: the day that it is told for.
        known: From when on it is told.
        action: `purchase`, `add_to_cart` or `sign_up`.
        window: The narrowest window that holds it, empty for what Google tells apart as view-through.
        conversions: How many.
        cents: What it is worth, in the booking's currency; the claim's part of it is `conversions` of this.
        currency: That currency.
    """

    ad: int
    at: int
    known: int
    action: str
    window: Window | None
    conversions: Decimal
    cents: int = 0
    currency: str = ""


def claims(world: World) -> Iterator[Claimed]:
    """Give everything that is ever claimed of what has happened by the clock."""
    yield from _of_bookings(world)
    book, seed = world.web.clicks, world.seed
    for number, (at, ad) in enumerate(zip(book.at, book.ad, strict=True)):
        if ad == LETTER:
            continue
        for action, share in (("add_to_cart", 0.22), ("sign_up", 0.06)):
            if chance(seed, action, number) < share:
                known = at + 10 * MINUTE + int(chance(seed, action, "late", number) ** 3 * 20 * HOUR)
                yield Claimed(ad, at, known, action, "1d_click", Decimal(1))


def _of_bookings(world: World) -> Iterator[Claimed]:
    """Go through the bookings in order: what is claimed so far decides how much more is claimed for the next."""
    clicks, so_far = _clicks_by_user(world), 0.0
    sales = world.web.sales
    for place in range(len(sales)):
        sale = sales.made(place)
        by_click = list(_clicked(world.seed, sale, clicks.get(sale.user, [])))
        yield from by_click
        so_far += sum(_counted(claim) for claim in by_click)
        missing = CLAIMED * (place + 1) - so_far
        for claim in _seen(world, sale, {ADS[claim.ad].platform for claim in by_click}, missing):
            so_far += _counted(claim)
            yield claim


def _counted(claim: Claimed) -> float:
    return float(claim.conversions) if claim.window in COUNTED[NAMES[ADS[claim.ad].platform]] else 0.0


def _clicks_by_user(world: World) -> dict[int, list[tuple[int, int]]]:
    """Give the time and the ad of each click on a user's own browsers."""
    book = world.web.clicks
    clicks: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for at, ad, visitor in zip(book.at, book.ad, book.visitor, strict=True):
        if ad != LETTER and visitor >= 0:
            clicks[visitor // 4].append((at, ad))
    for each in clicks.values():
        each.sort()
    return clicks


def _clicked(seed: int, sale: Sale, clicks: list[tuple[int, int]]) -> Iterator[Claimed]:
    """Claim a booking for the last click on each platform; Google shares it among the clicks, and is modest."""
    for platform in range(len(NAMES)):
        own = [
            (at, ad)
            for at, ad in clicks
            if ADS[ad].platform == platform and sale.at - _FINAL[platform] + HOUR < at < sale.at
        ]
        if not own:
            continue
        shares = _fractions(seed, sale, len(own)) if platform == GOOGLE else [Decimal(1)]
        for (at, ad), share in zip(own[-len(shares) :], shares, strict=True):
            window = next(name for length, name in _WINDOWS if sale.at - at <= length)
            yield _purchase(seed, sale, (ad, at, window), share)


def _fractions(seed: int, sale: Sale, count: int) -> list[Decimal]:
    whole = Decimal(60 + int(chance(seed, "modest", sale.number) * 41)) / 100
    part = (whole / count).quantize(Decimal("0.000001"))
    return [part] * (count - 1) + [whole - part * (count - 1)]


def _purchase(seed: int, sale: Sale, where: tuple[int, int, Window | None], share: Decimal) -> Claimed:
    ad, at, window = where
    platform = ADS[ad].platform
    known = min(sale.at + _late(chance(seed, "late", platform, sale.number)), at + _FINAL[platform])
    known = max(known, sale.at + 5 * MINUTE)
    return Claimed(ad, at, known, "purchase", window, share, sale.total, CITIES[sale.city].currency)


def _late(drawn: float) -> int:
    """Tell how long a platform takes to learn of a booking: half of them hours, some weeks."""
    for share, low, high in ((0.5, 5 * MINUTE, 3 * HOUR), (0.8, 3 * HOUR, DAY), (0.95, DAY, 5 * DAY)):
        if drawn < share:
            return low + int((high - low) * drawn / share)
    return 5 * DAY + int((drawn - 0.95) / 0.05 * 23 * DAY)


def _seen(world: World, sale: Sale, claimed: set[int], missing: float) -> Iterator[Claimed]:
    """Claim a booking whose user is said to have seen an ad the day before."""
    seed, number = world.seed, sale.number
    free = [platform for platform in range(len(NAMES)) if platform not in claimed]
    readiness = sum(_SEEN[platform] for platform in free)
    for platform in free:
        at = sale.at - 2 * MINUTE - int(chance(seed, "view", platform, number) * (DAY - 5 * MINUTE))
        ad = _drawn(chance(seed, "viewed", platform, number), platform, at)
        if at < BEGIN or ad is None:
            continue
        drawn = chance(seed, "claims", platform, number)
        if drawn < missing * _SEEN[platform] / readiness:
            window: Window = "1d_click" if platform == GOOGLE else "1d_view"  # Google models clicks it has not seen
            share = _fractions(seed, sale, 1)[0] if platform == GOOGLE else Decimal(1)
            yield _purchase(seed, sale, (ad, at, window), share)
        elif platform == GOOGLE and drawn > 0.85:
            yield _purchase(seed, sale, (ad, at, None), Decimal(1))


def _drawn(drawn: float, platform: int, at: int) -> int | None:
    """Draw an ad that runs, as visitors do."""
    ads = ADS_OF[platform]
    ad = ads[int(drawn**1.5 * len(ads))]
    campaign = ADS[ad].campaign
    ends = campaign.paused or campaign.deleted
    return None if ends and at >= ends.timestamp() * 1000 else ad
