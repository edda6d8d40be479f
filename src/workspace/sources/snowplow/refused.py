"""What was refused, in the shape of Snowplow's own bad rows, so that one table holds both."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

from workspace.sources.snowplow.fields import FIELDS

KIND = "loader_parsing_error"
"""The kind of every line that is refused here."""

_SCHEMA = f"iglu:com.snowplowanalytics.snowplow.badrows/{KIND}/jsonschema/2-0-0"
_ARTIFACT = "bookmyevent-workspace"
_MOST_FIELDS = 1024  # that the schema of bad rows can count
_SHOWN = 80  # characters of a value
_PERSONAL = frozenset(column.name for column in FIELDS if column.personal)


@dataclass(frozen=True, slots=True)
class Refused:
    """One line that did not become a row.

    Attributes:
        index: Its place among the lines given, from 0.
        raw: The line, byte by byte.
        kind: A kind of bad row by its name in Iglu, e.g. `loader_parsing_error`.
        reason: Why, in words. It shows no value of a personal field; those are in `raw` and `detail` only.
        detail: The bad row as self-describing JSON.
    """

    index: int
    raw: bytes
    kind: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One value that does not fit its field.

    Attributes:
        field: The field's name.
        value: What the line says there.
        problem: What is wrong with it, e.g. "is not a number".
    """

    field: str
    value: str
    problem: str


def wrong_count(index: int, raw: bytes, count: int) -> Refused:
    """Refuse a line that has not as many fields as an event has."""
    if count == 1:
        what = f"1 field instead of {len(FIELDS)}: not tab-separated." if raw else "An empty line."
        return _refused(index, raw, what, {"type": "NotTSV"})
    failure = {"type": "FieldNumberMismatch", "fieldCount": min(count, _MOST_FIELDS)}
    return _refused(index, raw, f"{count} fields instead of {len(FIELDS)}.", failure)


def unreadable(index: int, raw: bytes, problem: str) -> Refused:
    """Refuse a line that is broken as a whole."""
    errors = [{"type": "UnhandledRowDecodingError", "message": problem}]
    return _refused(index, raw, problem, {"type": "RowDecodingError", "errors": errors})


def misfit(index: int, raw: bytes, faults: list[Fault]) -> Refused:
    """Refuse a line for values that do not fit."""
    errors = [
        {"type": "InvalidValue", "key": fault.field, "value": shortened(fault.value), "message": fault.problem}
        for fault in faults
    ]
    reason = "; ".join(_said(fault) for fault in faults) + "."
    return _refused(index, raw, reason, {"type": "RowDecodingError", "errors": errors})


def shortened(value: str) -> str:
    """Cut a long value off, and say so.

    Examples:
        >>> shortened("x" * 100)[-30:]
        'xxxxxxxxxxxxxx... (100 in all)'
    """
    return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}... ({len(value)} in all)"


def _said(fault: Fault) -> str:
    if not fault.value or fault.field in _PERSONAL:
        return f"{fault.field} {fault.problem}"
    return f"{fault.field} {fault.problem}: {shortened(fault.value)!r}"


def _refused(index: int, raw: bytes, reason: str, failure: dict[str, object]) -> Refused:
    # JSON holds text only: a byte that is not UTF-8 is written as \xff there; `raw` keeps it as it came.
    payload = raw.decode(errors="backslashreplace")
    data = {"processor": _processor(), "failure": failure, "payload": payload}
    detail = json.dumps({"schema": _SCHEMA, "data": data}, ensure_ascii=False, separators=(",", ":"))
    return Refused(index=index, raw=raw, kind=KIND, reason=reason, detail=detail)


@cache
def _processor() -> dict[str, str]:
    return {"artifact": _ARTIFACT, "version": version(_ARTIFACT)}
