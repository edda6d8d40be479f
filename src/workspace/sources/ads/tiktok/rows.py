"""TikTok's records as ours: texts and numbers mixed, a dash for what is not defined, ids that no float can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal

from workspace.errors import SourceError
from workspace.sources.ads.adapter import Account, Action, Entity, Performance
from workspace.sources.ads.policy import is_zone

if TYPE_CHECKING:
    from workspace.sources.ads.adapter import Level

VALUES: dict[str, str | None] = {
    "complete_payment": "total_complete_payment_rate",  # a sum of money, whatever its name says
    "web_event_add_to_cart": "total_web_event_add_to_cart_value",
    "user_registration": "total_user_registration_value",
    "initiate_checkout": "total_initiate_checkout_value",
    "on_web_order": "total_on_web_order_value",
    "on_web_subscribe": "total_on_web_subscribe_value",
    "form": "total_form_value",
    "total_purchase": "total_purchase_value",
    "total_registration": None,
    "conversion": None,
}
"""The metrics that count an action, each with the one that says what it was worth."""

USUAL = ("complete_payment", "web_event_add_to_cart", "user_registration")
"""The actions that are asked for whether they count or not."""

SEEN: dict[str, str] = {"complete_payment": "vta_complete_payment", "conversion": "vta_conversion"}
"""Of which actions TikTok tells how many had only seen the ad."""

ATTRIBUTION = "tiktok:windows_of_the_ad_group"
"""TikTok claims by the windows that each group of ads is set to, counted on the day of the impression."""

_NO_LINK_CLICKS = "TikTok does not tell link clicks from other clicks."
_UNDEFINED = "TikTok gives no number here ('-')."
_SILENT = "TikTok did not send it."

_CLOSED = frozenset({"STATUS_DISABLE"})
_PARENTS = {"campaign": "campaign_id", "ad_group": "adgroup_id", "ad": "ad_id"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What one report asks for.

    Attributes:
        level: Ads or campaigns.
        actions: The actions.
        counted: Those of them that count as conversions.
        withdrawn: Metrics that TikTok refuses, each with what it says.
    """

    level: Level
    actions: tuple[str, ...]
    counted: tuple[str, ...]
    withdrawn: Mapping[str, str]

    @property
    def metrics(self) -> list[str]:
        """The metrics to ask for; the ids of what an ad belongs to are among them, as TikTok wants it."""
        names = ["spend", "impressions", "clicks", "currency"]
        if self.level == "ad":
            names += ["campaign_id", "adgroup_id"]
        for action in self.actions:
            names += [name for name in (action, VALUES.get(action), SEEN.get(action)) if name]
        return [name for name in dict.fromkeys(names) if name not in self.withdrawn]


class _Numbers:
    """The metrics of one record, as exact numbers; keeps why one is missing."""

    def __init__(self, metrics: Mapping[str, Any], withdrawn: Mapping[str, str]) -> None:
        self._metrics, self._withdrawn = metrics, withdrawn
        self.missing: dict[str, str] = {}

    def of(self, metric: str, name: str) -> Decimal | None:
        """Give a metric's number; None where there is none, and then say why under `name`."""
        value = self._metrics.get(metric)
        if value is None or (isinstance(value, str) and value in {"", "-"}):
            reason = _UNDEFINED if metric in self._metrics else self._withdrawn.get(metric, _SILENT)
            self.missing[name] = reason
            return None
        return _number(value, metric)

    def whole(self, metric: str) -> int | None:
        """Give a count."""
        value = self.of(metric, metric)
        if value is None:
            return None
        if value != value.to_integral_value():
            raise _unreadable(metric, value)
        return int(value)

    def total(self, metrics: list[str | None], name: str, actions: tuple[str, ...]) -> Decimal | None:
        """Sum metrics; None if one of them is missing, since a part of a sum is no sum."""
        found: list[Decimal] = []
        for metric, action in zip(metrics, actions, strict=True):
            if metric is None:
                self.missing[name] = f"TikTok does not tell it of {action}."
                return None
            value = self.of(metric, name)
            if value is None:
                return None
            found.append(value)
        return sum(found, Decimal(0))


