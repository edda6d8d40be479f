"""Keeping secrets out of everything that is kept: executed notebooks, the ledger, errors."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from workspace.settings import AdsSource, PostgresSource, SnowplowSource

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workspace.settings import Settings

MASK = "[secret]"


def secrets(settings: Settings) -> tuple[str, ...]:
    """Collect connection strings with their passwords, and what Kafka and ads are told by variables, longest first.

    A password of less than four characters is left out: hiding it would only garble what is kept.
    """
    found: set[str] = set()
    for source in settings.sources.values():
        if isinstance(source, PostgresSource) and (dsn := os.environ.get(source.dsn_env)):
            found |= {dsn, *_passwords(dsn)}
        if isinstance(source, SnowplowSource):
            found |= {os.environ.get(value[1:], "") for value in source.kafka.values() if value.startswith("$")}
        if isinstance(source, AdsSource):
            named = [value for name, value in source.credentials.items() if not name.endswith("_id")]
            found |= {os.environ.get(value[1:], "") for value in named}
    return tuple(sorted((secret for secret in found if len(secret) >= 4), key=len, reverse=True))


def redact(value: Any, hidden: Iterable[str]) -> Any:
    """Replace every secret in the strings of a value; lists and dictionaries are changed in place.

    Examples:
        >>> redact({"text": ["dsn=pw12"]}, ["pw12"])
        {'text': ['dsn=[secret]']}
    """
    if isinstance(value, str):
        for secret in hidden:
            value = value.replace(secret, MASK)
    elif isinstance(value, list):
        value[:] = [redact(item, hidden) for item in value]
    elif isinstance(value, dict):
        for key in value:
            value[key] = redact(value[key], hidden)
    return value


def _passwords(dsn: str) -> set[str]:
    """Find the password as it is written in a connection string, and as it is meant."""
    from psycopg import ProgrammingError, conninfo  # only where something runs: it loads libpq

    try:
        meant = str(conninfo.conninfo_to_dict(dsn).get("password") or "")
        written = urlsplit(dsn).password or ""
    except (ProgrammingError, ValueError):
        return set()  # nobody can connect with it either
    return {meant, written, quote(meant, safe="")}
