"""X's accounts, funding instruments, campaigns, line items, promoted tweets and tweets, as X tells of them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from workspace.demo.ads.twitter.replies import utc

if TYPE_CHECKING:
    from collections.abc import Callable

    from workspace.demo.ads.book import Account, Ad, Campaign, Entity, Group
    from workspace.demo.ads.simulation import Simulation

Row = dict[str, Any]

_STATUS = {"enabled": "ACTIVE", "paused": "PAUSED", "deleted": "ACTIVE"}
_OBJECTIVES = {"AWARENESS": "REACH"}  # of all others, clicks on the website
_APPROVAL = {"enabled": "ACCEPTED", "disabled": "CANCELLED"}
_OPENED = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Kind:
    """One of X's lists.

    Attributes:
        word: X's word for one of it.
        filters: By what it can be narrowed: the parameter, and the field that it is compared with.
        rows: Gives all of it.
    """

    word: str
    filters: dict[str, str]
    rows: Callable[[Simulation, Account], list[Row]]


def all_accounts(sim: Simulation) -> list[Row]:
    """Give all accounts."""
    return [told_account(sim, each) for each in sim.book.accounts("twitter_ads") if not each.manager]


def told_account(sim: Simulation, account: Account) -> Row:
    """Give an account as X tells of it; its currency is not among it."""
    return {
        "name": account.name,
        "business_name": None,
        "timezone": account.timezone,
        "timezone_switch_at": utc(switched_at(sim, account)),
        "id": account.id,
        "created_at": utc(_OPENED),
        "salt": blake2b(account.id.encode(), digest_size=16).hexdigest(),
        "updated_at": utc(_OPENED),
        "business_id": None,
        "approval_status": _APPROVAL[account.status],
        "deleted": False,
    }


def switched_at(sim: Simulation, account: Account) -> datetime:
    """Give when an account got its time zone: midnight there, long ago unless the control plane says otherwise."""
    told = sim.settings.get("twitter_timezone_switch_at", {}).get(account.id)
    return datetime.fromisoformat(told) if told else datetime(2020, 1, 1, tzinfo=ZoneInfo(account.timezone))


def funding_id(account: Account) -> str:
    """Give the id of an account's funding instrument."""
    return f"{zlib.crc32(f'{account.id} {account.currency}'.encode()):x}"


def _funding(sim: Simulation, account: Account) -> list[Row]:
    if account.id in sim.settings.get("twitter_unfunded", ()):
        return []
    return [
        {
            "start_time": utc(_OPENED),
            "description": f"{account.name} - card",
            "credit_limit_local_micro": None,
            "end_time": None,
            "id": funding_id(account),
            "entity_status": "ACTIVE",
            "account_id": account.id,
            "reasons_not_able_to_fund": [],
            "io_header": None,
            "currency": account.currency,
            "funded_amount_local_micro": None,
            "created_at": utc(_OPENED),
            "type": "CREDIT_CARD",
            "able_to_fund": account.status == "enabled",
            "updated_at": utc(_OPENED),
            "credit_remaining_local_micro": None,
            "deleted": False,
        }
    ]


def _common(sim: Simulation, entity: Entity) -> Row:
    status = entity.status(sim.now)
    return {
        "id": entity.id,
        "entity_status": _STATUS[status],
        "created_at": utc(entity.created),
        "updated_at": utc(entity.updated(sim.now)),
        "deleted": status == "deleted",
    }


def _campaigns(sim: Simulation, account: Account) -> list[Row]:
    return [
        {
            "name": each.name(sim.now),
            "budget_optimization": "CAMPAIGN",
            "reasons_not_servable": [],
            "servable": each.status(sim.now) == "enabled",
            "purchase_order_number": None,
            "effective_status": "RUNNING" if each.status(sim.now) == "enabled" else "PAUSED",
            "daily_budget_amount_local_micro": 1_000_000_000,
            "funding_instrument_id": funding_id(account),
            "duration_in_days": None,
            "standard_delivery": True,
            "total_budget_amount_local_micro": None,
            "frequency_cap": None,
            "currency": account.currency,
            **_common(sim, each),
        }
        for each in sim.book.campaigns(account.id)
        if each.exists(sim.now)
    ]


