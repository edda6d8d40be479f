"""X's statistics: arrays of slots with null where nothing was served."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from workspace.demo.ads.twitter.asked import DAY, ENTITIES, GROUPS, moment
from workspace.demo.ads.twitter.entities import switched_at
from workspace.demo.ads.twitter.figures import Figures
from workspace.demo.ads.twitter.replies import Asked, Refused, invalid, utc

if TYPE_CHECKING:
    from collections.abc import Callable

    from workspace.demo.ads.book import Account, Ad
    from workspace.demo.ads.simulation import Simulation
    from workspace.demo.ads.twitter.asked import Question

Row = dict[str, Any]

_PARTS = ("post_view", "post_engagement", "assisted", "order_quantity", "sale_amount", "metric")
_CHANGING = 70  # days for which figures may change
_OBJECTS = ("WEB_CONVERSION", "MOBILE_CONVERSION", "LIFE_TIME_VALUE_MOBILE_CONVERSION")


def answer(sim: Simulation, asked: Question, figures: Figures) -> Row:
    """Give the statistics that figures have."""
    slots = asked.slots()
    ads = figures.by(asked.entity, lambda ad: ENTITIES[asked.entity](asked.account, ad), asked.placement)
    return {
        "data_type": "stats",
        "time_series_length": len(slots),
        "data": [
            {
                "id": each,
                "id_data": [
                    {"segment": None, "metrics": _metrics(sim, asked, [ads(each, slot) for slot in slots])},
                ],
            }
            for each in asked.ids
        ],
        "request": {"params": asked.params()},
    }


def known(sim: Simulation, account: Account, as_of: datetime) -> Figures:
    """Give an account's figures as known at a moment."""
    return Figures(sim, account, as_of, switched_at(sim, account))


def _metrics(sim: Simulation, asked: Question, told: list[dict[str, int] | None]) -> Row:
    """Give the arrays; null for a slot in which nothing was served, and for all if it is none."""
    metrics: Row = {}
    for group in asked.groups:
        for name in GROUPS[group]:
            if group in _OBJECTS:
                metrics[name] = {part: _series(sim, told, f"{name}.{part}") for part in _PARTS}
            else:
                metrics[name] = _series(sim, told, name)
    for name in sim.settings.get("twitter_null", ()):
        if name in metrics:
            metrics[name] = dict.fromkeys(_PARTS) if isinstance(metrics[name], dict) else None
    for name in sim.settings.get("twitter_removed", ()):
        metrics.pop(name, None)
    return metrics


def _series(sim: Simulation, told: list[dict[str, int] | None], name: str) -> list[Any] | None:
    # What nobody ever did is null as well, as X's own samples have it.
    if not any(each is not None and name in each for each in told):
        return None
    values: list[Any] = [None if each is None else each.get(name, 0) for each in told]
    if name.endswith(".sale_amount"):
        scale = Decimal(sim.settings.get("twitter_sale_amount_scale", 1_000_000))
        values = [None if value is None else _plain(Decimal(value).scaleb(-6) * scale) for value in values]
    return values


def _plain(value: Decimal) -> Decimal | int:
    return int(value) if value == int(value) else value


def active(asked: Asked) -> Row:
    """Give whose figures changed in some hours, and to which days the changes apply."""
    asked.known("entity", "start_time", "end_time", "funding_instrument_ids", "campaign_ids", "line_item_ids")
    if asked.required("entity") not in ENTITIES:
        raise invalid("entity", f'got "{asked.query["entity"]}" for entity', asked.query["entity"])
    start, end = (moment(asked, name) for name in ("start_time", "end_time"))
    if not start < end <= start + 90 * DAY:
        raise Refused(400, "INVALID_TIME_WINDOW", "The time window must be at most 90 days")
    entity = asked.query["entity"]
    changes = _changes(asked, start, end, lambda ad: ENTITIES[entity](asked.of, ad))
    return {
        "request": asked.echo(start_time=utc(start), end_time=utc(end)),
        "data_type": "active_entities",
        "data": [
            {
                "entity_id": each,
                "activity_start_time": utc(first),
                "activity_end_time": utc(last),
                "placements": sorted(placements),
            }
            for each, (first, last, placements) in sorted(changes.items())
        ],
    }


def _changes(
    asked: Asked, start: datetime, end: datetime, key: Callable[[Ad], str]
) -> dict[str, tuple[datetime, datetime, set[str]]]:
    """Compare what was known before some hours with what was known after them, over all days that may change."""
    sim, account = asked.sim, asked.of
    zone = ZoneInfo(account.timezone)
    before, after = (known(sim, account, at) for at in (start, min(end, sim.now)))
    found: dict[str, tuple[datetime, datetime, set[str]]] = {}
    day = start.astimezone(zone).date() - _CHANGING * DAY
    while day <= min(end, sim.now).astimezone(zone).date():
        begun, ended = (datetime.combine(each, time(), zone).astimezone(UTC) for each in (day, day + DAY))
        for ad, placement in before.differing(after, day):
            first, last, placements = found.get(key(ad), (begun, begun, set()))
            until = max(begun, min(ended - timedelta(seconds=1), end))
            found[key(ad)] = min(first, begun), max(last, until), placements | {placement}
        day += DAY
    narrowed = {name: set(asked.several(name)) for name in ("campaign_ids", "line_item_ids") if name in asked.query}
    if narrowed:
        kept = {
            key(ad)
            for ad in sim.book.ads(account.id)
            if ad.campaign_id in narrowed.get("campaign_ids", {ad.campaign_id})
            and ad.group_id in narrowed.get("line_item_ids", {ad.group_id})
        }
        found = {each: told for each, told in found.items() if each in kept}
    return found
