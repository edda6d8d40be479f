"""`touchpoints`: one row a marketing click, with all that the URL of its landing page told."""

from __future__ import annotations

from workspace.clickstream.channels import with_channel
from workspace.clickstream.clicks import CLICK_IDS, parameter
from workspace.clickstream.keyed import Input, Keyed
from workspace.clickstream.table import described

_UTM = ("mkt_medium", "mkt_source", "mkt_term", "mkt_content", "mkt_campaign")

_LANDINGS = f"""
    SELECT day, event_id, page_view_id, session_id, domain_userid, viewed_at, page_url, page_urlpath, {", ".join(_UTM)},
        click_id, click_network, refr_medium, refr_source, refr_urlhost
    FROM {{table}} WHERE click_id IS NOT NULL OR {" OR ".join(f"{name} IS NOT NULL" for name in _UTM)}
"""
_SQL = f"""
    WITH told AS (
        SELECT *, {", ".join(f"{parameter(name)} AS {name}" for name in CLICK_IDS)} FROM page_views
    ), clicks AS (
        FROM told QUALIFY row_number() OVER (
            PARTITION BY session_id, click_id, {", ".join((*_UTM, *CLICK_IDS))} ORDER BY viewed_at, event_id
        ) = 1
    )
    SELECT event_id, page_view_id, session_id, domain_userid, viewed_at AS clicked_at, channel, {", ".join(_UTM)},
        click_id, click_network, {", ".join(CLICK_IDS)}, page_urlpath AS landing_path, refr_medium, refr_source,
        refr_urlhost, viewed_at::DATE AS day
    FROM ({with_channel("clicks")})
"""

TOUCHPOINTS = Keyed(
    name="touchpoints",
    group="session_id",
    columns=described(
        f"event_id! page_view_id session_id domain_userid* clicked_at:at channel {' '.join(_UTM)} click_id* "
        "click_network "
        f"{' '.join(f'{name}*' for name in CLICK_IDS)} landing_path refr_medium refr_source refr_urlhost"
    ),
    inputs=(Input.by("page_views", _LANDINGS, "session_id"),),
    sql=_SQL,
)
"""Page views of a session with the same utm parameters and click ids are one click: a reload, or a walk through a site
that carries them along."""
