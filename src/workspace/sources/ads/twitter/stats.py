"""X's statistics as rows: arrays of slots become days, null stays unknown, micros become money."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from workspace.sources.ads.adapter import Action, Performance
from workspace.sources.ads.answers import RestartError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from workspace.sources.ads.adapter import Kind
    from workspace.sources.ads.twitter.days import Stretch

    Series = dict[date, Decimal | None]

GROUPS = ("ENGAGEMENT", "BILLING", "WEB_CONVERSION")
"""The groups of metrics that are asked for."""

PURCHASES = ("conversion_purchases",)
"""The action that counts as a conversion where nobody says otherwise."""

ATTRIBUTION = "post_engagement+post_view"
"""X's answers do not tell the windows: they are a property of each website tag."""

_MARGIN = timedelta(days=1)  # between a day in UTC and one of an account
_MICRO = 6  # decimal places of a millionth; for every currency, yen among them
_COUNTS = {"impressions": "impressions", "clicks": "clicks", "link_clicks": "url_clicks"}
_SPEND = "billed_charge_local_micro"
_PREFIX = "conversion_"
_PARTS = ("post_engagement", "post_view", "sale_amount")
_NULL = "X sent null: it counted none, or does not keep this"
_ABSENT = "X did not answer with it"

Slots = list[Decimal | None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entity belongs, in which currency it is billed, and from when to when it was there, if that is known."""

    campaign_id: str
    ad_group_id: str | None
    ad_id: str | None
    currency: str | None
    made: date | None = None
    deleted: date | None = None

    def alive(self, first: date, last: date) -> bool:
        """Tell whether it can have done anything on some days; wherever the account's midnight is.

        Examples:
            >>> from datetime import date
            >>> place = Place("c", None, None, "EUR", deleted=date(2026, 10, 16))
            >>> [place.alive(date(2026, 10, day), date(2026, 10, 31)) for day in (16, 17, 18)]
            [True, True, False]
        """
        is_made = self.made is None or self.made - _MARGIN <= last
        return is_made and (self.deleted is None or first <= self.deleted + _MARGIN)

    def was_before(self, day: date) -> bool:
        """Tell whether it was there before a day, wherever the account's midnight is; what nobody dates, was."""
        return self.made is None or self.made + _MARGIN < day


@dataclass(frozen=True, slots=True)
class Reading:
    """How statistics are read.

    Attributes:
        level: Whether they are about ads, groups or campaigns.
        places: Where the entities belong, by their ids.
        counted: The actions that count as conversions.
        scale: What a sale is divided by.
        gap: Days of which X lacks hours.
    """

    level: Kind
    places: Mapping[str, Place]
    counted: tuple[str, ...]
    scale: Decimal
    gap: frozenset[date] = frozenset()


def rows(body: Any, *, stretch: Stretch, placement: str, reading: Reading) -> Iterator[Performance]:
    """Give what the entities of an answer did, day by day; nothing of days without a sign of life.

    Raises:
        RestartError: The answer does not fit what was asked.
    """
    if not isinstance(body, dict) or not isinstance(body.get("data"), list):
        raise _broken("statistics without data")
    for entity in body["data"]:
        place = reading.places.get(str(entity["id"]))
        if place is None:
            raise _broken(f"statistics of {entity['id']}, which was not asked for")
        for part in entity["id_data"]:
            if part.get("segment") is None:
                yield from _days(part["metrics"], place, stretch, placement, reading)


def _days(
    metrics: Mapping[str, Any], place: Place, stretch: Stretch, placement: str, reading: Reading
) -> Iterator[Performance]:
    plain = {name: summed(metrics.get(name), stretch.days) for name in (*_COUNTS.values(), "engagements", _SPEND)}
    claims = {
        name: {part: summed((told or {}).get(part), stretch.days) for part in _PARTS}
        for name, told in sorted(metrics.items())
        if name.startswith(_PREFIX)
    }
    signs = [*plain.values(), *(series for parts in claims.values() for series in parts.values())]
    for day in dict.fromkeys(stretch.days):
        if any(series.get(day) for series in signs):
            numbers, actions = _numbers(plain, claims, day, reading)
            missing = {name: _why(name, metrics, reading) for name, value in numbers.items() if value is None}
            if day in reading.gap:
                missing["day"] = "the account changed its time zone, and X lacks hours of this day"
            yield Performance(
                level=reading.level,
                campaign_id=place.campaign_id,
                ad_group_id=place.ad_group_id,
                ad_id=place.ad_id,
                placement=placement,
                day=day,
                currency=place.currency,
                attribution=ATTRIBUTION,
                actions=tuple(each for each in actions if each.conversions or each.value),
                missing=missing,
                **numbers,
            )


def _numbers(
    plain: Mapping[str, Series], claims: Mapping[str, Mapping[str, Series]], day: date, reading: Reading
) -> tuple[dict[str, Any], list[Action]]:
    """Give a day's numbers by our names, and what was claimed."""
    spend = plain[_SPEND].get(day)
    actions = [_action(name, parts, day, reading) for name, parts in claims.items()]
    counted = [each for each in actions if each.counted]
    numbers: dict[str, Any] = {name: _whole(plain[wire].get(day)) for name, wire in _COUNTS.items()}
    numbers["spend"] = None if spend is None else spend.scaleb(-_MICRO)
    numbers["conversions"] = _sum([each.conversions for each in counted])
    numbers["conversion_value"] = _sum([each.value for each in counted])
    numbers["view_through_conversions"] = _sum([claims[each.name]["post_view"].get(day) for each in counted])
    return numbers, actions


def _action(name: str, parts: Mapping[str, Series], day: date, reading: Reading) -> Action:
    sale = parts["sale_amount"].get(day)
    return Action(
        name=name,
        conversions=_sum([parts["post_engagement"].get(day), parts["post_view"].get(day)]),
        value=None if sale is None else sale / reading.scale,
        counted=name in reading.counted,
    )


def summed(told: Any, days: Sequence[date]) -> Series:
    """Sum slots by the day that each belongs to; a day of nulls only is None.

    Raises:
        RestartError: There are more or fewer slots than were asked for.

    Examples:
        >>> from datetime import date
        >>> summed([1, None, 2], [date(2026, 10, 25)] * 2 + [date(2026, 10, 26)])
        {datetime.date(2026, 10, 25): Decimal('1'), datetime.date(2026, 10, 26): Decimal('2')}
    """
    if told is None:
        return {}
    if not isinstance(told, list) or len(told) != len(days):
        count = len(told) if isinstance(told, list) else "no"
        raise _broken(f"{count} slots where {len(days)} were asked for")
    found: defaultdict[date, Slots] = defaultdict(list)
    for day, value in zip(days, told, strict=True):
        found[day].append(None if value is None else Decimal(value))
    return {day: _sum(values) for day, values in found.items()}


def _broken(what: str) -> RestartError:
    return RestartError(f"twitter_ads: {what}.", cure="Nothing: it is asked for anew; if this lasts, tell X.")


def _sum(values: Slots) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal()) if known else None


def _whole(value: Decimal | None) -> int | None:
    return None if value is None else int(value)


def _why(name: str, metrics: Mapping[str, Any], reading: Reading) -> str:
    wires = {**_COUNTS, "spend": _SPEND}
    asked = (wires[name],) if name in wires else reading.counted
    return _NULL if any(wire in metrics for wire in asked) else _ABSENT
