"""Which copy of an event counts.

Pipelines deliver at least once, and an archive holds what a topic held before, so an event may be there many times:

- copies with the same `event_id` and `event_fingerprint` (a hash of what the tracker sent) are one event. The first by
  collector's time is kept. Copies of the same time in both origins are *overlap copies*, the rest *natural duplicates*.
- another fingerprint under the same `event_id` is another event, a *synthetic duplicate*: the group with the earliest
  copy keeps the id, every other gets a new one, which follows from id and fingerprint (a UUID of version 5).

Both rules are those of Snowplow's own loader (`Deduplication` in snowplow-rdb-loader), whose new ids are random.
"""

from __future__ import annotations

ADDRESS = ("_topic", "_partition", "_offset", "_file", "_line")
"""Where a copy came from; no two copies have the same."""

NAMESPACE = "3f1d3c0a-6a56-5b9c-9d0e-6c6f5d1f2b7a"
"""The UUID in whose namespace the ids of synthetic duplicates lie."""

_NARROW = ("event_id", "event_fingerprint", "collector_tstamp", *ADDRESS)
_ORDER = "collector_tstamp, _topic NULLS LAST, _partition, _offset, _file, _line"

_HASH = f"sha1(unhex('{NAMESPACE.replace('-', '')}') || encode(event_id || '/' || fingerprint))"
_NEW_ID = f"""(
    substr({_HASH}, 1, 8) || '-' || substr({_HASH}, 9, 4) || '-5' || substr({_HASH}, 14, 3) || '-'
    || substr('89ab', 1 + (('0x' || substr({_HASH}, 17, 1))::INTEGER & 3), 1) || substr({_HASH}, 18, 3) || '-'
    || substr({_HASH}, 21, 12)
)"""

COPIES = f"""
    SELECT {", ".join(_NARROW)}, coalesce(event_fingerprint, '') AS fingerprint, collector_date AS day
    FROM {{atomic}} WHERE event_id IN (SELECT event_id FROM touched)
"""
"""Every copy of the events in `touched`, without what they say. No fingerprint is a fingerprint too: pipelines that do
not make any still deliver some events twice."""

CHOSEN = f"""
    WITH moments AS (
        SELECT event_id, fingerprint, count(_topic) AS streamed, count(_file) AS archived
        FROM copies GROUP BY event_id, fingerprint, collector_tstamp
    ), counted AS (
        SELECT event_id, fingerprint, sum(greatest(streamed, archived))::BIGINT - 1 AS natural_copies,
            sum(least(streamed, archived))::BIGINT AS overlap_copies
        FROM moments GROUP BY event_id, fingerprint
    ), firsts AS (
        FROM copies QUALIFY row_number() OVER (PARTITION BY event_id, fingerprint ORDER BY {_ORDER}) = 1
    ), ranked AS (
        SELECT *, row_number() OVER (PARTITION BY event_id ORDER BY {_ORDER}) AS rank FROM firsts
    )
    SELECT event_id AS original, CASE WHEN rank = 1 THEN event_id ELSE {_NEW_ID} END AS chosen_id,
        CASE WHEN rank > 1 THEN event_id END AS duplicate_of, natural_copies, overlap_copies,
        collector_tstamp AS chosen_tstamp, day AS chosen_day,
        {", ".join(f"{name} AS chosen{name}" for name in ADDRESS)}
    FROM ranked JOIN counted USING (event_id, fingerprint)
"""
"""Of `copies`, the one of each event that is kept, under the id that it then has."""

GONE = f"SELECT event_id FROM copies UNION SELECT {_NEW_ID} FROM copies"
"""Every id under which an event of `copies` may be in the derived tables. Copies only ever become more, so an id that
was given out once is among them."""

IS_CHOSEN = " AND ".join(
    ["atomic.event_id = original", "collector_tstamp = chosen_tstamp"]
    + [f"atomic.{name} IS NOT DISTINCT FROM chosen{name}" for name in ADDRESS]
)
