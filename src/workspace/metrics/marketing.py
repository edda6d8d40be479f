"""What advertising costs, what the platforms claim that it brought, and what our own bookings say.

Days of spend are those of each account's time zone, as platforms bill; money is in EUR at the ECB rate of the metric's
own day. What a platform claims is its word: it counts a booking as its own whoever else does. Our own numbers come from
the clicks before a booking, shared out by a model of attribution; where none is named, it is Shapley's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ibis import _

from workspace.metrics.marketplace import Bookings, Rates
from workspace.semantic import Dataset, dim, exact, fact, key, measure, ref, time

if TYPE_CHECKING:
    from workspace.semantic.language.metric import Measure


def _native(amount: Any, what: str) -> Measure:
    """Declare a sum in the currency that accounts are billed in: there is none over several currencies."""
    alone = _.currency.nunique() == 1
    description = f"{what}, in the account's currency; none over several: split it by account_currency"
    return measure(alone.ifelse(amount.sum(), None), description, owner="marketing")


def _worth(credit: Any, how: str) -> Measure:
    """Declare the value that clicks on ads brought, by one way to share it out."""
    value = exact(_.value_eur.cast("float64") * credit.cast("float64"))
    return measure(value.sum(), f"Booking value that ads brought: {how}", unit="EUR", owner="growth")


class Platforms(Dataset, table="marketing.platforms"):
    """Where we advertise."""

    platform = key(_.platform)
    ad_channel = dim(_.channel, "The channel that a platform's clicks belong to")


class Accounts(Dataset, table="ads.accounts"):
    """Accounts on platforms, each with the currency that it is billed in and the time zone of its days."""

    account = key(_.platform, _.account_id)
    account_name = dim(_.name, "What the account is called on its platform")
    account_currency = dim(_.currency, "What the account is billed in")
    account_timezone = dim(_.timezone, "Whose midnight ends the account's day")


class Campaigns(Dataset, table="ads.campaigns", history=True):
    """Campaigns, under the names and in the states that they had at the time."""

    campaign = key(_.platform, _.account_id, _.campaign_id)
    campaign_name = dim(_.name, "What the campaign was called")
    campaign_status = dim(_.status, "Enabled, paused, deleted, ...")
    objective = dim(_.objective, "What the platform was told to bring")


class AdPerformance(Dataset, table="ads.performance"):
    """One row an advertisement (or a group or campaign without), placement and day, as its platform tells it now."""

    performance = key(_.platform, _.account_id, _.level, _.entity_id, _.placement, _.day)
    advertised_on = ref(Platforms, _.platform)
    account = ref(Accounts, _.platform, _.account_id)
    campaign = ref(Campaigns, _.platform, _.account_id, _.campaign_id, missing=None)  # some are no longer told of
    shown = time(_.day, "The day, in the account's time zone", default=True)
    ad_id = dim(_.ad_id, "The advertisement; none where only its group or campaign is told")
    placement = dim(_.placement, "Where it was shown, if the platform says so")
    billed_in = dim(_.currency, "The currency of the native amounts")
    conversion = ref(Rates, _.day, _.currency)
    spend_eur = fact(exact(_.spend.cast("float64") / _.conversion.per_eur), "At the rate of the day", unit="EUR")
    claimed_eur = fact(
        exact(_.conversion_value.cast("float64") / _.conversion.per_eur), "At the rate of the day", unit="EUR"
    )
    ad_spend = measure(
        _.spend_eur.sum(), "What advertising costs, at the rate of its day", unit="EUR", owner="marketing"
    )
    ad_spend_native = _native(_.spend, "What advertising costs")
    ad_impressions = measure(_.impressions.sum(), "How often ads were shown", unit="count", owner="marketing")
    ad_clicks = measure(_.clicks.sum(), "Clicks on ads, as platforms count them", unit="count", owner="marketing")
    claimed_conversions = measure(
        _.conversions.sum(),
        "Bookings that platforms count as theirs; two platforms may both count the same one",
        unit="count",
        owner="marketing",
    )
    claimed_value = measure(
        _.claimed_eur.sum(), "What platforms say that their bookings are worth", unit="EUR", owner="marketing"
    )
    claimed_value_native = _native(_.conversion_value, "What platforms say that their bookings are worth")
    unconverted_spend = measure(
        _.count(where=_.spend_eur.isnull() & _.spend.notnull()),
        "Rows with spend but no rate for their day, which ad_spend lacks; 0 when all is well",
        unit="count",
        owner="finance",
    )


class Restatements(Dataset, table="ads.restatements"):
    """One row an advertisement, placement and day: what its platform said first, and what it says now.

    What it said first of a day that was read while it lasted is a part of that day: a few hours' spend and claims. So
    shares of it can be far above 100 %. How much of a day was known at which age is in `ads.completeness`.
    """

    restatement = key(_.platform, _.account_id, _.level, _.entity_id, _.placement, _.day)
    advertised_on = ref(Platforms, _.platform)
    account = ref(Accounts, _.platform, _.account_id)
    told = time(_.day, "The day that is told of", default=True)
    told_rows = measure(_.count(), "Rows that platforms have told of", unit="count", owner="marketing")
    restated_rows = measure(
        _.count(where=(_.versions > 1) | _.deleted),
        "Rows that platforms have changed since they first told of them, be it while the day lasted",
        unit="count",
        owner="marketing",
    )
    claimed_at_first = measure(
        _.conversions_first.sum(),
        "Bookings that platforms counted as theirs at first; of a day that was read while it lasted, a part of it",
        unit="count",
        owner="marketing",
    )
    claimed_later = measure(
        (_.conversions.fill_null(0) - _.conversions_first.fill_null(0)).sum(),
        "Bookings that platforms counted as theirs only after they first told of the day, which may have been while it "
        "lasted, less those that they gave up",
        unit="count",
        owner="marketing",
    )


class Attribution(Dataset, table="marketing.attribution"):
    """One row a placed booking and a click in the 30 days before it, with the click's share of the credit."""

    credit = key(_.booking_id, _.event_id)
    booking = ref(Bookings, _.booking_id)
    attributed = time(_.booking.created, "When the booking was placed", default=True)
    came = time(_.clicked_at, "When the click was")
    player = dim(_.player, "Who gets the credit: a platform, or the channel of a click that no ad paid for")
    touch_channel = dim(_.channel, "The channel of the click")
    match_method = dim(_.match_method, "How the click was found to be an advertisement's; none where it is not")
    conversion = ref(Rates, day=_.attributed.date(), currency=_.currency)
    value_eur = fact(exact(_.value.cast("float64") / _.conversion.per_eur), "What the booking is worth", unit="EUR")
    attributed_value = measure(
        exact(_.value_eur.cast("float64") * _.shapley.cast("float64")).sum(),
        "Booking value shared out over all clicks before it, by Shapley",
        unit="EUR",
        owner="growth",
    )
    attributed_bookings = measure(
        _.shapley.sum(), "Bookings shared out over all clicks before them, by Shapley", unit="count", owner="growth"
    )


