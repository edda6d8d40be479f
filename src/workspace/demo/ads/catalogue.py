"""The company's accounts, campaigns, groups and ads, as the platforms keep them."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote_plus

from workspace.demo.ads.book import PLATFORMS, Account, Ad, Campaign, Group
from workspace.demo.clickstream import campaigns as own
from workspace.demo.clickstream.visits import HOST

if TYPE_CHECKING:
    from workspace.demo.ads.book import Status

MADE = datetime(2026, 8, 17, 8, 30, tzinfo=UTC)  # before anybody watched what ads lead to
MANAGER = "4105550100"
_OBJECTIVES = ("SEARCH", "SALES", "SALES", "TRAFFIC")
_NAMES = ("BookMyEvent", "BookMyEvent International · Ελλάδα, 日本, العربية")
# Accounts beside the two that spend: currency and zone of one that is empty, and of one that is disabled.
_OTHERS = (
    (("4105550103", "EUR", "Europe/Vienna"), ("4105550104", "GBP", "Europe/London")),
    (("120055500000103", "USD", "America/New_York"), ("120055500000104", "EUR", "Europe/Berlin")),
    (("7055500000000000103", "USD", "Etc/GMT+8"), ("7055500000000000104", "GBP", "Etc/GMT")),
    (("18ce55aa03", "JPY", "Asia/Tokyo"), ("18ce55aa04", "USD", "America/Los_Angeles")),
)
# How a platform fills in what it alone knows: ids of campaign and ad, the campaign's name, the keyword.
_MACROS: tuple[dict[str, str], ...] = (
    {"campaign": "{campaignid}", "content": "{creative}", "term": "{keyword}"},
    {"campaign": "{{campaign.id}}", "content": "{{ad.id}}"},
    {"campaign": "__CAMPAIGN_ID__", "content": "__CID__", "name": "__CAMPAIGN_NAME__"},
    {},
)


class Shown(NamedTuple):
    """An ad of the company, as the platforms know it.

    Attributes:
        campaign: Its campaign.
        ad: The ad; None if the platform keeps it to itself.
        stopped: When it was last shown, if it is no more.
    """

    campaign: Campaign
    ad: Ad | None
    stopped: datetime | None


class Catalogue:
    """All that does not depend on what people do.

    Attributes:
        accounts: By platform.
        campaigns: By account.
        groups: By account.
        ads: By account, without those that their platform keeps to itself.
        shown: By the places of the company's own list of ads.
    """

    def __init__(self) -> None:
        self.accounts = {name: _accounts(place) for place, name in enumerate(PLATFORMS)}
        self.of = {account.id: account for accounts in self.accounts.values() for account in accounts}
        self.campaigns: dict[str, list[Campaign]] = {}
        self.groups: dict[str, list[Group]] = {}
        self.ads: dict[str, list[Ad]] = {}
        self.shown: list[Shown] = []
        known = {campaign.id: self._campaign(campaign) for campaign in own.CAMPAIGNS}
        for ad in own.ADS:
            campaign = known[ad.campaign.id]
            self.shown.append(Shown(campaign, self._ad(ad, campaign), ad.campaign.paused or ad.campaign.deleted))

    def _campaign(self, campaign: own.Campaign) -> Campaign:
        names = [(MADE, campaign.name)]
        if campaign.renamed:
            names.append((datetime.combine(campaign.renamed[0], time(), UTC), campaign.renamed[1]))
        ends: list[tuple[datetime | None, Status]] = [(campaign.paused, "paused"), (campaign.deleted, "deleted")]
        made = Campaign(
            id=campaign.id,
            account_id=campaign.account.id,
            names=tuple(names),
            states=tuple((at, status) for at, status in ends if at),
            created=MADE,
            objective="PERFORMANCE_MAX" if campaign.hidden else _OBJECTIVES[campaign.platform],
            ads_hidden=campaign.hidden,
        )
        self.campaigns.setdefault(made.account_id, []).append(made)
        return made

    def _ad(self, ad: own.Ad, campaign: Campaign) -> Ad | None:
        if campaign.ads_hidden:
            return None
        groups = self.groups.setdefault(campaign.account_id, [])
        if not groups or groups[-1].id != ad.group:
            groups.append(
                Group(
                    id=ad.group,
                    account_id=campaign.account_id,
                    names=((MADE, ad.group_name),),
                    states=campaign.states,
                    created=MADE,
                    campaign_id=campaign.id,
                )
            )
        made = Ad(
            id=ad.id,
            account_id=campaign.account_id,
            names=((MADE, ad.name),),
            states=campaign.states,
            created=MADE,
            campaign_id=campaign.id,
            group_id=ad.group,
            url=_url(ad),
        )
        self.ads.setdefault(campaign.account_id, []).append(made)
        return made


def _accounts(platform: int) -> list[Account]:
    name = PLATFORMS[platform]
    made = [
        Account(platform=name, id=each.id, name=called, currency=each.currency, timezone=each.zone)
        for each, called in zip(own.PLATFORMS[platform].accounts, _NAMES, strict=True)
    ]
    empty, disabled = _OTHERS[platform]
    made.append(Account(platform=name, id=empty[0], name="Noch leer", currency=empty[1], timezone=empty[2]))
    made.append(
        Account(
            platform=name,
            id=disabled[0],
            name="Old agency",
            currency=disabled[1],
            timezone=disabled[2],
            status="disabled",
        )
    )
    if name == "google_ads":
        made.insert(
            0, Account(platform=name, id=MANAGER, name="All", currency="EUR", timezone="Europe/Berlin", manager=True)
        )
    return made


def _url(ad: own.Ad) -> str:
    """Give where an ad leads, with what the platform fills in itself."""
    platform, campaign, macros = own.PLATFORMS[ad.platform], ad.campaign, _MACROS[ad.platform]
    address = f"https://{HOST}/"
    if campaign.tags == "nothing":
        return address
    parts = {"source": platform.name, "medium": platform.medium}
    if campaign.tags == "ids":
        parts |= {"campaign": quote_plus(campaign.id), "content": ad.id} | macros
    else:
        parts["campaign"] = campaign.slug or macros.get("name", quote_plus(campaign.name))
    return f"{address}?" + "&".join(f"utm_{name}={value}" for name, value in parts.items() if name != "name")
