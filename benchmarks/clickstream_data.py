"""Enriched events for benchmarks: invented, the same each time, about 2.4 KB each, with 43 schemas.

Sessions of ten events run 50 at a time, so that neighbours in a topic belong to different people, as in life. Any
stretch of events can be made on its own: the n-th event does not depend on which others are asked for.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

BEGIN = datetime(2026, 9, 1, tzinfo=UTC)
PER_DAY = 100_000
AT_ONCE = 50
LONG = 10

_NAMES = """
    app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id name_tracker v_tracker
    v_collector v_etl user_id user_ipaddress user_fingerprint domain_userid domain_sessionidx network_userid
    geo_country geo_region geo_city geo_zipcode geo_latitude geo_longitude geo_region_name ip_isp ip_organization
    ip_domain ip_netspeed page_url page_title page_referrer page_urlscheme page_urlhost page_urlport page_urlpath
    page_urlquery page_urlfragment refr_urlscheme refr_urlhost refr_urlport refr_urlpath refr_urlquery
    refr_urlfragment refr_medium refr_source refr_term mkt_medium mkt_source mkt_term mkt_content mkt_campaign
    contexts se_category se_action se_label se_property se_value unstruct_event tr_orderid tr_affiliation tr_total
    tr_tax tr_shipping tr_city tr_state tr_country ti_orderid ti_sku ti_name ti_category ti_price ti_quantity
    pp_xoffset_min pp_xoffset_max pp_yoffset_min pp_yoffset_max useragent br_name br_family br_version br_type
    br_renderengine br_lang br_features_pdf br_features_flash br_features_java br_features_director
    br_features_quicktime br_features_realplayer br_features_windowsmedia br_features_gears br_features_silverlight
    br_cookies br_colordepth br_viewwidth br_viewheight os_name os_family os_manufacturer os_timezone dvce_type
    dvce_ismobile dvce_screenwidth dvce_screenheight doc_charset doc_width doc_height tr_currency tr_total_base
    tr_tax_base tr_shipping_base ti_currency ti_price_base base_currency geo_timezone mkt_clickid mkt_network
    etl_tags dvce_sent_tstamp refr_domain_userid refr_dvce_tstamp derived_contexts domain_sessionid derived_tstamp
    event_vendor event_name event_format event_version event_fingerprint true_tstamp
