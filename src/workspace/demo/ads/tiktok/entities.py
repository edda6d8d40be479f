"""What TikTok tells of accounts, campaigns, groups of ads, and ads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workspace.demo.ads.tiktok.asked import MOST_IDS, Asked, Problem, chosen, moment, number, paged, wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from workspace.demo.ads.book import Account, Ad, Campaign, Entity, Group
    from workspace.demo.ads.simulation import Request, Simulation

PLATFORM = "tiktok_ads"
OBJECTIVES = {"SALES": "WEB_CONVERSIONS", "AWARENESS": "REACH", "SEARCH": "TRAFFIC"}

# TikTok knows no summer time: its zones are offsets, with the signs of POSIX. A city is shown instead.
_SHOWN = {
    "Etc/GMT+8": "America/Los_Angeles",
    "Etc/GMT+5": "America/New_York",
    "Etc/GMT": "Europe/London",
    "Etc/GMT-1": "Europe/Berlin",
    "Etc/GMT-9": "Asia/Tokyo",
}
_PAGED = ("advertiser_id", "fields", "exclude_field_types_in_response", "filtering", "page", "page_size")


def granted(sim: Simulation) -> list[Account]:
    """Give the accounts that the token reaches; the knob `tiktok_revoked` names those that it does not."""
    revoked = sim.settings.get("tiktok_revoked", ())
    return [account for account in sim.book.accounts(PLATFORM) if account.id not in revoked]


def operated(sim: Simulation, identity: str) -> Account:
    """Give an account that data may be read of."""
    account = next((account for account in granted(sim) if account.id == identity), None)
    if account is None or account.status == "disabled":
        raise Problem(40001, f"No permission to operate advertiser {identity}.")
    return account


def advertisers(sim: Simulation, request: Request) -> dict[str, Any]:
    """`oauth2/advertiser/get/`: the accounts that the token was granted."""
    asked = Asked(request, ("app_id", "secret"), strict=sim.strict)
    known = sim.credentials[PLATFORM]
    if (asked.text("app_id"), asked.text("secret")) != (known.get("app_id"), known.get("secret")):
        raise wrong("app_id or secret is incorrect.")
    rows = [{"advertiser_id": number(sim, one.id), "advertiser_name": one.name} for one in granted(sim)]
    return {"list": rows}


def advertiser_info(sim: Simulation, request: Request) -> dict[str, Any]:
    """`advertiser/info/`: what accounts are; refused as a whole if one of them is not granted."""
    asked = Asked(request, ("advertiser_ids", "fields"), strict=sim.strict)
    ids = asked.texts("advertiser_ids")
    if not 1 <= len(ids) <= MOST_IDS:
        raise wrong(f"advertiser_ids: Length must be between 1 and {MOST_IDS}.")
    found = {account.id: account for account in granted(sim)}
    strangers = [identity for identity in ids if identity not in found]
    if strangers:
        raise Problem(40001, f"No permission to operate advertiser {strangers[0]}.")
    return {"list": [chosen(_about(sim, found[identity]), asked.texts("fields", ())) for identity in ids]}


def campaigns(sim: Simulation, request: Request) -> dict[str, Any]:
    """`campaign/get/`."""
    return _listed(sim, request, "CAMPAIGN", lambda tree: tree.campaigns, _campaign)


def groups(sim: Simulation, request: Request) -> dict[str, Any]:
    """`adgroup/get/`."""
    return _listed(sim, request, "ADGROUP", lambda tree: tree.groups, _group)


def ads(sim: Simulation, request: Request) -> dict[str, Any]:
    """`ad/get/`."""
    return _listed(sim, request, "AD", lambda tree: tree.ads, _ad)


@dataclass(frozen=True)
class Tree:
    """All that an account has by now, by id."""

    at: datetime
    campaigns: dict[str, Campaign]
    groups: dict[str, Group]
    ads: dict[str, Ad]

    @classmethod
    def of(cls, sim: Simulation, account: str) -> Tree:
        """Look it up."""
        book, now = sim.book, sim.now
        return cls(
            now,
            {each.id: each for each in book.campaigns(account) if each.exists(now)},
            {each.id: each for each in book.groups(account) if each.exists(now)},
            {each.id: each for each in book.ads(account) if each.exists(now)},
        )

    def above(self, entity: Entity) -> Iterator[tuple[str, Entity]]:
        """Give what an entity belongs to, each with TikTok's word for it."""
        campaign, group = getattr(entity, "campaign_id", None), getattr(entity, "group_id", None)
        if campaign:
            yield "CAMPAIGN", self.campaigns[campaign]
        if group:
            yield "ADGROUP", self.groups[group]

    def status(self, entity: Entity, word: str) -> tuple[str, str]:
        """Give the switch of an entity, and its status, in which that of its parents shows."""
        own = entity.status(self.at)
        switch = "ENABLE" if own == "enabled" else "DISABLE"
        for state, ending in (("deleted", "DELETE"), ("paused", "DISABLE")):
            if own == state:
                return switch, f"{word}_STATUS_{ending}"
            for parent, each in self.above(entity):
                if each.status(self.at) == state:
                    return switch, f"{word}_STATUS_{parent}_{ending}"
        return switch, f"{word}_STATUS_{'ENABLE' if word == 'CAMPAIGN' else 'DELIVERY_OK'}"


