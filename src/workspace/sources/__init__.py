"""From a source's wire format to the lake's logs."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module

from workspace.errors import SettingsError
from workspace.lake import Lake
from workspace.settings import KINDS, PostgresSource, Settings, SnowplowSource, load_settings
from workspace.sources.ingested import Ingested

__all__ = ["Ingested", "ingest", "replay_quarantine"]

_NAMES = {kind: name for name, kind in KINDS.items()}
"""The module of each kind of source, which is imported only where one is read."""


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
    module = import_module(f"workspace.sources.{_NAMES[type(source)]}")
    done: Ingested = module.ingest(source, Lake(chosen.lake), run=run, as_of=end, now=now)
    return done


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
    if not isinstance(source, PostgresSource | SnowplowSource):
        msg = f"What [sources.{name}] has in quarantine cannot be replayed: each run reads it anew."
        raise SettingsError(
            msg, cure="Name a source of kind postgres or snowplow, or run the step that reads this one."
        )
    module = import_module(f"workspace.sources.{_NAMES[type(source)]}")
    done: Ingested = module.replay_quarantine(source, Lake(chosen.lake), run=run, now=chosen.now())
    return done
