"""The line that Snowplow's enrich writes of an event: 131 tab-separated fields."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from workspace.demo.world import stamp

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = """
    app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id name_tracker v_tracker
    v_collector v_etl user_id user_ipaddress user_fingerprint domain_userid domain_sessionidx network_userid geo_country
    geo_region geo_city geo_zipcode geo_latitude geo_longitude geo_region_name ip_isp ip_organization ip_domain
    ip_netspeed page_url page_title page_referrer page_urlscheme page_urlhost page_urlport page_urlpath page_urlquery
    page_urlfragment refr_urlscheme refr_urlhost refr_urlport refr_urlpath refr_urlquery refr_urlfragment refr_medium
    refr_source refr_term mkt_medium mkt_source mkt_term mkt_content mkt_campaign contexts se_category se_action
    se_label se_property se_value unstruct_event tr_orderid tr_affiliation tr_total tr_tax tr_shipping tr_city tr_state
    tr_country ti_orderid ti_sku ti_name ti_category ti_price ti_quantity pp_xoffset_min pp_xoffset_max pp_yoffset_min
    pp_yoffset_max useragent br_name br_family br_version br_type br_renderengine br_lang br_features_pdf
    br_features_flash br_features_java br_features_director br_features_quicktime br_features_realplayer
    br_features_windowsmedia br_features_gears br_features_silverlight br_cookies br_colordepth br_viewwidth
    br_viewheight os_name os_family os_manufacturer os_timezone dvce_type dvce_ismobile dvce_screenwidth
    dvce_screenheight doc_charset doc_width doc_height tr_currency tr_total_base tr_tax_base tr_shipping_base
    ti_currency ti_price_base base_currency geo_timezone mkt_clickid mkt_network etl_tags dvce_sent_tstamp
    refr_domain_userid refr_dvce_tstamp derived_contexts domain_sessionid derived_tstamp event_vendor event_name
    event_format event_version event_fingerprint true_tstamp
"""
FIELDS = tuple(_NAMES.split())
PLACE = {name: place for place, name in enumerate(FIELDS)}
EMPTY = ("",) * len(FIELDS)

_ETL, _COLLECTOR, _CREATED = PLACE["etl_tstamp"], PLACE["collector_tstamp"], PLACE["dvce_created_tstamp"]
_SENT, _DERIVED, _ID = PLACE["dvce_sent_tstamp"], PLACE["derived_tstamp"], PLACE["event_id"]
_PRINT = PLACE["event_fingerprint"]


def fill(fields: list[str], values: Mapping[str, str]) -> list[str]:
    """Give a copy of a line's fields with some of them set, by name."""
    filled = fields.copy()
    for name, value in values.items():
        filled[PLACE[name]] = value
    return filled


@lru_cache(maxsize=4_096)
def _minute(number: int) -> str:
    return stamp(number * 60_000)[:17].replace("T", " ")


def tstamp(at: int) -> str:
    """Write a time in milliseconds of the epoch as enrich does.

    Examples:
        >>> tstamp(1758931200123)
        '2025-09-27 00:00:00.123'
    """
    minute, rest = divmod(at, 60_000)
    return f"{_minute(minute)}{rest // 1000:02d}.{rest % 1000:03d}"


def uuid(bits: int) -> str:
    """Write 128 random bits as a UUID of version 4.

    Examples:
        >>> uuid(255)
        '00000000-0000-4000-a000-0000000000ff'
    """
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def fingerprint(fields: list[str]) -> str:
    """Digest what the tracker sent of an event, less its id and the time of sending."""
    kept = fields.copy()
    for place in (_ETL, _COLLECTOR, _SENT, _DERIVED, _ID, _PRINT):
        kept[place] = ""
    return blake2b("\t".join(kept).encode(), digest_size=16).hexdigest()


def sent(fields: list[str], created: int, sent_at: int, collected: int, etl: int) -> bytes:
    """Write the line of an event that was sent and collected at some time.

    Args:
        fields: All else.
        created: When it happened by the device's clock, in milliseconds.
        sent_at: When it was sent by the device's clock.
        collected: When the collector had it, by the server's clock.
        etl: When enrich was done with it.
    """
    fields[_CREATED] = tstamp(created)
    fields[_SENT] = tstamp(sent_at)
    fields[_COLLECTOR] = tstamp(collected)
    fields[_ETL] = tstamp(etl)
    fields[_DERIVED] = tstamp(collected - (sent_at - created))
    return "\t".join(fields).encode()
