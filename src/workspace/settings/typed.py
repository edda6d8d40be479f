"""A dataclass from a table of TOML: unknown keys and wrong types are refused by name."""

from __future__ import annotations

import dataclasses
import types
import typing
from datetime import UTC, date, datetime
from typing import Any, Literal, TypeVar

from workspace.errors import SettingsError, did_you_mean

T = TypeVar("T")


def build(cls: type[T], entry: dict[str, Any], where: str) -> T:
    """Make a dataclass from a TOML table, refusing unknown keys and wrong types."""
    hints = typing.get_type_hints(cls)
    for key, value in entry.items():
        if key not in hints:
            raise SettingsError(f"{where} has an unknown entry {key!r}.", cure=did_you_mean(key, hints))
        entry = entry | {key: _checked(value, hints[key], f"{where} {key}")}
    missing = [
        f.name
        for f in dataclasses.fields(cls)  # type: ignore[arg-type]
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING and f.name not in entry
    ]
    if missing:
        raise SettingsError(f"{where} lacks {', '.join(missing)}.", cure="Add it.")
    return cls(**entry)


def _checked(value: Any, hint: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin is tuple and isinstance(value, list | tuple) and all(isinstance(v, str) for v in value):
        return tuple(value)
    if origin is Literal and value in typing.get_args(hint):
        return value
    if origin is Literal and isinstance(value, str):
        known = [v for v in typing.get_args(hint) if v]
        raise SettingsError(f"{where} = {value!r} is not known.", cure=did_you_mean(value, known))
    if hint is date and type(value) is date:
        return value
    if datetime in typing.get_args(hint) and isinstance(value, datetime):
        if value.tzinfo is None:
            raise SettingsError(f"{where} = {value} has no time zone.", cure=f"Write {value.isoformat()}Z.")
        return value.astimezone(UTC)
    if hint is date:
        raise SettingsError(f"{where} = {value!r} is no day.", cure="Write it as 2026-01-31, without quotes.")
    plain = origin if isinstance(origin, type) and origin not in (tuple, types.UnionType) else hint
    if isinstance(plain, type) and isinstance(value, plain) and not (plain is int and isinstance(value, bool)):
        return value
    shown = getattr(hint, "__name__", None) or str(hint)
    raise SettingsError(f"{where} = {value!r} is not of type {shown}.", cure="Correct the value.")
