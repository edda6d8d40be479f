"""What Meta tells of accounts, campaigns, ad sets and ads: the fields that are asked for, and no others."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from workspace.demo.ads.facebook.errors import nonexisting, parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from workspace.demo.ads.book import Account, Ad, Campaign, Group
    from workspace.demo.ads.simulation import Simulation

EFFECTIVE = {
    "campaign": ("ACTIVE", "ARCHIVED", "DELETED", "IN_PROCESS", "PAUSED", "WITH_ISSUES"),
    "adset": ("ACTIVE", "ARCHIVED", "CAMPAIGN_PAUSED", "DELETED", "IN_PROCESS", "PAUSED", "WITH_ISSUES"),
    "ad": (
        *("ACTIVE", "ADSET_PAUSED", "ARCHIVED", "CAMPAIGN_PAUSED", "DELETED", "DISAPPROVED", "IN_PROCESS", "PAUSED"),
        *("PENDING_BILLING_INFO", "PENDING_REVIEW", "PREAPPROVED", "WITH_ISSUES"),
    ),
}
HIDDEN = ("DELETED", "ARCHIVED")
"""What is left out unless it is asked for."""

_OWN = {"enabled": "ACTIVE", "paused": "PAUSED", "deleted": "DELETED"}
_ATTRIBUTION = [
    {"event_type": "CLICK_THROUGH", "window_days": 7},
    {"event_type": "VIEW_THROUGH", "window_days": 1},
]
_NAME = re.compile(r"\s*([a-z_0-9]+)\s*", re.IGNORECASE)


def fields(text: str) -> dict[str, Any]:
    """Read which fields are asked for: `a,b{c,d}`, or a JSON list of names; give them with those of their own.

    Examples:
        >>> fields("id,creative{id,url_tags}")
        {'id': {}, 'creative': {'id': {}, 'url_tags': {}}}
    """
    if text.lstrip().startswith("["):
        return {str(name): {} for name in json.loads(text)}
    found, rest = _list(text)
    if rest:
        raise parameter(f"Syntax error in the field list at {rest[:20]!r}")
    return found


def _list(text: str) -> tuple[dict[str, Any], str]:
    found: dict[str, Any] = {}
    while match := _NAME.match(text):
        text = text[match.end() :]
        inner: dict[str, Any] = {}
        if text.startswith("{"):
            inner, text = _list(text[1:])
            if not text.startswith("}"):
                raise parameter("Syntax error in the field list: a brace is not closed")
            text = text[1:].lstrip()
        found[match[1]] = inner
        if not text.startswith(","):
            break
        text = text[1:]
    return found, text


def pick(known: Mapping[str, Any], asked: Mapping[str, Any], node: str) -> dict[str, Any]:
    """Give the fields that are asked for, and the id; what has no value is left out."""
    told: dict[str, Any] = {}
    for name, inner in asked.items():
        if name not in known:
            raise nonexisting(name, node)
        value = known[name]
        if inner:
            value = pick(value, inner, _INNER.get(name, node))
        if value is not None:
            told[name] = value
    return told | {"id": known["id"]}


_INNER = {"creative": "AdCreative"}


class Nodes:
    """Writes nodes as they are at the virtual clock.

    Args:
        sim: The simulation.
    """

    def __init__(self, sim: Simulation) -> None:
        self.sim, self.now = sim, sim.now

    def find_account(self, account_id: str) -> Account | None:
        """Give an account that the token reaches."""
        return next((each for each in self.sim.book.accounts("facebook_ads") if each.id == account_id), None)

    def effective(self, account_id: str) -> dict[str, str]:
        """Give the effective status of all that is in an account, by id."""
        told: dict[str, str] = {}
        campaigns = {each.id: each for each in self.sim.book.campaigns(account_id)}
        groups = {each.id: each for each in self.sim.book.groups(account_id)}
        for campaign in campaigns.values():
            told[campaign.id] = _OWN[campaign.status(self.now)]
        for group in groups.values():
            told[group.id] = self._inherited(group, (("CAMPAIGN_PAUSED", campaigns[group.campaign_id]),))
        for ad in self.sim.book.ads(account_id):
            above = ("ADSET_PAUSED", groups[ad.group_id]), ("CAMPAIGN_PAUSED", campaigns[ad.campaign_id])
            told[ad.id] = self._inherited(ad, above)
        return told

    def _inherited(self, own: Ad | Group, above: Sequence[tuple[str, Campaign | Group]]) -> str:
        status = own.status(self.now)
        if "deleted" in (status, *(each.status(self.now) for _, each in above)):
            return "DELETED"
        if status == "paused":
            return "PAUSED"
        return next((word for word, each in above if each.status(self.now) == "paused"), "ACTIVE")

    def account(self, account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Write an account. Its money is in the smallest unit of its currency, unlike that of insights."""
        offset = self.now.astimezone(ZoneInfo(account.timezone)).utcoffset()
        known = {
            "id": f"act_{account.id}",
            "account_id": account.id,
            "name": account.name,
            "currency": account.currency,
            "timezone_name": account.timezone,
            "timezone_offset_hours_utc": offset.total_seconds() / 3600 if offset else 0,
            "account_status": 1 if account.status == "enabled" else 2,
            "disable_reason": 0 if account.status == "enabled" else 1,
            "amount_spent": "0",
            "balance": "0",
        }
        return pick(known, asked, "AdAccount")

    def edge(self, account: Account, name: str) -> list[tuple[str, Callable[[Mapping[str, Any]], dict[str, Any]]]]:
        """Give what an account's edge leads to: ids, newest first, and what writes each."""
        book, states = self.sim.book, self.effective(account.id)
        writers: dict[str, tuple[Sequence[Any], Callable[..., dict[str, Any]]]] = {
            "campaigns": (book.campaigns(account.id), self._campaign),
            "adsets": (book.groups(account.id), self._group),
            "ads": (book.ads(account.id), self._ad),
        }
        entities, write = writers[name]

        def writer(entity: Any) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
            return lambda asked: write(entity, states[entity.id], asked)

        made = [each for each in entities if each.exists(self.now)]
        return [
            (each.id, writer(each)) for each in sorted(made, key=lambda each: (each.created, each.id), reverse=True)
        ]

    def _common(self, entity: Ad | Group | Campaign, effective: str) -> dict[str, Any]:
        own = _OWN[entity.status(self.now)]
        return {
            "id": entity.id,
            "account_id": entity.account_id,
            "name": entity.name(self.now),
            "status": own,
            "configured_status": own,
            "effective_status": effective,
            "created_time": _time(entity.created),
            "updated_time": _time(entity.updated(self.now)),
        }

    def _campaign(self, campaign: Campaign, effective: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        known = self._common(campaign, effective) | {
            "objective": f"OUTCOME_{campaign.objective}",
            "buying_type": "AUCTION",
            "special_ad_categories": [],
            "start_time": _time(campaign.created),
        }
        return pick(known, asked, "Campaign")

    def _group(self, group: Group, effective: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        known = self._common(group, effective) | {
            "campaign_id": group.campaign_id,
            "optimization_goal": "OFFSITE_CONVERSIONS",
            "billing_event": "IMPRESSIONS",
            "attribution_spec": _ATTRIBUTION,
        }
        return pick(known, asked, "AdSet")

    def _ad(self, ad: Ad, effective: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        creative = _creative(ad) if asked.get("creative") else {"id": f"{ad.id}9"}
        gone = self.sim.settings.get("facebook_removed_fields", ())
        creative = {name: value for name, value in creative.items() if name not in gone}
        known = self._common(ad, effective) | {
            "campaign_id": ad.campaign_id,
            "adset_id": ad.group_id,
            "creative": creative,
        }
        return pick(known, asked, "Ad")


def _creative(ad: Ad) -> dict[str, Any]:
    """Write the creative: the address is in another place for each kind, and its parameters are told apart from it."""
    page, _, tags = ad.url.partition("?")
    link = {"link": page, "message": "Find a place for your event", "name": "BookMyEvent"}
    story: dict[str, Any] | None = {"page_id": "101000000000001", "link_data": link}
    feed = None
    kind = sum(map(ord, ad.id)) % 3
    if kind == 1:
        video = {"video_id": "900", "call_to_action": {"type": "BOOK_NOW", "value": {"link": page}}}
        story = {"page_id": "101000000000001", "video_data": video}
    elif kind == 2:
        story, feed = (
            {"page_id": "101000000000001"},
            {"link_urls": [{"website_url": page}], "optimization_type": "REGULAR"},
        )
    known = {"id": f"{ad.id}9", "name": None, "link_url": None, "url_tags": tags or None}
    return known | {"object_story_spec": story, "asset_feed_spec": feed}


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S%z")
