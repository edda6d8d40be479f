"""From a source's wire format to the lake's logs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workspace.errors import SettingsError
from workspace.lake import Lake
from workspace.settings import FxSource, Settings, SnowplowSource, load_settings
from workspace.sources.ingested import Ingested

if TYPE_CHECKING:
    from workspace.settings import PostgresSource

__all__ = ["Ingested", "ingest", "replay_quarantine"]


def ingest(name: str, *, run: str, as_of: str, settings: Settings | None = None) -> Ingested:
    """Read a source up to now and make everything durable, exactly once.

    Args:
        name: A `[sources.<name>]` of `workspace.toml`.
        run: The id of the run that it belongs to.
        as_of: The exclusive end of the run's period (ISO, UTC); now if empty.
        settings: The settings to use instead of those of the nearest `workspace.toml`.

    Returns:
        What was written, and where the source stands now.

    Raises:
        SourceError: The source cannot be read; what was durable before stays as it is.
    """
    chosen = settings or load_settings()
    source = chosen.source(name)
    now = chosen.now()
    end = datetime.fromisoformat(as_of) if as_of else now
    end = end if end.tzinfo else end.replace(tzinfo=UTC)
    lake = Lake(chosen.lake)
    if isinstance(source, FxSource):
        from workspace.sources import fx

        return fx.ingest(source, lake, run=run, as_of=end, now=now)
    if isinstance(source, SnowplowSource):
        from workspace.sources import snowplow

        return snowplow.ingest(source, lake, run=run, as_of=end, now=now)
    return _postgres(source, lake, run=run, as_of=end, now=now)


def _postgres(source: PostgresSource, lake: Lake, *, run: str, as_of: datetime, now: datetime) -> Ingested:
    from workspace.sources import postgres

    return postgres.ingest(source, lake, run=run, as_of=as_of, now=now)


def replay_quarantine(name: str, *, run: str, settings: Settings | None = None) -> Ingested:
    """Try again what could not be taken in: changes of stopped tables in their order, or lines that were refused.

    Args:
        name: A `[sources.<name>]` of `workspace.toml` of kind postgres or snowplow.
        run: The id of the run that it belongs to.
        settings: The settings to use instead of those of the nearest `workspace.toml`.

    Raises:
        SourceError: The source has never been read, or cannot be asked about its types.
        SettingsError: The source has no quarantine that could be replayed.
    """
    chosen = settings or load_settings()
    source = chosen.source(name)
    if isinstance(source, FxSource):
        msg = f"[sources.{name}] refuses a bad file whole; nothing of it is in quarantine."
        raise SettingsError(msg, cure="Name a source of kind postgres or snowplow.")
    if isinstance(source, SnowplowSource):
        from workspace.sources import snowplow

        return snowplow.replay_quarantine(source, Lake(chosen.lake), run=run, now=chosen.now())
    from workspace.sources import postgres

    return postgres.replay_quarantine(source, Lake(chosen.lake), run=run, now=chosen.now())