def _line_items(sim: Simulation, account: Account) -> list[Row]:
    campaigns: dict[str, Campaign] = {each.id: each for each in sim.book.campaigns(account.id)}
    return [
        {
            "advertiser_user_id": None,
            "name": each.name(sim.now),
            "placements": ["ALL_ON_TWITTER"],
            "start_time": utc(each.created),
            "bid_amount_local_micro": None,
            "advertiser_domain": None,
            "target_cpa_local_micro": None,
            "primary_web_event_tag": None,
            "goal": "LINK_CLICKS",
            "daily_budget_amount_local_micro": None,
            "product_type": "PROMOTED_TWEETS",
            "end_time": None,
            "bid_strategy": "AUTO",
            "duration_in_days": None,
            "standard_delivery": True,
            "total_budget_amount_local_micro": None,
            "objective": _OBJECTIVES.get(campaigns[each.campaign_id].objective, "WEBSITE_CLICKS"),
            "frequency_cap": None,
            "pay_by": "LINK_CLICK",
            "currency": account.currency,
            "creative_source": "MANUAL",
            "campaign_id": each.campaign_id,
            "_funding": funding_id(account),
            **_common(sim, each),
        }
        for each in sim.book.groups(account.id)
        if each.exists(sim.now)
    ]


def _promoted(sim: Simulation, account: Account) -> list[Row]:
    """Give promoted tweets; those of a deleted line item are hidden like deleted ones, and say that they are not."""
    groups: dict[str, Group] = {each.id: each for each in sim.book.groups(account.id)}
    hidden = sim.settings.get("twitter_without_tweets", ())
    return [
        {
            "line_item_id": each.group_id,
            "approval_status": "ACCEPTED",
            "tweet_id": tweet_id(each),
            "_hidden": groups[each.group_id].status(sim.now) == "deleted",
            **_common(sim, each),
        }
        for each in sim.book.ads(account.id)
        if each.exists(sim.now) and each.group_id not in hidden
    ]


def tweet_id(ad: Ad) -> str:
    """Give the id of the tweet that an ad promotes: a number of 19 digits."""
    return str(1_700_000_000_000_000_000 + int.from_bytes(blake2b(ad.id.encode(), digest_size=7).digest()))


def tweet(sim: Simulation, ad: Ad) -> Row:
    """Give the tweet that an ad promotes."""
    name, number = ad.name(sim.now), tweet_id(ad)
    short = f"https://t.co/{blake2b(ad.url.encode(), digest_size=5).hexdigest()}"
    return {
        "name": name,
        "coordinates": None,
        "retweeted": False,
        "source": "ads",
        "entities": {
            "hashtags": [],
            "symbols": [],
            "user_mentions": [],
            "urls": [{"url": short, "expanded_url": ad.url, "display_url": ad.url[8:30], "indices": [0, 23]}],
        },
        "id_str": number,
        "id": int(number),
        "nullcast": True,
        "created_at": f"{ad.created.astimezone(UTC):%a %b %d %H:%M:%S +0000 %Y}",
        "tweet_type": "PUBLISHED",
        "full_text": f"{name} {short}",
        "lang": "und",
        "user": {"id": 756_201_191_646_691_328, "id_str": "756201191646691328"},
        "tweet_id": number,
    }


KINDS = {
    "funding_instruments": Kind("funding_instrument", {"funding_instrument_ids": "id"}, _funding),
    "campaigns": Kind(
        "campaign", {"campaign_ids": "id", "funding_instrument_ids": "funding_instrument_id"}, _campaigns
    ),
    "line_items": Kind(
        "line_item",
        {"line_item_ids": "id", "campaign_ids": "campaign_id", "funding_instrument_ids": "_funding"},
        _line_items,
    ),
    "promoted_tweets": Kind("promoted_tweet", {"promoted_tweet_ids": "id", "line_item_ids": "line_item_id"}, _promoted),
}
"""X's lists below an account, by the names in their addresses."""
