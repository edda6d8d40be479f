"""What an event's agent was: a robot or not, and which kind of device.

The pipeline's enrichments know best, if they are on: the IAB list (`com.iab.snowplow/spiders_and_robots`) and YAUAA
(`nl.basjes/yauaa_context`, whose device classes are listed at https://yauaa.basjes.nl/expect/fieldvalues/). Where they
are not, the user agent decides.
"""

from __future__ import annotations

ROBOTS = (
    # Robots name themselves by these words, as RFC 9309 and the crawlers' own pages ask for: Googlebot, bingbot,
    # Baiduspider, Yahoo! Slurp, AhrefsBot, facebookexternalhit, ... A Cubot is a telephone.
    r"(^|[^u]|[^c]u)bot(\b|_)|crawl|spider|slurp|facebookexternalhit|mediapartners-google|bingpreview|lighthouse"
    # Browsers without a screen, and what programs call themselves by default.
    r"|headlesschrome|phantomjs|puppeteer|playwright|selenium"
    r"|^curl/|^wget/|python-requests|python-urllib|aiohttp|^go-http-client|^java/|okhttp/|apache-httpclient|libwww-perl"
)
"""User agents of robots, as a regular expression over the lower-cased text."""

TRAITS = """
    SELECT event_id,
        arg_min(data->>'$.id', place) FILTER (name = 'com.snowplowanalytics.snowplow/web_page') AS web_page,
        bool_or(name = 'com.iab.snowplow/spiders_and_robots' AND lower(data->>'$.spiderOrRobot') = 'true')
            OR bool_or(name = 'nl.basjes/yauaa_context' AND starts_with(data->>'$.deviceClass', 'Robot')) AS robot,
        arg_min(data->>'$.deviceClass', place) FILTER (name = 'nl.basjes/yauaa_context') AS device_class
    FROM blocks
    WHERE name IN (
        'com.snowplowanalytics.snowplow/web_page', 'com.iab.snowplow/spiders_and_robots', 'nl.basjes/yauaa_context'
    )
    GROUP BY event_id
"""
"""What the entities say of an event: its page view, whether a robot made it, on which class of device."""

BOT = f"(coalesce(robot, false) OR coalesce(regexp_matches(lower(useragent), '{ROBOTS}'), false))"

DEVICE = r"""CASE
    WHEN device_class IN ('Phone', 'Mobile') THEN 'mobile'
    WHEN device_class = 'Tablet' THEN 'tablet'
    WHEN device_class = 'Desktop' THEN 'desktop'
    WHEN device_class NOT IN ('Unknown', 'Unclassified', 'Hacker', 'Anonymized') THEN 'other'
    WHEN dvce_type = 'Mobile' THEN 'mobile'
    WHEN dvce_type = 'Tablet' THEN 'tablet'
    WHEN dvce_type = 'Computer' THEN 'desktop'
    WHEN regexp_matches(useragent, 'iPad|Tablet|PlayBook|Silk/')
        OR (contains(useragent, 'Android') AND NOT contains(useragent, 'Mobile')) THEN 'tablet'
    WHEN regexp_matches(useragent, 'Mobi|iPhone|iPod|Android') THEN 'mobile'
    WHEN regexp_matches(useragent, 'Windows NT|Macintosh|X11|CrOS') THEN 'desktop'
END"""
"""The kind of device: `desktop`, `mobile`, `tablet`, `other` (a television, a watch); NULL if nothing tells."""
