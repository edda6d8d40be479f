"""What advertising platforms know: accounts, campaigns, groups, ads, and what each did on each day.

A platform's figures are not fixed: a purchase is claimed days after the click, invalid clicks are taken out, an
estimate is settled. So every figure is asked for as known at a moment, `as_of`, and is a pure function of that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

PLATFORMS = ("google_ads", "facebook_ads", "tiktok_ads", "twitter_ads")
Window = Literal["1d_click", "7d_click", "28d_click", "1d_view"]
Status = Literal["enabled", "paused", "deleted"]
# The claims that a platform counts where nobody says otherwise. Google tells view-through conversions apart.
COUNTED: dict[str, frozenset[Window]] = {
    "google_ads": frozenset({"1d_click", "7d_click", "28d_click"}),
    "facebook_ads": frozenset({"1d_click", "7d_click", "1d_view"}),
    "tiktok_ads": frozenset({"1d_click", "7d_click", "1d_view"}),
    "twitter_ads": frozenset({"1d_click", "7d_click", "28d_click", "1d_view"}),
}


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account: what it is billed in, and whose midnight ends its day."""

    platform: str
    id: str
    name: str
    currency: str
    timezone: str
    status: Literal["enabled", "disabled"] = "enabled"
    manager: bool = False


@dataclass(frozen=True, kw_only=True)
class Entity:
    """A campaign, a group or an ad, with all that was ever changed about it.

    Attributes:
        id: What the platform calls it.
        account_id: Whose it is.
        names: Its names, each with the moment from which it holds; the first one holds always.
        states: Likewise, whether it runs.
        created: When it was made; it is not there before.
    """

    id: str
    account_id: str
    names: tuple[tuple[datetime, str], ...]
    created: datetime
    states: tuple[tuple[datetime, Status], ...] = ()

    def exists(self, at: datetime) -> bool:
        """Tell whether it has been made by then; a deleted one has been."""
        return self.created <= at

    def name(self, at: datetime) -> str:
        """Give its name as it is at a moment."""
        known = [name for since, name in self.names if since <= at]
        return known[-1] if known else self.names[0][1]

    def status(self, at: datetime) -> Status:
        """Tell whether it runs at a moment."""
        known = [status for since, status in self.states if since <= at]
        return known[-1] if known else "enabled"

    def updated(self, at: datetime) -> datetime:
        """Tell when it was last changed."""
        changes = (self.created, *(since for since, _ in (*self.names, *self.states) if since <= at))
        return max(changes)


@dataclass(frozen=True, kw_only=True)
class Campaign(Entity):
    """A campaign.

    Attributes:
        objective: What it is for: `SEARCH`, `PERFORMANCE_MAX`, `SALES`, `AWARENESS`, `TRAFFIC`.
        ads_hidden: Whether the platform tells nothing below the campaign (Performance Max).
    """

    objective: str
    ads_hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class Group(Entity):
    """A group of ads: an ad group, an ad set, a line item."""

    campaign_id: str


@dataclass(frozen=True, kw_only=True)
class Ad(Entity):
    """An advertisement.

    Attributes:
        url: Where a click leads, with utm parameters and the platform's own macros.
    """

    campaign_id: str
    group_id: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a platform says that an ad has led to.

    Attributes:
        action: `purchase`, `add_to_cart` or `sign_up`.
        conversions: How many; whole numbers but on Google.
        value: In the account's currency.
        window: The narrowest attribution window that holds it.
    """

    action: str
    conversions: Decimal
    value: Decimal
    window: Window


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What an ad, or a campaign, did on a day of its account, as known at a moment.

    Attributes:
        impressions: How often it was shown.
        clicks: How often it was clicked on, anywhere.
        link_clicks: How often on its link.
        spend: In the account's currency, exact to six places, and as the platform rounds it.
        claims: At most one per action and window.
        view_through: Of purchases, how many came after a view and no click. Where a platform counts them, they are
            among the claims too.
        estimate: Whether the spend is still to be settled.
    """

    impressions: int = 0
    clicks: int = 0
    link_clicks: int = 0
    spend: Decimal = field(default_factory=Decimal)
    claims: tuple[Claim, ...] = ()
    view_through: int = 0
    estimate: bool = False

    def claimed(self, action: str, windows: frozenset[Window]) -> tuple[Decimal, Decimal]:
        """Sum what is claimed within some windows: conversions and their value."""
        chosen = [claim for claim in self.claims if claim.action == action and claim.window in windows]
        return sum((c.conversions for c in chosen), Decimal()), sum((c.value for c in chosen), Decimal())

    def __bool__(self) -> bool:
        """Tell whether anything happened."""
        return bool(self.impressions or self.clicks or self.spend or self.claims or self.view_through)


class Book(Protocol):
    """All that the platforms know. Entities are given whatever their status; days are the account's own."""

    def accounts(self, platform: str) -> Sequence[Account]:
        """Give a platform's accounts, managers and disabled ones included."""

    def campaigns(self, account_id: str) -> Sequence[Campaign]:
        """Give an account's campaigns."""

    def groups(self, account_id: str) -> Sequence[Group]:
        """Give an account's groups."""

    def ads(self, account_id: str) -> Sequence[Ad]:
        """Give an account's ads; those of a campaign that hides them are none."""

    def facts(self, account_id: str, day: date, as_of: datetime) -> Sequence[tuple[Ad, Facts]]:
        """Give the ads that did something on a day, as known at a moment."""

    def campaign_facts(self, account_id: str, day: date, as_of: datetime) -> Sequence[tuple[Campaign, Facts]]:
        """Give the campaigns that did something on a day: the sums of their ads, or what the platform keeps whole."""

    def click_views(self, account_id: str, day: date, as_of: datetime) -> Sequence[tuple[str, Ad, datetime]]:
        """Give a day's clicks, where the platform tells them (Google): click id, ad, and when."""


def total(facts: Sequence[Facts]) -> Facts:
    """Sum what several ads did on the same day.

    Examples:
        >>> total([Facts(clicks=1), Facts(clicks=2)]).clicks
        3
    """
    claims: dict[tuple[str, Window], tuple[Decimal, Decimal]] = {}
    for claim in (claim for each in facts for claim in each.claims):
        conversions, value = claims.get((claim.action, claim.window), (Decimal(), Decimal()))
        claims[claim.action, claim.window] = conversions + claim.conversions, value + claim.value
    return Facts(
        impressions=sum(each.impressions for each in facts),
        clicks=sum(each.clicks for each in facts),
        link_clicks=sum(each.link_clicks for each in facts),
        spend=sum((each.spend for each in facts), Decimal()),
        claims=tuple(
            Claim(action=action, conversions=conversions, value=value, window=window)
            for (action, window), (conversions, value) in sorted(claims.items())
        ),
        view_through=sum(each.view_through for each in facts),
        estimate=any(each.estimate for each in facts),
    )
