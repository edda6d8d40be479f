"""What a new day of clickstream costs: on a long history as on a short one.

    python benchmarks/bench_clickstream_derive.py [EVENTS_A_DAY]

The events are made by DuckDB and go straight to the lake: sessions of ten events, three in ten of visitors that came
before, one event in a hundred delivered again within two days.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from measure import cpu_seconds, ratio, report
from workspace.clickstream.derivation import derive
from workspace.lake import EVENT_META, Lake
from workspace.lake.schema import sql_type
from workspace.settings import SnowplowSource
from workspace.sources.snowplow.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable

BEGIN = datetime(2026, 8, 1, tzinfo=UTC)
SHORT, LONG = 6, 60
ROUNDS = 3
SOURCE = SnowplowSource(name="clickstream", archive="none", conversions=("purchase",))
SCHEMA = pa.schema([*((c.name, c.type) for c in FIELDS), *((f.name, f.type) for f in EVENT_META)])

_EVENTS = """
    WITH numbers AS (
        SELECT unnest(range({first}, {last})) AS n
    ), parts AS (
        SELECT n, n // 10 AS session, n % 10 AS step,
            TIMESTAMPTZ '{begin}' + to_microseconds((n - {first}) * 86400000000 // ({last} - {first})) AS moment,
            -- Three sessions in ten come back from one of the two thousand sessions before.
            CASE WHEN hash(n // 10) % 10 < 3 THEN greatest(0, n // 10 - 1 - (hash(n // 10, 1) % 2000)::BIGINT)
                ELSE n // 10 END AS visitor
        FROM numbers
    ), told AS (
        SELECT *,
            CASE WHEN step IN (0, 5) THEN 'page_view' WHEN step IN (3, 8) THEN 'unstruct' ELSE 'page_ping' END AS event,
            md5('page' || session || '/' || step // 5) AS page
        FROM parts
    )
    SELECT 'web' AS platform, 'site' AS app_id, moment AS collector_tstamp, moment AS dvce_created_tstamp,
        moment AS derived_tstamp, event,
        CASE WHEN event = 'unstruct' THEN CASE WHEN session % 20 = 0 THEN 'purchase' ELSE 'search' END ELSE event END
            AS event_name,
        uuid_of(md5('event' || n)) AS event_id, md5('print' || n) AS event_fingerprint,
        'c' AS v_collector, 'e' AS v_etl,
        md5('visitor' || visitor) AS domain_userid, uuid_of(md5('session' || session)) AS domain_sessionid,
        CASE WHEN session % 4 = 0 AND step > 4 THEN md5('user' || visitor) END AS user_id,
        'https://bookmyevent.example/spaces/' || page || '?utm_source=google&utm_medium=cpc&gclid=' || page AS page_url,
        '/spaces/' || page AS page_urlpath, 'bookmyevent.example' AS page_urlhost, 'Spaces' AS page_title,
        CASE WHEN session % 3 = 0 AND step = 0 THEN 'google' END AS mkt_source,
        CASE WHEN session % 3 = 0 AND step = 0 THEN 'cpc' END AS mkt_medium,
        900 AS br_viewheight, 4000 AS doc_height, step * 300 AS pp_yoffset_max,
        'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0.0.0' AS useragent,
        '{{"schema":"iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1","data":['
            || '{{"schema":"iglu:com.snowplowanalytics.snowplow/web_page/jsonschema/1-0-0","data":{{"id":"' || page
            || '"}}}},'
            || '{{"schema":"iglu:com.bookmyevent/listing/jsonschema/1-0-0","data":{{"id":' || n || ',"city":"Berlin",'
            || '"tags":["garden","barn","terrace"],"price":{{"amount":' || n % 997 || ',"currency":"EUR"}}}}}}]}}'
                AS contexts,
        CASE WHEN event = 'unstruct' THEN
            '{{"schema":"iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0","data":'
            || '{{"schema":"iglu:com.bookmyevent/search/jsonschema/1-0-0","data":{{"query":"garden","results":'
            || n % 50 || '}}}}}}' END AS unstruct_event,
        'enriched' AS _topic, 0 AS _partition, 2 * n AS _offset
    FROM told
"""

_ALL = """
    SELECT * FROM fresh
    UNION ALL BY NAME
    SELECT * REPLACE (
        TIMESTAMPTZ '{begin}' + to_microseconds((hash(event_id) % 86400000000)::BIGINT) AS collector_tstamp,
        _offset + 1 AS _offset
    )
    FROM before WHERE hash(event_id) % 100 = 0
"""


def fill(folder: str, days: int, events: int) -> Lake:
    """Make a lake with some days of events, a batch each."""
    lake = Lake(folder)
    log = lake.events(SOURCE.name, FIELDS)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(
        "CREATE MACRO uuid_of(h) AS substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-4' || substr(h, 14, 3) || '-a'"
        " || substr(h, 18, 3) || '-' || substr(h, 21, 12)"
    )
    missing = ", ".join(f"NULL::{sql_type(field.type)} AS {field.name}" for field in SCHEMA)
    for day in range(days):
        begin = (BEGIN + timedelta(days=day)).isoformat()
        fresh = _EVENTS.format(first=day * events, last=(day + 1) * events, begin=begin)
        again = _EVENTS.format(first=max(0, day - 2) * events, last=max(1, day) * events, begin=begin)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE fresh AS {fresh}")
        connection.execute(f"CREATE OR REPLACE TEMP TABLE before AS {again}")
        rows = connection.execute(
            f"SELECT * REPLACE (collector_tstamp::DATE AS collector_date, collector_tstamp AS _recorded_at) FROM "
            f"({_ALL.format(begin=begin)} UNION ALL BY NAME (SELECT {missing} WHERE false))"
        ).to_arrow_table()
        log.append(rows.select(SCHEMA.names).cast(SCHEMA).to_batches(), marks={}, sides=dict)
    return lake


def days_after(lake: Lake, history: int) -> Callable[[], object]:
    """Give what derives one more day each time."""
    ends = iter(range(history + 1, history + ROUNDS + 2))
    return lambda: derive(SOURCE, lake, run="day", as_of=BEGIN + timedelta(days=next(ends)))


def derive_history(lake: Lake, days: int) -> None:
    derive(SOURCE, lake, run="history", as_of=BEGIN + timedelta(days=days))


def main() -> None:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with TemporaryDirectory() as folder:
        lakes = {days: fill(str(Path(folder) / str(days)), days + ROUNDS + 1, events) for days in (SHORT, LONG)}
        for days, lake in lakes.items():
            spent = cpu_seconds(partial(derive_history, lake, days))
            print(f"first derivation of {days} days: {spent / days:.2f} CPU-s a day of {events:,} events")
        ours, reference = ratio(days_after(lakes[LONG], LONG), days_after(lakes[SHORT], SHORT), rounds=ROUNDS)
        claim = f"a new day of {events:,} events on {LONG} days, against the same on {SHORT} days"
        report(claim, ours, reference, unit="CPU-s", aim=1.5)


if __name__ == "__main__":
    main()
