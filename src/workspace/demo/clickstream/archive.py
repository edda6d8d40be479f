"""Where the pipeline leaves its lines: an archive of files, and what the broker is refilled from.

```
<home>/clickstream/archive/run=2026-09-02-06-00-00/part-00000.gz   six hours of enriched lines, until then
<home>/clickstream/topic/enriched/2026-10-29-06-00-00.gz           the same for the topic: partition, time, line
<home>/clickstream/topic/bad/2026-10-29-06-00-00.gz                rows of the topic `bad`
<home>/clickstream/iglu/                                           the registry of schemas
```

A file is written once, at once, and always with the same bytes.

Until `KAFKA_ALONE` everything goes into the archive; from `KAFKA_SINCE` on everything goes into the topic, so that six
hours are in both. The topic never forgets, but it has room for `ROOM` bytes a partition: the first six hours that do
not fit go into the archive alone, and so does everything after them. Offsets never change their meaning.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import groupby
from typing import TYPE_CHECKING

from workspace.demo.clickstream.badrows import bad_rows
from workspace.demo.clickstream.pipeline import MALFORMED, PARTITIONS
from workspace.demo.world import HOUR, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from random import Random

    from workspace.demo.clickstream.books import Books
    from workspace.demo.clickstream.pipeline import Delivery

WINDOW = 6 * HOUR
KAFKA_SINCE = int(datetime(2026, 10, 29, tzinfo=UTC).timestamp()) * 1000
KAFKA_ALONE = KAFKA_SINCE + WINDOW
ROOM = 4_000_000  # bytes a partition: librdkafka's mock cluster drops the oldest beyond 5 MB
OVERHEAD = 100  # bytes a record, at most, beside its value
LEVEL = 3  # of compression: a demo is written more often than it is read
TOPICS = {"enriched": PARTITIONS, "bad": 1}


@dataclass(frozen=True, slots=True)
class Window:
    """Six hours of what the pipeline delivers.

    Attributes:
        name: When they end, as the files are named.
        lines: Enriched lines in the order of their collection.
        bad: Rows of the topic `bad`: partition, time, value.
        archive: Whether the lines go into the archive.
        topic: Whether they go into the topic.
    """

    name: str
    lines: list[Delivery]
    bad: list[tuple[int, int, bytes]]
    archive: bool
    topic: bool


class Shelf:
    """What is known of the topic: how full it is.

    Attributes:
        full: Whether it takes no more.
        bytes: What each partition of the topic holds.
    """

    def __init__(self) -> None:
        self.full = False
        self.bytes = [0] * PARTITIONS
        self.bad_bytes = 0

    def sort(
        self, deliveries: list[Delivery], today: date, rng: Random, scale: float, books: Books
    ) -> Iterator[Window]:
        """Divide a day's deliveries, and count what goes where."""
        begin = int(datetime.combine(today, time(), UTC).timestamp()) * 1000
        parts = {at: list(part) for at, part in groupby(deliveries, lambda d: d.at // WINDOW * WINDOW)}
        for at in range(begin, begin + 4 * WINDOW, WINDOW):
            lines = parts.get(at, [])
            bad = bad_rows(rng, at, WINDOW, scale) if at >= KAFKA_SINCE else []
            topic = at >= KAFKA_SINCE and self._fits(lines, [row for _, _, row in bad])
            archive = at < KAFKA_ALONE or not topic
            where = "both" if archive and topic else "archive" if archive else "topic"
            books.lines[where] += len(lines)
            books.refused[where] += sum(line.kind in MALFORMED for line in lines)
            if topic:
                books.bad.update(kind for kind, _, _ in bad)
            name = stamp(at + WINDOW)[:19].replace("T", "-").replace(":", "-")
            yield Window(name, lines, [(0, when, row) for _, when, row in bad] if topic else [], archive, topic)

    def _fits(self, lines: list[Delivery], rows: list[bytes]) -> bool:
        if self.full:
            return False
        held = self.bytes.copy()
        for line in lines:
            held[line.partition] += len(line.line) + OVERHEAD
        bad = self.bad_bytes + sum(len(row) + OVERHEAD for row in rows)
        self.full = max(*held, bad) > ROOM
        if not self.full:
            self.bytes, self.bad_bytes = held, bad
        return not self.full


def write(folder: Path, window: Window) -> None:
    """Write the files of six hours; those that are there stay as they are."""
    if window.archive and window.lines:
        lines = b"".join(delivery.line + b"\n" for delivery in window.lines)
        _write(folder / "archive" / f"run={window.name}" / "part-00000.gz", lines)
    if window.topic and window.lines:
        records = ((d.partition, d.at, d.line) for d in window.lines)
        _write(folder / "topic" / "enriched" / f"{window.name}.gz", b"".join(map(_record, records)))
    if window.bad:
        _write(folder / "topic" / "bad" / f"{window.name}.gz", b"".join(map(_record, window.bad)))


def _record(record: tuple[int, int, bytes]) -> bytes:
    return b"%d\t%d\t%b\n" % record


def _write(path: Path, content: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.write_bytes(gzip.compress(content, LEVEL, mtime=0))
    draft.replace(path)


def shelved(folder: Path, topic: str) -> list[Path]:
    """List the files of a topic in their order."""
    return sorted(path for path in (folder / "topic" / topic).glob("*.gz") if not path.name.startswith("."))


def records(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Read a file of a topic: partition, time and value of each record."""
    with gzip.open(path) as file:
        for line in file:
            partition, at, value = line[:-1].split(b"\t", 2)
            yield int(partition), int(at), value
