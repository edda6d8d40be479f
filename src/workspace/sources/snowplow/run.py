"""What a run does with a Snowplow source: the archive's new files, then what Kafka has, in batches of bounded size."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from workspace.errors import SourceError
from workspace.lake import Watermark
from workspace.sources.ingested import Ingested
from workspace.sources.snowplow import archive, kafka
from workspace.sources.snowplow.batch import Batch
from workspace.sources.snowplow.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    import pyarrow as pa

    from workspace.lake import Column, EventLog, Lake
    from workspace.settings import SnowplowSource
    from workspace.sources.snowplow.archive import ArchiveFile
    from workspace.sources.snowplow.kafka import Plan

EVENTS = 200_000
"""How many records of a topic a batch has at most: what a crash makes a run read again."""

ARCHIVED = 64 << 20
"""How many bytes of files a batch has at most, as they lie in the archive; one that is larger is a batch alone."""

# The marks of a batch: a topic's fingerprint, how many partitions it had, and the next offset of each.
_TOPIC, _PARTITIONS, _OFFSET = "topic/{}", "partitions/{}", "offset/{}/{}"


def ingest(source: SnowplowSource, lake: Lake, *, run: str, as_of: datetime, now: datetime) -> Ingested:
    """Take in every line that was there when the run began, exactly once: as an event, or with its reason refused.

    Killed at any point and run again, it loses nothing and writes nothing twice.

    Args:
        source: Which topic, which archive.
        lake: Where it goes: `<source>.atomic`, and the source's quarantine.
        run: The run's id.
        as_of: The exclusive end of the run's period.
        now: The business time.

    Returns:
        What was written, and where the source stands.

    Raises:
        SourceError: Kafka or a file cannot be read, or has lost what was not read yet; what was durable stays, and
            what can be read goes first.
    """
    del as_of  # a topic is read as far as it goes; what comes later than the release sees is there for the next
    return Ingest(source, lake, now).work(run)


def look(source: SnowplowSource, log: EventLog | None) -> Iterator[tuple[str, str, Callable[[], str]]]:
    """Give what can be asked of a source before a run: what it is, where it is, and how to ask.

    Args:
        source: Which.
        log: Its events, if it was read before: offsets are compared with theirs.

    Yields:
        Each question's subject and place, and a function that gives the answer in words or raises a SourceError.
    """
    for topic in filter(None, (source.topic, source.bad_topic)):
        yield f"topic {topic}", source.brokers, partial(_waiting, source, log, topic)
    if source.archive:
        yield "archive", source.archive, lambda: _counted(len(archive.listed(source.archive)), "file")


def _waiting(source: SnowplowSource, log: EventLog | None, topic: str) -> str:
    plan = kafka.plan(source, topic, *_known(log, topic))
    waiting = sum(end - first for first, end in plan.ranges.values())
    return f"{_counted(len(plan.ranges), 'partition')}, {_counted(waiting, 'offset')} to read"


def _known(log: EventLog | None, topic: str) -> tuple[dict[int, int], int]:
    """Give the next offset of each partition that was read before, and the topic's fingerprint then."""
    if log is None:
        return {}, 0
    places = range(log.mark(_PARTITIONS.format(topic)) or 0)
    marks = {place: log.mark(_OFFSET.format(topic, place)) for place in places}
    stored = {place: offset for place, offset in marks.items() if offset is not None}
    return stored, log.mark(_TOPIC.format(topic)) or 0


def _counted(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count:,} {what}s"


