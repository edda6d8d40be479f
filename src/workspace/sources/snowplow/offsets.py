"""Which offsets a run reads: fixed when it begins, so that it ends, and checked against what was read before."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from confluent_kafka import IsolationLevel, KafkaError, TopicCollection, TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

from workspace.errors import SourceError
from workspace.sources.snowplow.client import CONNECTING, TICK, Client

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from confluent_kafka.admin import AdminClient

    from workspace.settings import SnowplowSource

_RENAME = (
    "Offsets of the earlier topic would name other records now. Recreate it under a name of its own and set that in "
    "[sources.{name}], or load what is in it from the archive."
)


@dataclass(frozen=True)
class Gap:
    """Records that Kafka deleted before they were read.

    Attributes:
        topic: The topic.
        partition: The partition.
        first: The first offset that is gone.
        last: The last one, inclusive.
        reason: Why, in a few words.
    """

    topic: str
    partition: int
    first: int
    last: int
    reason: str

    @property
    def offsets(self) -> int:
        """How many offsets are gone: as many records, or fewer if some were transactions' marks."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]: offsets {self.first}..{self.last} ({self.offsets:,}) {self.reason}"


@dataclass(frozen=True)
class Plan:
    """What a run reads of a topic.

    Attributes:
        topic: The topic.
        topic_id: What tells it from another of the same name, as a number; 0 where the broker gives none.
        ranges: Of each partition, the first offset and the one after the last.
        gaps: What was deleted before it was read.
        notes: What a reader should know, in sentences.
    """

    topic: str
    topic_id: int
    ranges: dict[int, tuple[int, int]]
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Extent:
    """What a partition holds.

    Attributes:
        low: Its first offset that is still there.
        stable: The offset up to which every transaction has ended; what comes after cannot be read yet.
        high: The offset after its last.
    """

    low: int
    stable: int
    high: int


def plan(source: SnowplowSource, topic: str, stored: Mapping[int, int], known: int = 0) -> Plan:
    """Fix what a run reads.

    Args:
        source: Which brokers, and what to do about gaps.
        topic: The topic.
        stored: The next offset of each partition that was read before; empty the first time.
        known: The `topic_id` of the plan by which it was read before; 0 if there was none.

    Raises:
        SettingsError: A property of the connection is wrong.
        SourceError: The brokers or the topic cannot be reached; records are gone that were not read, and `on_gap` says
            to stop; or the topic is not the one that was read before.
    """
    client = Client(source)
    topic_id, extents = _look(client, topic)
    if known and topic_id:
        _require_id(client, topic, topic_id, known)
    return decide(source, topic, topic_id, extents, stored)


def decide(
    source: SnowplowSource, topic: str, topic_id: int, extents: Mapping[int, Extent], stored: Mapping[int, int]
) -> Plan:
    """Compare what a topic holds with what was read before.

    Args:
        source: What to do about gaps.
        topic: The topic.
        topic_id: Its id.
        extents: What each partition holds.
        stored: The next offset of each partition that was read before.

    Raises:
        SourceError: As `plan` does.
    """
    _require_same(source, topic, extents, stored)
    ranges, gaps, notes = {}, [], []
    for partition, extent in sorted(extents.items()):
        start = stored.get(partition, 0 if stored else extent.low)
        if start < extent.low:
            gaps.append(Gap(topic, partition, start, extent.low - 1, "were deleted before they were read"))
            start = extent.low
        ranges[partition] = (start, max(start, extent.stable))
        where = f"{topic}[{partition}]"
        if not stored and extent.low:
            notes.append(f"{where} begins at offset {extent.low}: what came before was deleted before the first run.")
        if stored and partition not in stored:
            notes.append(f"{where} is new.")
        if extent.stable < extent.high:
            waiting = f"{extent.high - extent.stable:,} offsets up to {extent.high - 1}"
            notes.append(f"{where} has an open transaction at offset {extent.stable}: {waiting} wait for its end.")
    if gaps and source.on_gap == "stop":
        listed = "\n".join(f"  {gap}" for gap in gaps)
        msg = f"{source.name}: records of {topic} are gone that were never read:\n{listed}"
        cure = (
            "Load them from the archive if it has them, and set on_gap = 'record' to go on and keep the gap on record."
        )
        raise SourceError(msg, cure=cure)
    return Plan(topic, topic_id, ranges, tuple(gaps), tuple(notes))


def require_topic(client: Client, topic: str, topic_id: int) -> None:
    """See that a topic is still the one that was planned for, and not another of the same name.

    Args:
        client: Whose brokers.
        topic: The topic.
        topic_id: Its `topic_id` in the plan.

    Raises:
        SourceError: It is another, or is gone.
    """
    _require_id(client, topic, _identified(client, client.admin(), topic), topic_id)


