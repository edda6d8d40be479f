"""TPC-H as a snowflake of datasets, with the metrics that its queries ask for.

Nations play two roles, the customer's and the supplier's: `m.customer.nation` and `m.supplier.nation`.
"""

from __future__ import annotations

from ibis import _

from workspace.semantic import Dataset, Model, dim, fact, key, measure, ratio, ref, time

URGENT = ["1-URGENT", "2-HIGH"]


class Region(Dataset, table="region"):
    """A part of the world."""

    region = key(_.r_regionkey)
    name = dim(_.r_name)


class Nation(Dataset, table="nation"):
    """A country."""

    nation = key(_.n_nationkey)
    region = ref(Region, _.n_regionkey)
    name = dim(_.n_name)


class Supplier(Dataset, table="supplier"):
    """Who sells parts to us."""

    supplier = key(_.s_suppkey)
    nation = ref(Nation, _.s_nationkey)
    name = dim(_.s_name)


class Part(Dataset, table="part"):
    """What is sold."""

    part = key(_.p_partkey)
    name = dim(_.p_name, "Five colours")
    brand = dim(_.p_brand)
    type = dim(_.p_type, "Finish and material")
    size = dim(_.p_size)
    container = dim(_.p_container)


class PartSupp(Dataset, table="partsupp"):
    """What a supplier has of a part, and at which cost. It is as it is: there is no time."""

    stock = key(_.ps_partkey, _.ps_suppkey)
    part = ref(Part, _.ps_partkey)
    supplier = ref(Supplier, _.ps_suppkey)
    cost = fact(_.ps_supplycost, unit="USD")
    stock_value = measure((_.cost * _.ps_availqty).sum(), "What lies in stock is worth", unit="USD")


class Customer(Dataset, table="customer"):
    """Who orders. There is no time of joining."""

    customer = key(_.c_custkey)
    nation = ref(Nation, _.c_nationkey)
    name = dim(_.c_name)
    address = dim(_.c_address)
    phone = dim(_.c_phone)
    remark = dim(_.c_comment)
    balance = dim(_.c_acctbal)
    segment = dim(_.c_mktsegment)
    customers = measure(_.count(), "Customers", unit="count")


class Orders(Dataset, table="orders"):
    """One row an order."""

    order = key(_.o_orderkey)
    customer = ref(Customer, _.o_custkey)
    ordered = time(_.o_orderdate, default=True)
    priority = dim(_.o_orderpriority)
    ship_priority = dim(_.o_shippriority)
    total = dim(_.o_totalprice)
    orders = measure(_.count(), "Orders", unit="count")
    plain_orders = measure(
        _.count(where=~_.o_comment.like("%special%requests%")), "Orders without special requests", unit="count"
    )


class Lineitem(Dataset, table="lineitem"):
    """One row a line of an order."""

    line = key(_.l_orderkey, _.l_linenumber)
    order = ref(Orders, _.l_orderkey)
    part = ref(Part, _.l_partkey)
    supplier = ref(Supplier, _.l_suppkey)
    stock = ref(PartSupp, _.l_partkey, _.l_suppkey)
    shipped = time(_.l_shipdate, default=True)
    committed = time(_.l_commitdate)
    received = time(_.l_receiptdate)
    return_flag = dim(_.l_returnflag)
    line_status = dim(_.l_linestatus)
    ship_mode = dim(_.l_shipmode)
    instruction = dim(_.l_shipinstruct)
    quantity = fact(_.l_quantity)
    price = fact(_.l_extendedprice, unit="USD")
    discount = fact(_.l_discount, "Share of the price")
    discounted = fact(_.price * (1 - _.discount), unit="USD")
    lines = measure(_.count(), unit="count")
    pieces = measure(_.quantity.sum(), "Pieces sold", unit="count")
    gross = measure(_.price.sum(), "Before discount", unit="USD")
    revenue = measure(_.discounted.sum(), "After discount", unit="USD")
    charge = measure((_.discounted * (1 + _.l_tax)).sum(), "After discount, with tax", unit="USD")
    given = measure((_.price * _.discount).sum(), "What discounts cost", unit="USD")
    profit = measure((_.discounted - _.stock.cost * _.quantity).sum(), "Revenue less cost of supply", unit="USD")
    mean_quantity = measure(_.quantity.mean())
    mean_price = measure(_.price.mean(), unit="USD")
    mean_discount = measure(_.discount.mean())
    late_lines = measure(_.count(where=_.committed < _.received), "Lines received too late", unit="count")
    urgent_lines = measure(_.count(where=_.order.priority.isin(URGENT)), unit="count")
    calm_lines = measure(_.count(where=_.order.priority.notin(URGENT)), unit="count")
    promo_revenue = measure(_.discounted.sum(where=_.part.type.startswith("PROMO")), "Of promotions", unit="USD")


MODEL = Model(
    *(Region, Nation, Supplier, Part, PartSupp, Customer, Orders, Lineitem),
    timezone="UTC",
    promo_share=ratio(Lineitem.promo_revenue, Lineitem.revenue, "Share of promotions", unit="percent"),
)
