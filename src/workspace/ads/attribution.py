"""`marketing.attribution`: which clicks led to what was sold, and what each of them gets of it, by six models.

What counts as sold is the company's to say (`Conversions`); everything else follows from clicks, from who was logged in
on which browser, and from what the platforms tell of their campaigns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis

from workspace.ads.credits import credited
from workspace.ads.matching import matched
from workspace.ads.unions import WANTS, has
from workspace.lake import View

if TYPE_CHECKING:
    from collections.abc import Callable

    from workspace.lake import Reads

LOOKBACK = 30
"""How many days before a conversion a click may be that led to it."""

_CLICK = ("event_id", "domain_userid", "clicked_at", "channel", "click_id", "click_network", "gclid")
_UTM = ("mkt_medium", "mkt_source", "mkt_content", "mkt_campaign")
_SHOWN = (
    *("event_id", "user_id", "booked_at", "clicked_at", "value", "currency", "first_booking", "touch", "touches"),
    *("channel", "platform", "player", "account_id", "campaign_id", "campaign", "ad_group_id", "ad_id", "match_method"),
    *("first", "last", "linear", "position", "time_decay", "shapley"),
)


@dataclass(frozen=True, kw_only=True)
class Conversions:
    """What clicks are to lead to.

    Attributes:
        inputs: The tables that it is made of.
        rows: Makes them: `booking_id`, unique; `user_id`, `booked_at`, `value` and its `currency`.
    """

    inputs: tuple[str, ...]
    rows: Callable[[Reads], ibis.Table]


@dataclass(frozen=True, kw_only=True)
class _Attribution:
    conversions: Conversions
    touchpoints: str
    identities: str

    def inputs(self, reads: Reads) -> tuple[str, ...]:
        told = ("ads.ads", "ads.campaigns", *(("ads.click_views",) if has(reads, "click_views") else ()))
        return (self.touchpoints, self.identities, *self.conversions.inputs, *told)

    def rows(self, reads: Reads) -> ibis.Table:
        clicks = reads.table(self.touchpoints).select(*_CLICK, *_UTM)
        found = matched(reads, self._of_users(reads, clicks))
        found = found.mutate(player=found.platform.coalesce(found.channel)).drop("domain_userid", "click_id", "gclid")
        paths = credited(self._paths(reads, found), "booking_id")
        return paths.rename(booked_at="converted_at").select("booking_id", *_SHOWN)

    def _of_users(self, reads: Reads, clicks: ibis.Table) -> ibis.Table:
        """Add whose click it was; what nobody who ever logged in has made leads nowhere."""
        stretches = reads.history(self.identities)
        in_order = ibis.window(group_by="domain_userid", order_by="valid_from")
        known = stretches.select(
            _visitor="domain_userid",
            user_id="user_id",
            _from="valid_from",
            _to="valid_to",
            # Before the first login it was the same person, as far as anybody knows.
            _earliest=ibis.row_number().over(in_order) == 0,
        )
        then = [known._earliest | (clicks.clicked_at >= known._from), clicks.clicked_at < known._to]
        found = clicks.inner_join(known, [clicks.domain_userid == known._visitor, *then])
        return found.select(*clicks.columns, "user_id")

    def _paths(self, reads: Reads, clicks: ibis.Table) -> ibis.Table:
        """Put each conversion beside every click that may have led to it."""
        made = self.conversions.rows(reads)
        in_order = ibis.window(group_by="user_id", order_by=["booked_at", "booking_id"])
        sold = made.select(
            "booking_id",
            _user="user_id",
            converted_at="booked_at",
            value=made["value"].cast("decimal(18, 2)"),
            currency="currency",
            first_booking=ibis.row_number().over(in_order) == 0,
        )
        last = [clicks.clicked_at <= sold.converted_at]
        first = [clicks.clicked_at >= sold.converted_at - ibis.interval(days=LOOKBACK)]
        return sold.inner_join(clicks, [sold._user == clicks.user_id, *first, *last]).drop("_user")


def attribution(
    conversions: Conversions,
    *,
    name: str = "marketing.attribution",
    touchpoints: str = "marketing.touchpoints",
    identities: str = "clickstream.identities",
) -> View:
    """Give the view of what led to a company's conversions.

    Args:
        conversions: What counts as one.
        name: Of the view.
        touchpoints: The table of marketing clicks.
        identities: The table of who was logged in on which browser.
    """
    made = _Attribution(conversions=conversions, touchpoints=touchpoints, identities=identities)
    key = ("booking_id", "event_id")
    return View(name=name, inputs=made.inputs, rows=made.rows, key=key, kept=True, wants=WANTS)
