"""What the platform knows, as rows of the query language: each a flat dictionary by the names of fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from workspace.demo.ads.book import COUNTED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from workspace.demo.ads.book import Account, Ad, Book, Campaign, Facts, Group

Row = dict[str, Any]

_STATUS = {"enabled": "ENABLED", "paused": "PAUSED", "deleted": "REMOVED"}
_CHANNELS = {"SALES": "DEMAND_GEN", "AWARENESS": "VIDEO", "TRAFFIC": "DISPLAY"}
_CLICKED = COUNTED["google_ads"]


@dataclass(frozen=True, kw_only=True)
class ConversionAction:
    """What people can do that is counted.

    Attributes:
        key: What the book calls it.
        id: Its number.
        name: As the advertiser named it.
        category: Of Google's categories.
        primary: Whether it is among the account's `conversions`; if not, only among `all_conversions`.
        click_days: For how many days after a click it is claimed.
        view_days: Likewise after a view.
    """

    key: str
    id: int
    name: str
    category: str
    primary: bool
    click_days: int = 30
    view_days: int = 1


ACTIONS = (
    ConversionAction(key="purchase", id=605550001, name="Purchase", category="PURCHASE", primary=True),
    ConversionAction(key="sign_up", id=605550002, name="Sign-up", category="SIGNUP", primary=True, click_days=7),
    ConversionAction(key="add_to_cart", id=605550003, name="Add to cart", category="ADD_TO_CART", primary=False),
)


@dataclass(frozen=True, kw_only=True)
class View:
    """An account, as it is known at a moment.

    Attributes:
        book: What the platform knows.
        account: The account.
        at: The moment.
        clients: The accounts below this one, itself the first, each with its level.
        actions: What is counted.
    """

    book: Book
    account: Account
    at: datetime
    clients: Sequence[tuple[Account, int]] = ()
    actions: Sequence[ConversionAction] = field(default=ACTIONS)

    @property
    def prefix(self) -> str:
        """How the names of all that it owns begin."""
        return f"customers/{self.account.id}"

    def rows(self, resource: str) -> list[Row]:
        """Give a resource's rows, without segments or metrics."""
        makers = {
            "customer": lambda: [self._customer()],
            "customer_client": self._clients,
            "campaign": lambda: list(self.campaigns().values()),
            "ad_group": lambda: list(self.groups().values()),
            "ad_group_ad": lambda: list(self.ads().values()),
            "conversion_action": self._actions,
        }
        return makers[resource]()

    def keyed(self, resource: str) -> dict[str, Row]:
        """Give a resource's rows by the id that its facts are known under."""
        makers = {"campaign": self.campaigns, "ad_group": self.groups, "ad_group_ad": self.ads}
        return makers[resource]() if resource in makers else {self.account.id: self._customer()}

    def facts(self, resource: str, day: date) -> Iterator[tuple[str, Facts]]:
        """Give what happened on a day, by the id of what it happened to; an id may come again and again."""
        if resource in ("customer", "campaign"):
            for campaign, facts in self.book.campaign_facts(self.account.id, day, self.at):
                yield (campaign.id if resource == "campaign" else self.account.id), facts
        else:
            for ad, facts in self.book.facts(self.account.id, day, self.at):
                yield (ad.id if resource == "ad_group_ad" else ad.group_id), facts

    def clicks(self, day: date) -> list[Row]:
        """Give a day's clicks."""
        ads = self.ads()
        found = []
        for number, ad, _ in self.book.click_views(self.account.id, day, self.at):
            parents = {name: value for name, value in ads[ad.id].items() if not name.startswith("ad_group_ad.")}
            found.append(
                parents
                | {
                    "click_view.resource_name": f"{self.prefix}/clickViews/{day}~{number}",
                    "click_view.gclid": number,
                    "click_view.ad_group_ad": ads[ad.id]["ad_group_ad.resource_name"],
                    "segments.date": day,
                    "metrics.clicks": 1,
                }
            )
        return found

    def campaigns(self) -> dict[str, Row]:
        """Give the campaigns by id, removed ones too."""
        customer = self._customer()
        return {
            campaign.id: customer | self._campaign(campaign)
            for campaign in self.book.campaigns(self.account.id)
            if campaign.exists(self.at)
        }

    def groups(self) -> dict[str, Row]:
        """Give the ad groups by id."""
        campaigns = self.campaigns()
        return {
            group.id: campaigns[group.campaign_id] | self._group(group)
            for group in self.book.groups(self.account.id)
            if group.exists(self.at)
        }

    def ads(self) -> dict[str, Row]:
        """Give the ads by id."""
        groups = self.groups()
        return {
            ad.id: groups[ad.group_id] | self._ad(ad) for ad in self.book.ads(self.account.id) if ad.exists(self.at)
        }

    def _customer(self) -> Row:
        return {
            "customer.resource_name": self.prefix,
            "customer.id": int(self.account.id),
            "customer.descriptive_name": self.account.name,
            "customer.currency_code": self.account.currency,
            "customer.time_zone": self.account.timezone,
            "customer.manager": self.account.manager,
            "customer.test_account": False,
            "customer.auto_tagging_enabled": True,
            "customer.status": "ENABLED",
        }

    def _clients(self) -> list[Row]:
        return [
            self._customer()
            | {
                "customer_client.resource_name": f"{self.prefix}/customerClients/{client.id}",
                "customer_client.client_customer": f"customers/{client.id}",
                "customer_client.id": int(client.id),
                "customer_client.level": level,
                "customer_client.descriptive_name": client.name,
                "customer_client.currency_code": client.currency,
                "customer_client.time_zone": client.timezone,
                "customer_client.hidden": False,
                "customer_client.manager": client.manager,
                "customer_client.test_account": False,
                "customer_client.status": "ENABLED" if client.status == "enabled" else "SUSPENDED",
            }
            for client, level in self.clients
        ]

    def _campaign(self, campaign: Campaign) -> Row:
        return {
            "campaign.resource_name": f"{self.prefix}/campaigns/{campaign.id}",
            "campaign.id": int(campaign.id),
            "campaign.name": campaign.name(self.at),
            "campaign.status": _STATUS[campaign.status(self.at)],
            "campaign.advertising_channel_type": _CHANNELS.get(campaign.objective, campaign.objective),
            "campaign.start_date_time": f"{campaign.created:%Y-%m-%d} 00:00:00",
        }

    def _group(self, group: Group) -> Row:
        return {
            "ad_group.resource_name": f"{self.prefix}/adGroups/{group.id}",
            "ad_group.id": int(group.id),
            "ad_group.name": group.name(self.at),
            "ad_group.status": _STATUS[group.status(self.at)],
            "ad_group.type": "SEARCH_STANDARD",
            "ad_group.campaign": f"{self.prefix}/campaigns/{group.campaign_id}",
        }

    def _ad(self, ad: Ad) -> Row:
        return {
            "ad_group_ad.resource_name": f"{self.prefix}/adGroupAds/{ad.group_id}~{ad.id}",
            "ad_group_ad.status": _STATUS[ad.status(self.at)],
            "ad_group_ad.ad_group": f"{self.prefix}/adGroups/{ad.group_id}",
            "ad_group_ad.ad.resource_name": f"{self.prefix}/ads/{ad.id}",
            "ad_group_ad.ad.id": int(ad.id),
            "ad_group_ad.ad.name": ad.name(self.at),
            "ad_group_ad.ad.type": "RESPONSIVE_SEARCH_AD",
            "ad_group_ad.ad.final_urls": [ad.url],
        }

    def _actions(self) -> list[Row]:
        return [self._customer() | self._action(action) for action in self.actions]

    def _action(self, action: ConversionAction) -> Row:
        return {
            "conversion_action.resource_name": f"{self.prefix}/conversionActions/{action.id}",
            "conversion_action.id": action.id,
            "conversion_action.name": action.name,
            "conversion_action.status": "ENABLED",
            "conversion_action.type": "WEBPAGE",
            "conversion_action.origin": "WEBSITE",
            "conversion_action.category": action.category,
            "conversion_action.counting_type": "MANY_PER_CLICK" if action.key == "purchase" else "ONE_PER_CLICK",
            "conversion_action.owner_customer": self.prefix,
            "conversion_action.primary_for_goal": action.primary,
            "conversion_action.include_in_conversions_metric": action.primary,
            "conversion_action.click_through_lookback_window_days": action.click_days,
            "conversion_action.view_through_lookback_window_days": action.view_days,
            "conversion_action.attribution_model_settings.attribution_model": ("GOOGLE_SEARCH_ATTRIBUTION_DATA_DRIVEN"),
        }

    def by_action(self, facts: Facts) -> Iterator[tuple[Row, Row]]:
        """Give what was claimed, action by action: the segments, and the metrics that go with them."""
        for action in self.actions:
            conversions, value = facts.claimed(action.key, _CLICKED)
            segments = {
                "segments.conversion_action": f"{self.prefix}/conversionActions/{action.id}",
                "segments.conversion_action_name": action.name,
                "segments.conversion_action_category": action.category,
            }
            yield (
                segments,
                {
                    "metrics.conversions": conversions * action.primary,
                    "metrics.conversions_value": value * action.primary,
                    "metrics.all_conversions": conversions,
                    "metrics.all_conversions_value": value,
                    "metrics.view_through_conversions": facts.view_through if action.key == "purchase" else 0,
                },
            )


def metrics(facts: Facts, claimed: Sequence[Mapping[str, Any]]) -> Row:
    """Give all that happened, with what was claimed in sum."""
    micros = facts.spend * 1_000_000
    if micros != micros.to_integral_value():
        raise ValueError(f"{facts.spend} is no whole number of micros")
    sums: Row = {name: sum((each[name] for each in claimed), Decimal()) for name in claimed[0]} if claimed else {}
    return sums | {
        "metrics.impressions": facts.impressions,
        "metrics.clicks": facts.clicks,
        "metrics.interactions": facts.clicks,
        "metrics.cost_micros": int(micros),
        "metrics.view_through_conversions": facts.view_through,
    }
