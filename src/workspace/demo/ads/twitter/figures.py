"""What X counts, by the hour: a day of the book is spread over its 23 to 25 hours, and slots are sums of hours.

So a slot that is a day of the account has the book's figures exactly, and one that is an hour off has not: X cuts days
by today's UTC offset, and who does not mind gets other numbers.
"""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from workspace.demo.ads.book import Account, Ad, Facts
    from workspace.demo.ads.simulation import Simulation

    Slot = tuple[datetime, datetime]
    Told = dict[str, int]

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_METRICS = {"purchase": "purchases", "add_to_cart": "add_to_carts", "sign_up": "sign_ups"}
# How busy each hour of the clock is; one that comes twice is so twice.
_BUSY = (2, 1, 1, 1, 1, 2, 3, 4, 5, 5, 5, 5, 6, 6, 5, 5, 5, 6, 7, 8, 9, 8, 6, 4)
_SPOTLIGHT = 5  # a fifth of what such an ad does
_FORMER = ZoneInfo("America/Los_Angeles")


class Figures:
    """An account's figures as known at a moment.

    Args:
        sim: The simulation.
        account: The account.
        as_of: The moment.
        switched: When the account got its zone: it has nothing between Los Angeles' last midnight before and that.
    """

    def __init__(self, sim: Simulation, account: Account, as_of: datetime, switched: datetime) -> None:
        self._sim, self._account, self._as_of = sim, account, as_of
        self._zone = ZoneInfo(account.timezone)
        self._gap = datetime.combine(switched.astimezone(_FORMER).date(), time(), _FORMER).astimezone(UTC), switched
        self._cut: dict[date, tuple[datetime, list[int]]] = {}
        self._days: dict[date, dict[str, tuple[Ad, dict[str, Told]]]] = {}
        self._grouped: dict[tuple[str, str], dict[date, dict[str, Told]]] = {}

    def day(self, day: date) -> dict[str, tuple[Ad, dict[str, Told]]]:
        """Give what each ad did on a day of the account, by placement."""
        if day not in self._days:
            told = self._sim.book.facts(self._account.id, day, self._as_of)
            self._days[day] = {ad.id: (ad, placed(ad, figures(facts))) for ad, facts in told}
        return self._days[day]

    def by(self, kind: str, key: Callable[[Ad], str], placement: str) -> Callable[[str, Slot], Told | None]:
        """Give what sums an entity's ads over a slot; None if nothing of it was served then.

        Args:
            kind: What kind of entity is meant.
            key: Tells to which entity of the kind an ad belongs.
            placement: The one placement that is looked at.
        """
        grouped = self._grouped.setdefault((kind, placement), {})

        def entities(day: date) -> dict[str, Told]:
            if day not in grouped:
                found: defaultdict[str, list[Told]] = defaultdict(list)
                for ad, by_placement in self.day(day).values():
                    if placement in by_placement:
                        found[key(ad)].append(by_placement[placement])
                grouped[day] = {entity: _added(told) for entity, told in found.items()}
            return grouped[day]

        def told(entity: str, slot: Slot) -> Told | None:
            found: list[Told] = []
            first, last = (at.astimezone(self._zone).date() for at in (slot[0], slot[1] - timedelta(seconds=1)))
            for number in range((last - first).days + 1):
                day = first + _DAY * number
                if entity in entities(day):
                    found += self._part(entities(day)[entity], day, slot)
            return _added(found) if found else None

        return told

    def differing(self, other: Figures, day: date) -> list[tuple[Ad, str]]:
        """Give the ads, and their placements, of which others know other figures about a day."""
        ours, theirs = self.day(day), other.day(day)
        found = []
        for ad_id in sorted({*ours, *theirs}):
            ad, mine = ours.get(ad_id, theirs.get(ad_id))  # type: ignore[misc]
            here = mine if ad_id in ours else {}
            there = theirs[ad_id][1] if ad_id in theirs else {}
            found += [(ad, name) for name in sorted({*here, *there}) if here.get(name) != there.get(name)]
        return found

    def _part(self, whole: Told, day: date, slot: Slot) -> list[Told]:
        """Give the parts of a day that are in a slot and not in the gap; nothing if no hour is."""
        begun, busy = self._hours(day)

        def hour(at: datetime) -> int:
            return min(max(-((begun - at) // _HOUR), 0), len(busy) - 1)

        first, last = hour(slot[0]), hour(slot[1])
        lacking = hour(self._gap[0]), hour(self._gap[1])
        spans = [(first, min(last, lacking[0])), (max(first, lacking[1]), last)]
        if lacking[0] == lacking[1]:
            spans = [(first, last)]
        if spans == [(0, len(busy) - 1)]:
            return [whole]
        full = busy[-1]
        parts = [
            {name: n * busy[until] // full - n * busy[since] // full for name, n in whole.items()}
            for since, until in spans
            if since < until
        ]
        return [part for part in parts if any(part.values())]

    def _hours(self, day: date) -> tuple[datetime, list[int]]:
        """Give when a day began, and how busy it was until each of its hours, and until its end."""
        if day not in self._cut:
            begun, ended = (datetime.combine(each, time(), self._zone).astimezone(UTC) for each in (day, day + _DAY))
            hours = [begun + _HOUR * number for number in range(-((begun - ended) // _HOUR))]
            self._cut[day] = begun, [0, *accumulate(_BUSY[hour.astimezone(self._zone).hour] for hour in hours)]
        return self._cut[day]


def figures(facts: Facts) -> Told:
    """Give what X calls an ad's facts; money in millionths."""
    told = {
        "impressions": facts.impressions,
        "clicks": facts.clicks,
        "url_clicks": facts.link_clicks,
        "engagements": facts.clicks,
        "billed_engagements": facts.link_clicks,
        "billed_charge_local_micro": int(facts.spend.scaleb(6)),
    }
    for name in _METRICS.values():  # a served ad has zeros
        for part in ("post_view", "post_engagement", "assisted", "order_quantity", "sale_amount", "metric"):
            told[f"conversion_{name}.{part}"] = 0
    for claim in facts.claims:
        name, count = f"conversion_{_METRICS[claim.action]}", int(claim.conversions)
        told[f"{name}.{'post_view' if claim.window == '1d_view' else 'post_engagement'}"] += count
        told[f"{name}.metric"] += count
        told[f"{name}.order_quantity"] += count if claim.value else 0
        told[f"{name}.sale_amount"] += int(claim.value.scaleb(6))
    return told


def placed(ad: Ad, whole: Told) -> dict[str, Told]:
    """Give an ad's figures by placement: of every third ad, a part is in the spotlight.

    The sum over the placements is the whole.
    """
    if zlib.crc32(ad.id.encode()) % 3:
        return {"ALL_ON_TWITTER": whole}
    part = {name: value // _SPOTLIGHT for name, value in whole.items()}
    rest = {name: value - part[name] for name, value in whole.items()}
    return {"ALL_ON_TWITTER": rest} | ({"SPOTLIGHT": part} if any(part.values()) else {})


def _added(found: list[Told]) -> Told:
    if len(found) == 1:
        return found[0]
    summed: Counter[str] = Counter()
    for each in found:
        summed.update(each)
    return dict(summed)
