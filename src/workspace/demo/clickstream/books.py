"""The clickstream's part of the company's books: what has been delivered by the clock, counted as it is delivered."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from workspace.demo.clickstream.campaigns import PLATFORMS
from workspace.demo.ledger import month, reporting_day

LATE = 3_600_000  # an event is late if it is collected so much later than it happened, in milliseconds
ENGAGED = 20  # seconds that make a visit engaged, as two page views or a conversion do


class Fact(NamedTuple):
    """What the books need to know of an event."""

    name: str
    derived: int
    late: bool
    page: int
    logged_in: bool
    exposure: str = ""
    unknown: bool = False
    synthetic: bool = False


@dataclass(slots=True)
class Session:
    """A visit as its events come in.

    Attributes:
        number: Counts the visits.
        visitor: The number of the browser.
        user: The number of the user who sits there, -1 if the browser is nobody's.
        channel: The group that it belongs to.
        tagged: Whether its landing carries utm parameters or a click id.
        platform: The place of the platform whose click id the landing carries, -1 if it carries none.
        click: The number of the click on an advertisement or in a letter, -1 if there was none.
        bot: Whether a machine is behind it.
        left: How many events are still to come.
        facts: Those that have come.
    """

    number: int
    visitor: int
    user: int
    channel: str
    tagged: bool
    platform: int
    click: int
    bot: bool
    left: int
    facts: list[Fact] = field(default_factory=list)


@dataclass
class Sums:
    """Sums over visits; days are those of the reporting time zone, given by their ordinals.

    Attributes:
        sessions: By the day of the visit's first event.
        engaged: Engaged visits, by that day.
        seconds: Engaged time in seconds, by that day.
        page_views: By their own day.
        converted: Visits with a purchase, by the day of the first event.
        channels: Visits by channel group.
        conversions: Visits with a purchase, by channel group.
        touchpoints: Landings with utm parameters or a click id, by channel group.
        clicks: Landings with a click id, by platform.
        visitors: Browsers, by the month of a visit's first event.
        stretches: Who was logged in on each browser from when on; one entry only where the user changes.
    """

    sessions: Counter[int] = field(default_factory=Counter)
    engaged: Counter[int] = field(default_factory=Counter)
    seconds: Counter[int] = field(default_factory=Counter)
    page_views: Counter[int] = field(default_factory=Counter)
    converted: Counter[int] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    conversions: Counter[str] = field(default_factory=Counter)
    touchpoints: Counter[str] = field(default_factory=Counter)
    clicks: Counter[str] = field(default_factory=Counter)
    visitors: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    stretches: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def enter(self, session: Session) -> None:
        """Add a visit, as far as its events have come."""
        facts = session.facts
        if session.bot or not facts:
            return
        day = reporting_day(min(fact.derived for fact in facts))
        pings = Counter(fact.page for fact in facts if fact.name == "page_ping")
        seconds = sum(10 * count - 5 for count in pings.values())
        views = [reporting_day(fact.derived) for fact in facts if fact.name == "page_view"]
        converted = any(fact.name == "purchase" for fact in facts)
        self.sessions[day] += 1
        self.seconds[day] += seconds
        self.page_views.update(views)
        self.engaged[day] += len(views) >= 2 or seconds >= ENGAGED or converted
        self.converted[day] += converted
        self.channels[session.channel] += 1
        self.conversions[session.channel] += converted
        self.touchpoints[session.channel] += session.tagged
        if session.platform >= 0:
            self.clicks[PLATFORMS[session.platform].name] += 1
        self.visitors[month(day)].add(session.visitor)
        if since := [fact.derived for fact in facts if fact.logged_in]:
            self._stretch(session.visitor, (min(since), session.user))

    def _stretch(self, visitor: int, stretch: tuple[int, int]) -> None:
        """Enter who was logged in on a browser. Guests' visits are never late: what is merged is not needed again."""
        known = sorted([*self.stretches.get(visitor, ()), stretch])
        self.stretches[visitor] = [s for n, s in enumerate(known) if n == 0 or s[1] != known[n - 1][1]]

    def plus(self, other: Sums) -> Sums:
        """Give both together."""
        both = Sums()
        for part in (self, other):
            for name, value in vars(part).items():
                if isinstance(value, Counter):
                    getattr(both, name).update(value)
            for visitor, stretches in part.stretches.items():
                for stretch in stretches:
                    both._stretch(visitor, stretch)
            for when, visitors in part.visitors.items():
                both.visitors[when] |= visitors
        return both


class Books:
    """What has been delivered by the clock.

    Attributes:
        events: Distinct events by name; a synthetic duplicate is one.
        noted: Events that are late, of a bot, of an unknown schema, synthetic duplicates; and lines that are natural
            duplicates of one, or of one with the same time of collection.
        malformed: Lines that no loader can read, by what is wrong with them.
        bad: Rows of the pipeline's own bad topic, by kind.
        exposures: By experiment and variant.
        lines: Lines by where they went: `archive`, `topic`, `both`.
        refused: Malformed lines by where they went.
        open: Visits that have not come in whole.
        sums: Those that have.
    """

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self.noted: Counter[str] = Counter()
        self.malformed: Counter[str] = Counter()
        self.bad: Counter[str] = Counter()
        self.exposures: Counter[str] = Counter()
        self.lines: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.open: dict[int, Session] = {}
        self.sums = Sums()

    def receive(self, session: Session, fact: Fact) -> None:
        """Count an event that is delivered for the first time."""
        self.events[fact.name] += 1
        self.noted["bots"] += session.bot
        self.noted["late"] += fact.late
        self.noted["unknown_schema"] += fact.unknown
        self.noted["synthetic_duplicates"] += fact.synthetic
        if fact.exposure:
            self.exposures[fact.exposure] += 1
        session.facts.append(fact)
        session.left -= 1
        if session.left:
            self.open[session.number] = session
        else:
            self.open.pop(session.number, None)
            self.sums.enter(session)

    def by_now(self) -> Sums:
        """Give the sums over all visits, as far as their events have come."""
        begun = Sums()
        for session in self.open.values():
            begun.enter(session)
        return self.sums.plus(begun)
