"""BookMyEvent's model: the datasets together, and the metrics that are made of others."""

from __future__ import annotations

from workspace.metrics.marketplace import Availability, Bookings, Items, Listings, Payments, Rates, Users, Vendors
from workspace.semantic import Model, ratio

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
)
