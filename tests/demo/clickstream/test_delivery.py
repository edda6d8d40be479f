"""What the website's pipeline delivers, read back without the code that wrote it."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from workspace.demo.clickstream import causes, clicks, clickstream, write
from workspace.demo.clickstream.archive import ROOM
from workspace.demo.company import founded, live, trade_for_a_day
from workspace.demo.world import LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from workspace.demo.world import World

FIELD_COUNT = 131
TIMES = (2, 3, 4, 119, 124)
WHOLE = (16, 34, 40, 73, 74, 75, 76, 95, 96, 103, 104, 106, 107)
TRUTH = (93, 102)
FRACTIONS = (22, 23)
JSONS = (52, 58, 122)
REQUIRED = (3, 6, 10, 11)
BERLIN = ZoneInfo("Europe/Berlin")
BEFORE = 340  # the website is watched from this day of the company's life on


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)


def wrong(line: bytes) -> str:
    """Say what is wrong with a line."""
    try:
        fields = line.decode().split("\t")
    except UnicodeDecodeError:
        return "encoding"
    if len(fields) != FIELD_COUNT:
        return "field_count"
    if not all(fields[place] for place in REQUIRED):
        return "required"
    kinds: tuple[tuple[Callable[[str], object], tuple[int, ...]], ...] = (
        (moment, TIMES),
        (int, WHOLE),
        (float, FRACTIONS),
        (json.loads, JSONS),
        (UUID, (6,)),
    )
    for read, places in kinds:
        for place in places:
            try:
                _ = fields[place] and read(fields[place])
            except ValueError:
                return "timestamp" if read is moment else "number"
    assert {fields[place] for place in TRUTH} <= {"", "0", "1"}
    return ""


class Event(NamedTuple):
    """What the tests look at in a line."""

    id: str
    print: str
    collected: datetime
    derived: datetime
    name: str
    schema: str
    visitor: str
    session: str
    user: str
    bot: bool
    page: str
    data: dict[str, Any]
    market: tuple[str, str, str]
    landing: bool
    number: int


def event(line: bytes) -> Event:
    f = line.decode().split("\t")
    derived = {e["schema"].split("/")[1]: e["data"] for e in json.loads(f[122])["data"]}
    robot = derived["spiders_and_robots"]["spiderOrRobot"] or derived["yauaa_context"]["deviceClass"] == "Robot"
    page = json.loads(f[52])["data"][0]["data"]["id"]
    data: dict[str, Any] = json.loads(f[58])["data"] if f[58] else {"schema": "", "data": {}}
    apart = moment(f[3]) - (moment(f[119]) - moment(f[4])) - moment(f[124])
    assert not apart
    return Event(
        id=f[6],
        print=f[129],
        collected=moment(f[3]),
        derived=moment(f[124]),
        name=f[126],
        schema=str(data["schema"]),
        visitor=f[15],
        session=f[123],
        user=f[12],
        bot=bool(robot or "crawler" in f[77]),
        page=page,
        data=data["data"],
        market=(f[47], f[48], f[116]),
        landing=f[44] != "internal" and f[126] == "page_view",
        number=int(f[16]),
    )


@dataclass
class Home:
    """A whole life at a small scale, and the files that it left."""

    world: World
    folder: Path
    archive: list[bytes] = field(default_factory=list)
    topic: list[bytes] = field(default_factory=list)

    def read(self) -> None:
        for path in sorted((self.folder / "archive").glob("run=*/part-*.gz")):
            self.archive += gzip.decompress(path.read_bytes()).splitlines()
        for path in sorted((self.folder / "topic" / "enriched").glob("*.gz")):
            self.topic += [line.split(b"\t", 2)[2] for line in gzip.decompress(path.read_bytes()).splitlines()]

    def copies(self) -> Iterator[tuple[bytes, int]]:
        """Give each line once, with how many places it is in."""
        common = Counter(self.archive) & Counter(self.topic)
        seen: Counter[bytes] = Counter()
        for line in self.archive:
            seen[line] += 1
            yield line, 2 if seen[line] <= common[line] else 1
        rest = Counter(self.topic) - common
        yield from ((line, 1) for line in rest.elements())


def lived(folder: Path, days: int, *, seed: int = 1, scale: float = 0.05) -> World:
    world = founded(seed, scale)
    for day in range(days):
        for _ in live(world, lambda window: write(folder, window)) if day >= BEFORE else trade_for_a_day(world):
            pass
    return world


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("home")
    home = Home(lived(folder, LENGTH, scale=0.1), folder)
    home.read()
    return home


@pytest.fixture(scope="module")
def told(home: Home) -> dict[str, Any]:
    return clickstream(home.world)


@pytest.fixture(scope="module")
def events(home: Home) -> list[Event]:
    """The distinct events, each as its first copy has it."""
    kept: dict[tuple[str, str], Event] = {}
    for line, _ in home.copies():
        if not wrong(line):
            found = event(line)
            key = (found.id, found.print)
            if key not in kept or found.collected < kept[key].collected:
                kept[key] = found
    return list(kept.values())


def digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*.gz")):
        whole.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return whole.hexdigest()


def test_a_seed_decides_every_byte(tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        lived(tmp_path / name, BEFORE + 5, seed=seed)
    assert digest(tmp_path / "one") == digest(tmp_path / "again") != digest(tmp_path / "other")


def test_nobody_in_the_databases_notices_the_website(home: Home) -> None:
    alone = founded(1, 0.1)
    for _ in range(LENGTH):
        for _ in trade_for_a_day(alone):
            pass
    assert alone.rng.getstate() == home.world.rng.getstate()
    assert alone.ledger.changes == home.world.ledger.changes


def test_lines_and_what_is_wrong_with_them(home: Home, told: dict[str, Any]) -> None:
    faults: Counter[str] = Counter()
    places: Counter[str] = Counter()
    overlap = good = 0
    for line, copies in home.copies():
        fault = wrong(line)
        places["both" if copies == 2 else "one"] += 1
        faults[fault] += 1
        good += not fault
        overlap += copies == 2 and not fault
    assert places["both"] == told["lines"].get("both", 0) > 0
    assert places.total() == told["lines"]["total"]
    assert len(home.archive) == told["lines"]["archive"] + told["lines"]["both"]
    assert len(home.topic) == told["lines"]["topic"] + told["lines"]["both"]
    del faults[""]
    assert faults == {kind: count for kind, count in told["malformed"].items() if kind != "total"}
    assert len(faults) == 5
    assert overlap == told["overlap_copies"]
    assert good == told["events"]["total"] + told["natural_duplicates"]


def test_lines_come_in_the_order_of_collection(home: Home) -> None:
    for lines in (home.archive, home.topic):
        times = [line.split(b"\t")[3] for line in lines if not wrong(line)]
        assert all(one <= other for one, other in pairwise(times))
    assert max(line.split(b"\t")[3] for line in home.archive if not wrong(line)) < b"2026-10-29 06"
    assert min(line.split(b"\t")[3] for line in home.topic if not wrong(line)) >= b"2026-10-29 00"


def test_events_are_counted_exactly(events: list[Event], told: dict[str, Any]) -> None:
    assert Counter(e.name for e in events) == {n: c for n, c in told["events"].items() if n != "total"}
    assert len(events) - len({e.id for e in events}) == told["synthetic_duplicates"] > 0
    assert sum((e.collected - e.derived).total_seconds() > 3_600 for e in events) == told["late"] > 0
    assert max((e.collected - e.derived).total_seconds() for e in events) < 3 * 86_400
    assert sum(e.bot for e in events) == told["bots"] > 0
    assert sum(e.schema.endswith("search/jsonschema/2-0-0") for e in events) == told["unknown_schema"] > 0
    exposures = Counter((e.data["experiment"], e.data["variant"]) for e in events if e.name == "experiment_exposure")
    assert {(n, v): c for n, vs in told["exposures"].items() for v, c in vs.items()} == exposures


def day(at: datetime) -> Any:
    return at.astimezone(BERLIN).date()


def test_sessions_and_people_are_counted_exactly(events: list[Event], told: dict[str, Any]) -> None:
    sessions: dict[str, list[Event]] = defaultdict(list)
    for e in events:
        if not e.bot:
            sessions[e.session].append(e)
    starts, seconds, converted, engaged = Counter[Any](), Counter[Any](), Counter[Any](), Counter[Any]()
    visitors: dict[str, set[str]] = defaultdict(set)
    for own in sessions.values():
        start = min(e.derived for e in own)
        pings = Counter(e.page for e in own if e.name == "page_ping")
        spent = sum(10 * count - 5 for count in pings.values())
        bought = any(e.name == "purchase" for e in own)
        starts[day(start)] += 1
        seconds[day(start)] += spent
        converted[day(start)] += bought
        engaged[day(start)] += sum(e.name == "page_view" for e in own) > 1 or spent >= 20 or bought
        visitors[day(start).isoformat()[:7]] |= {e.visitor for e in own}
    assert starts == told["sessions"]["day"]
    assert +seconds == +Counter(told["engaged_seconds"]["day"])
    assert +converted == +Counter(told["converted_sessions"]["day"])
    assert +engaged == +Counter(told["engaged_sessions"]["day"])
    assert {when: len(ids) for when, ids in visitors.items()} == told["visitors"]["month"]
    assert len({v for ids in visitors.values() for v in ids}) == told["visitors"]["total"]
    views = Counter(day(e.derived) for e in events if e.name == "page_view" and not e.bot)
    assert views == told["page_views"]["day"]


def test_who_was_logged_in_is_counted_exactly(events: list[Event], told: dict[str, Any]) -> None:
    users: dict[str, list[str]] = defaultdict(list)
    for e in sorted(events, key=lambda e: e.derived):
        if e.user and not e.bot and users[e.visitor][-1:] != [e.user]:
            users[e.visitor].append(e.user)
    assert len(users) == told["stitched_visitors"]
    assert len({user for own in users.values() for user in own}) == told["stitched_users"]
    assert sum(map(len, users.values())) == told["identities"] > len(users)


def test_sessions_begin_once_and_are_numbered(events: list[Event]) -> None:
    sessions: dict[str, dict[str, tuple[int, datetime]]] = defaultdict(dict)
    for e in sorted(events, key=lambda e: e.derived):
        if not e.bot:
            sessions[e.visitor].setdefault(e.session, (e.number, e.derived))
    for own in sessions.values():
        numbers = [number for number, _ in sorted(own.values(), key=lambda found: found[1])]
        assert numbers == sorted(set(numbers))


def test_channels_are_counted_exactly(events: list[Event], told: dict[str, Any]) -> None:
    touched: Counter[str] = Counter()
    clicked: Counter[str] = Counter()
    for e in events:
        if e.landing and (e.market[0] or e.market[2]):
            # Google's own tag stands alone in one account.
            touched[{"cpc": "Paid Search", "paid_social": "Paid Social", "email": "Email"}[e.market[0] or "cpc"]] += 1
            clicked[e.market[1] or "google"] += bool(e.market[2])
    assert touched == {name: c["touchpoints"] for name, c in told["channels"].items() if c["touchpoints"]}
    assert +clicked == {name: count for name, count in told["ad_clicks"].items() if name != "total"}
    assert sum(c["sessions"] for c in told["channels"].values()) == told["sessions"]["total"]


def test_purchases_are_the_databases_bookings(home: Home, events: list[Event]) -> None:
    bought = {e.data["booking_id"]: e for e in events if e.name == "purchase"}
    numbers = {home.world.identity("booking", n) for n in range(1, home.world.bookings + 1)}
    assert len(bought) == sum(e.name == "purchase" for e in events) > 100
    assert bought.keys() <= numbers
    assert all(e.user for e in bought.values())
    blamed = causes(home.world)
    known = {click.number: click for click in clicks(home.world)}
    assert 0.15 < len(blamed) / len(bought) < 0.45
    for booking, number in blamed.items():
        if booking in bought:
            click, purchase = known[number], bought[booking]
            assert click.user is not None
            assert home.world.identity("user", click.user) == purchase.user
            assert click.at < purchase.derived.timestamp() * 1_000
            own = "" if click.ad.campaign.tags == "shortened" else click.click_id
            assert any(e.landing and e.market[2] == own and e.visitor == purchase.visitor for e in events)


def test_own_schemas_say_what_is_sent(home: Home, events: list[Event], first_day: Path) -> None:
    registry = first_day / "clickstream" / "iglu"
    types: dict[str, Any] = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}
    seen = set()
    for e in events:
        if e.schema.startswith("iglu:com.bookmyevent/") and not e.schema.endswith("2-0-0"):
            seen.add(e.schema)
            schema = json.loads((registry / e.schema.removeprefix("iglu:")).read_text(encoding="utf-8"))
            assert e.data.keys() <= schema["properties"].keys()
            assert set(schema["required"]) <= e.data.keys()
            for name, value in e.data.items():
                kind = schema["properties"][name]
                if "enum" in kind:
                    assert value in kind["enum"]
                else:
                    names = [kind["type"]] if isinstance(kind["type"], str) else kind["type"]
                    assert any(isinstance(value, types[n]) for n in names), (name, value)
    assert {f"iglu:com.bookmyevent/search/jsonschema/1-0-{n}" for n in (0, 1)} < seen
    assert len(seen) == 8


def test_bad_rows_are_those_of_the_topic(home: Home, told: dict[str, Any]) -> None:
    kinds: Counter[str] = Counter()
    for path in (home.folder / "topic" / "bad").glob("*.gz"):
        for line in gzip.decompress(path.read_bytes()).splitlines():
            row = json.loads(line.split(b"\t", 2)[2])
            kinds[row["schema"].split("/")[1]] += 1
            assert {"processor", "failure", "payload"} == row["data"].keys()
    assert kinds == {kind: count for kind, count in told["bad_rows"].items() if kind != "total"}
    assert kinds.total() > 3


def test_a_full_topic_leaves_the_rest_to_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspace.demo.clickstream.archive.ROOM", 60_000)
    home = Home(lived(tmp_path, LENGTH, scale=0.03), tmp_path)
    home.read()
    told = clickstream(home.world)
    assert home.world.web.shelf.full
    assert max(home.world.web.shelf.bytes) <= 60_000 < ROOM
    assert told["lines"]["topic"] > 0
    assert len(home.archive) == told["lines"]["archive"] + told["lines"].get("both", 0)
    assert len(home.topic) == told["lines"]["topic"] + told["lines"].get("both", 0)
    good = sum(not wrong(line) for line, _ in home.copies())
    assert good == told["events"]["total"] + told["natural_duplicates"]
    assert max(line.split(b"\t")[3] for line in home.archive) > b"2026-10-31"
