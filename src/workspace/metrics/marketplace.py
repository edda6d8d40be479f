"""BookMyEvent's vocabulary: what its tables mean, and every metric, defined once.

Money is in EUR at the ECB rate of the day on which the booking was made, in Berlin.
"""

from __future__ import annotations

from ibis import _

from workspace.semantic import Dataset, dim, exact, fact, key, measure, ref, time

PLACED = ["confirmed", "completed", "cancelled", "refunded"]
UNDONE = ["cancelled", "refunded"]


class Rates(Dataset, table="fx.rates"):
    """ECB reference rates, one row a day and currency; weekends repeat Friday's."""

    rate = key(_.day, _.currency)
    per_eur = fact(_.rate.cast("float64"), "Units of the currency for one euro")


class Users(Dataset, table="user_db.users"):
    """People with an account."""

    user = key(_.id)
    country = dim(_.country, "Country of residence")
    city = dim(_.city, "City of residence")
    signup_channel = dim(_.signup_channel, "How the user found us")
    role = dim(_.role, "Customer or vendor")
    account_status = dim(_.status, "Active, suspended or deleted")
    signed_up = time(_.created_at, "When the account was opened", default=True)
    new_users = measure(_.count(), "Users who signed up", unit="count", owner="growth")


class Vendors(Dataset, table="inventory_db.vendors", history=True):
    """Who offers spaces and services."""

    vendor = key(_.id)
    category = dim(_.category, "What the vendor offers")
    city = dim(_.city, "Where the vendor is")
    country = dim(_.country, "Where the vendor is")
    tier = dim(_.tier, "Partner tier: basic, silver or gold")
    commission_rate = fact(_.commission_rate.cast("float64"), "Our share of an item's amount")


class Listings(Dataset, table="inventory_db.listings", history=True):
    """What can be booked."""

    listing = key(_.id)
    vendor = ref(Vendors, _.vendor_id)
    kind = dim(_.kind, "Space, vendor or service")
    title = dim(_.title, "The listing's name")
    city = dim(_.city, "Where it is")


class Bookings(Dataset, table="inventory_db.bookings", where=_.status.isin(PLACED)):
    """One row a placed booking; a pending one is not placed yet."""

    booking = key(_.id)
    booker = ref(Users, _.user_id, missing=0.05)  # users are deleted for good, and their bookings stay
    created = time(_.created_at, "When it was placed", default=True)
    status = dim(_.status, "Confirmed, completed, cancelled or refunded")
    event_type = dim(_.event_type, "Wedding, conference, ...")
    booking_currency = dim(_.currency, "What the customer pays in")
    discount_code = dim(_.discount_code, "The code used, if any")
    bookings = measure(_.count(), "Bookings placed", unit="count", owner="marketplace")
    bookers = measure(_.user_id.nunique(), "Users who placed a booking", unit="count", owner="marketplace")
    booking_users = measure(_.user_id.nunique(), "Users who booked in the period", unit="count", owner="growth")
    billed_amount = measure(
        _.total_amount.sum(),
        "What customers owe for placed bookings, in their own currency: split it by booking currency",
        owner="finance",
    )
    undiscounted_amount = measure(
        (_.total_amount + _.discount_amount.fill_null(0)).sum(),
        "What placed bookings would cost without discounts, in the customer's currency",
        owner="finance",
    )
    undone_bookings = measure(
        _.count(where=_.status.isin(UNDONE)),
        "Bookings placed in the period that are now cancelled or refunded",
        unit="count",
        owner="marketplace",
    )


class Items(Dataset, table="inventory_db.booking_items", where=_.booking.status.isin(PLACED)):
    """One row a line of a placed booking."""

    item = key(_.booking_id, _.line_no)
    booking = ref(Bookings, _.booking_id)
    listing = ref(Listings, _.listing_id, valid="event")
    booked = time(_.booking.created, "When the booking was placed", default=True)
    conversion = ref(Rates, day=_.booked.date(), currency=_.booking.currency)
    target = ref(
        "Targets", _.booked.truncate("M").date(), _.listing.city, _.listing.kind, missing=None
    )  # some months and cities have no plan
    amount_eur = fact(exact(_.amount.cast("float64") / _.conversion.per_eur), "The line's amount", unit="EUR")
    gbv = measure(
        _.amount_eur.sum(), "Gross booking value: what placed bookings are worth", unit="EUR", owner="finance"
    )
    listed_amount = measure(
        _.amount.sum(),
        "What the lines of placed bookings cost, in the customer's currency: split it by booking currency",
        owner="finance",
    )
    commission = measure(
        exact(_.amount_eur.cast("float64") * _.listing.vendor.commission_rate).sum(),
        "Item amounts times the vendor's commission rate valid at booking",
        unit="EUR",
        owner="finance",
    )
    unconverted_items = measure(
        _.count(where=_.amount_eur.isnull()),
        "Lines of placed bookings without a rate for their day, which gbv lacks; 0 when all is well",
        unit="count",
        owner="finance",
    )


class Payments(Dataset, table="inventory_db.payments", where=_.status == "paid"):
    """Money that came in, and as negative amounts money that went back."""

    payment = key(_.id)
    booking = ref(Bookings, _.booking_id)
    method = dim(_.method, "Card, transfer, ...")
    paid = time(_.paid_at, "When the money moved", default=True)
    conversion = ref(Rates, day=_.booking.created.date(), currency=_.currency)
    paid_eur = fact(
        exact(_.amount.cast("float64") / _.conversion.per_eur), "At the rate of the booking day", unit="EUR"
    )
    paid_amount = measure(
        _.amount.sum(),
        "Money in, less money back, in the currency of the payment: split it by booking currency",
        owner="finance",
    )
    refunds = measure(
        _.paid_eur.sum(where=_.paid_eur < 0) * -1,
        "Money paid back, at the rate of the booking day",
        unit="EUR",
        owner="finance",
    )


class Availability(Dataset, table="inventory_db.availability"):
    """A weekly snapshot of each space's slots."""

    snapshot = key(_.listing_id, _.day)
    listing = ref(Listings, _.listing_id)
    taken = time(_.day, "The day of the snapshot", default=True)
    open_slots = measure(
        _.slots_open.sum(),
        "Bookable slots, at each listing's last snapshot",
        unit="count",
        owner="supply",
        snapshot="last",
        over=listing,
    )
