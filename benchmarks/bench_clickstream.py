"""Taking in a clickstream, from a topic of Apache Kafka to the lake, in CPU time of the process that does it.

End to end, in events per CPU second, against a plain consumer of the same topic that drops what it gets; aim: at least
0.35. Against no more than the parse of Snowplow's own SDK for Python, which gives texts for times and dicts for JSON,
where we give times and leave JSON as text; aim: at least 4 times. And the memory that it holds at its highest, below
800 MB, which must not grow with the topic: from 200,000 events to a million by 20 % at most.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

import clickstream_data
from measure import cpu_seconds, report
from workspace.lake import Lake
from workspace.settings import SnowplowSource
from workspace.sources.snowplow import ingest

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PARTITIONS = 6
FEW, MANY = 200_000, 1_000_000
PARSED = 20_000
ROUNDS = 3
PATIENCE = 60


def fill(address: str, topic: str, count: int) -> None:
    producer = Producer({"bootstrap.servers": address, "compression.type": "zstd", "linger.ms": 50})
    for number, line in enumerate(clickstream_data.lines(count)):
        while len(producer) > 50_000:
            producer.poll(0.01)
        producer.produce(topic, line, partition=number % PARTITIONS)
    expect(producer.flush(PATIENCE), 0)


def take_in(address: str, topic: str, count: int) -> None:
    source = SnowplowSource(name="clickstream", brokers=address, topic=topic)
    now = datetime(2026, 10, 1, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as root:
        expect(ingest(source, Lake(root), run="benchmark", as_of=now, now=now).total, count)


def drop(address: str, topic: str, count: int) -> None:
    consumer = Consumer({"bootstrap.servers": address, "group.id": "plain", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    for _ in range(count):
        message = consumer.poll(PATIENCE)
        expect(message is not None and message.error(), None)
    consumer.close()


def parse() -> float:
    """Give the CPU seconds that the SDK takes for a line."""
    from snowplow_analytics_sdk.event_transformer import transform

    lines = [line.decode() for line in clickstream_data.lines(PARSED)]
    return cpu_seconds(lambda: [transform(line) for line in lines]) / PARSED


def measured(work: Callable[..., None], *args: str | int) -> tuple[float, float]:
    """Give the CPU seconds of a piece of work, and the most memory that its process held, in MB."""
    spent = cpu_seconds(lambda: work(*args))
    return spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def apart(work: Callable[..., T], *args: object) -> T:
    """Do it in a process of its own, which begins anew."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *args).result()


def expect(found: object, expected: object) -> None:
    if found != expected:
        msg = f"{found} instead of {expected}"
        raise RuntimeError(msg)


def main() -> None:
    sys.path.append(str(Path(__file__).parents[1] / "tests"))  # where a broker is made
    from brokers import Broker, need_jars

    try:
        need_jars()
    except pytest.skip.Exception as missing:
        print(missing)
        return
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder))
        broker.start()
        try:
            few, many = broker.topic(PARTITIONS), broker.topic(PARTITIONS)
            apart(fill, broker.address, few, FEW)
            apart(fill, broker.address, many, MANY)
            measure(broker.address, few, many)
        finally:
            broker.stop()


def measure(address: str, few: str, many: str) -> None:
    turns = [[apart(measured, work, address, many, MANY) for work in (drop, take_in)] for _ in range(ROUNDS)]
    plain, ours = (statistics.median(spent for spent, _ in each) / MANY for each in zip(*turns, strict=True))
    parsed = statistics.median(apart(parse) for _ in range(ROUNDS))
    # Both in events per CPU second, so that more is better and the aim is to be reached from above.
    show(
        f"events per CPU second of a plain consumer ({1 / plain:,.0f}), taken in ({1 / ours:,.0f})", plain / ours, 0.35
    )
    show(f"events per CPU second of the SDK's parse ({1 / parsed:,.0f}), taken in ({1 / ours:,.0f})", parsed / ours, 4)
    least = apart(measured, take_in, address, few, FEW)[1]
    most = max(held for _, (_, held) in turns)
    report(f"memory at {MANY:,} events against {FEW:,}", most, least, unit="MB", aim=1.2)
    report("memory against the most that it may take", most, 800, unit="MB", aim=1)


def show(claim: str, found: float, aim: float) -> None:
    verdict = "within" if found >= aim else "MISSES"
    print(f"{claim}: {found:.2f} ({verdict} the aim of at least {aim})")


if __name__ == "__main__":
    main()