class Ingest:
    """One run over a source, and what came of it."""

    def __init__(self, source: SnowplowSource, lake: Lake, now: datetime) -> None:
        self._source = source
        self._lake = lake
        self._now = now
        self._log: EventLog = lake.events(source.name, _columns(source))
        self._events = 0
        self._kinds: Counter[str] = Counter()
        self._notes: list[str] = []

    def work(self, run: str) -> Ingested:
        """Read everything, and record how far it went."""
        source = self._source
        trouble = self._archive() if source.archive else []
        for topic in filter(None, (source.topic, source.bad_topic)):
            self._topic(topic)
        if trouble and source.on_gap == "stop":
            lines = "\n".join(f"  {reason}" for reason in trouble)
            count = "1 file" if len(trouble) == 1 else f"{len(trouble)} files"
            msg = f"{count} of the archive {source.archive} cannot be read; everything else was taken in:\n{lines}"
            cure = "Mend or remove what is named, or set on_gap = 'record' to go on without it."
            raise SourceError(msg, cure=cure)
        mark = Watermark(
            source=source.name,
            position=self._log.batch,
            clock=None,
            reached=self._now,
            recorded_at=self._now,
            run=run,
            detail={"gaps_recorded": self._log.side("gaps").num_rows},
        )
        self._lake.advance(mark)
        return self._ingested(mark)

    def _ingested(self, mark: Watermark) -> Ingested:
        rows = {self._log.name: Counter(I=self._events)} if self._events else {}
        kinds = [f"{count:,} refused: {kind}" for kind, count in sorted(self._kinds.items())]
        return Ingested(
            source=self._source.name,
            watermark=mark,
            rows=rows,
            quarantined=self._kinds.total(),
            notes=(*kinds, *self._notes),
        )

    def _topic(self, topic: str) -> None:
        """Read a topic from where its last batch ended to where it ends now."""
        stored, known = _known(self._log, topic)
        plan = kafka.plan(self._source, topic, stored, known)
        self._notes += plan.notes
        reached = {place: first for place, (first, _) in plan.ranges.items()}
        parts = list(kafka.batches(plan, EVENTS))
        if not parts and reached != stored:
            parts = [{}]  # nothing to read, but something to know: where a partition begins, what is gone
        for ranges in parts:
            reached |= {place: end for place, (_, end) in ranges.items()}
            self._read(plan, ranges, reached)
            plan = replace(plan, gaps=())  # the first batch has them on record

    def _read(self, plan: Plan, ranges: Mapping[int, tuple[int, int]], reached: Mapping[int, int]) -> None:
        """Take in one batch of a topic, and what was gone before it."""
        topic, batch = plan.topic, Batch(self._now)
        batch.miss(plan.gaps)
        self._notes += [f"Gone on without {gap}." for gap in plan.gaps]
        chunks = kafka.read(self._source, topic, ranges, topic_id=plan.topic_id)
        lines = batch.bad(chunks) if topic == self._source.bad_topic else batch.records(chunks)
        known = {_PARTITIONS.format(topic): len(plan.ranges)}
        if plan.topic_id:  # a broker that gives none for once does not make us forget it
            known[_TOPIC.format(topic)] = plan.topic_id
        self._commit(batch, lines, {**known, **{_OFFSET.format(topic, each): end for each, end in reached.items()}})

    def _archive(self) -> list[str]:
        """Read the files that no batch has read, and tell of those that cannot be read."""
        found = archive.listed(self._source.archive)
        known = {row["path"]: row for row in self._log.side("files").sort_by("batch").to_pylist()}
        self._notes += [_changed(file) for file in found if _was_changed(file, known.get(file.path))]
        fresh = [file for file in found if _is_fresh(file, known.get(file.path))]
        trouble: dict[str, str] = {}
        for files in _grouped(fresh):
            self._read_files(files, trouble)
        return list(trouble.values())

    def _read_files(self, files: Sequence[ArchiveFile], trouble: dict[str, str]) -> None:
        """Take in one batch of files; one that breaks off in the middle makes the batch begin anew without it."""
        while True:
            batch = Batch(self._now)
            left = [file for file in files if file.path not in trouble]
            if self._source.on_gap == "record":
                for file in files:
                    if file.path in trouble:
                        batch.pass_over(file, trouble[file.path])
            try:
                lines = (rows for file in left for rows in batch.lines(file, self._lines(file)))
                if left or batch.passed_over:
                    self._commit(batch, lines, {})
            except archive.ArchiveFileError as error:
                trouble[error.file] = error.message
            else:
                self._notes += [f"Gone on without {trouble[file.path]}" for file in files if file.path in trouble]
                return

    def _lines(self, file: ArchiveFile) -> Iterator[list[bytes]]:
        return archive.read_file(self._source.archive, file)

    def _commit(self, batch: Batch, rows: Iterable[pa.RecordBatch], marks: Mapping[str, int]) -> None:
        self._log.append(rows, marks=marks, sides=batch.sides)
        self._events += batch.events
        self._kinds += batch.kinds


def _columns(source: SnowplowSource) -> list[Column]:
    """Give the fields, with those marked that the settings call personal beside those that always are."""
    return [dataclasses.replace(field, personal=field.personal or field.name in source.personal) for field in FIELDS]


def _grouped(files: Iterable[ArchiveFile]) -> Iterator[list[ArchiveFile]]:
    group: list[ArchiveFile] = []
    size = 0
    for file in files:
        if group and size + file.size > ARCHIVED:
            yield group
            group, size = [], 0
        group.append(file)
        size += file.size
    if group:
        yield group


def _is_fresh(file: ArchiveFile, known: Mapping[str, Any] | None) -> bool:
    """Tell whether a file is still to be read: one that could not be is, once it is another."""
    return known is None or (known["lines"] is None and _differs(file, known))


def _was_changed(file: ArchiveFile, known: Mapping[str, Any] | None) -> bool:
    return known is not None and known["lines"] is not None and file.size != known["size"]


def _differs(file: ArchiveFile, known: Mapping[str, Any]) -> bool:
    return (file.size, file.modified) != (known["size"], known["modified"])


def _changed(file: ArchiveFile) -> str:
    return f"{file.path} has changed since it was read; what was taken in stays, and its new lines are not read."
