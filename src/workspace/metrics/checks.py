"""What must hold before a release is published, beyond what tables and declarations promise by themselves."""

from __future__ import annotations

from ibis import _

from workspace.metrics.marketplace import Bookings, Items, Payments
from workspace.metrics.model import model
from workspace.semantic import agree, none, rules

checks = rules(
    model,
    bookings_have_rates=none(
        Items.unconverted_items,
        "The currency of every placed booking has a rate on the day of the booking.",
        by="booking",
    ),
    items_sum_to_total=agree(
        Items.listed_amount,
        Bookings.undiscounted_amount,
        "The items of a booking, less its discount, sum to its total.",
        by="booking",
    ),
    paid_in_full=agree(
        Payments.paid_amount,
        Bookings.billed_amount,
        "The payments of a confirmed or completed booking sum to its total.",
        by="booking",
        where=_.booking.status.isin(["confirmed", "completed"]),
    ),
    refunded_in_full=none(
        Payments.paid_amount,
        "The payments of a refunded booking sum to nothing.",
        by="booking",
        where=_.booking.status == "refunded",
        severity="warning",
    ),
)
