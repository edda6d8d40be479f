"""The questions of the benchmark as SQL, written by hand: the best plan that we know for each.

A time zone is what costs most in a question by day or month: DuckDB asks ICU for every row. Every zone of today changes
its clocks on a quarter of an hour, so that rows of one quarter can be counted together first, and 70,000 quarters
converted instead of ten million rows.
"""

from __future__ import annotations

QUARTER = "epoch_us({}) // 900_000_000 AS quarter"
WALL = "timezone('Europe/Berlin', make_timestamptz(quarter * 900_000_000))"
MONTH = f"date_trunc('month', {WALL})::DATE AS month"

SINGLE = "SELECT kind, sum(amount)::DOUBLE AS gbv, count(*) AS lines FROM items GROUP BY kind"

# Each user's visits together first: fewer rows to join, and no country repeated for each visit.
TO_ONE = """
    WITH each AS (SELECT user_id, sum(seconds) AS stay, count(*) AS visits FROM visits GROUP BY user_id)
    SELECT country AS visitor_country, sum(stay) AS stay, sum(visits)::BIGINT AS visits
    FROM each LEFT JOIN users ON user_id = users.id
    GROUP BY country
"""

# DuckDB keeps the order of outer joins: the small ones first.
TWO_STEPS = """
    WITH booked AS (SELECT bookings.id, country FROM bookings LEFT JOIN users ON user_id = users.id)
    SELECT country AS booker_country, sum(amount)::DOUBLE AS gbv
    FROM items LEFT JOIN booked ON booking_id = booked.id
    GROUP BY country
"""

MONTHS = f"""
    WITH quarters AS (
        SELECT {QUARTER.format("created_at")}, sum(amount) AS gbv, count(*) AS lines FROM items GROUP BY quarter
    )
    SELECT {MONTH}, sum(gbv)::DOUBLE AS gbv, sum(lines)::BIGINT AS lines FROM quarters GROUP BY month
"""

TWO_FACTS = f"""
    WITH
        sold AS (SELECT {QUARTER.format("created_at")}, sum(amount) AS gbv FROM items GROUP BY quarter),
        seen AS (SELECT {QUARTER.format("visited_at")}, count(*) AS visits FROM visits GROUP BY quarter),
        sold_by_month AS (SELECT {MONTH}, sum(gbv)::DOUBLE AS gbv FROM sold GROUP BY month),
        seen_by_month AS (SELECT {MONTH}, sum(visits)::BIGINT AS visits FROM seen GROUP BY month)
    SELECT month, gbv, coalesce(visits, 0) AS visits FROM sold_by_month FULL JOIN seen_by_month USING (month)
"""

# What is distinct cannot be added up, so the month of each quarter is looked up.
DISTINCT = f"""
    WITH quarters AS (SELECT DISTINCT {QUARTER.format("visited_at")} FROM visits),
        months AS (SELECT quarter, {MONTH} FROM quarters)
    SELECT month, count(DISTINCT user_id) AS visitors
    FROM (SELECT user_id, {QUARTER.format("visited_at")} FROM visits) JOIN months USING (quarter)
    GROUP BY month
"""

# A plain range join: the few versions of a listing are found by hash. An ASOF join sorts both sides: 2.5 times as long.
VERSIONS = """
    SELECT tier AS listing_tier, sum(amount * commission_rate)::DOUBLE AS commission, sum(amount)::DOUBLE AS gbv
    FROM items LEFT JOIN listings
        ON items.listing_id = listings.id AND valid_from <= created_at AND created_at < valid_to
    GROUP BY tier
"""
