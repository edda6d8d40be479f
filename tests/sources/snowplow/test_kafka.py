"""What a plan fixes and a read gives: on Apache Kafka, and where it is faithful on librdkafka's mock cluster too."""

from __future__ import annotations

import dataclasses
import itertools
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer, TopicPartition

from brokers import PATIENCE, produce, wait_for
from workspace.errors import SourceError
from workspace.settings import SnowplowSource
from workspace.sources.snowplow import client, kafka
from workspace.sources.snowplow.offsets import Extent, decide

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from brokers import Broker

Place = tuple[int, int]

# Little is fetched ahead, so that a broker which goes is missed.
SLOWLY = {"max.partition.fetch.bytes": "20000", "queued.max.messages.kbytes": "64"}


def source_of(address: str, **more: Any) -> SnowplowSource:
    return SnowplowSource(name="clicks", brokers=address, topic="enriched", **more)


def gathered(chunks: Iterable[kafka.Chunk]) -> list[tuple[Place, bytes]]:
    """Give the records with their places, each partition's in the order in which they came."""
    found = []
    for chunk in chunks:
        places = zip(chunk.partitions.tolist(), chunk.offsets.tolist(), strict=True)
        found += list(zip(places, chunk.lines, strict=True))
    return sorted(found, key=lambda record: record[0][0])


def everything(source: SnowplowSource, topic: str) -> list[tuple[Place, bytes]]:
    return gathered(kafka.read(source, topic, kafka.plan(source, topic, {}).ranges))


def lines(tag: str, count: int) -> list[bytes]:
    return [b"%s %d" % (tag.encode(), number) for number in range(count)]


# On both


@pytest.fixture(params=[pytest.param("kafka", marks=pytest.mark.kafka), "mock"])
def address(request: pytest.FixtureRequest) -> str:
    if request.param == "mock":
        return str(request.getfixturevalue("mock_brokers"))
    return str(request.getfixturevalue("broker").address)


_topics = (f"both{number}" for number in itertools.count(1))


@pytest.fixture
def topic(request: pytest.FixtureRequest, address: str) -> str:
    """A topic of four partitions with ten, no, one and two thousand records."""
    name = next(_topics)
    if "broker" in request.fixturenames or "mock_brokers" not in request.fixturenames:
        request.getfixturevalue("broker").topic(4, name)
    for partition, count in {0: 10, 2: 1, 3: 2000}.items():
        produce(address, name, lines(f"p{partition}", count), partition, compression_type="lz4")
    return name


def test_a_range_gives_its_records_and_no_others(address: str, topic: str) -> None:
    source = source_of(address)
    plan = kafka.plan(source, topic, {})
    assert plan.ranges == {0: (0, 10), 1: (0, 0), 2: (0, 1), 3: (0, 2000)}
    assert not plan.gaps
    assert not plan.notes
    found = gathered(kafka.read(source, topic, plan.ranges))
    expected = [((p, n), b"p%d %d" % (p, n)) for p, count in {0: 10, 2: 1, 3: 2000}.items() for n in range(count)]
    assert found == expected
    part = gathered(kafka.read(source, topic, {0: (3, 7), 2: (1, 1), 3: (1999, 2000)}))
    assert part == [*expected[3:7], expected[-1]]


def test_what_comes_later_is_for_the_next_plan(address: str, topic: str) -> None:
    source = source_of(address)
    plan = kafka.plan(source, topic, {})
    produce(address, topic, lines("late", 5), 0)
    assert len(gathered(kafka.read(source, topic, plan.ranges))) == 2011
    stored = {partition: end for partition, (_, end) in plan.ranges.items()}
    following = kafka.plan(source, topic, stored, known=plan.topic_id)
    assert following.ranges[0] == (10, 15)
    assert [line for _, line in gathered(kafka.read(source, topic, following.ranges))] == lines("late", 5)
    done = {partition: end for partition, (_, end) in following.ranges.items()}
    again = kafka.plan(source, topic, done, known=plan.topic_id)
    assert list(kafka.read(source, topic, again.ranges)) == []


def test_batches_cover_a_plan_once_and_read_the_same(address: str, topic: str) -> None:
    source = source_of(address)
    plan = kafka.plan(source, topic, {})
    parts = list(kafka.batches(plan, 600))
    assert [sum(end - start for start, end in part.values()) for part in parts] == [600, 600, 600, 211]
    found = [record for part in parts for record in gathered(kafka.read(source, topic, part))]
    assert sorted(found) == everything(source, topic)


