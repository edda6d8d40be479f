"""From events to page views, sessions and people: derived tables, built by day."""

from __future__ import annotations

from datetime import UTC, datetime

from workspace.clickstream import derivation
from workspace.clickstream.outcome import Derived
from workspace.errors import SettingsError
from workspace.lake import Lake
from workspace.settings import Settings, SnowplowSource, load_settings

__all__ = ["Derived", "derive"]


def derive(name: str, *, run: str, as_of: str, settings: Settings | None = None) -> Derived:
    """Bring the tables that are derived from a clickstream to its newest batch, as of a time.

    Args:
        name: A `[sources.<name>]` of `workspace.toml` of kind snowplow.
        run: The id of the run that it belongs to.
        as_of: The exclusive end, in the collector's time, of the events to see (ISO, UTC); now if empty.
        settings: The settings to use instead of those of the nearest `workspace.toml`.

    Returns:
        What was written.

    Raises:
        SettingsError: The source is no clickstream.
        LakeError: It was never read, or another process derives the same tables.
    """
    chosen = settings or load_settings()
    source = chosen.source(name)
    if not isinstance(source, SnowplowSource):
        msg = f"[sources.{name}] is no clickstream; nothing is derived from it."
        raise SettingsError(msg, cure="Name a source of kind snowplow.")
    end = datetime.fromisoformat(as_of) if as_of else chosen.now()
    end = end if end.tzinfo else end.replace(tzinfo=UTC)
    return derivation.derive(source, Lake(chosen.lake), run=run, as_of=end)
