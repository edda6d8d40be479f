"""What the four platforms have in common: accounts, what is in them, and what a day brought."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date, datetime
    from decimal import Decimal

    from workspace.sources.ads.http import Http

Level = Literal["ad", "campaign"]
Kind = Literal["campaign", "ad_group", "ad"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """An account, as the platform tells of it now.

    Attributes:
        id: Its id, as text.
        name: Its name.
        currency: What its money is in (ISO 4217).
        timezone: Whose midnight ends its day (IANA).
        status: In the platform's own word, in lower case.
        open: Whether it can be asked for numbers.
    """

    id: str
    name: str
    currency: str
    timezone: str
    status: str
    open: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Entity:
    """A campaign, a group of ads, or an ad.

    Attributes:
        level: Which of the three.
        id: Its id, as text.
        name: Its name; None if the platform gives it none.
        status: `enabled`, `paused`, `archived`, `deleted`, or the platform's own word in lower case.
        campaign_id: What it belongs to; of a campaign, its own id.
        ad_group_id: The group that it belongs to; of a group, its own id; None of a campaign.
        objective: What a campaign is for, in the platform's own word.
        url: Where an ad leads to.
    """

    level: Kind
    id: str
    name: str | None
    status: str
    campaign_id: str | None
    ad_group_id: str | None = None
    objective: str | None = None
    url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """What people did after an ad, as the platform claims it.

    Attributes:
        name: The action, in the platform's own word.
        conversions: How often; None if the platform did not say.
        value: What it was worth, in the account's currency.
        counted: Whether it is among the conversions of its row.
    """

    name: str
    conversions: Decimal | None
    value: Decimal | None
    counted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Performance:
    """What an ad brought on a day of its account; or a group or campaign that has none to show.

    A number that the platform did not give is None, never 0, and `missing` says why.

    Attributes:
        level: Whether it is an ad's row, a group's or a campaign's.
        campaign_id: The campaign.
        ad_group_id: The group; None of a campaign's row.
        ad_id: The ad; None of a row of any other level.
        placement: Where it was shown, on platforms that ask for it; else `ALL`.
        day: The day, in the account's time zone.
        currency: What money is in, if not the account's present currency.
        spend: What it cost.
        impressions: How often it was shown.
        clicks: Clicks of any kind.
        link_clicks: Clicks that led to the website.
        conversions: What the platform claims to have caused, of the actions that count.
        conversion_value: What those were worth.
        view_through_conversions: Those without a click.
        attribution: By which windows and model the platform claims.
        actions: The claims, action by action.
        missing: Why a number is None, by its name.
    """

    level: Kind
    campaign_id: str
    ad_group_id: str | None
    ad_id: str | None
    day: date
    spend: Decimal | None
    impressions: int | None
    clicks: int | None
    link_clicks: int | None
    conversions: Decimal | None
    conversion_value: Decimal | None
    view_through_conversions: Decimal | None
    attribution: str
    placement: str = "ALL"
    currency: str | None = None
    actions: tuple[Action, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def entity_id(self) -> str:
        """The ad, group or campaign that it is about."""
        return next(each for each in (self.ad_id, self.ad_group_id, self.campaign_id) if each is not None)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClickView:
    """Which ad a click id belongs to.

    Attributes:
        click_id: As the landing page's address carried it.
        day: The day of the click, in the account's time zone.
        campaign_id: The campaign.
        ad_group_id: The group.
        ad_id: The ad; None where the platform does not say.
    """

    click_id: str
    day: date
    campaign_id: str
    ad_group_id: str | None
    ad_id: str | None


class Adapter(Protocol):
    """One platform, as the run reads it. Pages come as the platform sends them, so that memory holds one at a time.

    Attributes:
        api_version: Which version of the platform's API is spoken.
        http: Through which all is asked.
        longest: How many days one question about performance may span.
        notes: What a reader of the run should know, in sentences; grows while it is read.
    """

    api_version: str
    http: Http
    longest: int
    notes: list[str]

    def accounts(self) -> list[Account]:
        """Give the accounts that the credentials reach, those that cannot be asked for numbers among them."""

    def entities(self, account: Account) -> Iterator[list[Entity]]:
        """Give campaigns, groups and ads, deleted ones too where the platform still tells of them."""

    def lookback(self, account: Account) -> int:
        """Tell how many days back the platform may still change its numbers."""

    def performance(self, account: Account, first: date, last: date, level: Level) -> Iterator[list[Performance]]:
        """Give what days brought, the last one included.

        Args:
            account: Whose.
            first: The first day.
            last: The last day.
            level: `ad`: each ad's rows, and those of groups and campaigns that have no ads to show; `campaign`: the
                totals of every campaign.

        Raises:
            TooLargeError: The platform wants fewer days at once.
            RestartError: What was read is not one whole answer.
            DeferredError: A quota is used up.
        """

    def clicks(self, account: Account, day: date) -> Iterator[list[ClickView]] | None:
        """Give which ads a day's clicks belong to; None if the platform does not tell."""

    def touched(self, account: Account, since: datetime, until: datetime) -> set[date] | None:
        """Give the days whose numbers changed meanwhile; None if the platform does not tell."""
