"""`events`, one row an event, and `self_describing`, one row a block of its JSON: both straight from atomic events."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from workspace.clickstream.agents import BOT, DEVICE
from workspace.clickstream.copies import IS_CHOSEN
from workspace.clickstream.table import described

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workspace.lake import Column

_JSON = ("contexts", "derived_contexts", "unstruct_event")

_ADDED = described(
    "event_at:at page_view_id device bot:bool duplicate_of natural_copies:int overlap_copies:int",
)

SELF_DESCRIBING = described("event_id! place:int! kind name model:int version data* event_at:at event_name")
"""`place` is 0 for the event itself, whose kind is `event`; its entities follow from 1 on. `name` is `vendor/name`."""


def event_columns(atomic: Sequence[Column]) -> tuple[Column, ...]:
    """Give the columns of `events`: the fields of atomic events but the JSON ones, and what follows from all of them.

    - `event_at`: when it happened, by `derived_tstamp`; the collector's time where that is not known or no time since
      1970.
    - `page_view_id`: of the page view that it belongs to; a page view that has none is its own.
    - `device`: desktop, mobile, tablet or other.
    - `bot`: whether a robot made it.
    - `duplicate_of`: the event's id as it came, if another event had come with the same one before.
    - `natural_copies`, `overlap_copies`: how many copies of it were dropped, of the two kinds.
    """
    kept = [column for column in atomic if column.name not in _JSON]
    return (*(dataclasses.replace(c, key=int(c.name == "event_id")) for c in kept), *_ADDED)


_EVENT_AT = """CASE WHEN derived_tstamp >= TIMESTAMPTZ '1970-01-01 00:00:00+00'
    AND derived_tstamp < TIMESTAMPTZ '9999-12-31 00:00:00+00' THEN derived_tstamp ELSE collector_tstamp END"""
"""A device whose clock is far out makes times that no calendar has."""

KEPT = f"""
    SELECT chosen_id AS event_id, {_EVENT_AT} AS event_at, event_name, chosen_day AS day,
        contexts, derived_contexts, unstruct_event
    FROM {{atomic}} AS atomic JOIN chosen ON {IS_CHOSEN}
"""
"""Of the chosen copies, what blocks are made of."""

COMPUTED = {
    "event_id": "chosen_id",
    "event_at": _EVENT_AT,
    "page_view_id": "coalesce(web_page, CASE WHEN event = 'page_view' THEN chosen_id END)",
    "device": DEVICE,
    "bot": BOT,
}


def events_sql(atomic: str, columns: Sequence[Column]) -> str:
    """Give a SQL query for the rows of `events` that the chosen copies make.

    Args:
        atomic: A relation that has them.
        columns: Of `events`.
    """
    listed = ", ".join(f"{COMPUTED.get(c.name, c.name)} AS {c.name}" for c in columns)
    return f"""
        SELECT {listed}, chosen_day AS day
        FROM {atomic} AS atomic JOIN chosen ON {IS_CHOSEN} LEFT JOIN traits ON traits.event_id = chosen_id
    """


BLOCK_ROWS = """
    SELECT event_id, place::BIGINT AS place, CASE WHEN place = 0 THEN 'event' ELSE 'entity' END AS kind, name, model,
        version, data, event_at, event_name, day
    FROM blocks WHERE name IS NOT NULL
"""
