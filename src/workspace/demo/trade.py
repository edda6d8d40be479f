"""Bookings: made, changed, answered, paid, called off, paid back, held and praised."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from workspace.demo.ledger import month, reporting_day
from workspace.demo.market import SCHEMA_CHANGES
from workspace.demo.names import APPS, CITIES, CODES, METHODS, OCCASIONS, PERCENTS, PRAISE
from workspace.demo.world import AVERAGE_SEASON, DAY, HOUR, LENGTH, World, money, season, summer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workspace.demo.world import Handler, Step

BOOKINGS = 15_000
INSTANT, AMENDED, DISCOUNTED = 0.3, 0.12, 0.15
CONFIRMED, DECLINED = 0.82, 0.08  # of those that a vendor must answer; the rest expire
REPLY_HOURS, REPLY_SPREAD = 12, 1.1  # median, and sigma of the logarithm
EXPIRY = 7 * DAY
CALLED_OFF, REVIEWED, WITHDRAWN = 0.11, 0.33, 0.03
APP_SINCE = next(day for day, change in SCHEMA_CHANGES.items() if change == "add_source_app")
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@dataclass(slots=True)
class Line:
    """A booked item, with what its vendor's terms were at that moment."""

    number: int
    listing: int
    quantity: int
    price: int
    city: int
    tier: int
    rate: int

    @property
    def cents(self) -> int:
        """The item's amount."""
        return self.quantity * self.price


@dataclass(slots=True)
class Booking:
    """A booking that something is still to happen to."""

    id: str
    user: int
    at: int
    event: int
    percent: int
    city: int
    lines: list[Line]
    number: int
    paid: list[int] = field(default_factory=list)
    pending: bool = True

    @property
    def currency(self) -> str:
        """What it is paid in."""
        return CITIES[self.city].currency

    @property
    def day(self) -> int:
        """The reporting day on which it was made."""
        return reporting_day(self.at)

    def amounts(self) -> tuple[int, int]:
        """Work out the discount and the total."""
        gross = sum(line.cents for line in self.lines)
        discount = gross * self.percent // 100
        return discount, gross - discount


def begin_day(world: World) -> None:
    """Enter the day's new bookings into the agenda."""
    mean = BOOKINGS * world.scale / LENGTH * season(world.today) / AVERAGE_SEASON * world.market.lift
    for _ in range(world.how_many(mean) if mean else 0):
        world.plan(world.moment(), "book")


def _book(world: World, _: object) -> Sequence[Step]:
    """Somebody books; at once, or subject to the vendor's reply."""
    rng, market = world.rng, world.market
    first = market.draw(world)
    if first is None:
        return ()
    city = market.vendors[market.listings[first].vendor].city
    user = world.people.draw(world, CITIES[city].country)
    if user is None:
        return ()
    world.bookings += 1
    code = rng.choice(CODES) if rng.random() < DISCOUNTED else None
    occasion, event = _occasion(world)
    lines = _lines(world, first, CITIES[city].country)
    booking = Booking(
        *(world.identity("booking", world.bookings), user, world.now, event, PERCENTS[code] if code else 0, city),
        lines=lines,
        number=world.bookings,
    )
    discount, total = booking.amounts()
    basket = [(line.listing, line.quantity) for line in lines]
    world.witness("booked", world.bookings, booking.id, user, basket, discount + total, total)
    when = world.stamp()
    guests = max(2, round(rng.lognormvariate(4, 0.6)))
    head = (booking.id, world.identity("user", user), "pending", occasion, date.fromordinal(event).isoformat(), guests)
    row = (*head, booking.currency, money(discount), money(total), code, when, when)
    app = rng.choices(APPS, (60, 25, 15))[0]
    steps: list[Step] = [
        ("add_bookings_from_app", (*row, app), 1) if world.today > APP_SINCE else ("add_bookings", row, 1)
    ]
    steps += [("add_booking_items", _item(world, booking, line), 1) for line in lines]
    if rng.random() < INSTANT:
        world.people.answer(world, user, 0)
        return steps + _confirm(world, booking)
    _await_reply(world, booking)
    return steps


