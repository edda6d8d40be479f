"""From what happens on the website to what the pipeline delivers: collector, enrich, and what goes wrong on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from workspace.demo.clickstream.books import LATE, Fact, Session
from workspace.demo.clickstream.devices import GEO
from workspace.demo.clickstream.line import EMPTY, PLACE, fill, fingerprint, sent, uuid
from workspace.demo.clickstream.registry import UNKNOWN, VENDOR
from workspace.demo.clickstream.visits import HOST, SNOWPLOW
from workspace.demo.world import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from workspace.demo.clickstream.visits import Event, Page, Visit

PARTITIONS = 12
REPEATED, AT_ONCE = 0.008, 0.25  # lines that come again; those of them with the same time of collection
COLLIDING = 0.002  # events under the id of another one
BROKEN = 0.0016  # lines that nobody can read, per event
LATE_VISITS, WHOLLY = 0.02, 0.25  # visits that are sent late; those of them that are so from their first event on
MALFORMED = ("field_count", "timestamp", "number", "encoding", "required")
_TOGETHER = 250  # events within so many milliseconds are sent in one request
_IDS = 400  # how many of a day's event ids may be used again on the next
_CONSTANT = fill(
    list(EMPTY),
    {
        "app_id": "bookmyevent",
        "platform": "web",
        "name_tracker": "bme",
        "v_tracker": "js-4.6.6",
        "v_collector": "ssc-3.4.0-kafka",
        "v_etl": "enrich-kafka-5.3.0-common-5.3.0",
        "page_urlscheme": "https",
        "page_urlhost": HOST,
        "page_urlport": "443",
        "event_format": "jsonschema",
    },
)
_PLAIN = ("page_view", "page_ping")  # all others are self-describing
_THEIRS = (*_PLAIN, "link_click")


class Delivery(NamedTuple):
    """A line as the pipeline delivers it.

    Attributes:
        at: When it was collected, in milliseconds of the epoch.
        order: Tells apart what was collected at the same time.
        partition: Where in the topic it belongs.
        line: Its bytes.
        kind: `event`, `again`, `again_at_once`, or one of `MALFORMED`.
        session: For an event, its visit ...
        fact: ... and what the books need to know.
    """

    at: int
    order: int
    partition: int
    line: bytes
    kind: str
    session: Session | None = None
    fact: Fact | None = None


class Pipeline:
    """Collector and enrich, with what they remember from day to day.

    Attributes:
        order: Counts the deliveries.
        sessions: Counts the visits.
        broken: Counts the malformed lines.
        ids: Event ids of the day before, for those who use one again.
        fresh: Those of the present day.
    """

    def __init__(self) -> None:
        self.order = 0
        self.sessions = 0
        self.broken = 0
        self.ids: list[str] = []
        self.fresh: list[str] = []

    def next_day(self) -> None:
        """Let the day's ids be those of the day before."""
        self.ids, self.fresh = self.fresh, []

    def deliver(self, rng: Random, visit: Visit, index: int) -> Iterator[Delivery]:
        """Send a visit's events.

        Args:
            rng: The day's source of chance.
            visit: The visit.
            index: The how manieth of its browser it is.
        """
        events, visitor = visit.events, visit.visitor
        landing = visit.landing
        session = Session(
            self.sessions,
            visitor.key,
            visitor.user,
            landing.channel,
            bool(landing.market),
            landing.platform if "mkt_clickid" in landing.market else -1,
            landing.click,
            visitor.device.bot,
            len(events),
        )
        self.sessions += 1
        lag = 40 + int(rng.random() * 300)  # of the network
        base = _visit_fields(visit, index, uuid(rng.getrandbits(128)), uuid(rng.getrandbits(128)))
        pages: dict[int, list[str]] = {}
        before, collected = 0, 0
        for number, leaves in enumerate(self._requests(rng, visit)):
            event = events[number]
            if leaves != before:
                before, collected = leaves, leaves + lag + int(rng.random() * 60)
            if event.page.number not in pages:
                pages[event.page.number] = _page_fields(base, event.page, visit)
            fields = _event_fields(pages[event.page.number], event, visitor.user_id)
            yield from self._send(rng, session, event, fields, (leaves, collected, visitor.skew))

    def _send(
        self, rng: Random, session: Session, event: Event, fields: list[str], times: tuple[int, int, int]
    ) -> Iterator[Delivery]:
        """Deliver an event, and what goes wrong with it; `times` are those of sending and collection, and the skew."""
        leaves, collected, skew = times
        created, by_device = event.at + skew, leaves + skew
        key = fields[PLACE["domain_userid"]]
        synthetic = bool(self.ids) and not session.bot and rng.random() < COLLIDING
        identity = self.ids.pop() if synthetic else uuid(rng.getrandbits(128))
        fields[PLACE["event_id"]] = identity
        fields[PLACE["event_fingerprint"]] = fingerprint(fields)
        derived = collected - (leaves - event.at)
        late = collected - derived > LATE
        unknown = (event.name, event.version) == UNKNOWN
        fact = Fact(event.name, derived, late, event.page.number, event.logged_in, event.exposed, unknown, synthetic)
        etl = collected + 900 + int(rng.random() * 900)
        line = sent(fields, created, by_device, collected, etl)
        yield self._delivery(collected, key, line, "event", (session, fact))
        if len(self.fresh) < _IDS and not (synthetic or late) and rng.random() < 0.1:
            self.fresh.append(identity)
        chance = rng.random()
        if chance < REPEATED * AT_ONCE:
            line = sent(fields, created, by_device, collected, etl + 2_000)
            yield self._delivery(collected, key, line, "again_at_once")
        elif chance < REPEATED:
            delay = int(2 * MINUTE * (DAY / (2 * MINUTE)) ** rng.random())
            line = sent(fields, created, by_device + delay, collected + delay, etl + delay)
            yield self._delivery(collected + delay, key, line, "again")
        elif chance < REPEATED + BROKEN:
            kind = MALFORMED[self.broken % len(MALFORMED)]
            self.broken += 1
            fields[PLACE["event_id"]] = uuid(rng.getrandbits(128))
            line = sent(fields, created, by_device, collected, etl)
            yield self._delivery(collected, key, _spoil(kind, line, self.broken), kind)

    def _delivery(
        self, at: int, key: str, line: bytes, kind: str, known: tuple[Session, Fact] | tuple[None, None] = (None, None)
    ) -> Delivery:
        self.order += 1
        return Delivery(at, self.order, crc32(key.encode()) % PARTITIONS, line, kind, *known)

    def _requests(self, rng: Random, visit: Visit) -> list[int]:
        """Tell when each event leaves the browser: with those near it, or much later with all that follow."""
        times = [event.at for event in visit.events]
        late_from, late_at = self._lateness(rng, visit)
        leaves: list[int] = []
        first = times[0]
        for number, at in enumerate(times):
            if at - first > _TOGETHER:
                first = at
            leaves.append(late_at if number >= late_from else first + _TOGETHER + 15)
        return leaves

    @staticmethod
    def _lateness(rng: Random, visit: Visit) -> tuple[int, int]:
        """Draw from which event on a visit is sent late, and when; who books, or is a guest, is connected."""
        count = len(visit.events)
        online = visit.visitor.guest or any(event.name == "purchase" for event in visit.events)
        if online or visit.visitor.device.bot or rng.random() >= LATE_VISITS:
            return count, 0
        first = 0 if rng.random() < WHOLLY else int(rng.random() * count)
        delay = int(1.5 * HOUR + rng.random() ** 2 * 68 * HOUR)
        return first, visit.events[-1].at + delay


