"""A bakery's web shop: the small clickstream of these pages. `python -i docs/clickstream/shop.py` gives you `ws`."""  # noqa: INP001

from __future__ import annotations

import atexit
import gzip
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from ibis import _  # noqa: F401 - the pages ask with it

from workspace import connect
from workspace.clickstream import derive
from workspace.lake import Lake
from workspace.semantic import Dataset, Model, dim, key, measure, ref, time  # noqa: F401 - and with these
from workspace.settings import load_settings
from workspace.sources import ingest
from workspace.sources.snowplow.fields import FIELDS

AS_OF = "2026-06-04T00:00:00+00:00"
IGLU = "iglu:{}/jsonschema/1-0-0"
SNOWPLOW = "com.snowplowanalytics.snowplow"
SITE = "https://bakery.example"
PHONE = "Mozilla/5.0 (Linux; Android 16) Mobile"
LAPTOP = "Mozilla/5.0 (X11; Linux x86_64)"
ROBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def line(number: int, when: str, visitor: str, session: str, **said: str) -> bytes:
    """Write an enriched event as a pipeline does: 131 fields between tabs."""
    path = said.pop("path", "/")
    page, query = path.partition("?")[::2]
    known = {
        "app_id": "shop",
        "platform": "web",
        "event": "page_view",
        "event_name": "page_view",
        "event_id": f"00000000-0000-4000-8000-{number:012d}",
        "event_fingerprint": f"print-{number}",
        "collector_tstamp": f"2026-{when}",
        "derived_tstamp": f"2026-{when}",
        "dvce_created_tstamp": f"2026-{when}",
        "domain_userid": visitor,
        "domain_sessionid": session,
        "domain_sessionidx": session[-1],
        "useragent": PHONE if visitor == "phone" else LAPTOP,
        "page_url": SITE + path,
        "page_urlpath": page,
        "mkt_source": "google" if "gclid" in query else "",
        "mkt_medium": "cpc" if "gclid" in query else "",
        "br_viewheight": "800",
        "doc_height": "2000",
        "v_collector": "shop",
        "v_etl": "shop",
    }
    return "\t".join((known | said).get(field.name, "") for field in FIELDS).encode()


def page(name: str) -> str:
    """The entity that tells to which page view an event belongs."""
    block = {"schema": IGLU.format(f"{SNOWPLOW}/web_page"), "data": {"id": name}}
    return json.dumps({"schema": IGLU.format(f"{SNOWPLOW}/contexts"), "data": [block]})


def own(name: str, **data: object) -> dict[str, str]:
    """An event of the shop's own."""
    block = {"schema": IGLU.format(f"com.bakery/{name}"), "data": data}
    whole = {"schema": IGLU.format(f"{SNOWPLOW}/unstruct_event"), "data": block}
    return {"event": "unstruct", "event_name": name, "unstruct_event": json.dumps(whole)}


def ping(name: str, reach: str) -> dict[str, str]:
    """A page ping: the visitor was active, and had scrolled so far."""
    return {"event": "page_ping", "event_name": "page_ping", "contexts": page(name), "pp_yoffset_max": reach}


# June 1st. Somebody clicks on an advertisement; the first page view is delivered twice, and one line is cut short.
AD = "/?utm_source=google&utm_medium=cpc&gclid=G1"
FIRST = line(1, "06-01 09:00:00", "phone", "phone-1", path=AD, contexts=page("home"))
MONDAY = [
    FIRST,
    line(2, "06-01 09:00:10", "phone", "phone-1", **ping("home", "0")),
    line(3, "06-01 09:00:20", "phone", "phone-1", **ping("home", "600")),
    line(
        1, "06-01 09:00:00", "phone", "phone-1", path=AD, contexts=page("home"), collector_tstamp="2026-06-01 09:05:00"
    ),
    line(4, "06-01 11:00:00", "robot", "robot-1", useragent=ROBOT),
    FIRST[:100],
]
# June 2nd. The same phone comes back and orders as user 7; a laptop is shared by the users 8 and 7.
TUESDAY = [
    line(5, "06-02 18:00:00", "phone", "phone-2", path="/cakes", contexts=page("cakes")),
    line(6, "06-02 18:02:00", "phone", "phone-2", user_id="7", path="/order", contexts=page("order")),
    line(7, "06-02 18:03:00", "phone", "phone-2", user_id="7", path="/order", **own("purchase", order=1, value=24.5)),
    line(8, "06-02 10:00:00", "laptop", "laptop-1", user_id="8", refr_medium="search", contexts=page("found")),
    line(8, "06-02 10:00:05", "laptop", "laptop-1", user_id="8", path="/cakes", event_fingerprint="other"),
    line(9, "06-02 20:00:00", "laptop", "laptop-2", user_id="7", contexts=page("again")),
]
# June 3rd. The phone was offline while it was read on Monday, and sends a ping only now.
WEDNESDAY = [
    line(10, "06-01 09:00:30", "phone", "phone-1", collector_tstamp="2026-06-03 08:00:00", **ping("home", "900"))
]

SCHEMA = {"type": "object", "properties": {"order": {"type": "integer"}, "value": {"type": "number"}}}
SETTINGS = """
[workspace]
clock = 2026-06-04T00:00:00Z

[sources.clickstream]
kind = "snowplow"
archive = "archive"
schemas = "iglu"
conversions = ["purchase"]
"""

home = Path(tempfile.mkdtemp(prefix="shop-"))
atexit.register(shutil.rmtree, home)
(home / "workspace.toml").write_text(SETTINGS)
registry = home / "iglu" / "com.bakery" / "purchase" / "jsonschema"
registry.mkdir(parents=True)
(registry / "1-0-0").write_text(json.dumps(SCHEMA))
(home / "archive").mkdir()
for day, lines in (("06-01", MONDAY), ("06-02", TUESDAY), ("06-03", WEDNESDAY)):
    (home / "archive" / f"2026-{day}.gz").write_bytes(gzip.compress(b"\n".join(lines) + b"\n"))

settings = load_settings(home)
lake = Lake(settings.lake)
ingested = ingest("clickstream", run="shop", as_of=AS_OF, settings=settings)
derived = derive("clickstream", run="shop", as_of=AS_OF, settings=settings)
ws = connect(candidate="shop", as_of=AS_OF, settings=settings)


def show(table: Any, *columns: str) -> None:
    """Print some columns of a table, in the order of the first."""
    rows = table.to_pandas() if hasattr(table, "to_pandas") else table
    shown = rows[list(columns)].sort_values(list(columns[:2]), ignore_index=True)
    for column in shown.select_dtypes("datetimetz"):
        shown[column] = shown[column].dt.strftime("%Y-%m-%d %H:%M:%S")
    print(shown.to_string(index=False))  # noqa: T201 - this is what the pages show
