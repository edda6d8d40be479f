"""What somebody changes by hand about the platforms, through the control plane: always from a moment on."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from workspace.demo.ads.book import PLATFORMS, Claim, Entity, Facts, total
from workspace.errors import WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from workspace.demo.ads.book import Account, Ad, Book, Campaign, Group, Status

_E = TypeVar("_E", bound=Entity)
_COUNTS = ("impressions", "clicks", "link_clicks", "view_through")
_STATES: dict[str, Status] = {"enabled": "enabled", "paused": "paused", "deleted": "deleted"}


@dataclass(frozen=True, kw_only=True)
class _Restated:
    since: datetime
    delta: Mapping[str, Any]


class Edited:
    """A book, and what was changed about it since. A `Book` itself.

    Args:
        book: The book as it was.
    """

    def __init__(self, book: Book) -> None:
        self.book = book
        self._accounts: dict[str, dict[str, Any]] = defaultdict(dict)
        self._names: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
        self._states: dict[str, list[tuple[datetime, Status]]] = defaultdict(list)
        self._restated: dict[tuple[str, date], list[_Restated]] = defaultdict(list)

    def restate(self, entity: str, day: date, delta: Mapping[str, Any], now: datetime) -> None:
        """Change what an ad, or a campaign that hides its ads, did on a day, for all who ask from now on.

        Args:
            entity: Its id.
            day: The day, in the account's own zone.
            delta: What is added, by the names of `Facts`, and `conversions` and `value` of purchases within a day of
                the click; or `{"vanish": true}`: the day has no row any more.
            now: The present.
        """
        unknown = delta.keys() - {*_COUNTS, "spend", "conversions", "value", "vanish"}
        if unknown:
            raise WorkspaceError(f"There is no {min(unknown)!r} to restate.", cure="Name a figure of `Facts`.")
        self._restated[entity, day].append(_Restated(since=now, delta=delta))

    def change_account(self, account_id: str, changes: Mapping[str, Any]) -> None:
        """Change an account, at once: its name, currency, timezone or status."""
        if all(account.id != account_id for platform in PLATFORMS for account in self.book.accounts(platform)):
            raise WorkspaceError(f"There is no account {account_id!r}.", cure="Name an account by its id.")
        self._accounts[account_id].update(changes)

    def change_entity(self, entity: str, now: datetime, *, name: str | None = None, status: str | None = None) -> None:
        """Rename, pause, delete or revive a campaign, a group or an ad from now on."""
        if name is not None:
            self._names[entity].append((now, name))
        if status is not None:
            self._states[entity].append((now, _STATES[status]))

    def accounts(self, platform: str) -> Sequence[Account]:
        """As `Book`."""
        return [replace(account, **self._accounts.get(account.id, {})) for account in self.book.accounts(platform)]

    def campaigns(self, account_id: str) -> Sequence[Campaign]:
        """As `Book`."""
        return [self._entity(each) for each in self.book.campaigns(account_id)]

    def groups(self, account_id: str) -> Sequence[Group]:
        """As `Book`."""
        return [self._entity(each) for each in self.book.groups(account_id)]

    def ads(self, account_id: str) -> Sequence[Ad]:
        """As `Book`."""
        return [self._entity(each) for each in self.book.ads(account_id)]

    def facts(self, account_id: str, day: date, as_of: datetime) -> Sequence[tuple[Ad, Facts]]:
        """As `Book`."""
        told = [(self._entity(ad), facts) for ad, facts in self.book.facts(account_id, day, as_of)]
        if not self._touched(day):
            return told
        silent = {ad.id for ad, _ in told}
        told += [(ad, Facts()) for ad in self.ads(account_id) if ad.id not in silent]
        kept = [(ad, self._now(ad.id, day, facts, as_of)) for ad, facts in told]
        return [(ad, facts) for ad, facts in kept if facts]

    def campaign_facts(self, account_id: str, day: date, as_of: datetime) -> Sequence[tuple[Campaign, Facts]]:
        """As `Book`."""
        told = {campaign.id: facts for campaign, facts in self.book.campaign_facts(account_id, day, as_of)}
        if self._touched(day):
            before: dict[str, list[Facts]] = defaultdict(list)
            for ad, facts in self.facts(account_id, day, as_of):
                before[ad.campaign_id].append(facts)
            for campaign in self.book.campaigns(account_id):
                told[campaign.id] = (
                    self._now(campaign.id, day, told.get(campaign.id, Facts()), as_of)
                    if campaign.ads_hidden
                    else total(before[campaign.id])
                )
        return [(each, told[each.id]) for each in self.campaigns(account_id) if told.get(each.id)]

    def click_views(self, account_id: str, day: date, as_of: datetime) -> Sequence[tuple[str, Ad, datetime]]:
        """As `Book`."""
        return [(number, self._entity(ad), at) for number, ad, at in self.book.click_views(account_id, day, as_of)]

    def _entity(self, entity: _E) -> _E:
        names, states = self._names.get(entity.id), self._states.get(entity.id)
        if names:
            entity = replace(entity, names=(*entity.names, *names))
        return replace(entity, states=(*entity.states, *states)) if states else entity

    def _touched(self, day: date) -> bool:
        return any(when == day for _, when in self._restated)

    def _now(self, entity: str, day: date, facts: Facts, as_of: datetime) -> Facts:
        for restated in self._restated.get((entity, day), ()):
            if restated.since <= as_of:
                facts = _added(facts, restated.delta)
        return facts


def _added(facts: Facts, delta: Mapping[str, Any]) -> Facts:
    if delta.get("vanish"):
        return Facts()
    counts = {name: getattr(facts, name) + int(delta.get(name, 0)) for name in _COUNTS}
    more = Decimal(str(delta.get("conversions", 0))), Decimal(str(delta.get("value", 0)))
    claims = list(facts.claims)
    if any(more):
        place = next((n for n, c in enumerate(claims) if (c.action, c.window) == ("purchase", "1d_click")), None)
        old = claims.pop(place) if place is not None else None
        conversions = more[0] + (old.conversions if old else 0)
        value = more[1] + (old.value if old else 0)
        claims.append(Claim(action="purchase", conversions=conversions, value=value, window="1d_click"))
    spend = facts.spend + Decimal(str(delta.get("spend", 0)))
    return replace(facts, **counts, spend=spend, claims=tuple(claims))
