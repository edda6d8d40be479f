"""Questions that every engine must answer alike. To add one, add a line: its name, and how it is asked."""

from __future__ import annotations

from typing import Any

from ibis import _

from semantic.shop import DATASETS, RATIOS, Customers, Lines, Orders, Products
from workspace.semantic import Dataset, Model, dim, funnel, key, measure, metric, ref, retention, time


class Seasons(Dataset, table="shop.seasons"):
    """Periods of the shop's own."""

    calendar_day = key(_.day)
    season = dim(_.season)


class Prices(Dataset, table="shop.lines"):
    """What lines cost, seen from all sides: quantiles, and the versions of now and of a day."""

    order = ref(Orders, _.order_id)
    article = ref(Products, _.product_id, valid="now")
    first_article = ref(Products, _.product_id, valid="2026-06-10", before="null")
    priced = time(_.order.placed, default=True)
    median_price = measure(_.amount.median(), unit="EUR")
    upper_price = measure(_.amount.quantile(0.9), unit="EUR")
    red_orders = measure(_.order_id.nunique(where=_.article.colour == "red"), unit="count")


class Shelves(Dataset, table="shop.stock"):
    """What lay on the shelf first."""

    product = ref(Products, _.product_id)
    counted_first = time(_.day, default=True)
    first_stock = measure(_.pieces.sum(), unit="count", snapshot="first", over=product)


MADE = {
    "revenue_28d": metric(Lines.revenue.trailing("28 days"), "What was ordered in four weeks"),
    "revenue_mtd": Lines.revenue.to_date("month"),
    "buyers_7d": Orders.buyers.trailing("7 days"),
    "ever": Orders.orders.all_time(),
    "joined_to_order": funnel(Customers.new_customers, Orders.orders, by="customer", within="15 days"),
    "order_again": funnel(Orders.orders, Orders.orders.where(_.status == "returned"), by="buyer"),
    "three_steps": funnel(Customers.new_customers, Orders.orders, Orders.returned, by="customer", within="30 days"),
    "came_back": retention(Customers.new_customers, Orders.orders, by="customer", after=0),
}
SHOP = Model(
    *DATASETS, Seasons, Prices, Shelves, timezone="Europe/Berlin", week="mon", calendar=Seasons, **RATIOS, **MADE
)

SHOP_QUESTIONS: list[tuple[str, Any]] = [
    ("total", lambda m: m(m.revenue, m.orders, m.buyers, m.returned, m.typical, m.basket, m.fees)),
    ("nothing", lambda m: m(m.revenue, m.orders, m.buyers, m.returned, m.basket, where=m.country == "XX")),
    ("nothing by", lambda m: m(m.revenue, m.orders, by=m.month, where=m.country == "XX")),
    ("by a missing value", lambda m: m(m.orders, m.buyers, by=m.country)),
    ("by a key", lambda m: m.revenue.by(m.product)),
    ("hour", lambda m: m.orders.by(m.hour)),
    ("day", lambda m: m(m.revenue, m.cheapest, m.dearest, m.typical, by=m.day)),
    ("week", lambda m: m.revenue.by(m.placed.week, m.status)),
    ("month", lambda m: m(m.revenue, m.orders, m.basket, m.new_customers, m.in_stock, by=m.month)),
    ("quarter", lambda m: m.return_rate.by(m.quarter)),
    ("year", lambda m: m.orders.by(m.year)),
    ("history", lambda m: m(m.revenue, m.fees, by=m.product.brand.tier)),
    ("condition", lambda m: m(m.revenue, by=m.status, where=[~(m.country == "DE"), m.day >= "2026-06-02"])),
    ("missing condition", lambda m: m.revenue.by(where=m.country.isin(["FR", None]))),
    ("last", lambda m: m.revenue.by(m.day, last="2 weeks")),
    ("between", lambda m: m.in_stock.by(m.product.colour, between=("2026-05-01", "2026-06-01"))),
    ("fill", lambda m: m(m.orders, m.revenue, by=[m.week, m.status], last="6 weeks", fill=True)),
    ("top", lambda m: m.revenue.by(m.product, top=1)),
    ("overlap", lambda m: m.orders.by(m.product.colour, overlap=True)),
    ("groups", lambda m: m(m.revenue, by=m.country, where=m.orders > 1)),
    ("rows by a metric", lambda m: m.revenue.by(m.orders.per(m.buyer))),
    ("trailing", lambda m: m(m.revenue_28d, m.revenue, by=m.week)),
    ("trailing distinct", lambda m: m.buyers_7d.by(m.day)),
    ("to date", lambda m: m(m.revenue_mtd, m.ever, by=[m.day, m.status])),
    ("ago", lambda m: m(m.revenue, m.revenue.ago("1 month"), m.revenue.growth("1 month"), by=m.month)),
    ("share", lambda m: m.revenue.share().by(m.country)),
    ("share within", lambda m: m.revenue.share(m.status).by(m.status, m.country)),
    ("arithmetic", lambda m: ((m.revenue - m.fees) / m.lines * 2 + 1).by(m.country)),
    ("conditional", lambda m: (m.revenue.where(m.status == "done") / m.revenue).by(m.month)),
    ("funnel", lambda m: m(m.joined_to_order, m.order_again, by=m.month)),
    ("retention", lambda m: m.came_back.by(m.month)),
    ("quantiles", lambda m: m(m.median_price, m.upper_price, by=m.priced.month)),
    ("trailing quantile", lambda m: m.median_price.trailing("14 days").by(m.week)),
    ("version of now", lambda m: m(m.median_price, m.red_orders, by=m.article.brand.tier)),
    ("version of a day", lambda m: m.median_price.by(m.first_article.brand.tier)),
    ("first levels", lambda m: m.first_stock.by(m.month)),
    ("levels ago", lambda m: m.in_stock.ago("1 month").by(m.month)),
    ("seasons", lambda m: m(m.revenue, m.revenue.ago("1 season"), m.revenue.to_date("season"), by=m.season)),
    ("season so far", lambda m: m.orders.to_date("season").by(m.day, last="3 weeks")),
    ("hours ago", lambda m: m.orders.ago("2 days").by(m.hour)),
    ("a month ago by day", lambda m: m.orders.ago("1 month").by(m.day)),
    ("like", lambda m: m.revenue.by(where=m.status.like("ret%"))),
    ("to many where", lambda m: m.orders.by(m.country, where=m.product.colour == "red", overlap=True)),
    ("top and rest by month", lambda m: m(m.revenue, m.orders, by=[m.month, m.country], top=1)),
    ("three steps", lambda m: m(*m.three_steps.steps(), by=m.country)),
]

COMPANY_QUESTIONS: list[tuple[str, Any]] = [
    ("board", lambda m: m(m.gbv, m.bookings, m.new_users, m.refunds, m.open_slots, m.aov, m.take_rate, by=m.month)),
    ("tier at the time", lambda m: m(m.gbv, m.commission, m.unconverted_items, by=m.listing.vendor.tier)),
    ("day of the rate", lambda m: m(m.gbv, m.paid_amount, by=[m.day, m.booking_currency])),
    ("users", lambda m: m(m.bookers, m.undone_bookings, m.cancellation_rate, by=m.booker.country)),
    ("slots", lambda m: m.open_slots.by(m.week, m.listing.city)),
    ("four weeks", lambda m: m(m.gbv.trailing("28 days"), m.bookings.trailing("28 days"), by=m.week)),
]
