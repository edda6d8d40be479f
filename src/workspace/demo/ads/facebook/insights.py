"""Meta's insights: what is asked for, whether that is allowed, and the rows."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from workspace.demo.ads.book import COUNTED, Facts, total
from workspace.demo.ads.facebook.errors import invalid_fields, parameter, too_old
from workspace.demo.ads.facebook.nodes import EFFECTIVE, HIDDEN, Nodes, fields

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from workspace.demo.ads.book import Account, Ad, Claim, Window
    from workspace.demo.ads.simulation import Simulation

LEVELS = ("ad", "adset", "campaign", "account")
WINDOWS = ("1d_view", "1d_ev", "1d_click", "7d_click", "28d_click", "dda", "default", "skan_view", "skan_click")
"""What there is since January 2026: 7d_view and 28d_view are gone."""

PARAMETERS = frozenset(
    {
        *("level", "time_range", "time_increment", "action_attribution_windows", "use_unified_attribution_setting"),
        *("use_account_attribution_setting", "filtering", "action_breakdowns", "action_report_time", "date_preset"),
        *("fields", "limit", "after", "before", "default_summary"),
    }
)
_DEFAULT = ("account_id", "campaign_id", "adset_id", "ad_id", "impressions", "spend")
_ALWAYS = ("date_start", "date_stop")
_OBJECT = {"ad": ("campaign", "adset", "ad"), "adset": ("campaign", "adset"), "campaign": ("campaign",), "account": ()}
_PRESETS = {"yesterday": (1, 1), "last_3d": (3, 1), "last_7d": (7, 1), "last_14d": (14, 1), "last_30d": (30, 1)}
# What a claim is called: the total of all channels, the total of the website and apps, and that of the website's pixel.
_TYPES = {
    "purchase": ("omni_purchase", "purchase", "offsite_conversion.fb_pixel_purchase"),
    "add_to_cart": ("omni_add_to_cart", "add_to_cart", "offsite_conversion.fb_pixel_add_to_cart"),
    "sign_up": (
        *("omni_complete_registration", "complete_registration"),
        "offsite_conversion.fb_pixel_complete_registration",
    ),
}
_WITHIN: dict[str, tuple[Window, ...]] = {
    "1d_view": ("1d_view",),
    "1d_click": ("1d_click",),
    "7d_click": ("1d_click", "7d_click"),
    "28d_click": ("1d_click", "7d_click", "28d_click"),
}
MONTHS = 37


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of an account's insights.

    Attributes:
        level: What each row is about.
        first: The first day.
        last: The last day, included.
        daily: Whether each day has its own row.
        fields: What each row has.
        windows: By which windows actions are told besides the default.
        states: Of which effective status what the rows are about must be.
        ids: Which objects the rows are about, by the kind of object; all if there is none.
    """

    level: str
    first: date
    last: date
    daily: bool
    fields: tuple[str, ...]
    windows: tuple[str, ...]
    states: dict[str, frozenset[str]]
    ids: dict[str, frozenset[str]]


def read(sim: Simulation, given: Mapping[str, str]) -> Question:
    """Read the parameters.

    Raises:
        GraphError: One of them is not as Meta wants it.
    """
    level = given.get("level", "account")
    _one_of("level", level, LEVELS)
    first, last = _days(sim.now, given)
    increment = given.get("time_increment", "all_days")
    if increment not in ("1", "all_days"):
        raise parameter("time_increment must be 1 or all_days here")
    windows = _list("action_attribution_windows", given)
    for place, window in enumerate(windows):
        _one_of(f"action_attribution_windows[{place}]", window, WINDOWS)
    states, ids = _filters(given)
    return Question(
        level=level,
        first=first,
        last=last,
        daily=increment == "1",
        fields=_fields(sim, given, level),
        windows=tuple(windows),
        states=states,
        ids=ids,
    )


def _one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise parameter(f"{name} must be one of the following values: {', '.join(known)}")


def _list(name: str, given: Mapping[str, str]) -> list[Any]:
    try:
        told = json.loads(given.get(name, "[]"))
    except ValueError:
        told = given[name].split(",")
    if not isinstance(told, list):
        raise parameter(f"param {name} must be an array.")
    return told


def _days(now: datetime, given: Mapping[str, str]) -> tuple[date, date]:
    today = now.date()
    if "time_range" not in given:
        preset = given.get("date_preset", "last_30d")
        _one_of("date_preset", preset, tuple(_PRESETS))
        back, until = _PRESETS[preset]
        return today - timedelta(days=back), today - timedelta(days=until)
    try:
        told = json.loads(given["time_range"])
        first, last = date.fromisoformat(told["since"]), date.fromisoformat(told["until"])
    except (ValueError, TypeError, KeyError):
        raise parameter("param time_range must be non-empty.") from None
    if first > last:
        raise parameter("The start date of the time range must be before its end date")
    if (today.year - first.year) * 12 + today.month - first.month > MONTHS:
        raise too_old()
    return first, last


def _fields(sim: Simulation, given: Mapping[str, str], level: str) -> tuple[str, ...]:
    asked = tuple(fields(given.get("fields", "")))
    gone = sim.settings.get("facebook_removed_fields", ())
    wrong = [name for name in asked if name not in _KNOWN or name in gone]
    if wrong:
        raise invalid_fields(wrong)
    above = {f"{kind}_{part}" for kind in _OBJECT["ad"] if kind not in _OBJECT[level] for part in ("id", "name")}
    return tuple(name for name in asked or _DEFAULT if name not in above)