def _visit_fields(visit: Visit, index: int, session: str, network: str) -> list[str]:
    visitor = visit.visitor
    return fill(
        _CONSTANT,
        visitor.device.fields
        | GEO[visitor.city]
        | {
            "user_ipaddress": visitor.ip,
            "domain_userid": visitor.id,
            "domain_sessionidx": str(index),
            "domain_sessionid": session,
            "network_userid": network,
            "derived_contexts": visitor.device.derived,
        },
    )


def _page_fields(base: list[str], page: Page, visit: Visit) -> list[str]:
    address = f"https://{HOST}{page.path}"
    values = {
        "page_url": f"{address}?{page.query}" if page.query else address,
        "page_title": page.title,
        "page_urlpath": page.path,
        "page_urlquery": page.query,
        "doc_width": str(visit.visitor.device.view[0]),
        "doc_height": str(page.height),
    }
    if page.before:
        values |= {
            "page_referrer": page.before,
            "refr_urlscheme": "https",
            "refr_urlhost": HOST,
            "refr_urlport": "443",
            "refr_urlpath": page.before.removeprefix(f"https://{HOST}"),
            "refr_medium": "internal",
        }
    else:
        values |= visit.landing.referrer
    if visit.landing.market and page.query == visit.landing.query:
        values |= visit.landing.market
    return fill(base, values)


_EVENT, _NAME, _VENDOR = PLACE["event"], PLACE["event_name"], PLACE["event_vendor"]
_VERSION, _USER, _UNSTRUCT, _CONTEXTS = (
    PLACE["event_version"],
    PLACE["user_id"],
    PLACE["unstruct_event"],
    PLACE["contexts"],
)
_XS, _YS = (PLACE["pp_xoffset_min"], PLACE["pp_xoffset_max"]), (PLACE["pp_yoffset_min"], PLACE["pp_yoffset_max"])


def _event_fields(page: list[str], event: Event, user: str) -> list[str]:
    fields = page.copy()
    fields[_EVENT] = event.name if event.name in _PLAIN else "unstruct"
    fields[_NAME] = event.name
    fields[_VENDOR] = SNOWPLOW if event.name in _THEIRS else VENDOR
    fields[_VERSION] = event.version
    fields[_UNSTRUCT] = event.unstruct
    fields[_CONTEXTS] = event.contexts
    if event.logged_in:
        fields[_USER] = user
    if event.seen:
        for place, value in zip((*_XS, *_YS), (0, 0, *event.seen), strict=True):
            fields[place] = str(value)
    return fields


def _spoil(kind: str, line: bytes, number: int) -> bytes:
    """Make a line unreadable."""
    fields = line.split(b"\t")
    if kind == "field_count":
        return b"\t".join(fields[:-1] if number % 2 else [*fields, b""])
    if kind == "required":
        fields[PLACE["event_id" if number % 2 else "v_collector"]] = b""
        return b"\t".join(fields)
    name, value = {
        "timestamp": ("dvce_created_tstamp", b"2026-13-01 25:00:00.000"),
        "number": ("br_viewwidth", b"wide"),
        "encoding": ("page_title", b"Sch\xf6ne R\xe4ume"),
    }[kind]
    fields[PLACE[name]] = value
    return b"\t".join(fields)
