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

TO_MANY = """
    WITH pairs AS (SELECT DISTINCT booking_id, kind FROM items)
    SELECT kind, count(*) AS bookings FROM bookings LEFT JOIN pairs ON bookings.id = booking_id GROUP BY kind
"""

# The days of the year that is shown, and the 27 days before it.
TRAILING = f"""
    WITH
        quarters AS (
            SELECT {QUARTER.format("created_at")}, sum(amount) AS gbv
            FROM items
            WHERE created_at >= TIMESTAMPTZ '2025-10-04 22:00:00+00'
                AND created_at < TIMESTAMPTZ '2026-10-31 23:00:00+00'
            GROUP BY quarter
        ),
        days AS (SELECT {WALL}::DATE AS day, sum(gbv) AS gbv FROM quarters GROUP BY day),
        sums AS (
            SELECT day, sum(gbv) OVER (ORDER BY day RANGE INTERVAL 27 DAYS PRECEDING)::DOUBLE AS gbv_trailing_28_days
            FROM days
        )
    FROM sums WHERE day >= DATE '2025-11-01'
"""

AGO = f"""
    WITH
        quarters AS (
            SELECT {QUARTER.format("created_at")}, sum(amount) AS gbv
            FROM items
            WHERE created_at >= TIMESTAMPTZ '2024-10-31 23:00:00+00'
                AND created_at < TIMESTAMPTZ '2026-10-31 23:00:00+00'
            GROUP BY quarter
        ),
        months AS (SELECT {MONTH}, sum(gbv)::DOUBLE AS gbv FROM quarters GROUP BY month)
    SELECT this.month, this.gbv, before.gbv AS gbv_1_year_ago
    FROM months AS this LEFT JOIN months AS before ON before.month = this.month - INTERVAL 1 YEAR
    WHERE this.month >= DATE '2025-11-01'
"""

# A visit led to a booking if the very next thing that its user did was one, and in time: a later visit takes over. Both
# kinds in one order of whole numbers, bookings odd, is a third less than an order of moments and kinds. An ASOF join is
# as fast, but says nothing of two visits at one moment: those are told apart by their key.
FUNNEL = """
    WITH
        steps AS (
            SELECT user_id, epoch_us(visited_at) * 2 AS moment, id, device FROM visits WHERE user_id IS NOT NULL
            UNION ALL
            SELECT user_id, epoch_us(created_at) * 2 + 1, NULL, NULL FROM bookings
        ),
        nexts AS (
            SELECT device, moment, lead(moment) OVER (PARTITION BY user_id ORDER BY moment, id) AS after FROM steps
        ),
        marked AS (
            SELECT device, after % 2 = 1 AND after - moment <= 2 * 7 * 86_400_000_000 + 1 AS booked
            FROM nexts WHERE moment % 2 = 0
            UNION ALL
            SELECT device, false FROM visits WHERE user_id IS NULL
        )
    SELECT device, count(*) FILTER (WHERE booked) / count(*) AS conversion FROM marked GROUP BY device
"""
