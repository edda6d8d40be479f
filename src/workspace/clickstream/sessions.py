"""`sessions`: one row a session of the tracker (`domain_sessionid`): how it came about, what happened in it.

A session keeps its visitor, and no user: who that visitor was is read from `identities`, so that a login never changes
an old session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workspace.clickstream.channels import with_channel
from workspace.clickstream.keyed import Input, Keyed
from workspace.clickstream.page_views import VISIT
from workspace.clickstream.table import described
from workspace.lake.schema import literal

if TYPE_CHECKING:
    from collections.abc import Sequence

ENGAGED_SECONDS = 20
"""From how many engaged seconds on a session is an engaged one: two heartbeats, as in Snowplow's models."""

_EVENTS = f"""
    SELECT day, event_id, event_at, event_name, domain_sessionid AS session_id, domain_userid, domain_sessionidx,
        app_id, platform, device, geo_country
    FROM {{table}} WHERE {VISIT}
"""
_PAGE_VIEWS = """
    SELECT day, event_id, session_id, viewed_at, engaged_seconds, page_url, page_urlpath, mkt_medium, mkt_source,
        mkt_term, mkt_content, mkt_campaign, click_id, click_network, refr_medium, refr_source, refr_urlhost
    FROM {table}
"""
_SQL = """
    WITH firsts AS (
        FROM events QUALIFY row_number() OVER (PARTITION BY session_id ORDER BY event_at, event_id) = 1
    ), counted AS (
        SELECT session_id, min(event_at) AS started_at, max(event_at) AS ended_at, count(*) AS events,
            count(*) FILTER (event_name IN {conversions}) AS conversions
        FROM events GROUP BY session_id
    ), viewed AS (
        SELECT session_id, count(*) AS page_views, sum(engaged_seconds)::BIGINT AS engaged_seconds
        FROM page_views GROUP BY session_id
    ), landings AS (
        FROM page_views QUALIFY row_number() OVER (PARTITION BY session_id ORDER BY viewed_at, event_id) = 1
    ), exits AS (
        FROM page_views QUALIFY row_number() OVER (PARTITION BY session_id ORDER BY viewed_at DESC, event_id DESC) = 1
    ), led AS (
        {landings}
    ), measured AS (
        SELECT session_id, coalesce(page_views, 0) AS page_views, coalesce(engaged_seconds, 0) AS engaged_seconds
        FROM counted LEFT JOIN viewed USING (session_id)
    )
    SELECT session_id, firsts.domain_userid, firsts.domain_sessionidx AS session_index, started_at, ended_at, events,
        measured.page_views, measured.engaged_seconds,
        measured.page_views >= 2 OR measured.engaged_seconds >= {engaged} OR conversions > 0 AS engaged, conversions,
        led.page_url AS entry_url, led.page_urlpath AS entry_path, exits.page_urlpath AS exit_path,
        led.mkt_medium, led.mkt_source, led.mkt_term, led.mkt_content, led.mkt_campaign, led.click_id,
        led.click_network, led.refr_medium, led.refr_source, led.refr_urlhost,
        coalesce(led.channel, 'Unassigned') AS channel,
        firsts.app_id, firsts.platform, firsts.device, firsts.geo_country, started_at::DATE AS day
    FROM counted JOIN firsts USING (session_id) JOIN measured USING (session_id)
        LEFT JOIN led USING (session_id) LEFT JOIN exits USING (session_id)
"""


def sessions(conversions: Sequence[str]) -> Keyed:
    """Describe the table of sessions.

    Entry, exit, utm parameters, click id and referrer are those of its first page view (its last, for the exit); a
    session without any has none, and is Unassigned. Visitor, device and place are those of its first event.

    Args:
        conversions: The event names that make a session a converted one.
    """
    names = ", ".join(literal(name) for name in sorted(set(conversions)))
    return Keyed(
        name="sessions",
        group="session_id",
        columns=described(
            "session_id! domain_userid* session_index:int started_at:at ended_at:at events:int page_views:int "
            "engaged_seconds:int engaged:bool conversions:int entry_url* entry_path exit_path mkt_medium mkt_source "
            "mkt_term mkt_content mkt_campaign click_id* click_network refr_medium refr_source refr_urlhost channel "
            "app_id platform device geo_country"
        ),
        inputs=(
            Input.by("events", _EVENTS, "session_id", "domain_sessionid"),
            Input.by("page_views", _PAGE_VIEWS, "session_id"),
        ),
        sql=_SQL.format(conversions=f"({names or 'NULL'})", landings=with_channel("landings"), engaged=ENGAGED_SECONDS),
    )
