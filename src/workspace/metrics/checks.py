"""What must hold before a release is published, beyond what each table promises by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ibis import _

from workspace.engine import Check
from workspace.metrics.marketplace import PLACED
from workspace.metrics.model import model

if TYPE_CHECKING:
    from workspace.engine.checks import Reader


def bookings_without_rate(reader: Reader) -> Any:
    """List placed bookings whose currency has no rate on their day: gbv would lack them."""
    placed = reader.table("inventory_db.bookings").filter(_.status.isin(PLACED))
    dated = placed.select("id", "currency", day=model.calendar.wall(placed.created_at).cast("date"))
    return dated.anti_join(reader.table("fx.rates"), ["currency", "day"])


def amounts_that_differ(reader: Reader) -> Any:
    """List bookings whose items, less the discount, do not sum to their total."""
    items = reader.table("inventory_db.booking_items")
    sums = items.group_by("booking_id").aggregate(items_amount=items.amount.sum())
    bookings = reader.table("inventory_db.bookings")
    both = bookings.left_join(sums, bookings.id == sums.booking_id)
    shown = both.select("id", "status", "total_amount", "items_amount", "discount_amount")
    return shown.filter(_.items_amount.fill_null(0) - _.discount_amount.fill_null(0) != _.total_amount)


def confirmed_not_paid(reader: Reader) -> Any:
    """List confirmed and completed bookings whose paid payments do not sum to their total."""
    paid = _paid(reader)
    return paid.filter(_.status.isin(["confirmed", "completed"]), _.paid_amount != _.total_amount)


def refunded_not_returned(reader: Reader) -> Any:
    """List refunded bookings of which some money was kept, or too much returned."""
    return _paid(reader).filter(_.status == "refunded", _.paid_amount != 0)


def items_without_booking(reader: Reader) -> Any:
    """List items whose booking does not exist."""
    items, bookings = reader.table("inventory_db.booking_items"), reader.table("inventory_db.bookings")
    return items.anti_join(bookings, items.booking_id == bookings.id).select("booking_id", "line_no")


def items_without_listing(reader: Reader) -> Any:
    """List items whose listing was never known."""
    items, versions = reader.table("inventory_db.booking_items"), reader.history("inventory_db.listings")
    lost = items.anti_join(versions, items.listing_id == versions.id)
    return lost.select("booking_id", "line_no", "listing_id")


def _paid(reader: Reader) -> Any:
    payments = reader.table("inventory_db.payments").filter(_.status == "paid")
    sums = payments.group_by("booking_id").aggregate(paid=payments.amount.sum())
    bookings = reader.table("inventory_db.bookings")
    both = bookings.left_join(sums, bookings.id == sums.booking_id)
    return both.select("id", "status", "total_amount", paid_amount=both.paid.fill_null(0))


checks = [
    Check(
        name="bookings_have_rates",
        description="The currency of every placed booking has a rate on the day of the booking.",
        severity="error",
        violations=bookings_without_rate,
    ),
    Check(
        name="items_sum_to_total",
        description="The items of a booking, less its discount, sum to its total.",
        severity="error",
        violations=amounts_that_differ,
    ),
    Check(
        name="paid_in_full",
        description="The payments of a confirmed or completed booking sum to its total.",
        severity="error",
        violations=confirmed_not_paid,
    ),
    Check(
        name="refunded_in_full",
        description="The payments of a refunded booking sum to nothing.",
        severity="warning",
        violations=refunded_not_returned,
    ),
    Check(
        name="items_have_bookings",
        description="Every item belongs to a booking that exists.",
        severity="error",
        violations=items_without_booking,
    ),
    Check(
        name="items_have_listings",
        description="Every item refers to a listing that is or was known.",
        severity="error",
        violations=items_without_listing,
    ),
]
