"""Four visits to the company's website and a bot's, taken in and derived as any clickstream is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import ibis

from sources.snowplow.plain import line
from workspace.clickstream import derivation, named
from workspace.demo.clickstream import publish
from workspace.lake import Lake, delta
from workspace.settings import SnowplowSource
from workspace.sources.snowplow.run import ingest

if TYPE_CHECKING:
    import pyarrow as pa

END = datetime(2026, 11, 1, tzinfo=UTC)
TABLES = (
    *(f"clickstream.{name}" for name in ("events", "self_describing", "page_views", "sessions", "visitors")),
    "clickstream.identities",
    "marketing.touchpoints",
)
PURCHASE = "com.bookmyevent/purchase/1"
BOT = {"useragent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
PAID = {"mkt_medium": "cpc", "mkt_source": "google", "page_urlquery": "utm_medium=cpc&utm_source=google&gclid=abc"}
EMAIL = {"mkt_medium": "email", "mkt_source": "newsletter", "page_urlquery": "utm_medium=email&utm_source=newsletter"}
FOUND = {"refr_medium": "search", "refr_source": "Google", "refr_urlhost": "www.google.com"}
B2 = {"booking_id": "b2", "value": 220.0, "currency": "USD", "items": 1}
B3 = {"booking_id": "b3", "value": 50, "currency": "EUR", "items": 1}

# Visit, visitor, user, when (UTC), what, and what else is known of it. Berlin is two hours ahead until October 25th.
EVENTS: list[tuple[int, str, str, str, str, dict[str, Any]]] = [
    (1, "v1", "", "2026-09-30 22:20:00", "page_view", {"page": 1, **PAID}),
    (1, "v1", "", "2026-09-30 22:20:05", "page_ping", {"page": 1}),
    (1, "v1", "", "2026-09-30 22:20:15", "page_ping", {"page": 1}),
    (1, "v1", "", "2026-09-30 22:21:00", "search", {}),
    (1, "v1", "", "2026-09-30 22:22:00", "view_item", {}),
    (1, "v1", "", "2026-09-30 22:23:00", "add_to_cart", {}),
    (1, "v1", "u1", "2026-09-30 22:24:00", "login", {}),
    (1, "v1", "u1", "2026-09-30 22:25:00", "begin_checkout", {}),
    (1, "v1", "u1", "2026-09-30 22:30:00", "purchase", {"data": B2}),
    (2, "v2", "", "2026-10-10 18:00:00", "page_view", {"page": 2}),
    (2, "v2", "", "2026-10-10 18:00:30", "page_view", {"page": 3}),
    (2, "v2", "", "2026-10-10 18:01:00", "search", {}),
    (2, "v2", "", "2026-10-10 18:05:00", "add_to_cart", {}),
    (3, "v2", "", "2026-10-12 08:50:00", "page_view", {"page": 4, **EMAIL}),
    (3, "v2", "u2", "2026-10-12 08:51:00", "login", {}),
    (3, "v2", "u2", "2026-10-12 08:52:00", "search", {}),
    (3, "v2", "u2", "2026-10-12 08:55:00", "begin_checkout", {}),
    (3, "v2", "u2", "2026-10-12 09:00:00", "purchase", {"data": B3}),
    (4, "v3", "", "2026-10-20 12:00:00", "page_view", {"page": 5, **FOUND}),
    (4, "v3", "", "2026-10-20 12:00:05", "page_ping", {"page": 5}),
    (5, "v4", "", "2026-10-21 12:00:00", "page_view", {"page": 6, **BOT}),
    (5, "v4", "", "2026-10-21 12:00:01", "search", BOT),
]
TWICE = 17  # the place of a purchase that arrived twice


@cache
def tables() -> dict[str, pa.Table]:
    """Give the tables that a clickstream source makes of these events, once a process."""
    with TemporaryDirectory() as folder:
        archive = Path(folder, "archive")
        archive.mkdir()
        lines = [_line(number, event) for number, event in enumerate(EVENTS)]
        archive.joinpath("part-1").write_bytes(b"\n".join([*lines, lines[TWICE]]) + b"\n")
        source = SnowplowSource(name="clickstream", archive=str(archive), conversions=("purchase",))
        lake = Lake(str(Path(folder, "lake")))
        ingest(source, lake, run="r", as_of=END, now=END)
        derivation.derive(source, lake, run="r", as_of=END)
        found = {name: delta.read(delta.open_table(lake.layout.uri("derived", name))) for name in TABLES}
        publish(Path(folder, "iglu"))
        rows = ibis.duckdb.connect().create_table("rows", found["clickstream.self_describing"])
        bought = named.event(rows, PURCHASE, str(Path(folder, "iglu"))).to_pyarrow()
        return {**found, f"clickstream.events:{PURCHASE}": bought}


def _line(number: int, event: tuple[int, str, str, str, str, dict[str, Any]]) -> bytes:
    visit, visitor, user, at, what, more = event
    own = what not in ("page_view", "page_ping")
    known = {
        "event_id": _uuid(number),
        "event_fingerprint": f"f{number}",
        "event": "unstruct" if own else what,
        "event_name": what,
        "domain_sessionid": _uuid(100 + visit),
        "domain_sessionidx": "2" if visit == 3 else "1",
        "domain_userid": visitor,
        "user_id": user,
        "platform": "web",
        **dict.fromkeys(("collector_tstamp", "derived_tstamp"), at),
        **{name: value for name, value in more.items() if name not in ("page", "data")},
    }
    if own:
        said = {"schema": f"iglu:com.bookmyevent/{what}/jsonschema/1-0-0", "data": more.get("data", {})}
        known["unstruct_event"] = _block("unstruct_event/jsonschema/1-0-0", said)
    if "page" in more:
        schema = "iglu:com.snowplowanalytics.snowplow/web_page/jsonschema/1-0-0"
        page = {"schema": schema, "data": {"id": _uuid(200 + more["page"])}}
        known["contexts"] = _block("contexts/jsonschema/1-0-1", [page])
    return line(**known)


def _block(schema: str, data: Any) -> str:
    return json.dumps({"schema": f"iglu:com.snowplowanalytics.snowplow/{schema}", "data": data})


def _uuid(number: int) -> str:
    return f"{number:08d}-0000-4000-8000-000000000000"
