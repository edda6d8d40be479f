"""The records of a Kafka topic: exactly those between two offsets of each partition, in bounded memory.

Partitions are assigned, not subscribed to, and nothing is committed to Kafka: what was read is known in the lake only.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from confluent_kafka import Message, TopicPartition

from workspace.errors import SourceError
from workspace.sources.snowplow.client import Client, interruptible, transient
from workspace.sources.snowplow.offsets import Gap, Plan, batches, plan, require_topic

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from confluent_kafka import Consumer, KafkaError

    from workspace.settings import SnowplowSource

__all__ = ["PATIENCE", "Chunk", "Gap", "Plan", "batches", "plan", "read"]

Numbers = npt.NDArray[np.int64]

PATIENCE = 60.0
"""Seconds without any progress after which a read gives up; a broker that is back before is read on from."""

_AT_ONCE = 500
"""How many records are taken from the library at once: one by one costs a quarter more. From 700 on, each time would
set Python's garbage collector to work."""

_WAIT = 0.02
"""Seconds for which the library waits for so many, which it also does at the end, where there are fewer."""


@dataclass(frozen=True)
class Chunk:
    """Some records, in the order of their offsets within each partition.

    Attributes:
        lines: Their values; a record without one has an empty line.
        topic: The topic.
        partitions: The partition of each, int64.
        offsets: The offset of each, int64.
    """

    lines: list[bytes]
    topic: str
    partitions: Numbers
    offsets: Numbers


def read(
    source: SnowplowSource,
    topic: str,
    ranges: Mapping[int, tuple[int, int]],
    *,
    topic_id: int = 0,
    chunk_bytes: int = 8 << 20,
) -> Generator[Chunk, None, None]:
    """Read every record in the ranges once.

    The marks of transactions, records of aborted ones and those that compaction removed are no records.

    Args:
        source: Which brokers.
        topic: The topic.
        ranges: Of each partition, the first offset and the one after the last, as `plan` and `batches` give them.
        topic_id: As the plan has it. It is looked at again in the end: what comes of a topic that was deleted and
            created anew meanwhile comes from the new one.
        chunk_bytes: About how large a chunk is.

    Raises:
        SettingsError: A property of the connection is wrong.
        SourceError: A record cannot be read, is broken or gone; nothing came for `PATIENCE` seconds; or the topic is no
            longer the same, and then nothing that came may be kept.
    """
    wanted = {partition: span for partition, span in ranges.items() if span[0] < span[1]}
    if not wanted:
        return
    client = Client(source)
    consumer = client.consumer()
    try:
        reader = _Reader(client, consumer, topic, wanted)
        yield from reader.chunks(chunk_bytes)
        if topic_id:
            require_topic(client, topic, topic_id)
    finally:
        consumer.close()


