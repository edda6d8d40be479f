"""What the views of advertising must know of BookMyEvent: a conversion is a placed booking.

Its value is what it is worth without the discount, in the currency that the customer pays in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ibis import _

from workspace.ads import Conversions, attribution
from workspace.lake import View, made_of
from workspace.metrics.marketplace import PLACED

if TYPE_CHECKING:
    import ibis

    from workspace.lake import Reads

_BOOKINGS = "inventory_db.bookings"


def _placed(reads: Reads) -> ibis.Table:
    bookings = reads.table(_BOOKINGS).filter(_.status.isin(PLACED))
    return bookings.select(
        booking_id=_.id,
        user_id=_.user_id,
        booked_at=_.created_at,
        value=_.total_amount + _.discount_amount.fill_null(0),
        currency=_.currency,
    )


def _platforms(reads: Reads) -> ibis.Table:
    rows = reads.table("ads.platforms").select("platform").distinct()
    return rows.mutate(channel=(_.platform == "google_ads").ifelse("Paid Search", "Paid Social"))


PLATFORMS = View(
    name="marketing.platforms",
    inputs=made_of("ads.platforms"),
    rows=_platforms,
    key=("platform",),
    wants="the tables of an advertising source (kind = 'ads')",
)
"""One row a platform, however many sources it is read by."""

views = (
    PLATFORMS,
    attribution(Conversions(inputs=(_BOOKINGS,), rows=_placed)),
)
"""Views of the company's own, beside those of advertising that every company has."""
