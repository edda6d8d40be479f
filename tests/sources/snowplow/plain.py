"""Enriched lines read and written the plain way: one value after the other, without Arrow."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from workspace.sources.snowplow.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

MINIMAL = {
    "collector_tstamp": "2026-10-01 12:00:00.123",
    "event_id": "01234567-89ab-4def-8123-456789abcdef",
    "v_collector": "ssc-2.9.0-kafka",
    "v_etl": "snowplow-enrich-kafka-4.1.0",
}


def line(**values: str) -> bytes:
    """Write an event with these fields beside the required ones."""
    given: Mapping[str, str] = {**MINIMAL, **values}
    return "\t".join(given.get(column.name, "") for column in FIELDS).encode()


def row(text: bytes) -> dict[str, Any]:
    """Read an event.

    Raises:
        ValueError: It is none.
    """
    cells = text.decode().split("\t")
    if len(cells) != len(FIELDS) or "\n" in cells or "\r" in cells:
        raise ValueError("not a line of an event")
    values = {column.name: _value(cell, column.source_type) for column, cell in zip(FIELDS, cells, strict=True)}
    if any(values[name] is None for name in MINIMAL):
        raise ValueError("a required field is empty")
    return values


def _value(cell: str, kind: str) -> Any:
    if not cell:
        return None
    if kind == "timestamp":
        return _time(cell)
    if kind == "integer":
        return _integer(cell)
    if kind == "double":
        return _double(cell)
    if kind == "boolean":
        return {"1": True, "0": False}[cell]
    if kind == "uuid":
        if not _UUID.fullmatch(cell):
            raise ValueError(cell)
        UUID(cell)
    if kind == "json" and not isinstance(json.loads(cell), dict):
        raise ValueError(cell)
    return cell


def _time(cell: str) -> datetime:
    found = _TIME.fullmatch(cell)
    if not found:
        raise ValueError(cell)
    *parts, fraction = found.groups()
    return datetime(*map(int, parts), int(f"{fraction or 0:0<6}"[:6]), tzinfo=UTC)  # type: ignore[misc, arg-type]


def _integer(cell: str) -> int:
    number = int(cell)
    if not -(2**63) <= number < 2**63:
        raise ValueError(cell)
    return number


def _double(cell: str) -> float:
    number = float(cell)
    if not math.isfinite(number):
        raise ValueError(cell)
    return number
