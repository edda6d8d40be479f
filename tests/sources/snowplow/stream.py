"""A pipeline that sends to a broker and fills an archive, a lake that takes it in, and how the two must agree."""

from __future__ import annotations

import dataclasses
import gzip
import json
import multiprocessing
import os
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from uuid import UUID

from confluent_kafka import Producer
from deltalake import DeltaTable

from brokers import PATIENCE, wait_for
from sources.snowplow.plain import line
from workspace.lake import Lake, delta
from workspace.lake.crash import VARIABLE
from workspace.settings import SnowplowSource
from workspace.sources.snowplow import run as module

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from brokers import Broker
    from workspace.sources import Ingested

Address = tuple[str, int, int]
"""A topic, partition and offset; or a file, 0, and a line."""

NOW = datetime(2026, 10, 3, tzinfo=UTC)
LIMIT = 300
"""Records a batch here, so that a run has several."""

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["sources.snowplow.stream", "workspace.sources.snowplow"])

# Little is fetched ahead, so that a broker which goes is missed.
SLOWLY = {"max.partition.fetch.bytes": "20000", "queued.max.messages.kbytes": "64"}


class Stream:
    """A source with a topic of events, one of bad rows and an archive, and everything that went into them.

    Attributes:
        source: Its settings.
        sent: What lies at each address, and whether it is an event.
    """

    def __init__(self, broker: Broker, folder: Path, *, seed: int = 1, partitions: int = 3) -> None:
        self.rng = random.Random(seed)
        self.broker = broker
        self.archive = folder / "archive"
        self.archive.mkdir()
        self.partitions = partitions
        self.lake = str(folder / "lake")
        self.source = SnowplowSource(
            name="clicks",
            brokers=broker.address,
            topic=broker.topic(partitions),
            bad_topic=broker.topic(1),
            archive=str(self.archive),
            kafka=SLOWLY,
        )
        self.sent: dict[Address, tuple[bytes, bool]] = {}
        self._files = 0
        self._producer = Producer(
            {
                "bootstrap.servers": broker.address,
                "transactional.id": f"stream {self.source.topic}",
                "compression.type": "lz4",
                "linger.ms": 5,
                "log_level": 0,
            }
        )
        self._producer.init_transactions(PATIENCE)

    def _line(self) -> tuple[bytes, bool]:
        if self.rng.random() < 0.05:
            return self.rng.choice(
                [b"", b"no event %d" % self.rng.getrandbits(30), line(collector_tstamp="never")]
            ), False
        at = NOW - timedelta(seconds=self.rng.randrange(2 * 86400))
        event = str(UUID(int=self.rng.getrandbits(128), version=4))
        given = {"event_id": event, "collector_tstamp": f"{at:%Y-%m-%d %H:%M:%S}.000", "page_url": "x" * 300}
        return line(**given), True

    def send(self, count: int) -> None:
        """Send lines in transactions of some dozens, of which every third or so is taken back."""
        while count > 0:
            size = min(count, self.rng.randint(20, 120))
            kept = self.rng.random() < 0.7
            self._transact(
                [(self.source.topic, self.rng.randrange(self.partitions), *self._line()) for _ in range(size)], kept
            )
            count -= size if kept else 0

    def send_bad(self, count: int) -> None:
        """Send bad rows of the pipeline."""
        schema = "iglu:com.snowplowanalytics.snowplow.badrows/schema_violations/jsonschema/2-0-0"
        rows = [json.dumps({"schema": schema, "data": {"payload": self.rng.random()}}).encode() for _ in range(count)]
        self._transact([(self.source.bad_topic, 0, row, False) for row in rows], kept=True)

    def _transact(self, lines: list[tuple[str, int, bytes, bool]], kept: bool) -> None:
        found: dict[Address, tuple[bytes, bool]] = {}

        def note(value: tuple[bytes, bool]) -> Callable[[Any, Any], None]:
            def delivered(error: Any, message: Any) -> None:
                assert error is None, error
                found[message.topic(), message.partition(), message.offset()] = value

            return delivered

        self._producer.begin_transaction()
        for topic, partition, text, good in lines:
            self._producer.produce(topic, text or None, partition=partition, on_delivery=note((text, good)))
        assert self._producer.flush(PATIENCE) == 0
        assert len(found) == len(lines)
        if kept:
            self._producer.commit_transaction(PATIENCE)
            self.sent |= found
        else:
            self._producer.abort_transaction(PATIENCE)

    def file(self, count: int) -> None:
        """Put a file into the archive, plain or compressed."""
        self._files += 1
        lines = [self._line() for _ in range(count)]
        packed = bool(self._files % 2)
        name = f"run={self._files:05}/part-0.txt" + (".gz" if packed else "")
        content = b"".join(text + b"\n" for text, _ in lines)
        path = self.archive / name
        path.parent.mkdir()
        path.write_bytes(gzip.compress(content) if packed else content)
        self.sent |= {(name, 0, number): value for number, value in enumerate(lines, 1)}

    def add_partition(self) -> None:
        self.partitions += 1
        topic = self.source.topic
        self.broker.add_partitions(topic, self.partitions)
        wait_for(lambda: len(self._producer.list_topics(topic).topics[topic].partitions) == self.partitions)

    def ingest(self) -> Ingested:
        """Take everything in, in this process."""
        return take_in(self.source, self.lake)

    def begin(self, *, crash: str = "") -> BaseProcess:
        """Begin to take everything in, in a process that may be killed."""
        process = PROCESSES.Process(target=_work, args=(self.source, self.lake, crash, dict(os.environ)))
        process.start()
        return process

    def in_process(self, *, crash: str = "", kill_after: float | None = None) -> int | None:
        """Take everything in in another process, and give its exit code: 0, or minus the signal."""
        process = self.begin(crash=crash)
        process.join(kill_after)
        if process.is_alive():
            process.kill()
            process.join()
        return process.exitcode

    def begin_compacting(self) -> BaseProcess:
        """Begin to compact the events again and again, in a process that is to be killed."""
        process = PROCESSES.Process(target=_compact, args=(self.lake,))
        process.start()
        return process

    def check(self) -> None:
        """Compare the lake with what was sent: each address once, as an event or refused, with what lies there."""
        log = Lake(self.lake).events(self.source.name)
        names = ["_topic", "_partition", "_offset", "_file", "_line", "event_id"]
        rows = delta.read(log.table).select(names).to_pylist()
        refused = log.side("refused").select(["topic", "partition", "offset", "file", "line", "raw"]).to_pylist()
        events = [(_address(*list(row.values())[:5]), row["event_id"]) for row in rows]
        others = [(_address(*list(row.values())[:5]), row["raw"]) for row in refused]
        counts = Counter(address for address, _ in [*events, *others])
        assert [each for each, count in counts.items() if count > 1] == []
        assert counts.keys() == self.sent.keys()
        assert dict(events) == {each: _event_id(text) for each, (text, good) in self.sent.items() if good}
        assert dict(others) == {each: text for each, (text, good) in self.sent.items() if not good}


def take_in(source: SnowplowSource, lake: str) -> Ingested:
    """Run the ingest, in batches that are small."""
    with patch.multiple(module, EVENTS=LIMIT, ARCHIVED=1 << 14):
        return module.ingest(source, Lake(lake), run="r", as_of=NOW, now=NOW)


def _work(source: SnowplowSource, lake: str, crash: str, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    os.environ[VARIABLE] = crash
    take_in(source, lake)


def _compact(lake: str) -> None:
    uri = Lake(lake).layout.uri("events", "clicks.atomic")
    while True:
        DeltaTable(uri).optimize.compact()


def _address(topic: str, partition: int, offset: int, file: str, number: int) -> Address:
    return (topic, partition, offset) if file is None else (file, 0, number)


def _event_id(text: bytes) -> str:
    return text.split(b"\t")[6].decode()


def record_gaps(stream: Stream) -> None:
    """Let a source go on without what is gone."""
    stream.source = dataclasses.replace(stream.source, on_gap="record")