def _occasion(world: World) -> tuple[str, int]:
    """Draw what is celebrated, and when; weddings are planned long ahead, for a Saturday."""
    rng = world.rng
    if rng.random() < 0.15 + 0.3 * summer(world.today):
        event = world.today.toordinal() + 10 + int(rng.gammavariate(3, 35))
        return "wedding", event + (6 - event) % 7
    return rng.choice(OCCASIONS), world.today.toordinal() + 3 + int(rng.gammavariate(2, 18))


def _lines(world: World, first: int, country: str) -> list[Line]:
    """Draw what is booked: the first listing and up to three more that are paid in the same money."""
    rng, market = world.rng, world.market
    chosen = [first]
    for _ in range(rng.choices((0, 1, 2, 3), (38, 34, 18, 10))[0]):
        more = market.draw(world, country)
        if more is not None and more not in chosen:
            chosen.append(more)
    lines = []
    for number, place in enumerate(chosen, 1):
        listing = market.listings[place]
        vendor = market.vendors[listing.vendor]
        quantity = {"space": rng.randrange(3, 11), "vendor": 1, "service": rng.randrange(1, 9)}[listing.kind]
        lines.append(Line(number, place, quantity, listing.price, vendor.city, vendor.tier, vendor.rate))
    return lines


def _item(world: World, booking: Booking, line: Line) -> tuple[str | int, ...]:
    market = world.market
    market.references["items"] += line.listing == market.renumbered
    listing = market.listings[line.listing].id
    return (booking.id, line.number, listing, line.quantity, money(line.price), money(line.cents))


