"""Meta's rows as ours: what is in an account, and what a day brought."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal

from workspace.errors import SettingsError, SourceError
from workspace.sources.ads.adapter import Account, Action, Entity, Performance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workspace.sources.ads.adapter import Level

PURCHASES = ("omni_purchase", "purchase", "offsite_conversion.fb_pixel_purchase")
"""What a purchase is called. Each holds the next: what the website's pixel saw is among `purchase`, and that is among
`omni_purchase`, which has what was bought in apps and shops besides. To add them up would count a purchase three times;
the narrower ones would lose some. So the first one that a row has is the one that counts."""

WINDOWS = ("1d_click", "7d_click", "28d_click", "1d_view")
"""The attribution windows that are asked for; Meta has withdrawn 7d_view and 28d_view."""

ABSENT = "Facebook's answer does not have it"

_STATUS = {1: "active", 2: "disabled", 3: "unsettled", 7: "pending_risk_review", 8: "pending_settlement"}
_STATUS |= {9: "in_grace_period", 100: "pending_closure", 101: "closed", 201: "any_active", 202: "any_closed"}
_CHANNELS = ("offsite_conversion.fb_pixel_", "app_custom_event.fb_mobile_", "onsite_conversion.", "offline_conversion.")
_TOTALS = ("omni_", "onsite_web_app_", "onsite_web_", "web_app_in_store_", "web_in_store_")


def account(row: Mapping[str, Any]) -> Account:
    """Read an account.

    All that have a currency and a time zone can be asked for numbers: a disabled one still has its past, and its past
    still changes.
    """
    number = int(row["account_status"])
    currency, timezone = row.get("currency"), row.get("timezone_name")
    return Account(
        id=str(row["account_id"]),
        name=str(row.get("name") or ""),
        currency=str(currency or "XXX"),
        timezone=str(timezone or "Etc/Unknown"),
        status=_STATUS.get(number, str(number)),
        open=bool(currency and timezone),
    )


def entity(row: Mapping[str, Any], level: Literal["campaign", "ad_group", "ad"]) -> Entity:
    """Read a campaign, an ad set, or an ad."""
    own = str(row["id"])
    return Entity(
        level=level,
        id=own,
        name=row.get("name"),
        status=_status(row),
        campaign_id=own if level == "campaign" else _text(row.get("campaign_id")),
        ad_group_id=own if level == "ad_group" else _text(row.get("adset_id")),
        objective=row.get("objective"),
        url=link(row.get("creative") or {}) if level == "ad" else None,
    )


def _status(row: Mapping[str, Any]) -> str:
    """Give an entity's own state: the effective one says `CAMPAIGN_PAUSED` of an ad that nobody has paused."""
    effective, own = str(row.get("effective_status") or ""), str(row.get("status") or "")
    inherited = effective in ("", "ACTIVE", "CAMPAIGN_PAUSED", "ADSET_PAUSED")
    word = (own or effective) if inherited else effective
    return "enabled" if word == "ACTIVE" else word.lower()


def link(creative: Mapping[str, Any]) -> str | None:
    """Give where an ad leads: the address is in another place for each kind of creative, its parameters elsewhere.

    Examples:
        >>> link({"object_story_spec": {"link_data": {"link": "https://a.example/x"}}, "url_tags": "utm_id=1"})
        'https://a.example/x?utm_id=1'
    """
    story = creative.get("object_story_spec") or {}
    video = ((story.get("video_data") or {}).get("call_to_action") or {}).get("value") or {}
    several = (creative.get("asset_feed_spec") or {}).get("link_urls") or [{}]
    found = [
        (story.get("link_data") or {}).get("link"),
        video.get("link"),
        several[0].get("website_url"),
        creative.get("link_url"),
    ]
    address = next((str(each) for each in found if each), None)
    tags = creative.get("url_tags")
    if address is None or not tags:
        return address
    page, hash_, fragment = address.partition("#")
    return f"{page}{'&' if '?' in page else '?'}{tags}{hash_}{fragment}"


class Counted:
    """Which actions count as conversions.

    Args:
        chosen: Those that the settings name; purchases if none.

    Raises:
        SettingsError: Two of them hold the same conversions.
    """

    def __init__(self, chosen: Sequence[str]) -> None:
        self._chosen = tuple(chosen)
        for index, one in enumerate(chosen):
            for other in chosen[index + 1 :]:
                if _event(one) == _event(other) and not (_in_channel(one) and _in_channel(other) and one != other):
                    msg = (
                        f"Facebook's actions {one} and {other} hold the same conversions: they would be counted twice."
                    )
                    raise SettingsError(msg, cure="Name one of them in `conversions`.")

    def of(self, names: Sequence[str]) -> frozenset[str]:
        """Choose those that count among the actions of a row."""
        if self._chosen:
            return frozenset(self._chosen)
        return frozenset([next((name for name in PURCHASES if name in names), PURCHASES[0])])


def _in_channel(name: str) -> bool:
    return name.startswith(_CHANNELS)


