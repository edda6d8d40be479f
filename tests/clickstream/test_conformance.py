"""What published events make: the known page views, sessions and users of the web package, and all 256 enriched lines.

The published results were made run by run, by a package with limits of its own; every difference from a plain
calculation over all of the events is listed here with its reason, and none other may be there.
"""

from __future__ import annotations

import csv
import json
import os
import uuid
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from clickstream import oracle
from clickstream.rows import CONTEXTS, SCHEMA, START, append, read
from workspace.clickstream.derivation import derive
from workspace.lake import Lake
from workspace.settings import SnowplowSource
from workspace.sources.snowplow.fields import FIELDS
from workspace.sources.snowplow.parse import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = dict[str, Any]

SOURCE = SnowplowSource(name="clickstream", archive="archive", conversions=("page_view",))
LATER = datetime(2030, 1, 1, tzinfo=UTC)
WORDS = {"true": "1", "false": "0"}
ENTITIES = {
    "contexts_com_snowplowanalytics_snowplow_web_page_1_0_0": "com.snowplowanalytics.snowplow/web_page",
    "contexts_com_iab_snowplow_spiders_and_robots_1_0_0": "com.iab.snowplow/spiders_and_robots",
    "contexts_nl_basjes_yauaa_context_1_0_0": "nl.basjes/yauaa_context",
}


@pytest.fixture(scope="module")
def published() -> Path:
    folder = os.environ.get("WORKSPACE_CONFORMANCE", "")
    if not folder:
        pytest.skip("no conformance data: set WORKSPACE_CONFORMANCE to their folder")
    return Path(folder) / "snowplow"


def stored(lines: Sequence[bytes]) -> pa.Table:
    """Lines as atomic events of one file."""
    parsed = parse(lines)
    rows = parsed.rows
    count = rows.num_rows
    more: dict[str, pa.Array] = {
        "_topic": pa.nulls(count, pa.string()),
        "_partition": pa.nulls(count, pa.int64()),
        "_offset": pa.nulls(count, pa.int64()),
        "_file": pa.repeat("lines", count),
        "_line": pc.add(pa.array(parsed.kept), 1),
        "_batch": pa.nulls(count, pa.int64()),
        "_recorded_at": pa.repeat(pa.scalar(START, pa.timestamp("us", "UTC")), count),
        "collector_date": pc.cast(rows.column("collector_tstamp"), pa.date32()),
    }
    for name, values in more.items():
        rows = rows.append_column(name, values)
    return rows.select(SCHEMA.names).cast(SCHEMA)


def web_line(row: Row) -> bytes:
    blocks = [
        {"schema": f"iglu:{name}/jsonschema/1-0-0", "data": data}
        for column, name in ENTITIES.items()
        for data in json.loads(row[column] or "[]")
    ]
    row = row | {"contexts": json.dumps({"schema": CONTEXTS, "data": blocks}) if blocks else ""}
    row["event_id"] = as_uuid(row["event_id"])
    texts = [str(row.get(field.name, "")) for field in FIELDS]
    return "\t".join(WORDS.get(text, text) for text in texts).encode()


def as_uuid(text: str) -> str:
    """The publisher changed some event ids to what is no UUID any more, and wrote booleans as words."""
    try:
        return str(uuid.UUID(text)) if "-" in text else str(uuid.uuid5(uuid.NAMESPACE_URL, text))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, text))