def test_a_record_without_a_value_is_an_empty_line(address: str, topic: str) -> None:
    produce(address, topic, [b"", None, b"x"], 1, keys=[b"k", b"k", b"k"])
    assert gathered(kafka.read(source_of(address), topic, {1: (0, 3)})) == [
        ((1, 0), b""),
        ((1, 1), b""),
        ((1, 2), b"x"),
    ]


def test_chunks_are_about_as_large_as_asked_for(address: str, topic: str) -> None:
    produce(address, topic, (b"%01000d" % number for number in range(5000)), 1, linger_ms=5)
    chunks = list(kafka.read(source_of(address), topic, {1: (0, 5000)}, chunk_bytes=1 << 20))
    assert len(chunks) >= 3
    assert all(sum(map(len, chunk.lines)) <= (1 << 20) + 1000 * 1000 for chunk in chunks)
    assert [offset for chunk in chunks for offset in chunk.offsets] == list(range(5000))


def test_a_read_that_is_left_early_ends(address: str, topic: str) -> None:
    with closing(kafka.read(source_of(address), topic, {3: (0, 2000)}, chunk_bytes=1)) as reading:
        assert next(reading).lines
    assert list(reading) == []


def test_the_library_keeps_off_the_screen(address: str, topic: str, capfd: pytest.CaptureFixture[str]) -> None:
    everything(source_of(address, kafka={"debug": "consumer"}), topic)
    assert capfd.readouterr() == ("", "")


# On Apache Kafka only: the mock cluster knows no transactions, no compaction and no controller


@pytest.mark.kafka
@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd", "none"])
def test_every_codec_is_read(broker: Broker, codec: str) -> None:
    topic = broker.topic()
    broker.produce(topic, lines("x", 3000), compression_type=codec, linger_ms=20)
    assert [line for _, line in everything(source_of(broker.address), topic)] == lines("x", 3000)


@pytest.fixture
def transactional(broker: Broker) -> Iterator[Producer]:
    producer = Producer({"bootstrap.servers": broker.address, "transactional.id": "tests", "log_level": 0})
    producer.init_transactions(PATIENCE)
    yield producer
    producer.purge()


def transaction(producer: Producer, places: Mapping[TopicPartition, Iterable[bytes]]) -> None:
    producer.begin_transaction()
    for place, values in places.items():
        for value in values:
            producer.produce(place.topic, value, partition=place.partition)
    assert producer.flush(PATIENCE) == 0


@pytest.mark.kafka
def test_of_transactions_the_committed_are_read(broker: Broker, transactional: Producer) -> None:
    topic = broker.topic(2)
    one, two = TopicPartition(topic, 0), TopicPartition(topic, 1)
    transaction(transactional, {one: lines("a", 5), two: lines("b", 3)})
    transactional.commit_transaction(PATIENCE)
    transaction(transactional, {one: lines("never", 4)})
    transactional.abort_transaction(PATIENCE)
    source = source_of(broker.address)
    plan = kafka.plan(source, topic, {})
    assert plan.ranges == {0: (0, 11), 1: (0, 4)}  # each transaction ends with a mark, which has an offset too
    # Its last offsets are an aborted transaction and a mark: nothing comes for them, and the read ends all the same.
    found = gathered(kafka.read(source, topic, plan.ranges))
    assert [line for _, line in found] == lines("a", 5) + lines("b", 3)
    assert gathered(kafka.read(source, topic, {0: (5, 11)})) == []
    assert gathered(kafka.read(source, topic, {0: (5, 8), 1: (3, 4)})) == []
    broker.produce(topic, lines("later", 2))
    assert gathered(kafka.read(source, topic, {0: (5, 11)})) == []


@pytest.mark.kafka
def test_an_open_transaction_waits_for_its_end(broker: Broker, transactional: Producer) -> None:
    topic = broker.topic()
    place, source = TopicPartition(topic, 0), source_of(broker.address)
    broker.produce(topic, lines("before", 3))
    transaction(transactional, {place: lines("open", 4)})
    broker.produce(topic, lines("after", 2))
    plan = kafka.plan(source, topic, {})
    assert plan.ranges == {0: (0, 3)}
    assert plan.notes == (f"{topic}[0] has an open transaction at offset 3: 6 offsets up to 8 wait for its end.",)
    assert [line for _, line in gathered(kafka.read(source, topic, plan.ranges))] == lines("before", 3)
    transactional.commit_transaction(PATIENCE)
    plan = kafka.plan(source, topic, {0: 3})
    assert plan.notes == ()
    found = gathered(kafka.read(source, topic, plan.ranges))
    assert [line for _, line in found] == lines("open", 4) + lines("after", 2)