def _event(name: str) -> str:
    prefix = next((each for each in (*_CHANNELS, *_TOTALS) if name.startswith(each)), "")
    return name.removeprefix(prefix)


def performance(row: Mapping[str, Any], level: Level, counted: Counted, dropped: Mapping[str, str]) -> Performance:
    """Read a day of an ad or a campaign.

    Args:
        row: As Meta sent it.
        level: What it is about.
        counted: What counts as a conversion.
        dropped: The fields that were not asked for, and why.

    Raises:
        SourceError: It is about several days, or a number is none.
    """
    if row["date_start"] != row["date_stop"]:
        raise SourceError("Facebook sent one row for several days where each was asked for.", cure="Report this.")
    missing: dict[str, str] = {}

    def number(field: str, metric: str) -> Decimal | None:
        if row.get(field) is None:
            missing[metric] = dropped.get(field, ABSENT)
            return None
        return _decimal(row[field], field)

    impressions = _whole(number("impressions", "impressions"), "impressions")
    actions, sums = _claims(row, impressions, counted, dropped, missing)
    return Performance(
        level=level,
        campaign_id=str(row["campaign_id"]),
        ad_group_id=str(row["adset_id"]) if level == "ad" else None,
        ad_id=str(row["ad_id"]) if level == "ad" else None,
        day=date.fromisoformat(row["date_start"]),
        currency=_text(row.get("account_currency")),
        spend=number("spend", "spend"),
        impressions=impressions,
        clicks=_whole(number("clicks", "clicks"), "clicks"),
        link_clicks=_whole(number("inline_link_clicks", "link_clicks"), "inline_link_clicks"),
        conversions=sums["conversions"],
        conversion_value=sums["conversion_value"],
        view_through_conversions=sums["view_through_conversions"],
        attribution=str(row.get("attribution_setting") or "unknown"),
        actions=actions,
        missing=missing,
    )


_SUMS = {"conversions": "actions", "view_through_conversions": "actions", "conversion_value": "action_values"}


def _claims(
    row: Mapping[str, Any],
    impressions: int | None,
    counted: Counted,
    dropped: Mapping[str, str],
    missing: dict[str, str],
) -> tuple[tuple[Action, ...], dict[str, Decimal | None]]:
    """Read what people did: in all, as the ad set attributes it, and by window.

    Meta leaves the list out where nobody did anything: that is 0, provided that it was asked and the ad was shown. What
    it does tell counts whether the ad was shown that day or not: people may buy later.
    """
    done, worth = _by_type(row.get("actions")), _by_type(row.get("action_values"))
    chosen = counted.of(list(done))
    sums: dict[str, Decimal | None] = {}
    for metric, field in _SUMS.items():
        table, window = (worth if field == "action_values" else done), _window(metric)
        if field in dropped or not (impressions or row.get(field)):
            sums[metric] = None
            missing[metric] = dropped.get(field, "Facebook did not say that the ad was shown")
        elif any(name in table and window == "value" and "value" not in table[name] for name in chosen):
            sums[metric] = None
            missing[metric] = "Facebook told it by windows only"
        else:
            sums[metric] = sum((table[name].get(window, Decimal()) for name in chosen if name in table), Decimal())
    if sums["conversions"] and any(name in done and name not in worth for name in chosen):
        sums["conversion_value"] = None
        missing.setdefault("conversion_value", "Facebook gave the conversions no value")
    actions: list[Action] = []
    for name in sorted(done.keys() | worth.keys()):
        actions += _actions(name, done.get(name, {}), worth.get(name, {}), counted=name in chosen)
    return tuple(actions), sums


def _window(metric: str) -> str:
    return "1d_view" if metric == "view_through_conversions" else "value"


def _actions(name: str, done: Mapping[str, Decimal], worth: Mapping[str, Decimal], *, counted: bool) -> list[Action]:
    """Give an action in all, and by window if it counts: `omni_purchase` and `omni_purchase:7d_click`."""
    whole = Action(name=name, conversions=done.get("value"), value=worth.get("value"), counted=counted)
    if not counted:
        return [whole]
    windows = [window for window in WINDOWS if window in done or window in worth]
    parts = [
        Action(name=f"{name}:{window}", conversions=done.get(window), value=worth.get(window), counted=False)
        for window in windows
    ]
    return [whole, *parts]


def _by_type(rows: Any) -> dict[str, dict[str, Decimal]]:
    told: dict[str, dict[str, Decimal]] = {}
    for row in rows or ():
        name = str(row["action_type"])
        if name in told:
            raise SourceError(f"Facebook sent the action {name!r} twice in one row.", cure="Report this.")
        told[name] = {key: _decimal(row[key], name) for key in ("value", *WINDOWS) if row.get(key) is not None}
    return told


def _decimal(value: Any, field: str) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise SourceError(f"Facebook sent {value!r} as {field}: that is no number.", cure="Report this.") from None


def _whole(value: Decimal | None, field: str) -> int | None:
    if value is None:
        return None
    if value != int(value):
        raise SourceError(f"Facebook sent {value} as {field}: that is no count.", cure="Report this.")
    return int(value)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
