"""A visit to the website: its pages, and what is done on them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workspace.demo.clickstream.line import uuid
from workspace.demo.clickstream.registry import uri

if TYPE_CHECKING:
    from random import Random

    from workspace.demo.clickstream.devices import Device
    from workspace.demo.clickstream.landings import Landing

HOST = "www.bookmyevent.com"
FIRST_PING, PINGS = 5_000, 10_000  # the tracker's minimum visit and heartbeat, in milliseconds
READING, LONGEST = 6_500, 240_000  # on a page: mean and limit
SNOWPLOW = "com.snowplowanalytics.snowplow"
_CONTEXTS = f'{{"schema":"iglu:{SNOWPLOW}/contexts/jsonschema/1-0-0","data":['
_UNSTRUCT = f'{{"schema":"iglu:{SNOWPLOW}/unstruct_event/jsonschema/1-0-0","data":{{"schema":"'


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser that comes by.

    Attributes:
        key: A number: four times the user's, plus the place of the device; below 0 if it is no user's.
        id: Its `domain_userid`.
        user: The number of the user who sits there, -1 if the browser is nobody's.
        user_id: That user's id, empty if it is nobody's.
        city: The place of its city.
        skew: By how many milliseconds its clock is ahead.
    """

    key: int
    id: str
    device: Device
    city: int
    ip: str
    skew: int
    user: int = -1
    user_id: str = ""

    @property
    def guest(self) -> bool:
        """Whether the user is another than the one whose browser it is."""
        return self.user >= 0 and self.user != self.key // 4


@dataclass(slots=True)
class Page:
    """A page as somebody sees it."""

    number: int
    id: str
    path: str
    title: str
    query: str
    before: str
    height: int


@dataclass(slots=True)
class Event:
    """Something that happens on a page.

    Attributes:
        at: When, in milliseconds.
        name: Its `event_name`.
        page: Where.
        logged_in: Whether the tracker knows the user by then.
        unstruct: The `unstruct_event`, empty if the event is no self-describing one.
        entities: Entities besides the page's own, each with a comma before it.
        seen: Of a page ping: the lowest and highest vertical offset.
        experiment: The place of the experiment of an exposure, else -1.
        version: The version of the event's schema.
        exposed: The experiment and the variant of an exposure, once they are drawn.
    """

    at: int
    name: str
    page: Page
    logged_in: bool
    unstruct: str = ""
    entities: str = ""
    seen: tuple[int, int] | None = None
    experiment: int = -1
    version: str = "1-0-0"
    exposed: str = ""

    @property
    def contexts(self) -> str:
        """The `contexts` field."""
        page = f'{{"schema":"iglu:{SNOWPLOW}/web_page/jsonschema/1-0-0","data":{{"id":"{self.page.id}"}}}}'
        return f"{_CONTEXTS}{page}{self.entities}]}}"


@dataclass(slots=True)
class Visit:
    """One visit, first told from time 0, then set to its time.

    Attributes:
        rng: The day's source of chance.
        visitor: Whose.
        landing: How it began.
        known: Whether the browser still knows who is logged in.
        index: The how manieth it is of a browser that is nobody's.
        now: The present time of the story.
        arrived: When the present page was opened.
        pages: How many pages were opened.
        events: What happened.
        page: The present page.
    """

    rng: Random
    visitor: Visitor
    landing: Landing
    known: bool = False
    index: int = 1
    now: int = 0
    arrived: int = 0
    pages: int = 0
    events: list[Event] = field(default_factory=list)
    page: Page | None = None

    def open(self, path: str, title: str, query: str = "", *, height: int = 2_400) -> None:
        """Leave the present page for another, and read that one for a while."""
        rng = self.rng
        before = f"https://{HOST}{self.page.path}" if self.page else ""
        self.page = Page(self.pages, uuid(rng.getrandbits(128)), path, title, query, before, height)
        self.pages += 1
        arrived = self.arrived = self.now
        self.add("page_view", 0)
        stay = 2_500 + min(LONGEST, int(rng.expovariate(1 / READING)))
        window, top = self.visitor.device.view[1], 0
        for ping in range(arrived + FIRST_PING, arrived + stay, PINGS):
            bottom = min(max(0, height - window), top + int(rng.random() * 700))
            self.events.append(Event(ping, "page_ping", self.page, self.known, seen=(top, bottom)))
            top = bottom
        self.now = arrived + stay

    def add(self, name: str, when: int) -> Event:
        """Let something happen on the present page: milliseconds after it was opened; below 0, before it is left."""
        if self.page is None:
            raise RuntimeError("a visit begins with a page")
        event = Event((self.now if when < 0 else self.arrived) + when, name, self.page, self.known)
        self.events.append(event)
        return event

    def act(self, name: str, when: int, data: dict[str, object], *entities: str, version: str = "1-0-0") -> None:
        """Let one of the company's own events happen on the present page."""
        event = self.add(name, when)
        event.unstruct, event.version = unstruct(uri(name, version), data), version
        event.entities = "".join("," + entity for entity in entities)

    def click(self, target: str) -> None:
        """Click on a link of the present page."""
        event = self.add("link_click", -300)
        event.version = "1-0-1"
        data: dict[str, object] = {"targetUrl": f"https://{HOST}{target}", "elementId": "", "elementContent": ""}
        event.unstruct = unstruct(f"iglu:{SNOWPLOW}/link_click/jsonschema/1-0-1", data)

    def log_in(self, *, new: bool) -> None:
        """Log in; from this event on the tracker knows the user."""
        self.open("/login", "Log in", height=900)
        self.known = True
        method = self.rng.choice(("password", "password", "google", "apple", "magic_link"))
        self.act("login", -1_200, {"method": method, "new_user": new})

    def expose(self, experiment: int) -> None:
        """Let somebody see a variant of an experiment, to be drawn when the visit is told; once a visit."""
        if all(event.experiment != experiment for event in self.events):
            self.add("experiment_exposure", 450).experiment = experiment

    def settle(self, at: int, earliest: int, event: str = "") -> None:
        """Set the visit to its time: its first event, or the last of a kind, happens then.

        Where that would let it begin before it may, it is told again in a hurry, without page pings.
        """
        self.events.sort(key=lambda e: e.at)
        anchor = next(e.at for e in reversed(self.events) if e.name == event) if event else self.events[0].at
        if at - anchor >= earliest:
            for e in self.events:
                e.at += at - anchor
            return
        self.events = [e for e in self.events if e.name != "page_ping"]
        for e in self.events:
            e.at = earliest + e.at * (at - earliest) // anchor if e.at <= anchor else at + e.at - anchor

    @property
    def start(self) -> int:
        """When it begins."""
        return self.events[0].at


def unstruct(schema: str, data: dict[str, object]) -> str:
    """Write a self-describing event as the field `unstruct_event` holds it."""
    return f'{_UNSTRUCT}{schema}","data":{_json(data)}}}}}'


def entity(name: str, data: dict[str, object]) -> str:
    """Write one of the company's own entities."""
    return f'{{"schema":"{uri(name)}","data":{_json(data)}}}'


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
