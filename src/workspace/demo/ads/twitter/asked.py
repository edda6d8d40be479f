"""What statistics X may be asked for, checked in X's way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from workspace.demo.ads.twitter.entities import KINDS, funding_id
from workspace.demo.ads.twitter.replies import Asked, Refused, invalid, utc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from workspace.demo.ads.book import Account, Ad
    from workspace.demo.ads.twitter.entities import Row
    from workspace.demo.ads.twitter.figures import Slot

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PLACEMENTS = ("ALL_ON_TWITTER", "SPOTLIGHT", "TREND", "PUBLISHER_NETWORK")
_ENGAGEMENT = (
    "engagements",
    "impressions",
    "retweets",
    "replies",
    "likes",
    "follows",
    "card_engagements",
    "clicks",
    "app_clicks",
    "url_clicks",
    "qualified_impressions",
    "carousel_swipes",
    "tweets_send",
    "poll_card_vote",
)
_WEB = (
    "purchases",
    "sign_ups",
    "site_visits",
    "downloads",
    "custom",
    "add_to_carts",
    "checkouts_initiated",
    "content_views",
    "payment_info_additions",
    "add_to_wishlists",
    "searches",
    "landing_page_views",
    "subscriptions",
)
GROUPS: dict[str, tuple[str, ...]] = {
    "ENGAGEMENT": _ENGAGEMENT,
    "BILLING": (
        "billed_engagements",
        "billed_charge_local_micro",
    ),
    "VIDEO": (
        "video_total_views",
        "video_views_25",
        "video_views_50",
        "video_views_75",
        "video_views_100",
    ),
    "WEB_CONVERSION": tuple(f"conversion_{name}" for name in _WEB),
    "MOBILE_CONVERSION": (
        "mobile_conversion_installs",
        "mobile_conversion_purchases",
    ),
    "LIFE_TIME_VALUE_MOBILE_CONVERSION": ("mobile_conversion_lifetime_value_purchases",),
}
# X's word for what is asked about, and how an ad tells which of them it belongs to.
ENTITIES: dict[str, Callable[[Account, Ad], str]] = {
    "ACCOUNT": lambda account, _: account.id,
    "FUNDING_INSTRUMENT": lambda account, _: funding_id(account),
    "CAMPAIGN": lambda _, ad: ad.campaign_id,
    "LINE_ITEM": lambda _, ad: ad.group_id,
    "PROMOTED_TWEET": lambda _, ad: ad.id,
}
_REQUIRED = ("entity", "entity_ids", "start_time", "end_time", "granularity", "placement", "metric_groups")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d):(\d\d)(?::(\d\d))?(Z|[+-]\d\d(?::?\d\d)?)?)?")


@dataclass(frozen=True)
class Question:
    """What statistics are asked for, once it is found to be allowed."""

    account: Account
    entity: str
    ids: tuple[str, ...]
    start: datetime
    end: datetime
    granularity: str
    placement: str
    groups: tuple[str, ...]

    def slots(self) -> list[Slot]:
        """Give the begin and end of each slot."""
        if self.granularity == "TOTAL":
            return [(self.start, self.end)]
        size = DAY if self.granularity == "DAY" else HOUR
        count = -((self.start - self.end) // size)
        return [(self.start + size * n, self.start + size * (n + 1)) for n in range(count)]

    def params(self) -> Row:
        """Give X's echo of it."""
        return {
            "start_time": utc(self.start),
            "segmentation_type": None,
            "entity_ids": list(self.ids),
            "end_time": utc(self.end),
            "country": None,
            "placement": self.placement,
            "granularity": self.granularity,
            "entity": self.entity,
            "platform": None,
            "metric_groups": list(self.groups),
        }


def question(asked: Asked, longest: timedelta) -> Question:
    """Check what is asked as X does.

    Args:
        asked: The request.
        longest: What it may span.

    Raises:
        Refused: X does not answer this.
    """
    asked.known(*_REQUIRED, *(() if longest <= 7 * DAY else ("platform", "country", "segmentation_type")))
    for name in _REQUIRED:
        asked.required(name)
    for name, values in (("entity", ENTITIES), ("granularity", ("DAY", "HOUR", "TOTAL")), ("placement", PLACEMENTS)):
        if asked.query[name] not in values:
            raise invalid(name, f'got "{asked.query[name]}" for {name}', asked.query[name])
    groups = _groups(asked)
    start, end = _times(asked, longest)
    ids = asked.several("entity_ids", 20)
    _exist(asked, asked.query["entity"], ids)
    return Question(
        asked.of,
        asked.query["entity"],
        tuple(ids),
        start,
        end,
        asked.query["granularity"],
        asked.query["placement"],
        tuple(groups),
    )


def _groups(asked: Asked) -> list[str]:
    groups = asked.several("metric_groups")
    for group in groups:
        if group not in GROUPS:
            raise invalid("metric_groups", f'got "{group}" for metric_groups', group)
    if "MOBILE_CONVERSION" in groups and len(groups) > 1:
        raise invalid("metric_groups", "MOBILE_CONVERSION must be requested alone", ",".join(groups))
    return groups


def _times(asked: Asked, longest: timedelta) -> tuple[datetime, datetime]:
    start, end = moment(asked, "start_time"), moment(asked, "end_time")
    if end <= start:
        raise invalid("end_time", "end_time must be after start_time", asked.query["end_time"])
    if end - start > longest:
        raise Refused(400, "INVALID_TIME_WINDOW", f"The time window must be at most {longest.days} days")
    for name, at in (("start_time", start), ("end_time", end)):
        if asked.query["granularity"] == "DAY" and (at + _offset(asked)).time() != time():
            told = f"{name} must be midnight in the account's timezone ({asked.of.timezone}, today's offset)"
            raise invalid(name, told, asked.query[name])
    return start, end


def _offset(asked: Asked) -> timedelta:
    """Give the offset that the account's zone has today; X takes it for all days."""
    return asked.sim.now.astimezone(ZoneInfo(asked.of.timezone)).utcoffset() or timedelta()


def _exist(asked: Asked, entity: str, ids: Sequence[str]) -> None:
    name = f"{entity.lower()}s"
    known = {row["id"] for row in KINDS[name].rows(asked.sim, asked.of)} if name in KINDS else {asked.of.id}
    for each in ids:
        if each not in known:
            raise Refused(404, f"{entity}_NOT_FOUND", f"{entity} {each} was not found", parameter="entity_ids")


def moment(asked: Asked, name: str) -> datetime:
    """Read a moment: in UTC, with an offset, or a day alone, which begins at the account's midnight by today's offset.

    Raises:
        Refused: It is none, or not a whole hour.
    """
    text = asked.required(name)
    read = _MOMENT.fullmatch(text)
    if read is None:
        raise invalid(name, f'Expected time, got "{text}" for {name}', text)
    day, hour, minute, second, zone = read.groups()
    if hour is None:
        return datetime.combine(date.fromisoformat(day), time(), UTC) - _offset(asked)
    if minute != "00" or second not in (None, "00"):
        raise invalid(name, f"{name} must be expressed in whole hours", text)
    if zone in (None, "Z"):
        zone = "+0000"
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    offset = timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
    return datetime.combine(date.fromisoformat(day), time(int(hour)), UTC) - offset