def _filters(given: Mapping[str, str]) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    states: dict[str, frozenset[str]] = {}
    ids: dict[str, frozenset[str]] = {}
    for each in _list("filtering", given):
        try:
            kind, field = str(each["field"]).split(".")
            operator, value = each["operator"], each["value"]
        except (KeyError, TypeError, ValueError):
            raise parameter("filtering must be an array of objects with field, operator and value") from None
        if operator != "IN" or kind not in EFFECTIVE:
            raise parameter(f"filtering {kind}.{field} {operator} is not simulated")
        if field == "effective_status":
            for place, state in enumerate(value):
                _one_of(f"filtering.{kind}.effective_status[{place}]", state, EFFECTIVE[kind])
            states[kind] = frozenset(value)
        elif field == "id":
            ids[kind] = frozenset(value)
        else:
            raise parameter(f"filtering by {kind}.{field} is not simulated")
    return states, ids


def rows(sim: Simulation, account: Account, asked: Question) -> list[dict[str, Any]]:
    """Give the rows, as known at the virtual clock: none for what was not shown."""
    nodes = Nodes(sim)
    effective = nodes.effective(account.id)
    names = {
        each.id: each.name(sim.now)
        for entities in (sim.book.campaigns, sim.book.groups, sim.book.ads)
        for each in entities(account.id)
    }
    told: dict[tuple[date, str], list[tuple[Ad, Facts]]] = defaultdict(list)
    for number in range((asked.last - asked.first).days + 1):
        day = asked.first + timedelta(days=number)
        for ad, facts in sim.book.facts(account.id, day, sim.now):
            if _wanted(asked, ad, effective):
                told[day if asked.daily else asked.first, _ids(ad)[asked.level]].append((ad, facts))
    setting = str(sim.settings.get("facebook_attribution_setting", "7d_click_1d_view"))
    written = []
    for (day, _), parts in sorted(told.items(), key=lambda each: each[0]):
        facts = total([each for _, each in parts])
        if facts.impressions:
            row = _row(account, parts[0][0], names, facts) | _claimed(facts, asked.windows, setting)
            row = {name: row[name] for name in asked.fields if name not in _ALWAYS and row[name] != []}
            days = {"date_start": day.isoformat(), "date_stop": (day if asked.daily else asked.last).isoformat()}
            written.append(row | days)
    return written


def _ids(ad: Ad) -> dict[str, str]:
    return {"ad": ad.id, "adset": ad.group_id, "campaign": ad.campaign_id, "account": ad.account_id}


def _wanted(asked: Question, ad: Ad, effective: Mapping[str, str]) -> bool:
    """Tell whether an ad is part of an answer. Rows about what is deleted come only if that is asked for by name."""
    ids = _ids(ad)
    if any(ids[kind] not in wanted for kind, wanted in asked.ids.items()):
        return False
    if any(effective[ids[kind]] not in wanted for kind, wanted in asked.states.items()):
        return False
    return asked.level in asked.states or asked.level == "account" or effective[ids[asked.level]] not in HIDDEN


def _row(account: Account, ad: Ad, names: Mapping[str, str], facts: Facts) -> dict[str, Any]:
    ids = {kind: id_ for kind, id_ in _ids(ad).items() if kind != "account"}
    return {
        "account_id": account.id,
        "account_name": account.name,
        "account_currency": account.currency,
        **{f"{kind}_id": id_ for kind, id_ in ids.items()},
        **{f"{kind}_name": names[id_] for kind, id_ in ids.items()},
        "spend": f"{facts.spend:f}",
        "impressions": str(facts.impressions),
        "clicks": str(facts.clicks),
        "inline_link_clicks": str(facts.link_clicks),
    }


def _claimed(facts: Facts, windows: Sequence[str], setting: str) -> dict[str, Any]:
    return {
        "actions": _actions(facts, windows, setting, values=False),
        "action_values": _actions(facts, windows, setting, values=True),
        "attribution_setting": setting,
    }


_KNOWN = frozenset(
    {
        *("account_id", "account_name", "account_currency", "campaign_id", "campaign_name", "adset_id", "adset_name"),
        *("ad_id", "ad_name", "spend", "impressions", "clicks", "inline_link_clicks", "actions", "action_values"),
        *("attribution_setting", *_ALWAYS),
    }
)


def _actions(facts: Facts, windows: Sequence[str], setting: str, *, values: bool) -> list[dict[str, str]]:
    """Write what people did: as the ad set attributes it, and by each window asked for; what is 0 is left out."""
    told: list[dict[str, str]] = []
    if facts.link_clicks and not values:
        clicked = {"action_type": "link_click", "value": str(facts.link_clicks)}
        told.append(clicked | {window: str(facts.link_clicks) for window in windows if window.endswith("_click")})
    default = frozenset(COUNTED["facebook_ads"])
    if setting != "7d_click_1d_view":
        default = frozenset(window for name, within in _WITHIN.items() if name in setting for window in within)
    for action in sorted({claim.action for claim in facts.claims}):
        claims = [claim for claim in facts.claims if claim.action == action]
        by_window = {window: _sum(claims, frozenset(_WITHIN.get(window, ())), values=values) for window in windows}
        if any(by_window.values()) or _sum(claims, default, values=values):
            amounts = {"value": _text(_sum(claims, default, values=values))}
            amounts |= {window: _text(amount) for window, amount in by_window.items() if amount}
            told += [{"action_type": name, **amounts} for name in _TYPES[action]]
    return told


def _sum(claims: Sequence[Claim], windows: frozenset[str], *, values: bool) -> Decimal:
    chosen = [claim for claim in claims if cast("str", claim.window) in windows]
    return sum((claim.value if values else claim.conversions for claim in chosen), Decimal())


def _text(amount: Decimal) -> str:
    return f"{amount:f}"
