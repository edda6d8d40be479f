"""Atomic events for tests: written as few words each, appended as a source's batch."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from workspace.clickstream import derivation
from workspace.lake import EVENT_META, Lake, delta
from workspace.lake.crash import VARIABLE
from workspace.settings import SnowplowSource
from workspace.sources.snowplow.fields import FIELDS

SOURCE = SnowplowSource(name="clickstream", archive="archive", conversions=("purchase",))
START = datetime(2026, 10, 1, tzinfo=UTC)
SCHEMA = pa.schema([*((c.name, c.type) for c in FIELDS), *((f.name, f.type) for f in EVENT_META)])

WEB_PAGE = "iglu:com.snowplowanalytics.snowplow/web_page/jsonschema/1-0-0"
CONTEXTS = "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1"
UNSTRUCT = "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0"

DAY = 24 * 60  # minutes
TABLES = (
    *(
        f"clickstream.{name}"
        for name in ("events", "self_describing", "page_views", "sessions", "visitors", "identities")
    ),
    "marketing.touchpoints",
)


def at(minutes: float) -> datetime:
    """The moment so many minutes after the first day begins."""
    return START + timedelta(minutes=minutes)


def contexts(*blocks: tuple[str, Any]) -> str:
    """The JSON of some entities."""
    return json.dumps({"schema": CONTEXTS, "data": [{"schema": schema, "data": data} for schema, data in blocks]})


def unstruct(schema: str, data: Any) -> str:
    """The JSON of a self-describing event."""
    return json.dumps({"schema": UNSTRUCT, "data": {"schema": schema, "data": data}})


def event(number: int, minutes: float, *, page: str | None = None, **fields: Any) -> dict[str, Any]:
    """A page view of visitor v1 in session s1, unless fields say otherwise; from the topic, at offset `number`."""
    known: dict[str, Any] = {
        "event_id": f"{number:08d}-0000-4000-8000-000000000000",
        "event": "page_view",
        "event_fingerprint": f"f{number}",
        "collector_tstamp": at(minutes),
        "dvce_created_tstamp": at(minutes),
        "domain_userid": "v1",
        "domain_sessionid": "s1",
        "v_collector": "test",
        "v_etl": "test",
        "_topic": "enriched",
        "_partition": 0,
        "_offset": number,
    }
    if page is not None:
        known["contexts"] = contexts((WEB_PAGE, {"id": page}))
    whole = known | fields
    return whole | {"event_name": whole.get("event_name", whole["event"])}


def archived(row: dict[str, Any], line: int, file: str = "part-1.gz") -> dict[str, Any]:
    """The same event as a line of the archive."""
    return row | {"_topic": None, "_partition": None, "_offset": None, "_file": file, "_line": line}


def table(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows in the columns of atomic events."""
    whole = [{"_recorded_at": START, "collector_date": row["collector_tstamp"].date(), **row} for row in rows]
    return pa.Table.from_pylist(whole, schema=SCHEMA)


def append(lake: Lake, rows: list[dict[str, Any]] | pa.Table, source: str = "clickstream") -> int:
    """Append one batch."""
    found = table(rows) if isinstance(rows, list) else rows
    return lake.events(source, FIELDS).append(found.to_batches(), marks={}, sides=dict)


def read(lake: Lake, name: str) -> list[dict[str, Any]]:
    """A derived table's rows, by its key."""
    found = delta.read(delta.open_table(lake.layout.uri("derived", name))).to_pylist()
    return sorted(found, key=lambda row: tuple(str(value) for value in row.values()))


def killed(root: str, point: str, minutes: float) -> None:
    """Derive in small slices, up to the point at which this process dies."""
    os.environ[VARIABLE] = point
    derivation.SLICE = 8
    derivation.derive(SOURCE, Lake(root), run="killed", as_of=at(minutes))
