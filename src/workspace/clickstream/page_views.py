"""`page_views`: one row a page view, with how long it was looked at and how much of it was seen.

Engaged time follows Snowplow's rule for page pings: a tracker sends one every ten seconds in which something happened,
so ten seconds for each ten-second slot with a ping but the first, and five for the visit that led to the first.
"""

from __future__ import annotations

from workspace.clickstream.clicks import CLICK_ID, CLICK_NETWORK
from workspace.clickstream.keyed import Input, Keyed
from workspace.clickstream.table import described

HEARTBEAT, FIRST_PING = 10, 5
"""Seconds between page pings, and seconds that a page view counts for by its first: the trackers' usual settings."""

VISIT = "NOT bot AND domain_sessionid IS NOT NULL AND domain_userid IS NOT NULL"
"""The events that make up visits: not a robot's, and of a session and a visitor. All others are in `events` only."""

_EVENTS = f"""
    SELECT day, page_view_id, event_id, event = 'page_view' AS viewed, domain_sessionid AS session_id, domain_userid,
        event_at, collector_tstamp, coalesce(dvce_created_tstamp, collector_tstamp) AS created_at,
        page_url, page_urlhost, page_urlpath, page_title, page_referrer,
        mkt_medium, mkt_source, mkt_term, mkt_content, mkt_campaign, mkt_clickid, mkt_network,
        refr_medium, refr_source, refr_urlhost, app_id, platform, device, geo_country,
        pp_yoffset_max, br_viewheight, doc_height
    FROM {{table}} WHERE event IN ('page_view', 'page_ping') AND page_view_id IS NOT NULL AND {VISIT}
"""

# A page view has its number in its session: with one, all of its session are made anew, and with these all of their
# pings, whatever session these are in.
_TOUCHED = "SELECT session_id FROM changed WHERE viewed UNION SELECT session_id FROM known WHERE viewed"
_WANTED = "SELECT DISTINCT page_view_id FROM of_touched WHERE viewed"

_SQL = f"""
    WITH firsts AS (
        FROM events WHERE viewed
        QUALIFY row_number() OVER (PARTITION BY page_view_id ORDER BY event_at, event_id) = 1
    ), attention AS (
        SELECT page_view_id,
            count(DISTINCT epoch_us(created_at) // {HEARTBEAT * 1_000_000}) FILTER (NOT viewed) AS slots,
            max(doc_height) AS height, max(br_viewheight) AS screen,
            greatest(max(pp_yoffset_max) FILTER (NOT viewed), 0) AS scrolled
        FROM events GROUP BY page_view_id
    )
    SELECT page_view_id, event_id, session_id, domain_userid, event_at AS viewed_at,
        page_url, page_urlhost, page_urlpath, page_title, page_referrer,
        row_number() OVER (PARTITION BY session_id ORDER BY event_at, event_id) AS page_view_in_session,
        CASE WHEN slots > 0 THEN {HEARTBEAT} * (slots - 1) + {FIRST_PING} ELSE 0 END AS engaged_seconds,
        CASE WHEN height > 0 THEN least(1.0, greatest(0.0, (scrolled + screen) / height)) END AS scroll_depth,
        mkt_medium, mkt_source, mkt_term, mkt_content, mkt_campaign, {CLICK_ID} AS click_id,
        {CLICK_NETWORK} AS click_network, refr_medium, refr_source, refr_urlhost, app_id, platform, device, geo_country,
        event_at::DATE AS day
    FROM firsts JOIN attention USING (page_view_id)
"""

PAGE_VIEWS = Keyed(
    name="page_views",
    group="session_id",
    columns=described(
        "page_view_id! event_id session_id domain_userid* viewed_at:at page_url* page_urlhost page_urlpath page_title "
        "page_referrer* page_view_in_session:int engaged_seconds:int scroll_depth:float mkt_medium mkt_source mkt_term "
        "mkt_content mkt_campaign click_id* click_network refr_medium refr_source refr_urlhost app_id platform device "
        "geo_country"
    ),
    inputs=(
        Input(
            table="events",
            rows=_EVENTS,
            key="page_view_id",
            column="page_view_id",
            touched=_TOUCHED,
            wanted=_WANTED,
            among="domain_sessionid",
        ),
    ),
    sql=_SQL,
)
"""Several page view events may have the same id, where a tracker sends one again: the first stands for the page view.

`scroll_depth` is the share of the document's height that came into view, by the largest of each that its events tell.
"""