@pytest.mark.kafka
def test_what_compaction_removed_is_no_record(broker: Broker) -> None:
    topic = broker.topic(cleanup_policy="compact", segment_ms="100", min_cleanable_dirty_ratio="0.0001")
    broker.produce(topic, lines("old", 50), keys=[b"k%d" % (number % 5) for number in range(50)])
    time.sleep(0.2)  # the segment must have come of age when the next record comes
    broker.produce(topic, lines("new", 1), keys=[b"other"])
    time.sleep(0.2)
    broker.produce(topic, lines("newer", 1), keys=[b"other too"])
    source = source_of(broker.address)
    wait_for(lambda: len(everything(source, topic)) == 7)
    plan = kafka.plan(source, topic, {})
    assert plan.ranges == {0: (0, 52)}
    expected = [((0, n), b"old %d" % n) for n in range(45, 50)] + [((0, 50), b"new 0"), ((0, 51), b"newer 0")]
    assert gathered(kafka.read(source, topic, plan.ranges)) == expected
    assert gathered(kafka.read(source, topic, {0: (0, 45)})) == []
    assert gathered(kafka.read(source, topic, {0: (20, 47)})) == expected[:2]


@pytest.mark.kafka
def test_a_new_partition_is_read_from_its_beginning(broker: Broker) -> None:
    topic, source = broker.topic(1), source_of(broker.address)
    broker.produce(topic, lines("x", 3))
    broker.add_partitions(topic, 2)
    broker.produce(topic, lines("y", 2), 1)
    plan = kafka.plan(source, topic, {0: 3})
    assert plan.ranges == {0: (3, 3), 1: (0, 2)}
    assert plan.notes == (f"{topic}[1] is new.",)
    assert [line for _, line in gathered(kafka.read(source, topic, plan.ranges))] == lines("y", 2)


@pytest.mark.kafka
def test_a_gap_stops_a_run_or_is_kept_on_record(broker: Broker) -> None:
    topic, source = broker.topic(2), source_of(broker.address)
    broker.produce(topic, lines("x", 20))
    broker.produce(topic, lines("y", 9), 1)
    broker.delete(topic, {0: 12, 1: 9})
    with pytest.raises(SourceError) as caught:
        kafka.plan(source, topic, {0: 5, 1: 2})
    assert caught.value.message.splitlines() == [
        f"clicks: records of {topic} are gone that were never read:",
        f"  {topic}[0]: offsets 5..11 (7) were deleted before they were read",
        f"  {topic}[1]: offsets 2..8 (7) were deleted before they were read",
    ]
    assert "on_gap = 'record'" in caught.value.cure
    plan = kafka.plan(dataclasses.replace(source, on_gap="record"), topic, {0: 5, 1: 2})
    assert [(gap.partition, gap.first, gap.last, gap.offsets) for gap in plan.gaps] == [(0, 5, 11, 7), (1, 2, 8, 7)]
    assert plan.ranges == {0: (12, 20), 1: (9, 9)}
    assert [line for _, line in gathered(kafka.read(source, topic, plan.ranges))] == lines("x", 20)[12:]
    first = kafka.plan(source, topic, {})
    assert first.ranges == plan.ranges
    assert first.notes[0] == f"{topic}[0] begins at offset 12: what came before was deleted before the first run."


@pytest.mark.kafka
def test_what_is_deleted_while_it_is_read_is_an_error(broker: Broker) -> None:
    topic, source = broker.topic(), source_of(broker.address)
    broker.produce(topic, lines("x", 20))
    plan = kafka.plan(source, topic, {})
    broker.delete(topic, {0: 12})
    with pytest.raises(SourceError, match=rf"{topic}\[0\]: offset 0 was deleted while it was read") as caught:
        list(kafka.read(source, topic, plan.ranges))
    assert "Run this again" in caught.value.cure


