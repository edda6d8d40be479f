"""What truly led to each booking: the clicks its user came by, and what each model of attribution makes of them."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from workspace.demo.ads.book import PLATFORMS
from workspace.demo.clickstream.campaigns import ADS, LETTER, click_id
from workspace.demo.clickstream.landings import EMAIL
from workspace.demo.clickstream.sales import PENDING
from workspace.demo.names import CITIES
from workspace.demo.world import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from workspace.demo.world import World

LOOK_BACK = 30 * DAY
HALF_LIFE = 7 * DAY
_PLACES = Decimal("0.000000001")


class Touch(NamedTuple):
    """A click that somebody came by, in an advertisement or a letter.

    Attributes:
        number: Counts the clicks.
        at: When the pipeline says that it was, in milliseconds of the epoch.
        player: The platform, or the channel.
        click_id: What the platform calls it, empty if it has no such name.
    """

    number: int
    at: int
    player: str
    click_id: str


class Path(NamedTuple):
    """A booking that is placed, and the clicks of its user in the 30 days before.

    Attributes:
        booking: Its id.
        number: Its number.
        at: When it was made, in milliseconds of the epoch.
        gross: Its worth before any discount, in cents.
        currency: Of that.
        touches: In the order of time.
    """

    booking: str
    number: int
    at: int
    gross: int
    currency: str
    touches: tuple[Touch, ...]


def paths(world: World) -> list[Path]:
    """Give the path of each booking that was placed by the clock and that a click preceded, in the order of booking.

    Somebody's clicks are those on a browser while the somebody was the last to be logged in there; those before
    anybody was are the first one's. A click that the pipeline has not delivered yet is not among them.
    """
    clicks = _clicks_by_user(world)
    found = []
    for sale in world.web.sales.now():
        own = clicks.get(sale.user, [])
        touches = tuple(own[bisect_right(own, sale.at - LOOK_BACK - 1, key=_at) : bisect_right(own, sale.at, key=_at)])
        if touches and sale.settled != PENDING:
            name, currency = world.identity("booking", sale.number), CITIES[sale.city].currency
            found.append(Path(name, sale.number, sale.at, sale.gross, currency, touches))
    return found


def _at(touch: Touch) -> int:
    return touch.at


def _clicks_by_user(world: World) -> dict[int, list[Touch]]:
    book, stretches = world.web.clicks, world.web.books.by_now().stretches
    clicks: defaultdict[int, list[Touch]] = defaultdict(list)
    for number, (at, ad, visitor) in enumerate(zip(book.told, book.ad, book.visitor, strict=True)):
        if not at or visitor not in stretches:
            continue
        known = stretches[visitor]
        user = known[max(0, bisect_right(known, at, key=lambda stretch: stretch[0]) - 1)][1]
        if ad == LETTER:
            clicks[user].append(Touch(number, at, EMAIL, ""))
        else:
            platform, campaign = ADS[ad].platform, ADS[ad].campaign
            own = "" if campaign.tags == "shortened" else click_id(world.seed, platform, number)
            clicks[user].append(Touch(number, at, PLATFORMS[platform], own))
    for touches in clicks.values():
        touches.sort(key=lambda touch: (touch.at, touch.number))
    return clicks


def _first(path: Path) -> list[Fraction]:
    return [Fraction(n == 0) for n in range(len(path.touches))]


def _last(path: Path) -> list[Fraction]:
    return _first(path)[::-1]


def _linear(path: Path) -> list[Fraction]:
    return [Fraction(1, len(path.touches))] * len(path.touches)


def _position(path: Path) -> list[Fraction]:
    count = len(path.touches)
    if count < 3:
        return _linear(path)
    return [Fraction(2, 5), *[Fraction(1, 5) / (count - 2)] * (count - 2), Fraction(2, 5)]


def _time_decay(path: Path) -> list[Fraction]:
    with localcontext(prec=40):
        weights = [Fraction(Decimal(2) ** (Decimal(touch.at - path.at) / HALF_LIFE)) for touch in path.touches]
    return [weight / sum(weights) for weight in weights]


def _shapley(path: Path) -> list[Fraction]:
    """Share a booking among its players: the value of the game in which a coalition has the bookings of its own."""
    each = Counter(touch.player for touch in path.touches)
    return [Fraction(1, len(each) * each[touch.player]) for touch in path.touches]


MODELS: dict[str, Callable[[Path], list[Fraction]]] = {
    "first": _first,
    "last": _last,
    "linear": _linear,
    "position": _position,
    "time_decay": _time_decay,
    "shapley": _shapley,
}


def truth(world: World) -> Iterator[tuple[Path, dict[str, list[Decimal]]]]:
    """Give each booking's path, and the credits of its touches by every model, to nine places; they sum to 1."""
    for path in paths(world):
        yield path, {name: _rounded(model(path)) for name, model in MODELS.items()}


def _rounded(credits: Sequence[Fraction]) -> list[Decimal]:  # noqa: A002  # there is no other word for it
    """Round so that the sum stays: each is the difference of the rounded running sums."""
    before, running, rounded = Decimal(), Fraction(), []
    for credit in credits:
        running += credit
        now = (Decimal(running.numerator) / running.denominator).quantize(_PLACES, ROUND_HALF_UP)
        rounded.append(now - before)
        before = now
    return rounded