def performance(record: Mapping[str, Any], asked: Asked) -> Performance:
    """Read a record of a report.

    Args:
        record: Its dimensions and metrics.
        asked: What was asked for.

    Raises:
        SourceError: A value is not what its metric promises.
    """
    dimensions, metrics = record["dimensions"], record["metrics"]
    numbers = _Numbers(metrics, asked.withdrawn)
    numbers.missing["link_clicks"] = _NO_LINK_CLICKS
    is_ad = asked.level == "ad"
    currency = metrics.get("currency")
    return Performance(
        level=asked.level,
        campaign_id=identity((metrics if is_ad else dimensions)["campaign_id"]),
        ad_group_id=identity(metrics["adgroup_id"]) if is_ad else None,
        ad_id=identity(dimensions["ad_id"]) if is_ad else None,
        day=date.fromisoformat(dimensions["stat_time_day"][:10]),
        currency=currency if currency and currency != "-" else None,
        spend=numbers.of("spend", "spend"),
        impressions=numbers.whole("impressions"),
        clicks=numbers.whole("clicks"),
        link_clicks=None,
        conversions=numbers.total(list(asked.counted), "conversions", asked.counted),
        conversion_value=numbers.total([VALUES.get(name) for name in asked.counted], "conversion_value", asked.counted),
        view_through_conversions=numbers.total(
            [SEEN.get(name) for name in asked.counted], "view_through_conversions", asked.counted
        ),
        attribution=ATTRIBUTION,
        actions=_actions(numbers, asked),
        missing=numbers.missing,
    )


def entity(record: Mapping[str, Any], level: Literal["campaign", "ad_group", "ad"]) -> Entity:
    """Read a campaign, a group of ads, or an ad."""
    word = {"campaign": "campaign", "ad_group": "adgroup", "ad": "ad"}[level]
    group = record.get("adgroup_id")
    return Entity(
        level=level,
        id=identity(record[_PARENTS[level]]),
        name=record.get(f"{word}_name"),
        status=_status(record),
        campaign_id=identity(record["campaign_id"]),
        ad_group_id=None if group is None else identity(group),
        objective=record.get("objective_type"),
        url=_address(record),
    )


def account(record: Mapping[str, Any]) -> tuple[Account, str | None]:
    """Read an advertiser, with what a reader of the run should know about it.

    Its day ends at the midnight of `timezone`: a fixed offset from Greenwich, as TikTok has no summer time, and one
    with the sign of POSIX: `Etc/GMT+8` is eight hours *behind*. `display_timezone` is a city to show instead of it.
    """
    given, shown = record.get("timezone") or "", record.get("display_timezone") or ""
    zone = next((name for name in (given, shown) if is_zone(name)), "")
    number, status = identity(record["advertiser_id"]), str(record.get("status") or "")
    note = None
    if not zone:
        note = f"TikTok's account {number} is left out: its time zone, {given!r}, is unknown."
    elif zone != given:
        note = f"TikTok's account {number}: its time zone, {given!r}, is unknown; {zone} is shown there and taken."
    found = Account(
        id=number,
        name=str(record.get("name") or ""),
        currency=str(record.get("currency") or "XXX"),
        timezone=zone or "Etc/Unknown",
        status=status.removeprefix("STATUS_").lower(),
        open=bool(zone) and status not in _CLOSED,
    )
    return found, note


def identity(value: Any) -> str:
    """Give an id as text, digit by digit.

    Raises:
        SourceError: It is none.

    Examples:
        >>> identity(1714125051115569123), identity("1714125051115569123")
        ('1714125051115569123', '1714125051115569123')
    """
    text = value if isinstance(value, str) else str(value)
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        text = str(int(value))  # written with an exponent
    if isinstance(value, bool) or not text.isdecimal():
        raise SourceError(f"TikTok sent {value!r} as an id.", cure="Ask TikTok what it means; nothing of it was kept.")
    return text


def _actions(numbers: _Numbers, asked: Asked) -> tuple[Action, ...]:
    found = []
    for name in asked.actions:
        count = numbers.of(name, name)
        metric = VALUES.get(name)
        value = numbers.of(metric, metric) if metric else None
        if count or value:
            found.append(Action(name=name, conversions=count, value=value, counted=name in asked.counted))
    return tuple(found)


def _number(value: Any, metric: str) -> Decimal:
    try:
        number = Decimal(value) if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise _unreadable(metric, value)
    return number


def _unreadable(metric: str, value: Any) -> SourceError:
    return SourceError(
        f"TikTok sent {value!r} as {metric}, which is no number of that kind.",
        cure="Ask TikTok what it means; nothing of this answer was kept.",
    )


def _status(record: Mapping[str, Any]) -> str:
    """Tell an entity's status; one whose campaign or group is deleted is deleted with it."""
    second, switch = str(record.get("secondary_status") or ""), str(record.get("operation_status") or "")
    if second.endswith("_DELETE") or switch == "DELETE":
        return "deleted"
    return {"ENABLE": "enabled", "DISABLE": "paused"}.get(switch, (switch or second).lower())


def _address(record: Mapping[str, Any]) -> str | None:
    urls = record.get("landing_page_urls") or []
    more = [one.get("landing_page_url") if isinstance(one, Mapping) else one for one in urls]
    return next((url for url in [record.get("landing_page_url"), *more] if url), None)