@pytest.fixture(scope="module")
def web(published: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    with (published / "web" / "events.csv").open(newline="") as file:
        lines = [web_line(row) for row in csv.DictReader(file)]
    lake = Lake(str(tmp_path_factory.mktemp("web")))
    append(lake, stored(lines))
    derive(SOURCE, lake, run="web", as_of=LATER)
    return {name: read(lake, f"clickstream.{name}") for name in ("events", "page_views", "sessions", "visitors")}


def differences(ours: dict[str, Row], theirs: dict[str, Row]) -> set[tuple[str, str]]:
    """Name each row that only one has, and each value that is not the same."""
    found = {(short(key), "only theirs") for key in theirs.keys() - ours.keys()}
    found |= {(short(key), "only ours") for key in ours.keys() - theirs.keys()}
    for key in ours.keys() & theirs.keys():
        found |= {(short(key), name) for name, value in theirs[key].items() if ours[key][name] != value}
    return found


def short(key: str) -> str:
    return f"{key[:4]}..{key[-3:]}"


def expected(published: Path, name: str) -> list[Row]:
    with (published / "web" / "expected" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


LATE = "it came more than three days after it was made, which the package leaves out"
LONG = "the package stops reading a session after three days"
NO_ID = "the package leaves out page views without a page view id; here they are their own"
NOBODY = "here an event without a visitor belongs to no visit"
TAB = "a tab was looked at again in a later session: here that is attention to the page view, and so to its session"
ONLY_PINGS = (
    "a session with page pings alone: there it counts as a page view of five seconds that began five seconds earlier"
)
OVERRIDDEN = "the publisher overrides it on purpose"
TIE = "its two sessions begin at the same moment"

PAGE_VIEWS = {
    ("4e6e..80c", "only theirs"): NOBODY,
    ("0003..b03", "only ours"): LATE,
    ("2e65..a27", "only ours"): LONG,
    ("aa0b..d14", "only ours"): LONG,
    ("5602..aab", "only ours"): LONG,
    ("b083..f78", "only ours"): NO_ID,
    ("6fca..fcb", "engaged_seconds"): TAB,
    ("fd27..33f", "engaged_seconds"): TAB,
}
SESSIONS = {
    ("b5c4..a3b", "only theirs"): NOBODY,
    ("7edb..6fc", "only ours"): LATE,
    ("e797..4e8", "only ours"): NO_ID,
    **{("d21c..12d", name): LONG for name in ("page_views", "events", "ended_at", "exit_path")},
    **{("2bfc..d35", name): LONG for name in ("page_views", "events", "ended_at", "exit_path")},
    ("0b0c..40c", "engaged_seconds"): TAB,
    ("4d34..7ae", "engaged_seconds"): TAB,
    **{
        (session, name): ONLY_PINGS
        for session in ("0b0c..40d", "0b0c..40e", "0b5d..ce8")
        for name in ("page_views", "engaged_seconds", "started_at", "entry_url", "exit_path")
    },
    ("0b0c..40e", "engaged"): OVERRIDDEN,
}
VISITORS = {
    ("9341..273", "only ours"): LATE,
    ("ff74..0bb", "only ours"): NO_ID,
    ("066d..a70", "first_entry_path"): TIE,
}


def test_page_views_are_those_published(published: Path, web: dict[str, list[Row]]) -> None:
    theirs = {
        row["page_view_id"]: {
            "event_id": as_uuid(row["event_id"]),
            "session_id": row["domain_sessionid"],
            "domain_userid": row["original_domain_userid"],
            "page_view_in_session": int(row["page_view_in_session_index"]),
            "viewed_at": moment(row["derived_tstamp"]),
            "engaged_seconds": int(row["engaged_time_in_s"]),
            "scroll_depth": float(row["vertical_percentage_scrolled"]),
            "page_urlpath": row["page_urlpath"],
            "mkt_medium": row["mkt_medium"] or None,
            "click_id": row["mkt_clickid"] or None,
        }
        for row in expected(published, "page_views")
    }
    ours = {
        row["page_view_id"]: row | {"scroll_depth": round(100 * (row["scroll_depth"] or 0))}
        for row in web["page_views"]
    }
    assert differences(ours, theirs) == set(PAGE_VIEWS)


def test_sessions_are_those_published(published: Path, web: dict[str, list[Row]]) -> None:
    theirs = {
        row["domain_sessionid"]: {
            "domain_userid": row["original_domain_userid"],
            "session_index": int(row["domain_sessionidx"]),
            "page_views": int(row["page_views"]),
            "engaged_seconds": int(row["engaged_time_in_s"]),
            "events": int(row["total_events"]),
            "started_at": moment(row["start_tstamp"]),
            "ended_at": moment(row["end_tstamp"]),
            "engaged": row["is_engaged"] == "TRUE",
            "entry_url": row["first_page_url"],
            "exit_path": row["last_page_urlpath"],
            "mkt_medium": row["mkt_medium"] or None,
            "refr_medium": row["refr_medium"] or None,
            "device": row["device_category"].lower(),
        }
        for row in expected(published, "sessions")
    }
    assert differences({row["session_id"]: row for row in web["sessions"]}, theirs) == set(SESSIONS)


def test_visitors_are_the_published_users(published: Path, web: dict[str, list[Row]]) -> None:
    theirs = {
        row["domain_userid"]: {
            "first_seen_at": moment(row["start_tstamp"]),
            "first_entry_path": row["first_page_urlpath"],
            "first_medium": row["mkt_medium"] or None,
        }
        for row in expected(published, "users")
    }
    assert differences({row["domain_userid"]: row for row in web["visitors"]}, theirs) == set(VISITORS)


def test_every_block_of_the_enriched_lines_is_there_by_name(published: Path, tmp_path: Path) -> None:
    lines = (published / "enriched.tsv").read_bytes().splitlines()
    rows = stored(lines)
    lake = Lake(str(tmp_path))
    append(lake, rows)
    done = derive(SOURCE, lake, run="lines", as_of=LATER)
    events = read(lake, "clickstream.events")
    copies = oracle.kept(rows.to_pylist())
    assert done.broken == 0
    assert done.events + done.natural == rows.num_rows
    assert {row["event_id"] for row in events} == {row["event_id"] for row in copies}
    wanted: Counter[tuple[str, str]] = Counter()
    for copy in copies:
        blocks = [json.loads(copy[name])["data"] for name in ("contexts", "derived_contexts") if copy[name]]
        own = [json.loads(copy["unstruct_event"])["data"]] if copy["unstruct_event"] else []
        wanted.update((copy["event_id"], block["schema"]) for block in [*own, *(b for some in blocks for b in some)])
    found = Counter(
        (row["event_id"], f"iglu:{row['name']}/jsonschema/{row['version']}")
        for row in read(lake, "clickstream.self_describing")
    )
    assert found == wanted
