"""The website and its pipeline, day after day."""

from __future__ import annotations

from array import array
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from workspace.demo.clickstream.archive import Shelf
from workspace.demo.clickstream.books import Books
from workspace.demo.clickstream.campaigns import Clicks
from workspace.demo.clickstream.experiments import EXPERIMENTS, Assignment
from workspace.demo.clickstream.pipeline import MALFORMED, Pipeline
from workspace.demo.clickstream.registry import uri
from workspace.demo.clickstream.sales import Sales
from workspace.demo.clickstream.traffic import Booked, Day
from workspace.demo.clickstream.visits import unstruct

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from workspace.demo.clickstream.archive import Window
    from workspace.demo.clickstream.pipeline import Delivery
    from workspace.demo.clickstream.visits import Visit
    from workspace.demo.world import World

SINCE = date(2026, 9, 2)  # the day on which the website began to be watched


class Web:
    """What the simulation has to remember of the website.

    Attributes:
        clicks: The books of the clicks on advertisements and in letters.
        sales: The books of the bookings.
        books: The books of what was delivered.
        shelf: Where it was delivered to.
        assignments: Who has which variant, by experiment.
        strangers: How many browsers of nobody have come by.
        machines: How many bots have.
        returning: Strangers that come again, with how many visits they have made, by day.
    """

    def __init__(self) -> None:
        self.clicks = Clicks()
        self.sales = Sales()
        self.books = Books()
        self.shelf = Shelf()
        self.pipeline = Pipeline()
        self.assignments = [Assignment(experiment) for experiment in EXPERIMENTS]
        self.strangers = 0
        self.machines = 0
        self.returning: dict[date, list[tuple[int, int]]] = {}
        self._visits = array("H")  # of each user's browsers so far
        self._known = bytearray()  # whether its user was the last to log in there
        self._waiting: list[Delivery] = []  # what is collected after the day it belongs to

    def live(self, world: World, today: date, deliver: Callable[[Window], None] | None) -> None:
        """Live one day at the website.

        Args:
            world: The company at the day's end.
            today: The day.
            deliver: Takes what the pipeline delivers, six hours at a time; nobody does if it is None.
        """
        if today < SINCE:
            return
        self._sell(world)
        day = Day(self, world, today)
        deliveries, self._waiting = self._waiting, []
        for visit in day.visits():
            self._expose(day.rng, visit)
            deliveries += self.pipeline.deliver(day.rng, visit, self._count(visit))
        self.pipeline.next_day()
        for assignment in self.assignments:
            assignment.forget(today)
        end = int(datetime.combine(today + timedelta(days=1), time(), UTC).timestamp()) * 1000
        self._waiting = [delivery for delivery in deliveries if delivery.at >= end]
        deliveries = sorted(delivery for delivery in deliveries if delivery.at < end)
        self._enter(deliveries)
        for window in self.shelf.sort(deliveries, today, day.rng, world.scale, self.books):
            if deliver:
                deliver(window)

    def _sell(self, world: World) -> None:
        """Enter the day's bookings, and what became of earlier ones."""
        for kind, at, subject in world.witnessed:
            if kind == "booked":
                booked = Booked(*subject)
                city = world.market.vendors[world.market.listings[booked.lines[0][0]].vendor].city
                self.sales.add(booked.number, at, booked.user, city, (booked.gross, booked.cents))
            elif kind == "amended":
                self.sales.amend(subject[0], at, subject[1:])
            elif kind == "settled":
                self.sales.settle(subject[0], at)

    def _enter(self, deliveries: list[Delivery]) -> None:
        books = self.books
        for delivery in deliveries:
            if delivery.session and delivery.fact:
                books.receive(delivery.session, delivery.fact)
                if delivery.session.click >= 0 and delivery.fact.page == 0 and delivery.fact.name == "page_view":
                    self.clicks.told[delivery.session.click] = delivery.fact.derived
            elif delivery.kind in MALFORMED:
                books.malformed[delivery.kind] += 1
            else:
                books.noted["natural_duplicates"] += 1
                books.noted["natural_duplicates_at_once"] += delivery.kind == "again_at_once"

    def _expose(self, rng: Random, visit: Visit) -> None:
        """Draw the variants that a visit shows, now that it is known what it leads to."""
        kept = []
        for number, event in enumerate(visit.events):
            if event.experiment >= 0:
                assignment = self.assignments[event.experiment]
                experiment = assignment.experiment
                if not assignment.running(event.at):
                    continue
                acted = any(later.name == experiment.outcome for later in visit.events[number:])
                by_user = experiment.unit == "user"
                unit = visit.visitor.user if by_user else visit.visitor.key
                variant = assignment.variant(rng, unit, event.at, acted=acted)
                event.exposed = f"{experiment.name}:{variant}"
                data: dict[str, object] = {
                    "experiment": experiment.name,
                    "variant": variant,
                    "unit": visit.visitor.user_id if by_user else visit.visitor.id,
                    "unit_type": experiment.unit,
                }
                event.unstruct = unstruct(uri(event.name), data)
            kept.append(event)
        visit.events = kept

    def _count(self, visit: Visit) -> int:
        """Count a browser's visits; give the number of this one."""
        key = visit.visitor.key
        if visit.visitor.user < 0:
            return visit.index
        if key >= len(self._visits):
            more = key + 4_096 - len(self._visits)
            self._visits.extend([0] * more)
            self._known.extend(bytes(more))
        self._visits[key] = min(65_535, self._visits[key] + 1)
        if visit.events[-1].logged_in:
            self._known[key] = not visit.visitor.guest
        return self._visits[key]

    def logged_in(self, key: int) -> bool:
        """Tell whether a user was the last to log in on the own browser, up to the day before."""
        return key < len(self._known) and bool(self._known[key])
