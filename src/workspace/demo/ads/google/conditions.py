"""Whether a row is like a query wants it."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from workspace.demo.ads.google.errors import query_error
from workspace.demo.ads.google.fields import FIELDS, refuse_value

if TYPE_CHECKING:
    from workspace.demo.ads.google.gaql import Condition, Token

_STATES = {"UNSPECIFIED", "UNKNOWN", "ENABLED", "PAUSED", "REMOVED"}
_STATUSES = {"campaign.status": _STATES, "ad_group.status": _STATES, "ad_group_ad.status": _STATES}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TRUTH = {"TRUE": True, "FALSE": False}

Test = Callable[[Mapping[str, Any]], bool]


def holds(condition: Condition) -> Test:
    """Make a condition into a test of rows.

    Raises:
        FailureError: It compares a field with what is not of its type.
    """
    name = condition.field
    if condition.operator.endswith("NULL"):
        wanted = condition.operator == "IS NULL"
        return lambda row: (row.get(name) is None) is wanted
    if condition.operator == "DURING":  # the range of days says it all
        return lambda _: True
    if condition.operator.endswith("LIKE"):
        return _like(condition)
    values = [_value(condition, value) for value in condition.values]
    if condition.operator.endswith("IN"):
        inside = condition.operator == "IN"
        return lambda row: (row.get(name) in values) is inside
    if condition.operator == "BETWEEN":
        return lambda row: row.get(name) is not None and values[0] <= row[name] <= values[1]
    compare = _COMPARE[condition.operator]
    return lambda row: row.get(name) is not None and compare(row[name], values[0])


def _value(condition: Condition, value: Token) -> Any:
    return _READ[FIELDS[condition.field]](condition, value)


def _whole(condition: Condition, value: Token) -> int:
    if not re.fullmatch(r"-?\d+", value.text, re.ASCII):
        raise refuse_value(condition)
    return int(value.text)


def _decimal(condition: Condition, value: Token) -> Decimal:
    try:
        return Decimal(value.text)
    except InvalidOperation:
        raise refuse_value(condition) from None


def _bool(condition: Condition, value: Token) -> bool:
    if value.text.upper() not in _TRUTH:
        raise refuse_value(condition)
    return _TRUTH[value.text.upper()]


def _enum(condition: Condition, value: Token) -> str:
    if value.text not in _STATUSES.get(condition.field, {value.text}):
        said = f"Invalid enum value cannot be included in WHERE clause: '{value.text}'."
        raise query_error("BAD_ENUM_CONSTANT", said)
    return value.text


def _string(condition: Condition, value: Token) -> str:
    if value.kind != "string":
        said = f"Invalid value for field '{condition.field}': expected a string, got {value.text}."
        raise query_error("INVALID_STRING_VALUE", said)
    return value.text


_READ: dict[str, Callable[[Condition, Token], Any]] = {
    "int64": _whole,
    "double": _decimal,
    "bool": _bool,
    "enum": _enum,
    "date": lambda _, value: date.fromisoformat(value.text),  # its spelling was checked with the range of days
    "string": _string,
}


def _like(condition: Condition) -> Test:
    """Compare with a pattern: `%` is anything, `_` one letter, and `[%]` the sign itself; case does not matter."""
    pattern = condition.values[0]
    if pattern.kind != "string":
        raise query_error("INVALID_VALUE_WITH_LIKE_OPERATOR", f"Invalid value {pattern.text} with LIKE.")
    parts = re.split(r"(\[.\]|%|_)", pattern.text)
    spelt = {"%": ".*", "_": "."}
    wanted = re.compile(
        "".join(spelt.get(p) or re.escape(p[1] if len(p) == 3 and p[0] == "[" and p[2] == "]" else p) for p in parts),
        re.IGNORECASE | re.DOTALL,
    )
    alike = not condition.operator.startswith("NOT")
    return lambda row: row.get(condition.field) is not None and bool(wanted.fullmatch(row[condition.field])) is alike