def _await_reply(world: World, booking: Booking) -> None:
    rng = world.rng
    fate = rng.random()
    wait = int(REPLY_HOURS * rng.lognormvariate(0, REPLY_SPREAD) * HOUR)
    if fate > CONFIRMED + DECLINED or wait > EXPIRY:
        world.plan(world.now + EXPIRY, "expire", booking)
    else:
        world.plan(world.now + wait, "accept" if fate < CONFIRMED else "decline", booking)
    if rng.random() < AMENDED:
        world.plan(world.now + min(wait, EXPIRY) // 2, "amend", booking)


def _amend(world: World, booking: Booking) -> Sequence[Step]:
    """A customer changes a booking before the reply: one item less, or another quantity."""
    if not booking.pending:  # the outage has swapped the two
        return ()
    steps: list[Step] = []
    if len(booking.lines) > 1 and world.rng.random() < 0.4:
        line = booking.lines.pop()
        world.market.references["items"] -= line.listing == world.market.renumbered
        steps.append(("drop_item", (booking.id, line.number), 1))
    else:
        line = booking.lines[0]
        line.quantity = world.rng.randrange(1, 12)
        steps.append(("set_item", (booking.id, line.number, line.quantity, money(line.cents)), 1))
    discount, total = booking.amounts()
    world.witness("amended", booking.number, discount + total, total)
    return [*steps, ("set_booking_amounts", (booking.id, money(discount), money(total), world.stamp()), 1)]


def _accept(world: World, booking: Booking) -> Sequence[Step]:
    world.people.answer(world, booking.user, world.now - booking.at)
    if world.rng.random() < 0.02:  # the customer had called it off while the vendor wrote
        world.ledger.noted["status changed twice in a transaction"] += 1
        _count(world, booking)
        return [_status(world, booking, "confirmed"), *_call_off_steps(world, booking)]
    return _confirm(world, booking)


def _decline(world: World, booking: Booking) -> Sequence[Step]:
    world.people.answer(world, booking.user, world.now - booking.at)
    return _expire(world, booking)


def _expire(world: World, booking: Booking) -> Sequence[Step]:
    _count(world, booking)
    return _call_off_steps(world, booking)


def _count(world: World, booking: Booking) -> None:
    """Enter a booking that is no longer pending into the books."""
    booking.pending = False
    world.witness("settled", booking.number)
    ledger = world.ledger
    when = month(booking.day)
    ledger.bookings[when] += 1
    ledger.bookers[when].add(booking.user)
    for line in booking.lines:
        ledger.sell(booking.day, line.city, line.tier, line.cents, line.rate)


def _status(world: World, booking: Booking, status: str) -> Step:
    return ("set_booking_status", (booking.id, status, world.stamp()), 1)


def _confirm(world: World, booking: Booking) -> list[Step]:
    """Confirm a booking, which takes the money, and plan what becomes of it."""
    rng = world.rng
    _count(world, booking)
    _, total = booking.amounts()
    steps: list[Step] = []
    chance = rng.random()
    if chance < 0.06:
        steps.append(_payment(world, booking, total, "failed"))
    elif chance < 0.07:  # an attempt that is taken back within the transaction
        name, values, _ = _payment(world, booking, total, "paid")
        steps += [("savepoint", (), 0), (name, values, 0), ("rollback_to", (), 0)]
        world.ledger.noted["savepoints rolled back"] += 1
    steps.append(_status(world, booking, "confirmed"))
    voucher = total // 4 if rng.random() < 0.12 else 0
    booking.paid = [part for part in (voucher, total - voucher) if part]
    steps += [_payment(world, booking, part, "paid") for part in booking.paid]
    del booking.lines[1:]  # no longer needed but for the review
    over = ((booking.event + 1) - _EPOCH_ORDINAL) * DAY + 3 * HOUR + int(rng.random() * 6 * HOUR)
    if rng.random() < CALLED_OFF:
        world.plan(world.now + HOUR + int(rng.random() * max(HOUR, over - 2 * DAY - world.now)), "call_off", booking)
    else:
        world.plan(max(over, world.now + HOUR), "complete", booking)
    return steps


def _payment(world: World, booking: Booking, cents: int, status: str) -> Step:
    world.payments += 1
    paid = world.stamp() if status == "paid" else None
    method = world.rng.choice(METHODS)
    return ("add_payments", (world.payments, booking.id, money(cents), booking.currency, method, status, paid), 1)


def _call_off_steps(world: World, booking: Booking) -> list[Step]:
    world.ledger.cancelled[month(booking.day)] += 1
    return [("cancel_booking", (booking.id, world.stamp()), 1)]


def _call_off(world: World, booking: Booking) -> Sequence[Step]:
    """Call a paid booking off; the money comes back at once, some days later, or never."""
    steps = _call_off_steps(world, booking)
    chance = world.rng.random()
    if chance < 0.25:
        world.ledger.noted["status changed twice in a transaction"] += 1
        steps += _refund(world, booking)
    elif chance < 0.8:
        world.plan(world.now + int(world.rng.uniform(1, 12) * DAY), "refund", booking)
    return steps


def _refund(world: World, booking: Booking) -> Sequence[Step]:
    world.ledger.refunds[month(reporting_day(world.now)), booking.day, booking.city] += sum(booking.paid)
    return [_status(world, booking, "refunded"), *(_payment(world, booking, -part, "paid") for part in booking.paid)]


def _complete(world: World, booking: Booking) -> Sequence[Step]:
    if world.rng.random() < REVIEWED:
        world.plan(world.now + int(world.rng.uniform(0.5, 10) * DAY), "review", booking)
    return [_status(world, booking, "completed")]


def _review(world: World, booking: Booking) -> Sequence[Step]:
    rng, market = world.rng, world.market
    world.reviews += 1
    place = booking.lines[0].listing
    rating = rng.choices((1, 2, 3, 4, 5), (4, 6, 12, 33, 45))[0]
    body = rng.choice(PRAISE) if rng.random() < 0.8 else None
    market.references["reviews"] += place == market.renumbered
    if rng.random() < WITHDRAWN and place != market.renumbered:
        world.plan(world.now + int(rng.uniform(1, 5) * DAY), "withdraw", world.reviews)
    listing = market.listings[place].id
    return (("add_reviews", (world.reviews, booking.id, listing, rating, body, world.stamp()), 1),)


def _withdraw(_: World, review: int) -> Sequence[Step]:
    return (("drop_review", (review,), 1),)


HANDLERS: dict[str, Handler] = {
    "book": _book,
    "amend": _amend,
    "accept": _accept,
    "decline": _decline,
    "expire": _expire,
    "call_off": _call_off,
    "refund": _refund,
    "complete": _complete,
    "review": _review,
    "withdraw": _withdraw,
}