@pytest.mark.kafka
@pytest.mark.parametrize("count", [3, 30], ids=["fewer records", "more records"])
def test_a_topic_that_was_created_anew_is_not_taken_for_the_old_one(broker: Broker, count: int) -> None:
    topic, source = broker.topic(), source_of(broker.address)
    broker.produce(topic, lines("x", 10))
    plan = kafka.plan(source, topic, {})
    assert plan.topic_id
    broker.drop(topic)
    broker.topic(name=topic)
    broker.produce(topic, lines("y", count))
    with pytest.raises(SourceError, match=f"{topic} was deleted and created anew") as caught:
        kafka.plan(source, topic, {0: 10}, known=plan.topic_id)
    assert "name of its own" in caught.value.cure
    if count < 10:
        with pytest.raises(SourceError, match=rf"{topic}\[0\] was read up to offset 10 and ends at 3"):
            kafka.plan(source, topic, {0: 10})


# Of what is planned, without a broker


def test_a_partition_that_is_gone_is_an_error() -> None:
    with pytest.raises(SourceError, match=r"ev\[1\] was read up to offset 4 and is not there"):
        decide(source_of("x"), "ev", 0, {0: Extent(0, 9, 9)}, {0: 9, 1: 4})


def test_a_new_partition_may_have_lost_records_too() -> None:
    with pytest.raises(SourceError, match=r"ev\[1\]: offsets 0\.\.2 \(3\)"):
        decide(source_of("x"), "ev", 0, {0: Extent(0, 9, 9), 1: Extent(3, 5, 5)}, {0: 9})


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("sizes", [{}, {0: 0}, {0: 1}, {0: 5, 3: 1, 9: 17}, dict.fromkeys(range(12), 3)])
def test_batches_are_whole_bounded_and_in_order(limit: int, sizes: dict[int, int]) -> None:
    plan = kafka.Plan("ev", 0, {partition: (10, 10 + size) for partition, size in sizes.items()})
    reached = dict.fromkeys(sizes, 10)
    for part in kafka.batches(plan, limit):
        assert 0 < sum(end - start for start, end in part.values()) <= limit
        for partition, (start, end) in part.items():
            assert start == reached[partition] < end
            reached[partition] = end
    assert reached == {partition: 10 + size for partition, size in sizes.items()}


# Outages


@pytest.mark.kafka
def test_a_broker_that_comes_back_is_read_on_from(broker: Broker) -> None:
    topic, source = broker.topic(2), source_of(broker.address, kafka=SLOWLY)
    sent = {0: [b"%d %01000d" % (0, n) for n in range(3000)], 1: [b"%d %01000d" % (1, n) for n in range(3000)]}
    for partition, values in sent.items():
        broker.produce(topic, values, partition, batch_size=10000)
    plan = kafka.plan(source, topic, {})
    reading = kafka.read(source, topic, plan.ranges, chunk_bytes=100_000)
    chunks = [next(reading)]
    broker.kill()
    restart = threading.Timer(1, broker.start)
    restart.start()
    chunks += reading
    restart.join()
    found = gathered(chunks)
    assert [place for place, _ in found] == [(p, n) for p in (0, 1) for n in range(3000)]
    assert [line for _, line in found] == sent[0] + sent[1]


@pytest.mark.kafka
def test_a_broker_that_stays_away_is_an_error(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "PATIENCE", 2.0)
    topic, source = broker.topic(), source_of(broker.address, kafka=SLOWLY)
    broker.produce(topic, [b"%01000d" % n for n in range(30_000)], batch_size=10000)
    reading = kafka.read(source, topic, {0: (0, 30_000)}, chunk_bytes=1)
    next(reading)
    broker.kill()
    with pytest.raises(
        SourceError, match=rf"Nothing came from Kafka at {broker.address} for 2 s; not read: {topic}\[0\]"
    ):
        list(reading)


def test_a_broker_that_does_not_answer_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(client, "CONNECTING", 0.5)
    with pytest.raises(SourceError, match=r"Kafka at 127\.0\.0\.1:9 does not answer\..*Connection refused") as caught:
        kafka.plan(source_of("127.0.0.1:9"), "ev", {})
    assert "127.0.0.1:9" in caught.value.cure
    with pytest.raises(SourceError, match=r"Kafka at nowhere\.invalid:9 does not answer\..*resolve"):
        kafka.plan(source_of("nowhere.invalid:9"), "ev", {})
    assert capfd.readouterr() == ("", "")
