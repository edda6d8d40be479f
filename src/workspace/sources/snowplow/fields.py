"""The 131 fields of an enriched event, in the order in which a line holds them.

The names, their order, their types and which are required follow the Snowplow Analytics SDK (`Event`, version 3). The
lake holds numbers in its wide types and JSON and UUIDs as text. How long a value may be is the pipeline's rule, not
one of the lake's, so lengths are not checked: a value that is too long for Redshift is still a fact.
"""

from __future__ import annotations

import re

import pyarrow as pa

from workspace.lake import Column

# name[:type, if it is not a string][! if required][* if a value can be traced to a person: identifiers of people and
# their devices, exact places, and whatever may carry such things as free text, such as queries of URLs]
_TABLE = """
    app_id platform etl_tstamp:timestamp collector_tstamp:timestamp! dvce_created_tstamp:timestamp
    event event_id:uuid! txn_id:integer name_tracker v_tracker v_collector! v_etl!
    user_id* user_ipaddress* user_fingerprint* domain_userid* domain_sessionidx:integer network_userid*
    geo_country geo_region geo_city geo_zipcode* geo_latitude:double* geo_longitude:double* geo_region_name
    ip_isp ip_organization ip_domain ip_netspeed
    page_url* page_title page_referrer*
    page_urlscheme page_urlhost page_urlport:integer page_urlpath page_urlquery* page_urlfragment*
    refr_urlscheme refr_urlhost refr_urlport:integer refr_urlpath refr_urlquery* refr_urlfragment*
    refr_medium refr_source refr_term
    mkt_medium mkt_source mkt_term mkt_content mkt_campaign
    contexts:json*
    se_category se_action se_label se_property se_value:double
    unstruct_event:json*
    tr_orderid tr_affiliation tr_total:double tr_tax:double tr_shipping:double tr_city tr_state tr_country
    ti_orderid ti_sku ti_name ti_category ti_price:double ti_quantity:integer
    pp_xoffset_min:integer pp_xoffset_max:integer pp_yoffset_min:integer pp_yoffset_max:integer
    useragent br_name br_family br_version br_type br_renderengine br_lang
    br_features_pdf:boolean br_features_flash:boolean br_features_java:boolean br_features_director:boolean
    br_features_quicktime:boolean br_features_realplayer:boolean br_features_windowsmedia:boolean
    br_features_gears:boolean br_features_silverlight:boolean br_cookies:boolean
    br_colordepth br_viewwidth:integer br_viewheight:integer
    os_name os_family os_manufacturer os_timezone
    dvce_type dvce_ismobile:boolean dvce_screenwidth:integer dvce_screenheight:integer
    doc_charset doc_width:integer doc_height:integer
    tr_currency tr_total_base:double tr_tax_base:double tr_shipping_base:double
    ti_currency ti_price_base:double base_currency
    geo_timezone mkt_clickid* mkt_network etl_tags
    dvce_sent_tstamp:timestamp refr_domain_userid* refr_dvce_tstamp:timestamp
    derived_contexts:json* domain_sessionid derived_tstamp:timestamp
    event_vendor event_name event_format event_version event_fingerprint true_tstamp:timestamp
"""

_TYPES = {
    "string": pa.string(),
    "timestamp": pa.timestamp("us", "UTC"),
    "integer": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "json": pa.string(),
    "uuid": pa.string(),
}

_ENTRIES = re.findall(r"(\w+):?(\w*)(!?)(\*?)", _TABLE)

FIELDS: tuple[Column, ...] = tuple(
    Column(name=name, type=_TYPES[kind or "string"], source_type=kind or "string", personal=bool(personal))
    for name, kind, _required, personal in _ENTRIES
)
"""The fields as columns; `source_type` is the format's name of the type: string, timestamp, integer, double, boolean,
json or uuid."""

REQUIRED: frozenset[str] = frozenset(name for name, _kind, required, _personal in _ENTRIES if required)
"""The fields without which a line is no event."""

SCHEMA: pa.Schema = pa.schema([(column.name, column.type) for column in FIELDS])
"""The fields' names and types in the lake."""


def named(kind: str) -> tuple[str, ...]:
    """Name the fields of one of the format's types, in order.

    Examples:
        >>> named("json")
        ('contexts', 'unstruct_event', 'derived_contexts')
    """
    return tuple(column.name for column in FIELDS if column.source_type == kind)
