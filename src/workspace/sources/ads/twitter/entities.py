"""X's campaigns, line items and promoted tweets as campaigns, groups and ads."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from workspace.sources.ads.adapter import Account, Entity
from workspace.sources.ads.twitter.stats import Place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from workspace.sources.ads.adapter import Kind

NO_CURRENCY = "XXX"
"""ISO 4217's own code for none: an account that never had money has no currency."""

_MOMENTS = ("created_at", "updated_at")
_STATUS = {"ACTIVE": "enabled", "PAUSED": "paused"}

Told = dict[str, Any]


@dataclass
class Tree:
    """What an account holds, as far as statistics need it.

    Attributes:
        places: Where campaigns, line items and ads belong, by their ids.
        objectives: What each campaign's line items are for.
    """

    places: dict[Kind, dict[str, Place]] = field(default_factory=lambda: {"campaign": {}, "ad_group": {}, "ad": {}})
    objectives: dict[str, set[str]] = field(default_factory=dict)

    def campaigns(self, page: Sequence[Told]) -> list[Entity]:
        """Take in a page of campaigns; the line items must be there already: they say what a campaign is for."""
        for told in page:
            self.places["campaign"][told["id"]] = Place(told["id"], None, None, told.get("currency"), *_life(told))
        return [self._campaign(told) for told in page]

    def without_ads(self, first: date) -> set[str]:
        """Give the line items that had no ads to tell of, when a day began: such as those that promote an account."""
        told = {place.ad_group_id for place in self.places["ad"].values() if place.was_before(first)}
        return self.places["ad_group"].keys() - told

    def _campaign(self, told: Told) -> Entity:
        # Since version 11 the objective is the line items'; a campaign has one if they agree.
        found = self.objectives.get(told["id"], set())
        return Entity(
            level="campaign",
            id=told["id"],
            name=told["name"],
            status=status(told),
            campaign_id=told["id"],
            objective=told.get("objective") or (min(found) if len(found) == 1 else None),
        )

    def line_items(self, page: Sequence[Told]) -> list[Entity]:
        """Take in a page of line items."""
        for told in page:
            place = Place(told["campaign_id"], told["id"], None, told.get("currency"), *_life(told))
            self.places["ad_group"][told["id"]] = place
            if told.get("objective"):
                self.objectives.setdefault(told["campaign_id"], set()).add(told["objective"])
        return [
            Entity(
                level="ad_group",
                id=told["id"],
                name=told.get("name"),
                status=status(told),
                campaign_id=told["campaign_id"],
                ad_group_id=told["id"],
            )
            for told in page
        ]

    def promoted_tweets(self, page: Sequence[Told], tweets: Mapping[str, Told]) -> list[Entity]:
        """Take in a page of promoted tweets; the line items must be there already."""
        found = []
        for told in page:
            group = told["line_item_id"]
            parent = self.places["ad_group"].get(group)
            if parent is not None:  # else it was made since the line items were read; the next run has both
                place = Place(parent.campaign_id, group, told["id"], parent.currency, *_life(told))
                self.places["ad"][told["id"]] = place
            tweet = tweets.get(str(told["tweet_id"]), {})
            found.append(
                Entity(
                    level="ad",
                    id=told["id"],
                    name=tweet.get("name") or tweet.get("full_text"),
                    status=status(told),
                    campaign_id=parent.campaign_id if parent else None,
                    ad_group_id=group,
                    url=_url(tweet),
                )
            )
        return found


def status(told: Told) -> str:
    """Give an entity's status.

    Examples:
        >>> status({"deleted": False, "entity_status": "ACTIVE"}), status({"deleted": True, "entity_status": "ACTIVE"})
        ('enabled', 'deleted')
    """
    word = str(told.get("entity_status") or "unknown")
    return "deleted" if told.get("deleted") else _STATUS.get(word, word.lower())


def account(told: Told, currency: str) -> Account:
    """Give an account; only an accepted one that is not deleted can be asked for numbers."""
    approval = str(told.get("approval_status") or "unknown").lower()
    word = "deleted" if told.get("deleted") else {"accepted": "enabled"}.get(approval, approval)
    return Account(
        id=told["id"],
        name=told.get("name") or told["id"],
        currency=currency,
        timezone=told["timezone"],
        status=word,
        open=word == "enabled",
    )


def currency(told: Sequence[Told]) -> str:
    """Give the currency of the newest campaign or funding instrument: X's accounts have none of their own."""
    known = [each for each in told if each.get("currency")]
    return str(max(known, key=lambda each: each.get("created_at") or "")["currency"]) if known else NO_CURRENCY


def switched_at(told: Told) -> datetime | None:
    """Give when an account got its time zone."""
    moment = told.get("timezone_switch_at")
    return datetime.fromisoformat(moment) if moment else None


def _life(told: Told) -> tuple[date | None, date | None]:
    """Give the days, in UTC, on which an entity was made and, at the latest, deleted."""
    made, changed = (datetime.fromisoformat(told[name]).date() if told.get(name) else None for name in _MOMENTS)
    return made, changed if told.get("deleted") else None


def _url(tweet: Told) -> str | None:
    urls = (tweet.get("entities") or {}).get("urls") or []
    return urls[0].get("expanded_url") or urls[0].get("url") if urls else None
