"""A lake that takes in what lies in an archive and in topics, and what of it is where."""

from __future__ import annotations

import gzip
import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from brokers import produce
from sources.snowplow.plain import line
from workspace.lake import Lake, delta
from workspace.lake.crash import VARIABLE
from workspace.settings import SnowplowSource
from workspace.sources.snowplow import ingest, replay_quarantine, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from workspace.sources import Ingested

PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(["sources.snowplow.landing"])

Address = tuple[str, int, int]
"""A topic, partition and offset; or a file, 0, and a line."""

NOW = datetime(2026, 10, 3, tzinfo=UTC)
SOURCE = "clicks"


def event(number: int, **fields: str) -> bytes:
    """The line of an event, with a number to know it by; 40 of them make a day."""
    at = NOW - timedelta(days=5) + timedelta(minutes=36 * number)
    return line(event_id=event_id(number), collector_tstamp=f"{at:%Y-%m-%d %H:%M:%S}.000", **fields)


def event_id(number: int) -> str:
    return f"{number:08}-89ab-4def-8123-456789abcdef"


class Landing:
    """A lake, an archive before it, and a source that knows where they are.

    Attributes:
        lake: Where everything goes.
        archive: The archive's folder.
        source: The settings; with topics if brokers were given.
    """

    def __init__(self, folder: Path, brokers: str = "", **settings: Any) -> None:
        self.lake = Lake(str(folder / "lake"))
        self.archive = folder / "archive"
        self.archive.mkdir(exist_ok=True)
        topics = {"brokers": brokers, "topic": "enriched"} if brokers else {}
        known: dict[str, Any] = {"archive": str(self.archive), **topics, **settings}
        self.source = SnowplowSource(name=SOURCE, **known)

    def file(self, name: str, numbers: Iterable[int], bad: Sequence[bytes] = ()) -> bytes:
        """Put a file with events into the archive, bad lines behind them, and give what it holds."""
        content = b"".join(text + b"\n" for text in [*map(event, numbers), *bad])
        stored = gzip.compress(content) if name.endswith(".gz") else content
        (self.archive / name).write_bytes(stored)
        return stored

    def send(self, numbers: Iterable[int], partition: int = 0, bad: Sequence[bytes] = ()) -> None:
        """Write events to the topic, bad lines behind them."""
        produce(self.source.brokers, "enriched", [*map(event, numbers), *bad], partition)

    def ingest(self) -> Ingested:
        return ingest(self.source, self.lake, run="r", as_of=NOW, now=NOW)

    def in_process(self, work: Callable[[Landing], object], crash: str) -> int | None:
        """Do a piece of work in a process that a crash point kills, and give how it ended."""
        process = PROCESSES.Process(target=_work, args=(work, self.source, self.lake.layout.root, crash))
        process.start()
        process.join()
        return process.exitcode

    def events(self) -> dict[Address, str]:
        """Give the event at each address, none of which may be there twice."""
        log = self.lake.events(SOURCE)
        names = ["_topic", "_partition", "_offset", "_file", "_line", "event_id"]
        return once([list(row.values()) for row in delta.read(log.table).select(names).to_pylist()])

    def refused(self) -> dict[Address, bytes]:
        """Give the refused line at each address, none of which may be there twice."""
        names = ["topic", "partition", "offset", "file", "line", "raw"]
        return once([list(row.values()) for row in self.lake.events(SOURCE).quarantined().select(names).to_pylist()])

    def side(self, name: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.lake.events(SOURCE).side(name).sort_by("batch").to_pylist()
        return rows


def take_in(landing: Landing) -> None:
    """Ingest in batches that are small."""
    with patch.multiple(run, EVENTS=40, ARCHIVED=1 << 13):
        landing.ingest()


def replay(landing: Landing) -> Ingested:
    """Try what was refused again."""
    return replay_quarantine(landing.source, landing.lake, run="r", now=NOW)


def _work(work: Callable[[Landing], object], source: SnowplowSource, lake: str, crash: str) -> None:
    os.environ[VARIABLE] = crash
    landing = Landing(Path(lake).parent)
    landing.source = source
    work(landing)


def once(rows: list[list[Any]]) -> dict[Address, Any]:
    """Give what is at each address, after a look that nothing is there twice."""
    found = [
        ((topic, partition, offset) if file is None else (file, 0, number), value)
        for topic, partition, offset, file, number, value in rows
    ]
    counts = Counter(address for address, _ in found)
    assert [address for address, count in counts.items() if count > 1] == []
    return dict(found)


def in_file(name: str, numbers: Iterable[int]) -> dict[Address, str]:
    """Say what the events of a file are to be."""
    return {(name, 0, place): event_id(number) for place, number in enumerate(numbers, 1)}


def in_topic(numbers: Iterable[int], partition: int = 0, first: int = 0) -> dict[Address, str]:
    """Say what the events of a partition are to be."""
    return {("enriched", partition, place): event_id(number) for place, number in enumerate(numbers, first)}
