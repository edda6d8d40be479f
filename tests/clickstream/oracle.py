"""What the derived tables must hold, in plain Python over all copies of all events."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from workspace.clickstream.copies import ADDRESS, NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Row = dict[str, Any]

OPEN_END = datetime(9999, 12, 31, tzinfo=UTC)


def order(copy: Row) -> tuple[Any, ...]:
    """The first copy is the kept one: by time, then the topic's before the archive's, each by place."""
    place = (copy.get(name) for name in ADDRESS)
    return (copy["collector_tstamp"], copy["_topic"] is None, *(value if value is not None else "" for value in place))


def kept(copies: Iterable[Row]) -> list[Row]:
    """One row an event, under the id that it then has, with what was dropped."""
    events: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for copy in copies:
        events[copy["event_id"]][copy["event_fingerprint"] or ""].append(copy)
    found = []
    for event_id, prints in events.items():
        groups = sorted(prints.items(), key=lambda item: min(map(order, item[1])))
        for rank, (fingerprint, group) in enumerate(groups):
            moments: dict[datetime, Counter[bool]] = defaultdict(Counter)
            for copy in group:
                moments[copy["collector_tstamp"]][copy["_topic"] is None] += 1
            first = min(group, key=order)
            new_id = str(uuid.uuid5(uuid.UUID(NAMESPACE), f"{event_id}/{fingerprint}"))
            found.append(
                first
                | {
                    "event_id": new_id if rank else event_id,
                    "duplicate_of": event_id if rank else None,
                    "natural_copies": sum(max(m[True], m[False]) for m in moments.values()) - 1,
                    "overlap_copies": sum(min(m[True], m[False]) for m in moments.values()),
                    "event_at": first.get("derived_tstamp") or first["collector_tstamp"],
                }
            )
    return found


def visits(events: Sequence[Row]) -> list[Row]:
    """The events of sessions of people."""
    return [e for e in events if not e["bot"] and e.get("domain_sessionid") and e.get("domain_userid")]


def page_views(events: Sequence[Row]) -> dict[str, Row]:
    """By id: its session, when it was viewed, for how long it was looked at."""
    views: dict[str, list[Row]] = defaultdict(list)
    slots: dict[str, set[int]] = defaultdict(set)
    for event in visits(events):
        if event["event"] == "page_view":
            views[event["page"] or event["event_id"]].append(event)
        if event["event"] == "page_ping" and event["page"]:
            slots[event["page"]].add(int(event["dvce_created_tstamp"].timestamp() // 10))
    found = {}
    for page, group in views.items():
        first = min(group, key=lambda e: (e["event_at"], e["event_id"]))
        seconds = 10 * (len(slots[page]) - 1) + 5 if slots[page] else 0
        found[page] = {
            "event_id": first["event_id"],
            "session_id": first["domain_sessionid"],
            "viewed_at": first["event_at"],
            "engaged_seconds": seconds,
        }
    return found


def sessions(events: Sequence[Row]) -> dict[str, Row]:
    """By id: what is counted and timed of it."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for event in visits(events):
        groups[event["domain_sessionid"]].append(event)
    views = page_views(events).values()
    found = {}
    for session_id, group in groups.items():
        first = min(group, key=lambda e: (e["event_at"], e["event_id"]))
        mine = [view for view in views if view["session_id"] == session_id]
        found[session_id] = {
            "domain_userid": first["domain_userid"],
            "started_at": first["event_at"],
            "ended_at": max(e["event_at"] for e in group),
            "events": len(group),
            "page_views": len(mine),
            "engaged_seconds": sum(view["engaged_seconds"] for view in mine),
            "conversions": sum(e["event_name"] == "purchase" for e in group),
        }
    return found


def identities(events: Sequence[Row]) -> set[tuple[str, str, datetime, datetime]]:
    """Visitor, user, from, to."""
    logins: dict[str, dict[datetime, Row]] = defaultdict(dict)
    for event in sorted(visits(events), key=lambda e: (e["collector_tstamp"], e["event_id"])):
        if event.get("user_id"):
            logins[event["domain_userid"]][event["event_at"]] = event
    found = set()
    for visitor, moments in logins.items():
        stretches: list[tuple[datetime, str]] = []
        for moment in sorted(moments):
            user = moments[moment]["user_id"]
            if not stretches or stretches[-1][1] != user:
                stretches.append((moment, user))
        ends = [start for start, _ in stretches[1:]] + [OPEN_END]
        found |= {(visitor, user, start, end) for (start, user), end in zip(stretches, ends, strict=True)}
    return found