"""
PLACE = {name: place for place, name in enumerate(_NAMES.split())}

CITIES = [("DE", "Berlin", 52.52, 13.405), ("FR", "Lyon", 45.764, 4.8357), ("GB", "Leeds", 53.8008, -1.5491),
          ("JP", "Osaka", 34.6937, 135.5023), ("US", "Austin", 30.2672, -97.7431)]  # fmt: skip
AGENTS = [
    ("Chrome", "Windows 10", "Desktop", "(Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0.0.0"),
    ("Safari", "iOS 18", "Phone", "(iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1"),
    ("Firefox", "Linux", "Desktop", "(X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"),
]
WORDS = ["garden", "barn", "loft", "hall", "terrace", "studio", "vineyard", "rooftop", "kitchen", "gallery", "catering",
         "music", "flowers", "photo"]  # fmt: skip
KINDS = ["page_view", "page_ping", "page_ping", "view_item", "page_ping", "search", "link_click", "add_to_cart",
         "page_ping", "begin_checkout"]  # fmt: skip
SNOWPLOW = "com.snowplowanalytics.snowplow"
OURS = "com.bookmyevent"


def lines(count: int, *, first: int = 0) -> Iterator[bytes]:
    """Make `count` lines, from the event with the number `first` on."""
    for number in range(first, first + count):
        yield line(number)


def line(number: int) -> bytes:
    """Make the line of one event."""
    session = number // (AT_ONCE * LONG) * AT_ONCE + number % AT_ONCE
    step = number // AT_ONCE % LONG
    cells, derived, own_user = _session(session)
    cells = cells.copy()
    mark = hashlib.blake2b(b"%d" % number, digest_size=24).hexdigest()
    kind = KINDS[step]
    page = number % 997
    at = BEGIN + timedelta(seconds=number * 86400 / PER_DAY)
    host, path = "www.bookmyevent.example", f"/{WORDS[page % 14]}/{WORDS[page % 13]}-{page}"
    self_describing = kind not in ("page_view", "page_ping")
    values = {
        "etl_tstamp": _time(at + timedelta(seconds=2)),
        "collector_tstamp": _time(at),
        "dvce_created_tstamp": _time(at - timedelta(milliseconds=400 + page)),
        "dvce_sent_tstamp": _time(at - timedelta(milliseconds=400)),
        "derived_tstamp": _time(at - timedelta(milliseconds=page)),
        "event": "unstruct" if self_describing else kind,
        "event_id": _uuid(mark),
        "event_fingerprint": mark[16:],
        "page_url": f"https://{host}{path}?from={WORDS[number % 14]}&page={step}",
        "page_title": f"{WORDS[page % 14].title()} {page} for your event | BookMyEvent",
        "page_urlhost": host,
        "page_urlpath": path,
        "page_urlquery": f"from={WORDS[number % 14]}&page={step}",
        "contexts": _contexts(number, step, mark, own_user),
        "derived_contexts": derived,
        "event_name": kind,
        "event_vendor": OURS if self_describing else SNOWPLOW,
    }
    if self_describing:
        values["unstruct_event"] = _block(SNOWPLOW, "unstruct_event", _told(kind, number, page))
    if kind == "page_ping":
        values |= {"pp_xoffset_min": "0", "pp_xoffset_max": "0", "pp_yoffset_min": str(page)}
        values |= {"pp_yoffset_max": str(page * 3)}
    for name, value in values.items():
        cells[PLACE[name]] = value
    return "\t".join(cells).encode()


@lru_cache(maxsize=4 * AT_ONCE)
def _session(session: int) -> tuple[list[str], str, str]:
    """Give what all events of a session share: their cells, derived contexts, and the visitor's id."""
    mark = hashlib.blake2b(b"session %d" % session, digest_size=24).hexdigest()
    country, city, latitude, longitude = CITIES[session % 5]
    browser, system, device, agent = AGENTS[session % 3]
    visitor = _uuid(hashlib.blake2b(b"visitor %d" % (session * 7919 % 60_000), digest_size=16).hexdigest())
    values = {
        "app_id": "web",
        "platform": "web",
        "name_tracker": "sp",
        "v_tracker": "js-4.6.6",
        "v_collector": "ssc-3.3.0-kafka",
        "v_etl": "snowplow-enrich-kafka-5.1.2",
        "user_id": _uuid(mark) if session % 4 == 0 else "",
        "user_ipaddress": f"203.0.113.{session % 256}",
        "domain_userid": visitor,
        "domain_sessionidx": str(1 + session % 9),
        "domain_sessionid": _uuid(mark[8:]),
        "network_userid": _uuid(mark[16:] + mark[:16]),
        "geo_country": country,
        "geo_city": city,
        "geo_latitude": str(latitude),
        "geo_longitude": str(longitude),
        "geo_timezone": "Europe/Berlin",
        "page_urlscheme": "https",
        "page_urlport": "443",
        "page_referrer": "https://www.google.com/",
        "refr_urlscheme": "https",
        "refr_urlhost": "www.google.com",
        "refr_urlport": "443",
        "refr_urlpath": "/",
        "refr_medium": "search",
        "refr_source": "Google",
        "useragent": f"Mozilla/5.0 {agent}",
        "br_lang": "de-DE",
        "br_cookies": "1",
        "br_colordepth": "24",
        "br_viewwidth": str(1200 + session % 700),
        "br_viewheight": str(700 + session % 300),
        "os_timezone": "Europe/Berlin",
        "dvce_screenwidth": "1920",
        "dvce_screenheight": "1080",
        "doc_charset": "UTF-8",
        "doc_width": str(1200 + session % 700),
        "doc_height": str(3000 + session % 2000),
        "event_format": "jsonschema",
        "event_version": "1-0-0",
    }
    if session % 3 == 0:
        values |= {"mkt_medium": "cpc", "mkt_source": "google", "mkt_campaign": f"campaign {session % 20}"}
        values |= {"mkt_clickid": mark, "mkt_network": "Google"}
    cells = [""] * len(PLACE)
    for name, value in values.items():
        cells[PLACE[name]] = value
    yauaa = {
        "deviceClass": device,
        "deviceName": f"{system} {device}",
        "deviceBrand": "Unknown",
        "deviceCpu": "Unknown",
    }
    yauaa |= {"operatingSystemName": system, "operatingSystemVersion": system[-2:], "operatingSystemClass": device}
    yauaa |= {"layoutEngineName": "Blink", "layoutEngineVersion": "141.0", "layoutEngineClass": "Browser"}
    yauaa |= {"agentClass": "Browser", "agentName": browser, "agentVersion": "141.0.0.0", "agentNameVersion": browser}
    parsed = {"useragentFamily": browser, "useragentMajor": "141", "osFamily": system, "deviceFamily": device}
    derived = [
        _named("nl.basjes", "yauaa_context", yauaa, "1-0-4"),
        _named(SNOWPLOW, "ua_parser_context", parsed),
    ]
    return cells, _block(SNOWPLOW, "contexts", derived), visitor


def _contexts(number: int, step: int, mark: str, visitor: str) -> str:
    """Give an event's entities: its page, and one or two of 32 more kinds."""
    session = {
        "userId": visitor,
        "sessionId": _uuid(mark[4:]),
        "sessionIndex": 1 + number % 9,
        "eventIndex": step + 1,
        "previousSessionId": None,
        "storageMechanism": "COOKIE_1",
    }
    entities = [
        _named(SNOWPLOW, "web_page", {"id": _uuid(mark[12:] + mark)}),
        _named(SNOWPLOW, "client_session", session, "1-0-2"),
    ]
    kind = number // 2 % 32
    item = {"id": number % 1500, "title": f"{WORDS[kind % 14]} {number % 1500}", "price": number % 900 + 0.5}
    item |= {"currency": "EUR", "tags": [WORDS[kind % 11], WORDS[kind % 7]], "seats": number % 300, "open": kind > 4}
    if number % 2:
        entities.append(_named(OURS, f"entity_{kind}", item))
    return _block(SNOWPLOW, "contexts", entities)


def _told(kind: str, number: int, page: int) -> dict[str, Any]:
    """Give what a self-describing event says."""
    data = {"query": WORDS[number % 14], "results": page, "sort": "price", "city": CITIES[page % 5][1]}
    return _named(OURS, kind, data | {"dates": ["2026-10-01", "2026-10-03"], "guests": number % 200})


def _named(vendor: str, name: str, data: Any, version: str = "1-0-0") -> dict[str, Any]:
    return {"schema": f"iglu:{vendor}/{name}/jsonschema/{version}", "data": data}


def _block(vendor: str, name: str, data: Any) -> str:
    return json.dumps(_named(vendor, name, data), separators=(",", ":"))


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"


def _uuid(mark: str) -> str:
    return f"{mark[:8]}-{mark[8:12]}-4{mark[13:16]}-a{mark[17:20]}-{mark[20:32]:0<12}"