def _about(sim: Simulation, account: Account) -> dict[str, Any]:
    return {
        "advertiser_id": number(sim, account.id),
        "name": account.name,
        "company": "BookMyEvent",
        "brand": None,
        "description": None,
        "country": "DE",
        "currency": account.currency,
        "timezone": account.timezone,
        "display_timezone": _SHOWN.get(account.timezone, account.timezone),
        "language": "en",
        "industry": "291905",
        "role": "ROLE_ADVERTISER",
        "advertiser_account_type": "AUCTION",
        "status": "STATUS_ENABLE" if account.status == "enabled" else "STATUS_DISABLE",
        "rejection_reason": "",
        "balance": 0,
        "create_time": 1630335591,
        **sim.settings.get("tiktok_info", {}).get(account.id, {}),
    }


def _listed(
    sim: Simulation,
    request: Request,
    word: str,
    among: Callable[[Tree], Mapping[str, Entity]],
    record: Callable[[Simulation, Tree, Any], dict[str, Any]],
) -> dict[str, Any]:
    asked = Asked(request, _PAGED, strict=sim.strict)
    account = operated(sim, asked.text("advertiser_id"))
    tree = Tree.of(sim, account.id)
    kept = _kept(sim, asked.conditions(), word)
    rows = [
        {
            "advertiser_id": number(sim, account.id),
            **record(sim, tree, entity),
            **dict(zip(("operation_status", "secondary_status"), tree.status(entity, word), strict=True)),
            "create_time": moment(entity.created),
            "modify_time": None if _is_smart(sim, entity) else moment(entity.updated(tree.at)),
        }
        for entity in sorted(among(tree).values(), key=lambda each: int(each.id), reverse=True)
    ]
    page, info = paged([row for row in rows if kept(row)], asked.page(sim))
    listed = [chosen(row, asked.texts("fields", ())) for row in page]
    if "NULL_FIELD" in asked.texts("exclude_field_types_in_response", ()):
        listed = [{name: value for name, value in row.items() if value is not None} for row in listed]
    return {"list": listed, "page_info": info}


def _kept(sim: Simulation, conditions: Mapping[str, Any], word: str) -> Callable[[Mapping[str, Any]], bool]:
    """Make what filters by ids and status; what is deleted is left out unless it is asked for."""
    known = {"primary_status", "secondary_status", "campaign_ids", "adgroup_ids", "ad_ids"}
    unknown = sorted(conditions.keys() - known)
    if unknown:
        raise wrong(f"filtering.{unknown[0]}: {'Unknown field' if sim.strict else 'not simulated'}.")
    wanted = conditions.get("secondary_status") or {
        "STATUS_ALL": f"{word}_STATUS_ALL",
        "STATUS_DELETE": f"{word}_STATUS_DELETE",
        "STATUS_NOT_DELETE": f"{word}_STATUS_NOT_DELETE",
    }.get(conditions.get("primary_status", "STATUS_NOT_DELETE"))
    if not wanted or not wanted.startswith(f"{word}_STATUS_"):
        raise wrong("filtering: Not a valid status.")
    ids = {name[:-1]: {str(each) for each in conditions[name]} for name in conditions if name.endswith("_ids")}
    if any(len(several) > MOST_IDS for several in ids.values()):
        raise wrong(f"filtering: no more than {MOST_IDS} ids.")

    def keep(row: Mapping[str, Any]) -> bool:
        status = row["secondary_status"]
        deleted = status.endswith("_DELETE")
        fits = {"ALL": True, "NOT_DELETE": not deleted, "DELETE": deleted}.get(
            wanted.removeprefix(f"{word}_STATUS_"), status == wanted
        )
        return fits and all(str(row[name]) in several for name, several in ids.items())

    return keep


def _campaign(sim: Simulation, tree: Tree, campaign: Campaign) -> dict[str, Any]:
    return {
        "campaign_id": number(sim, campaign.id),
        "campaign_name": campaign.name(tree.at),
        "objective_type": OBJECTIVES.get(campaign.objective, campaign.objective),
        "objective": "LANDING_PAGE",
        "campaign_type": "REGULAR_CAMPAIGN",
        "budget": 0,
        "budget_mode": "BUDGET_MODE_INFINITE",
        "roas_bid": 0,
        "deep_bid_type": None,
        "is_new_structure": True,
        "is_smart_performance_campaign": False,
    }


def _group(sim: Simulation, tree: Tree, group: Group) -> dict[str, Any]:
    return {
        "adgroup_id": number(sim, group.id),
        "adgroup_name": group.name(tree.at),
        "campaign_id": number(sim, group.campaign_id),
        "campaign_name": tree.campaigns[group.campaign_id].name(tree.at),
        "optimization_goal": "CONVERT",
        "billing_event": "OCPM",
        "budget": 20,
        "budget_mode": "BUDGET_MODE_DAY",
        "placement_type": "PLACEMENT_TYPE_AUTOMATIC",
        "pixel_id": None,
    }


def _ad(sim: Simulation, tree: Tree, ad: Ad) -> dict[str, Any]:
    smart = _is_smart(sim, ad)
    several: Sequence[Mapping[str, str]] = [{"landing_page_url": ad.url}]
    return {
        "ad_id": number(sim, ad.id),
        "ad_name": ad.name(tree.at),
        "adgroup_id": number(sim, ad.group_id),
        "adgroup_name": tree.groups[ad.group_id].name(tree.at),
        "campaign_id": number(sim, ad.campaign_id),
        "campaign_name": tree.campaigns[ad.campaign_id].name(tree.at),
        "ad_format": "SINGLE_VIDEO",
        "ad_text": "Book it.\nToday.",
        "landing_page_url": None if smart else ad.url,
        "landing_page_urls": several if smart else None,
        "is_aco": smart,
    }


def _is_smart(sim: Simulation, entity: Entity) -> bool:
    """Tell whether an ad is one of Smart+, which the knob `tiktok_smart` names."""
    return entity.id in sim.settings.get("tiktok_smart", ())
