"""TPC-H's queries as questions.

The numbers come from metrics. What a query wants of the last look of its answer, the order of rows and columns, the
first ten, a year as a number, is said on the answer as an Ibis table (`shaped`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ibis import _, desc

if TYPE_CHECKING:
    from collections.abc import Callable

IN_PERSON = "DELIVER IN PERSON"


def shaped(answer: Any, *columns: Any, order: Any = (), limit: int | None = None) -> Any:
    """Order the rows of an answer, keep the first ones, and choose columns."""
    table = answer.to_ibis()
    table = table.order_by(order) if order else table
    return table.limit(limit).select(*columns) if limit else table.select(*columns)


def pricing(m: Any) -> Any:
    """Query 1."""
    sums = (m.pieces, m.gross, m.revenue, m.charge, m.mean_quantity, m.mean_price, m.mean_discount, m.lines)
    asked = m(*sums, by=[m.return_flag, m.line_status], where=[m.shipped <= date(1998, 9, 2)])
    return asked.to_ibis().order_by("return_flag", "line_status")


def shipping_priority(m: Any) -> Any:
    """Query 3."""
    day = date(1995, 3, 15)
    asked = m.revenue.by(
        *(m.order, m.order.ordered.day, m.ship_priority),
        where=[m.customer.segment == "BUILDING", m.order.ordered < day, m.shipped > day],
    )
    columns = ("order", "revenue", "order_ordered_day", "ship_priority")
    return shaped(asked, *columns, order=[desc("revenue"), "order_ordered_day"], limit=10)


def order_priority(m: Any) -> Any:
    """Query 4."""
    late = m.late_lines.per(m.order) > 0
    asked = m.orders.by(m.priority, where=[late], between=("1993-07-01", "1993-10-01"))
    return asked.to_ibis().order_by("priority")


def local_suppliers(m: Any) -> Any:
    """Query 5."""
    asked = m.revenue.by(
        m.supplier.nation.name,
        where=[
            m.customer.nation == m.supplier.nation,
            m.supplier.nation.region.name == "ASIA",
            m.order.ordered >= date(1994, 1, 1),
            m.order.ordered < date(1995, 1, 1),
        ],
    )
    return asked.to_ibis()


def discounts(m: Any) -> Any:
    """Query 6."""
    between = [m.discount >= Decimal("0.05"), m.discount <= Decimal("0.07")]
    return m.given.by(where=[*between, m.quantity < 24], between=("1994-01-01", "1995-01-01")).to_ibis()


def volume(m: Any) -> Any:
    """Query 7."""
    seller, buyer = m.supplier.nation.name, m.customer.nation.name
    asked = m.revenue.by(
        *(seller, buyer, m.shipped.year),
        where=[((seller == "FRANCE") & (buyer == "GERMANY")) | ((seller == "GERMANY") & (buyer == "FRANCE"))],
        between=("1995-01-01", "1997-01-01"),
    )
    columns = ("supplier_nation_name", "customer_nation_name", _.shipped_year.year().name("year"), "revenue")
    return shaped(asked, *columns, order=["supplier_nation_name", "customer_nation_name", "shipped_year"])


def market_share(m: Any) -> Any:
    """Query 8."""
    share = m.revenue.where(m.supplier.nation.name == "BRAZIL") / m.revenue
    asked = share.by(
        m.order.ordered.year,
        where=[
            m.customer.nation.region.name == "AMERICA",
            m.order.ordered >= date(1995, 1, 1),
            m.order.ordered <= date(1996, 12, 31),
            m.part.type == "ECONOMY ANODIZED STEEL",
        ],
    ).to_ibis()
    return asked.select(_[0].year().name("year"), _[1])


def profit(m: Any) -> Any:
    """Query 9."""
    asked = m.profit.by(m.supplier.nation.name, m.order.ordered.year, where=[m.part.name.like("%green%")])
    columns = ("supplier_nation_name", _.order_ordered_year.year().name("year"), "profit")
    return shaped(asked, *columns, order=["supplier_nation_name", desc("order_ordered_year")])


def returned(m: Any) -> Any:
    """Query 10."""
    buyer = m.customer
    asked = m.revenue.by(
        *(buyer, buyer.name, buyer.balance, buyer.nation.name, buyer.address, buyer.phone, buyer.remark),
        where=[
            m.return_flag == "R",
            m.order.ordered >= date(1993, 10, 1),
            m.order.ordered < date(1994, 1, 1),
        ],
    )
    others = ("balance", "nation_name", "address", "phone", "remark")
    columns = ("customer", "customer_name", "revenue", *(f"customer_{name}" for name in others))
    return shaped(asked, *columns, order=[desc("revenue")], limit=20)


def important_stock(m: Any) -> Any:
    """Query 11."""
    asked = m.stock_value.by(m.part, where=[m.supplier.nation.name == "GERMANY", m.stock_value.share() > 0.0001])
    return asked.to_ibis().order_by(desc("stock_value"))


def shipping_modes(m: Any) -> Any:
    """Query 12."""
    asked = m(
        *(m.urgent_lines, m.calm_lines),
        by=[m.ship_mode],
        where=[
            m.ship_mode.isin(["MAIL", "SHIP"]),
            m.committed < m.received,
            m.shipped < m.committed,
            m.received >= date(1994, 1, 1),
            m.received < date(1995, 1, 1),
        ],
    )
    return asked.to_ibis().order_by("ship_mode")


def order_counts(m: Any) -> Any:
    """Query 13."""
    asked = m.customers.by(m.plain_orders.per(m.customer)).to_ibis()
    return asked.order_by(desc(asked[1]), desc(asked[0]))


def promotions(m: Any) -> Any:
    """Query 14, which wants its share times a hundred."""
    return (m.promo_share * 100).by(between=("1995-09-01", "1995-10-01")).to_ibis()


def large_orders(m: Any) -> Any:
    """Query 18."""
    asked = m.pieces.by(
        *(m.customer.name, m.customer, m.order, m.order.ordered.day, m.order.total),
        where=[m.pieces.per(m.order) > 300],
    ).to_ibis()
    return asked.order_by(desc("order_total"), "order_ordered_day").limit(100)


def in_person(m: Any) -> Any:
    """Query 19."""

    def parcel(brand: str, size: str, containers: list[str], least: int, largest: int) -> Any:
        return (
            (m.part.brand == brand)
            & m.part.container.isin([f"{size} {container}" for container in containers])
            & (m.quantity >= least)
            & (m.quantity <= least + 10)
            & (m.part.size >= 1)
            & (m.part.size <= largest)
        )

    asked = m.revenue.by(
        where=[
            parcel("Brand#12", "SM", ["CASE", "BOX", "PACK", "PKG"], 1, 5)
            | parcel("Brand#23", "MED", ["BAG", "BOX", "PKG", "PACK"], 10, 10)
            | parcel("Brand#34", "LG", ["CASE", "BOX", "PACK", "PKG"], 20, 15),
            m.ship_mode.isin(["AIR", "AIR REG"]),
            m.instruction == IN_PERSON,
        ]
    )
    return asked.to_ibis()


QUESTIONS: dict[int, Callable[[Any], Any]] = {
    1: pricing,
    3: shipping_priority,
    4: order_priority,
    5: local_suppliers,
    6: discounts,
    7: volume,
    8: market_share,
    9: profit,
    10: returned,
    11: important_stock,
    12: shipping_modes,
    13: order_counts,
    14: promotions,
    18: large_orders,
    19: in_person,
}
