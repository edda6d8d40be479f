"""What people do on the website, from a glance to a booking."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from workspace.demo.clickstream.experiments import EXPERIMENTS
from workspace.demo.clickstream.registry import UNKNOWN, uri
from workspace.demo.clickstream.visits import Visit, entity, unstruct
from workspace.demo.names import CITIES, OCCASIONS

if TYPE_CHECKING:
    from random import Random

    from workspace.demo.market import Market

SORTED_SINCE = date(2026, 9, 20)  # searches have a new field from this day on
CANARY_SINCE = date(2026, 10, 9)  # and a few are sent in a shape that nobody has registered
CANARY = 0.01
SLUGS = ("ten-autumn-weddings", "how-to-seat-80-guests", "budget-calculator", "rooftops-of-berlin")
_AT = {
    trigger: [n for n, experiment in enumerate(EXPERIMENTS) if experiment.at == trigger]
    for trigger in ("landing", "search", "view_item", "begin_checkout")
}


class Basket(NamedTuple):
    """What is booked, or nearly: the places of the listings, and the amount before any discount."""

    listings: tuple[int, ...]
    quantities: tuple[int, ...]
    currency: str
    cents: int


class Shop:
    """The website on one day.

    Args:
        rng: The day's source of chance.
        market: What is offered.
        day: Which day it is.
    """

    def __init__(self, rng: Random, market: Market, day: date) -> None:
        self.rng = rng
        self.market = market
        self.day = day

    def pick(self) -> int:
        """Draw a listing, popular ones more often."""
        listings, draw = self.market.listings, self.rng.random
        one, other = int(draw() * len(listings)), int(draw() * len(listings))
        return one if listings[one].appeal > listings[other].appeal else other

    def basket(self) -> Basket:
        """Fill a basket that nobody will pay for."""
        place = self.pick()
        listing = self.market.listings[place]
        quantity = 1 if listing.kind == "vendor" else 1 + int(self.rng.random() * 8)
        return Basket((place,), (quantity,), self._currency(place), quantity * listing.price)

    def _currency(self, place: int) -> str:
        return CITIES[self.market.vendors[self.market.listings[place].vendor].city].currency

    def _entity(self, place: int) -> str:
        listing = self.market.listings[place]
        city = CITIES[self.market.vendors[listing.vendor].city]
        price = listing.price / 100
        data = {"id": listing.id, "kind": listing.kind, "city": city.name, "price": price, "currency": city.currency}
        return entity("listing", data)

    def arrive(self, visit: Visit) -> None:
        """Land on some page; somebody who comes by an advertisement may load it twice."""
        rng, query = self.rng, visit.landing.query
        chance = rng.random()
        if chance < 0.5:
            page = ("/", "BookMyEvent - spaces, vendors, services")
        elif chance < 0.85:
            page = (f"/l/{self.market.listings[self.pick()].id}", "A place for your event")
        else:
            slug = rng.choice(SLUGS)
            page = (f"/blog/{slug}", slug.replace("-", " ").capitalize())
        visit.open(*page, query)
        for experiment in _AT["landing"]:
            visit.expose(experiment)
        if visit.landing.click >= 0 and rng.random() < 0.04:
            visit.open(*page, query)

    def search(self, visit: Visit) -> None:
        """Search, and see the results."""
        rng = self.rng
        occasion = rng.choice(OCCASIONS)
        city = CITIES[visit.visitor.city].name if rng.random() < 0.8 else None
        results = int(rng.random() ** 2 * 60)
        visit.open("/search", f"Search: {occasion}", f"q={occasion}", height=4_200)
        if self.day >= CANARY_SINCE and rng.random() < CANARY:
            event = visit.add(UNKNOWN[0], 400)
            event.version = UNKNOWN[1]
            event.unstruct = unstruct(uri(*UNKNOWN), {"query": {"text": occasion, "city": city}, "total": results})
        else:
            wanted = self.day + timedelta(days=10 + int(rng.random() * 200))
            data: dict[str, object] = {
                "query": occasion,
                "city": city,
                "kind": rng.choice(("space", "vendor", "service", None)),
                "guests": 10 * (1 + int(rng.random() * 20)) if rng.random() < 0.6 else None,
                "event_date": wanted.isoformat() if rng.random() < 0.5 else None,
                "results": results,
            }
            newer = self.day >= SORTED_SINCE
            if newer:
                data["sort"] = rng.choice(("relevance", "relevance", "price"))
            visit.act("search", 400, data, version="1-0-1" if newer else "1-0-0")
        for experiment in _AT["search"]:
            visit.expose(experiment)

    def look(self, visit: Visit, place: int, *, found: bool) -> None:
        """Look at a listing."""
        listing = self.market.listings[place]
        if found and self.rng.random() < 0.5:
            visit.click(f"/l/{listing.id}")
        visit.open(f"/l/{listing.id}", "A place for your event", height=3_600)
        position = 1 + int(self.rng.random() ** 2 * 20) if found else None
        visit.act("view_item", 400, {"listing_id": listing.id, "position": position}, self._entity(place))
        for experiment in _AT["view_item"]:
            visit.expose(experiment)

    def put(self, visit: Visit, place: int, quantity: int) -> None:
        """Put the listing that is looked at into the cart."""
        listing = self.market.listings[place]
        data: dict[str, object] = {
            "listing_id": listing.id,
            "quantity": quantity,
            "unit_price": listing.price / 100,
            "currency": self._currency(place),
        }
        visit.act("add_to_cart", -900, data, self._entity(place))

    def fill(self, visit: Visit, basket: Basket) -> None:
        """Find everything in a basket and put it into the cart."""
        self.search(visit)
        for place, quantity in zip(basket.listings, basket.quantities, strict=True):
            self.look(visit, place, found=True)
            self.put(visit, place, quantity)
        visit.open("/cart", "Cart", height=1_100)

    def check_out(self, visit: Visit, basket: Basket) -> None:
        """Open the checkout, which needs a login."""
        if not visit.known:
            visit.log_in(new=False)
        visit.open("/checkout", "Checkout", height=1_800)
        worth = basket.cents / 100
        data: dict[str, object] = {"items": len(basket.listings), "value": worth, "currency": basket.currency}
        visit.act("begin_checkout", 400, data)
        for experiment in _AT["begin_checkout"]:
            visit.expose(experiment)

    def purchase(self, visit: Visit, basket: Basket, booking: str, cents: int) -> None:
        """Book; the page that says so sends the event."""
        visit.open("/booking/confirmed", "Your booking", height=1_500)
        data: dict[str, object] = {
            "booking_id": booking,
            "value": cents / 100,
            "currency": basket.currency,
            "items": len(basket.listings),
        }
        visit.act("purchase", 400, data, *(self._entity(place) for place in basket.listings))

    def wander(self, visit: Visit, appetite: float) -> None:
        """Look around, mostly without much interest."""
        rng = self.rng
        if rng.random() > appetite:
            return
        self.search(visit)
        while rng.random() < 0.52:
            place = self.pick()
            self.look(visit, place, found=True)
            if rng.random() < 0.22:
                self.put(visit, place, 1)
            if rng.random() < 0.2:
                self.search(visit)
