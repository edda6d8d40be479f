"""What collector and enrich could not make sense of: rows of the topic `bad`, shaped as Snowplow's own schemas say."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from workspace.demo.clickstream.line import uuid
from workspace.demo.clickstream.registry import uri
from workspace.demo.world import DAY, stamp

if TYPE_CHECKING:
    from random import Random

A_DAY = 8  # per 1.0 of scale
_VERSIONS = {
    "schema_violations": "2-0-1",
    "enrichment_failures": "2-0-1",
    "tracker_protocol_violations": "1-0-1",
    "collector_payload_format_violation": "1-0-0",
}
KINDS = tuple(_VERSIONS)
_COLLECTOR = {"loaderName": "ssc-3.4.0-kafka", "encoding": "UTF-8"}
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"


def bad_rows(rng: Random, begin: int, length: int, scale: float) -> list[tuple[str, int, bytes]]:
    """Make the bad rows of some hours: kind, time and text of each, in the order of time."""
    mean = A_DAY * length / DAY * max(scale, 0.25)
    count = max(0, round(rng.gauss(mean, 0.7)))
    times = sorted(begin + int(rng.random() * length) for _ in range(count))
    return [(kind, at, _row(rng, kind, at)) for at in times for kind in (KINDS[int(rng.random() * 4)],)]


def _row(rng: Random, kind: str, at: int) -> bytes:
    when, identity = stamp(at).replace("+00:00", "Z"), uuid(rng.getrandbits(128))
    failure, payload = _CONTENT[kind](when, identity)
    schema = f"iglu:com.snowplowanalytics.snowplow.badrows/{kind}/jsonschema/{_VERSIONS[kind]}"
    processor = {"artifact": "snowplow-enrich-kafka", "version": "5.3.0"}
    row = {"schema": schema, "data": {"processor": processor, "failure": failure, "payload": payload}}
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()


def _raw(when: str, event: str, **parameters: str) -> dict[str, Any]:
    pairs = {"e": event, "aid": "bookmyevent", "p": "web", "tv": "js-4.6.6"} | parameters
    return {
        "vendor": "com.snowplowanalytics.snowplow",
        "version": "tp2",
        "parameters": [{"name": name, "value": value} for name, value in pairs.items()],
        "contentType": "application/json",
        **_COLLECTOR,
        "hostname": "c.bookmyevent.com",
        "timestamp": when,
        "ipAddress": "203.0.113.7",
        "useragent": _AGENT,
        "refererUri": "https://www.bookmyevent.com/",
        "headers": [],
        "userId": None,
    }


def _enriched(when: str, identity: str, event: str) -> dict[str, Any]:
    moment = when.replace("T", " ").removesuffix("Z")
    return {
        "app_id": "bookmyevent",
        "platform": "web",
        "collector_tstamp": moment,
        "event": event,
        "event_id": identity,
        "v_collector": "ssc-3.4.0-kafka",
        "v_etl": "enrich-kafka-5.3.0-common-5.3.0",
    }


def _schema_violation(when: str, identity: str) -> tuple[object, object]:
    report = {
        "message": "$.quantity: string found, integer expected",
        "path": "$.quantity",
        "keyword": "type",
        "targets": ["string", "integer"],
    }
    error = {"error": "ValidationError", "dataReports": [report]}
    sent = {"schema": uri("add_to_cart"), "data": {"listing_id": 1001, "quantity": "two"}}
    failure = {"timestamp": when, "messages": [{"schemaKey": uri("add_to_cart"), "error": error}]}
    raw = _raw(when, "ue", eid=identity, ue_pr=json.dumps(sent))
    return failure, {"enriched": _enriched(when, identity, "unstruct"), "raw": raw}


def _enrichment_failure(when: str, identity: str) -> tuple[object, object]:
    enrichment = {
        "schemaKey": "iglu:com.snowplowanalytics.snowplow/campaign_attribution/jsonschema/1-0-1",
        "identifier": "campaign-attribution",
    }
    message = {"field": "page_urlquery", "value": "utm_source=%E0%A4%A", "expectation": "a valid percent-encoding"}
    failure = {"timestamp": when, "messages": [{"enrichment": enrichment, "message": message}]}
    raw = _raw(when, "pv", eid=identity, url="https://www.bookmyevent.com/?utm_source=%E0%A4%A")
    return failure, {"enriched": _enriched(when, identity, "page_view"), "raw": raw}


def _protocol_violation(when: str, _: str) -> tuple[object, object]:
    vendor = {"vendor": "com.snowplowanalytics.snowplow", "version": "tp2"}
    message = {"field": "body", "value": None, "expectation": "empty body: not a valid tracker protocol event"}
    payload: dict[str, object] = {
        **vendor,
        "querystring": [],
        "contentType": "application/json",
        "body": None,
        "collector": "ssc-3.4.0-kafka",
        "encoding": "UTF-8",
        "hostname": "c.bookmyevent.com",
        "timestamp": when,
        "ipAddress": "203.0.113.7",
        "useragent": _AGENT,
        "refererUri": None,
        "headers": [],
        "networkUserId": None,
    }
    return {"timestamp": when, **vendor, "messages": [message]}, payload


def _format_violation(when: str, identity: str) -> tuple[object, object]:
    failure = {
        "timestamp": when,
        "loader": "thrift",
        "message": {"error": "error deserializing raw event: Unrecognized type 67"},
    }
    return failure, base64.b64encode(identity.encode()).decode()


_CONTENT = {
    "schema_violations": _schema_violation,
    "enrichment_failures": _enrichment_failure,
    "tracker_protocol_violations": _protocol_violation,
    "collector_payload_format_violation": _format_violation,
}
