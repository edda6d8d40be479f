"""The company's own schemas, as a static Iglu registry serves them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

VENDOR = "com.bookmyevent"
UNKNOWN = ("search", "2-0-0")  # sent by a canary of the website before anybody has registered it

_TEXT = {"type": "string", "maxLength": 500}
_PLACE = {"type": ["string", "null"], "maxLength": 100}
_KIND = {"enum": ["space", "vendor", "service"]}
_COUNT = {"type": "integer", "minimum": 0, "maximum": 1_000_000}
_MAYBE = {"type": ["integer", "null"], "minimum": 0, "maximum": 100_000}
_ID = {"type": "integer", "minimum": 1, "maximum": 9_007_199_254_740_991}
_MONEY = {"type": "number", "minimum": 0, "maximum": 1_000_000_000}
_CURRENCY = {"type": "string", "minLength": 3, "maxLength": 3}
_UUID = {"type": "string", "format": "uuid"}
_SEARCH = {
    "query": _TEXT,
    "city": _PLACE,
    "kind": {"enum": ["space", "vendor", "service", None]},
    "guests": _MAYBE,
    "event_date": {"type": ["string", "null"], "format": "date"},
    "results": _COUNT,
}
# What may be missing or null is optional; all else is required.
SCHEMAS: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {
    ("search", "1-0-0"): ("A search for listings", _SEARCH),
    ("search", "1-0-1"): ("A search for listings", _SEARCH | {"sort": {"enum": ["relevance", "price", None]}}),
    ("view_item", "1-0-0"): (
        "A look at a listing; its place among the results, if it was found by a search",
        {"listing_id": _ID, "position": _MAYBE},
    ),
    ("add_to_cart", "1-0-0"): (
        "A listing is put into the cart",
        {"listing_id": _ID, "quantity": _COUNT, "unit_price": _MONEY, "currency": _CURRENCY},
    ),
    ("begin_checkout", "1-0-0"): (
        "The checkout is opened",
        {"items": _COUNT, "value": _MONEY, "currency": _CURRENCY},
    ),
    ("purchase", "1-0-0"): (
        "A booking is made; its value is what the customer is to pay",
        {"booking_id": _UUID, "value": _MONEY, "currency": _CURRENCY, "items": _COUNT},
    ),
    ("login", "1-0-0"): (
        "Somebody logs in, for the first time if the user is new",
        {"method": {"enum": ["password", "google", "apple", "magic_link"]}, "new_user": {"type": "boolean"}},
    ),
    ("experiment_exposure", "1-0-0"): (
        "Somebody sees a variant of an experiment",
        {
            "experiment": _TEXT,
            "variant": {"enum": ["control", "treatment"]},
            "unit": _UUID,
            "unit_type": {"enum": ["user", "visitor"]},
        },
    ),
    ("listing", "1-0-0"): (
        "A listing, as the page shows it",
        {"id": _ID, "kind": _KIND, "city": _TEXT, "price": _MONEY, "currency": _CURRENCY},
    ),
}


def uri(name: str, version: str = "1-0-0") -> str:
    """Name one of the company's schemas."""
    return f"iglu:{VENDOR}/{name}/jsonschema/{version}"


def publish(folder: Path) -> None:
    """Write the registry."""
    for (name, version), (description, properties) in SCHEMAS.items():
        content = {
            "$schema": "http://iglucentral.com/schemas/com.snowplowanalytics.self-desc/schema/jsonschema/1-0-0#",
            "description": description,
            "self": {"vendor": VENDOR, "name": name, "format": "jsonschema", "version": version},
            "type": "object",
            "properties": properties,
            "required": [key for key, value in properties.items() if not _optional(value)],
            "additionalProperties": False,
        }
        path = folder / VENDOR / name / "jsonschema" / version
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _optional(value: dict[str, Any]) -> bool:
    return "null" in value.get("type", ()) or None in value.get("enum", ())
