"""`visitors` and `identities`: who came, and which user each visitor was, from when to when."""

from __future__ import annotations

from workspace.clickstream.keyed import Input, Keyed
from workspace.clickstream.page_views import VISIT
from workspace.clickstream.table import described

_SESSIONS = """
    SELECT day, domain_userid, session_id, started_at, channel, mkt_source, mkt_medium, mkt_campaign, entry_path
    FROM {table}
"""
_FIRSTS = """
    SELECT domain_userid, started_at AS first_seen_at, session_id AS first_session_id, channel AS first_channel,
        mkt_source AS first_source, mkt_medium AS first_medium, mkt_campaign AS first_campaign,
        entry_path AS first_entry_path, started_at::DATE AS day
    FROM sessions QUALIFY row_number() OVER (PARTITION BY domain_userid ORDER BY started_at, session_id) = 1
"""

VISITORS = Keyed(
    name="visitors",
    group="domain_userid",
    columns=described(
        "domain_userid!* first_seen_at:at first_session_id first_channel first_source first_medium first_campaign "
        "first_entry_path"
    ),
    inputs=(Input.by("sessions", _SESSIONS, "domain_userid"),),
    sql=_FIRSTS,
)
"""What is known of a visitor's first session. How often somebody came since is a metric, counted when it is read."""

_LOGINS = f"""
    SELECT day, event_id, domain_userid, user_id, event_at, collector_tstamp
    FROM {{table}} WHERE user_id IS NOT NULL AND {VISIT}
"""
_STRETCHES = """
    WITH moments AS (
        FROM events QUALIFY row_number() OVER (
            PARTITION BY domain_userid, event_at ORDER BY collector_tstamp DESC, event_id DESC
        ) = 1
    ), changes AS (
        FROM moments QUALIFY lag(user_id) OVER (PARTITION BY domain_userid ORDER BY event_at) IS DISTINCT FROM user_id
    )
    SELECT domain_userid, user_id, event_at AS valid_from,
        coalesce(
            lead(event_at) OVER (PARTITION BY domain_userid ORDER BY event_at), TIMESTAMPTZ '9999-12-31 00:00:00+00'
        ) AS valid_to,
        event_at::DATE AS day
    FROM changes
"""

IDENTITIES = Keyed(
    name="identities",
    group="domain_userid",
    columns=described("domain_userid!* user_id* valid_from:at valid_to:at"),
    inputs=(Input.by("events", _LOGINS, "domain_userid"),),
    sql=_STRETCHES,
)
"""A stretch begins with the first event that names its user and ends where one names another; anonymous events, as
after a logout, do not end it. Of several users at one moment, the one that the collector saw last counts."""