class AdCredits(Dataset, table="marketing.attribution", where=_.match_method.notnull()):
    """One row a placed booking and a click on an advertisement before it, with the click's share of the credit."""

    ad_credit = key(_.booking_id, _.event_id)
    booking = ref(Bookings, _.booking_id)
    advertised_on = ref(Platforms, _.platform)
    account = ref(Accounts, _.platform, _.account_id, missing=None)  # a click id alone tells the platform only
    campaign = ref(Campaigns, _.platform, _.account_id, _.campaign_id, missing=None)
    attributed = time(_.booking.created, "When the booking was placed", default=True)
    clicked = time(_.clicked_at, "When the click was")
    conversion = ref(Rates, day=_.attributed.date(), currency=_.currency)
    value_eur = fact(exact(_.value.cast("float64") / _.conversion.per_eur), "What the booking is worth", unit="EUR")
    ad_bookings = measure(_.shapley.sum(), "Bookings that ads brought, by Shapley", unit="count", owner="growth")
    ad_new_customers = measure(
        _.shapley.sum(where=_.first_booking),
        "First bookings of their users that ads brought, by Shapley",
        unit="count",
        owner="growth",
    )
    touched_bookings = measure(
        _.booking_id.nunique(),
        "Bookings that a click on an ad preceded: more we cannot trace to ads",
        unit="count",
        owner="growth",
    )
    ad_value = _worth(_.shapley, "by Shapley")
    ad_value_first = _worth(_["first"], "all credit to the first click")
    ad_value_last = _worth(_["last"], "all credit to the last click")
    ad_value_linear = _worth(_.linear, "the same credit to each click")
    ad_value_position = _worth(_.position, "40 % to the first click, 40 % to the last")
    ad_value_time_decay = _worth(_.time_decay, "more credit to later clicks, half of it a week before")


class AdBudgets(Dataset, table="sheets.ad_budgets"):
    """One row a month and platform, as finance plans it."""

    planned_month = key(_.month, _.platform)
    advertised_on = ref(
        Platforms, _.platform.lower().replace(" ", "_"), missing=None
    )  # planned may be what never began
    planned = time(_["month"], "The month", default=True)
    ad_budget = measure(_.budget.sum(), "What advertising may cost", unit="EUR", owner="finance")


class Targets(Dataset, table="sheets.targets"):
    """One row a month, city and kind of listing, as finance plans it."""

    target = key(_.month, _.city, _.kind)
    aimed = time(_["month"], "The month", default=True)
    planned_city = dim(_.city, "The city of the target")
    planned_kind = dim(_.kind, "The kind of listing of the target")
    gbv_target = measure(_.target.sum(), "The gross booking value that is aimed at", unit="EUR", owner="finance")
