"""BookMyEvent's model: the datasets together, and the metrics that are made of others."""

from __future__ import annotations

from workspace.metrics.marketplace import Availability, Bookings, Items, Listings, Payments, Rates, Users, Vendors
from workspace.semantic import Model, funnel, metric, ratio, retention

model = Model(
    Users,
    Vendors,
    Listings,
    Bookings,
    Items,
    Payments,
    Availability,
    Rates,
    timezone="Europe/Berlin",
    week="mon",
    aov=ratio(Items.gbv, Bookings.bookings, "Average order value: gbv a booking", unit="EUR", owner="finance"),
    take_rate=ratio(Items.commission, Items.gbv, "Our share of gbv", unit="percent", owner="finance"),
    cancellation_rate=ratio(
        Bookings.undone_bookings,
        Bookings.bookings,
        "Share of the bookings placed in the period that are now cancelled or refunded",
        unit="percent",
        owner="marketplace",
    ),
    gbv_28d=metric(Items.gbv.trailing("28 days"), "Gross booking value of the last 28 days"),
    gbv_growth=metric(Items.gbv.growth("1 year"), "Gross booking value against the same period a year before"),
    signup_to_booking=funnel(
        Users.new_users,
        Bookings.bookings,
        by="user",
        within="30 days",
        description="Share of new users who place a booking within 30 days of signing up",
        owner="growth",
    ),
    bookers_back=retention(
        Bookings.bookings,
        Bookings.bookings,
        by="booker",
        description="Share of first-time bookers who book again in the month after",
        owner="growth",
    ),
)
