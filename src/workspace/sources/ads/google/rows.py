"""From Google Ads' rows to those that all platforms have."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

from workspace.errors import SourceError
from workspace.sources.ads.adapter import Account, Action, ClickView, Entity, Performance
from workspace.sources.ads.answers import RestartError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Row = dict[str, Any]

_STATUS = {"REMOVED": "deleted"}
_PLACES = Decimal("0.000001")
_NO_LINK_CLICKS = "Google Ads counts clicks only, not those on the link alone"

CLIENTS = (
    *("customer_client.id", "customer_client.descriptive_name", "customer_client.currency_code"),
    *("customer_client.time_zone", "customer_client.status", "customer_client.manager", "customer_client.level"),
)
ENTITIES = {
    "campaign": ("campaign.id", "campaign.name", "campaign.status", "campaign.advertising_channel_type"),
    "ad_group": ("campaign.id", "ad_group.id", "ad_group.name", "ad_group.status"),
    "ad_group_ad": (
        *("campaign.id", "ad_group.id", "ad_group_ad.ad.id", "ad_group_ad.ad.name", "ad_group_ad.status"),
        "ad_group_ad.ad.final_urls",
    ),
}
RESOURCES = {"ad": "ad_group_ad", "campaign": "campaign"}
KEYS = {
    "ad": ("campaign.id", "ad_group.id", "ad_group_ad.ad.id", "segments.date"),
    "campaign": ("campaign.id", "segments.date"),
}
# Claims are among the metrics so that whoever did nothing else that day has a row, too.
METRICS = (
    *("metrics.impressions", "metrics.clicks", "metrics.cost_micros", "metrics.view_through_conversions"),
    *("metrics.conversions", "metrics.all_conversions"),
)
BY_ACTION = ("segments.conversion_action", "segments.conversion_action_name", "segments.conversion_action_category")
CLAIMED = ("metrics.conversions", "metrics.conversions_value")
CLAIMED_AT_ALL = ("metrics.all_conversions", "metrics.all_conversions_value")
CLICKS = ("click_view.gclid", "click_view.ad_group_ad", "campaign.id", "ad_group.id", "segments.date")
ACTIONS = (
    *("conversion_action.resource_name", "conversion_action.name", "conversion_action.category"),
    *("conversion_action.include_in_conversions_metric", "conversion_action.status"),
    "conversion_action.click_through_lookback_window_days",
    "conversion_action.view_through_lookback_window_days",
    "conversion_action.attribution_model_settings.attribution_model",
)


def at(row: Row, name: str) -> Any:
    """Give a field's value; None if it is not set.

    Examples:
        >>> at({"adGroupAd": {"ad": {"id": "7"}}}, "ad_group_ad.ad.id")
        '7'
    """
    value: Any = row
    for part in name.split("."):
        first, *rest = part.split("_")
        value = value.get(first + "".join(map(str.capitalize, rest))) if isinstance(value, dict) else None
    return value


def need(row: Row, name: str) -> str:
    """Give a field without which a row says nothing.

    Raises:
        SourceError: It is not set.
    """
    value = at(row, name)
    if value is None or value == "":
        raise SourceError(f"Google Ads sent a row without {name}.", cure="Run it again; tell Google if it goes on.")
    return str(value)


def day(row: Row) -> date:
    """Give the day that a row is about."""
    return date.fromisoformat(need(row, "segments.date"))


def whole(row: Row, name: str) -> int | None:
    """Give a whole number, which Google sends as a text."""
    value = at(row, name)
    return None if value is None else int(value)


def share(row: Row, name: str) -> Decimal | None:
    """Give a number with a fraction, to six places: what a model has divided has no end otherwise."""
    value = at(row, name)
    return None if value is None else Decimal(value).quantize(_PLACES, ROUND_HALF_EVEN)


def account(row: Row) -> Account:
    """Read an account out of `customer_client`.

    A manager's account has no numbers of its own; one whose sign-up nobody finished has no currency or no time zone.
    """
    status = need(row, "customer_client.status").lower()
    manager = bool(at(row, "customer_client.manager"))
    currency, timezone = at(row, "customer_client.currency_code"), at(row, "customer_client.time_zone")
    return Account(
        id=need(row, "customer_client.id"),
        name=at(row, "customer_client.descriptive_name") or "",
        currency=currency or "XXX",
        timezone=timezone or "Etc/Unknown",
        status="manager" if manager and status == "enabled" else status,
        open=status == "enabled" and not manager and bool(currency and timezone),
    )


def refused(number: str) -> Account:
    """Give an account of which the platform tells nothing but its id."""
    return Account(id=number, name="", currency="XXX", timezone="Etc/Unknown", status="refused", open=False)


def entity(row: Row, resource: str) -> Entity:
    """Read a campaign, a group or an ad."""
    status = need(row, f"{resource}.status")
    campaign = need(row, "campaign.id")
    state = _STATUS.get(status, status.lower())
    if resource == "campaign":
        return Entity(
            level="campaign",
            id=campaign,
            name=at(row, "campaign.name"),
            status=state,
            campaign_id=campaign,
            objective=at(row, "campaign.advertising_channel_type"),
        )
    group = need(row, "ad_group.id")
    if resource == "ad_group":
        name = at(row, "ad_group.name")
        return Entity(level="ad_group", id=group, name=name, status=state, campaign_id=campaign, ad_group_id=group)
    urls = at(row, "ad_group_ad.ad.final_urls") or [None]
    return Entity(
        level="ad",
        id=need(row, "ad_group_ad.ad.id"),
        name=at(row, "ad_group_ad.ad.name") or None,
        status=state,
        campaign_id=campaign,
        ad_group_id=group,
        url=urls[0],
    )


def click(row: Row) -> ClickView:
    """Read a click. The ad is the last part of its name in its group; Performance Max tells none."""
    name = at(row, "click_view.ad_group_ad") or ""
    return ClickView(
        click_id=need(row, "click_view.gclid"),
        day=day(row),
        campaign_id=need(row, "campaign.id"),
        ad_group_id=at(row, "ad_group.id"),
        ad_id=name.rpartition("~")[2] or None,
    )


@dataclass(frozen=True)
class Policy:
    """What an account counts, and how.

    Attributes:
        primary: The actions, by their resource names, that are in the platform's own sum of conversions.
        days: How many days after a click or a view an action may still be claimed, at most.
        attribution: By which models and windows what counts is claimed.
        names: All names and categories of actions.
    """

    primary: frozenset[str]
    days: int
    attribution: str
    names: frozenset[str]


def policy(rows: Iterable[Row], counted: tuple[str, ...], *, default: int) -> Policy:
    """Read `conversion_action`: what there is, for how long it is claimed, and by which model."""
    primary, names, used, windows = set(), set(), set(), [0]
    for row in rows:
        name, category = at(row, "conversion_action.name"), at(row, "conversion_action.category")
        names |= {name, category}
        if at(row, "conversion_action.include_in_conversions_metric"):
            primary.add(need(row, "conversion_action.resource_name"))
        clicked = whole(row, "conversion_action.click_through_lookback_window_days")
        viewed = whole(row, "conversion_action.view_through_lookback_window_days")
        if at(row, "conversion_action.status") != "REMOVED":
            windows += [clicked or 0, viewed or 0]
            if name in counted or category in counted:
                model = at(row, "conversion_action.attribution_model_settings.attribution_model") or "unknown"
                used.add(f"{_model(model)}/{clicked or default}d_click")
    return Policy(frozenset(primary), max(windows) or default, ",".join(sorted(used)) or "none", frozenset(names))


def _model(name: str) -> str:
    return name.removeprefix("GOOGLE_SEARCH_ATTRIBUTION_").removeprefix("GOOGLE_ADS_").lower()


@dataclass
class Claims:
    """What is claimed for each entity and day, action by action.

    Args:
        level: Whether for ads or for campaigns.
        counted: The names or categories that count.
        policy: Of the account.
    """

    level: str
    counted: tuple[str, ...]
    policy: Policy
    _of: dict[tuple[str, ...], dict[str, Action]] = field(default_factory=lambda: defaultdict(dict))
    _told: set[tuple[str, ...]] = field(default_factory=set)

    def add(self, row: Row) -> None:
        """Take in what is claimed for one action.

        What the account does not count among its conversions is only among *all* conversions; there it is taken from.

        Raises:
            RestartError: The row came before: it would count twice, and stands where another one should.
        """
        key, action = tuple(need(row, each) for each in KEYS[self.level]), need(row, "segments.conversion_action")
        self._once((*key, action))
        is_primary = action in self.policy.primary
        conversions, value = (share(row, name) for name in (CLAIMED if is_primary else CLAIMED_AT_ALL))
        if not conversions and not value and conversions is not None:
            return
        name = need(row, "segments.conversion_action_name")
        counts = name in self.counted or at(row, "segments.conversion_action_category") in self.counted
        of = self._of[key]
        before = of.get(name)  # another action of that name, a removed one
        if before:
            conversions, value = _plus(before.conversions, conversions), _plus(before.value, value)
        of[name] = Action(name=name, conversions=conversions, value=value, counted=counts)

    def take(self, key: tuple[str, ...]) -> tuple[Action, ...]:
        """Give the actions of an entity on a day, and forget them.

        Raises:
            RestartError: They were given before: the entity's row came twice.
        """
        self._once(key)
        return tuple(sorted(self._of.pop(key, {}).values(), key=lambda action: action.name))

    def left(self) -> list[tuple[str, ...]]:
        """Give the keys of those that were not taken."""
        return list(self._of)

    def _once(self, told: tuple[str, ...]) -> None:
        if told in self._told:
            msg = f"Google Ads sent a row twice: {', '.join(told)}."
            raise RestartError(msg, cure="Nothing: the window is asked for anew.")
        self._told.add(told)


def _plus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other


def performance(row: Row, level: str, claims: Claims, withdrawn: Mapping[str, str]) -> Performance:
    """Make a row of what an ad or a campaign brought on a day.

    Args:
        row: As it came.
        level: Whether it is an ad's or a campaign's.
        claims: What is claimed.
        withdrawn: The metrics that the platform has taken away, and what it said.
    """
    actions = claims.take(tuple(need(row, name) for name in KEYS[level]))
    micros = whole(row, "metrics.cost_micros")
    views = whole(row, "metrics.view_through_conversions")
    numbers: dict[str, Any] = {
        "spend": None if micros is None else Decimal(micros).scaleb(-6),
        "impressions": whole(row, "metrics.impressions"),
        "clicks": whole(row, "metrics.clicks"),
        "view_through_conversions": None if views is None else Decimal(views),
        "conversions": _counted([a.conversions for a in actions if a.counted], CLAIMED[0], withdrawn),
        "conversion_value": _counted([a.value for a in actions if a.counted], CLAIMED[1], withdrawn),
    }
    asked = {"spend": "metrics.cost_micros", "conversions": CLAIMED[0], "conversion_value": CLAIMED[1]}
    missing = {
        name: withdrawn.get(asked.get(name, f"metrics.{name}"), "Google Ads did not send it")
        for name, value in numbers.items()
        if value is None
    }
    is_ad = level == "ad"
    return Performance(
        level="ad" if is_ad else "campaign",
        campaign_id=need(row, "campaign.id"),
        ad_group_id=need(row, "ad_group.id") if is_ad else None,
        ad_id=need(row, "ad_group_ad.ad.id") if is_ad else None,
        day=day(row),
        link_clicks=None,
        attribution=claims.policy.attribution,
        actions=actions,
        missing={"link_clicks": _NO_LINK_CLICKS} | missing,
        **numbers,
    )


def _counted(values: list[Decimal | None], metric: str, withdrawn: Mapping[str, str]) -> Decimal | None:
    if metric in withdrawn or any(value is None for value in values):
        return None
    return sum((value for value in values if value is not None), Decimal())


def nothing_else(key: tuple[str, ...], level: str, withdrawn: Mapping[str, str]) -> Row:
    """Make the row of whoever has claims and no row: Google leaves out those whose metrics are all zero."""
    row: Row = {"metrics": {}}
    names = {"metrics.impressions": "impressions", "metrics.clicks": "clicks", "metrics.cost_micros": "costMicros"}
    names["metrics.view_through_conversions"] = "viewThroughConversions"
    row["metrics"] = {camel: "0" for name, camel in names.items() if name not in withdrawn}
    for name, value in zip(KEYS[level], key, strict=True):
        first, *rest = name.split(".")
        into = row.setdefault({"ad_group": "adGroup", "ad_group_ad": "adGroupAd"}.get(first, first), {})
        for part in rest[:-1]:
            into = into.setdefault(part, {})
        into[rest[-1]] = value
    return row