class _Reader:
    def __init__(self, client: Client, consumer: Consumer, topic: str, ranges: Mapping[int, tuple[int, int]]) -> None:
        self._client = client
        self._consumer = consumer
        self._topic = topic
        size = max(ranges) + 1
        self._next = np.zeros(size, np.int64)  # by partition, as all that follow
        self._end = np.zeros(size, np.int64)
        for partition, (start, end) in ranges.items():
            self._next[partition], self._end[partition] = start, end
        self._open = self._next < self._end
        self._moved = time.monotonic()
        self._told = ""
        self._fetched = 0
        consumer.assign([TopicPartition(topic, partition, start) for partition, (start, _) in ranges.items()])

    def chunks(self, size: int) -> Iterator[Chunk]:
        lines: list[bytes] = []
        places: list[tuple[Numbers, Numbers]] = []
        filled = 0
        while self._open.any():
            messages = interruptible(lambda: self._consumer.consume(_AT_ONCE, _WAIT))
            if not messages:
                self._require_progress()
                continue
            self._moved = time.monotonic()
            more, where = self._taken(messages)
            if more:
                lines += more
                places.append(where)
                filled += sum(map(len, more))
            if filled >= size:
                yield self._chunk(lines, places)
                lines, places, filled = [], [], 0
                self._moved = time.monotonic()  # what was done with the chunk is no waiting for a broker
        if lines:
            yield self._chunk(lines, places)

    def _chunk(self, lines: list[bytes], places: list[tuple[Numbers, Numbers]]) -> Chunk:
        partitions, offsets = (np.concatenate(each) for each in zip(*places, strict=True))
        return Chunk(lines, self._topic, partitions, offsets)

    def _taken(self, messages: list[Message]) -> tuple[list[bytes], tuple[Numbers, Numbers]]:
        records = messages
        if any(map(Message.error, messages)):
            records = [each for each in messages if each.error() is None]
        partitions = np.fromiter(map(Message.partition, records), np.int64, len(records))
        offsets = np.fromiter(map(Message.offset, records), np.int64, len(records))
        inside = self._open[partitions] & (offsets < self._end[partitions])
        self._move(partitions, offsets)
        for message in messages if len(records) < len(messages) else ():
            if (error := message.error()) is not None:
                self._hear(message, error)
        self._close()
        if not inside.all():
            records = [record for record, kept in zip(records, inside, strict=True) if kept]
            partitions, offsets = partitions[inside], offsets[inside]
        return [each.value() or b"" for each in records], (partitions, offsets)

    def _move(self, partitions: Numbers, offsets: Numbers) -> None:
        """Go on to behind these records, each of which must lie behind all before it."""
        order = np.argsort(partitions, kind="stable")
        places, steps = partitions[order], offsets[order]
        due = np.roll(steps, 1) + 1
        first = np.ones(len(order), bool)
        first[1:] = places[1:] != places[:-1]
        due[first] = self._next[places[first]]
        if (wrong := np.flatnonzero((steps < due) & self._open[places])).size:
            at = wrong[0]
            where = f"{self._topic}[{places[at]}]"
            raise self._client.error(f"{where} gave offset {steps[at]} where {due[at]} or a later one was due.")
        self._next[places] = steps + 1  # of several in a partition the last one stays

    def _hear(self, message: Message, error: KafkaError) -> None:
        partition, offset = message.partition(), message.offset()
        if error.name() == "_PARTITION_EOF" and partition is not None and offset is not None:
            # It comes in its turn, after every record before it, and marks of transactions are behind it too. Where a
            # leader has just begun and knows of less than the plan did, there will be another.
            self._next[partition] = max(int(self._next[partition]), offset)
        elif transient(error):
            self._client.note(error)
        else:
            raise self._failed(partition, error)

    def _failed(self, partition: int | None, error: KafkaError) -> SourceError:
        if partition is None or not 0 <= partition < len(self._next):
            return self._client.error(f"Topic {self._topic} cannot be read on.", error)
        where = f"{self._topic}[{partition}]"
        if error.name() == "_AUTO_OFFSET_RESET":
            text = f"{self._client.source}: {where}: offset {self._next[partition]} was deleted while it was read."
            return SourceError(text, cure="Run this again: what on_gap says is done about what is gone by then.")
        return self._client.error(f"{where} cannot be read on from offset {self._next[partition]}.", error)

    def _close(self) -> None:
        done = np.flatnonzero(self._open & (self._next >= self._end))
        if done.size:
            self._open[done] = False
            self._consumer.pause([TopicPartition(self._topic, int(each)) for each in done])

    def _require_progress(self) -> None:
        if (told := self._client.statistics) is not self._told:
            self._told = told
            if (fetched := self._position(told)) > self._fetched:  # records of aborted transactions come by unseen
                self._fetched, self._moved = fetched, time.monotonic()
        if time.monotonic() - self._moved < PATIENCE:
            return
        waiting = [int(each) for each in np.flatnonzero(self._open)]
        listed = ", ".join(f"{self._topic}[{each}] {self._next[each]}..{self._end[each] - 1}" for each in waiting[:5])
        more = f" and {len(waiting) - 5} more partitions" if len(waiting) > 5 else ""
        msg = f"Nothing came from Kafka at {self._client.brokers} for {PATIENCE:.0f} s; not read: {listed}{more}."
        raise self._client.error(msg)

    def _position(self, statistics: str) -> int:
        about = json.loads(statistics)["topics"].get(self._topic, {}).get("partitions", {})
        return sum(about[str(each)]["next_offset"] for each in np.flatnonzero(self._open) if str(each) in about)