def _require_id(client: Client, topic: str, found: int, known: int) -> None:
    if found != known:
        msg = f"{client.source}: topic {topic} was deleted and created anew since it was read: its id is another."
        raise SourceError(msg, cure=_RENAME.format(name=client.source))


def _require_same(source: SnowplowSource, topic: str, extents: Mapping[int, Extent], stored: Mapping[int, int]) -> None:
    wrong = [
        f"{topic}[{partition}] was read up to offset {offset} and "
        + (f"ends at {extents[partition].high}" if partition in extents else "is not there")
        for partition, offset in sorted(stored.items())
        if partition not in extents or offset > extents[partition].high
    ]
    if wrong:
        listed = "\n".join(f"  {line}" for line in wrong)
        msg = f"{source.name}: topic {topic} is shorter than what was read of it; it was created anew or cut:\n{listed}"
        raise SourceError(msg, cure=_RENAME.format(name=source.name))


def batches(plan: Plan, limit: int) -> Iterator[dict[int, tuple[int, int]]]:
    """Cut a plan into parts that follow each other, in which all partitions move on together.

    Args:
        plan: What is to be read.
        limit: How many offsets a part has at most.

    Examples:
        >>> list(batches(Plan("ev", 0, {0: (0, 6), 1: (10, 13), 2: (5, 5)}), 4))
        [{0: (0, 3), 1: (10, 11)}, {0: (3, 5), 1: (11, 13)}, {0: (5, 6)}]
    """
    rest = {partition: span for partition, span in plan.ranges.items() if span[0] < span[1]}
    while rest:
        left = {partition: end - start for partition, (start, end) in rest.items()}
        total = sum(left.values())
        quota = min(limit, total)
        share = {partition: count * quota // total for partition, count in left.items()}
        odd = quota - sum(share.values())
        for partition in sorted(left, key=lambda each: left[each] * quota % total, reverse=True)[:odd]:
            share[partition] += 1
        yield {each: (rest[each][0], rest[each][0] + count) for each, count in share.items() if count}
        moved = {each: (start + share[each], end) for each, (start, end) in rest.items()}
        rest = {each: span for each, span in moved.items() if span[0] < span[1]}


def _look(client: Client, topic: str) -> tuple[int, dict[int, Extent]]:
    # Asked of a consumer, a topic that does not exist is not created by the question.
    consumer = client.consumer()
    try:
        found = client.patiently(lambda: consumer.list_topics(topic, timeout=1), lambda: consumer.poll(0))
        about = found.topics[topic]
        if about.error is not None:
            raise _absent(client, topic, about.error)
        partitions = sorted(about.partitions)
    finally:
        consumer.close()
    admin = client.admin()
    # The mock cluster names a controller that it has not, and would let wait for it.
    topic_id = _identified(client, admin, topic) if found.controller_id in found.brokers else 0
    places = [TopicPartition(topic, each) for each in partitions]
    earliest, latest = OffsetSpec.earliest(), OffsetSpec.latest()  # type: ignore[no-untyped-call]
    low = _offsets(client, admin, places, earliest, IsolationLevel.READ_UNCOMMITTED)
    stable = _offsets(client, admin, places, latest, IsolationLevel.READ_COMMITTED)
    high = _offsets(client, admin, places, latest, IsolationLevel.READ_UNCOMMITTED)
    return topic_id, {each: Extent(low[each], stable[each], high[each]) for each in partitions}


def _identified(client: Client, admin: AdminClient, topic: str) -> int:
    """Give a topic's id as a number that a Delta commit can carry, which has 63 bits for it."""
    asked = admin.describe_topics(TopicCollection([topic]), request_timeout=CONNECTING)[topic]
    return int.from_bytes(sha256(str(_answer(client, admin, asked).topic_id).encode()).digest()[:8]) >> 1


def _absent(client: Client, topic: str, error: KafkaError) -> SourceError:
    if error.name() != "UNKNOWN_TOPIC_OR_PART":
        return client.error(f"Topic {topic} cannot be read.", error)
    cure = "Check topic and bad_topic in workspace.toml, and that the user may DESCRIBE the topic."
    return SourceError(f"{client.source}: There is no topic {topic} at {client.brokers}.", cure=cure)


def _offsets(
    client: Client, admin: AdminClient, places: list[TopicPartition], spec: OffsetSpec, level: IsolationLevel
) -> dict[int, int]:
    asked = admin.list_offsets(dict.fromkeys(places, spec), isolation_level=level, request_timeout=CONNECTING)
    return {place.partition: _answer(client, admin, future).offset for place, future in asked.items()}


def _answer(client: Client, admin: AdminClient, future: Any) -> Any:
    return client.patiently(lambda: future.result(timeout=TICK), lambda: admin.poll(0))
