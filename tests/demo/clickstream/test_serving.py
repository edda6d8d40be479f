"""The demo's broker and archive in a home: the same through any accident, and gone when nobody needs them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer, TopicPartition

from workspace.demo import advance, running, totals
from workspace.demo.clickstream import BROKERS_VARIABLE
from workspace.demo.clickstream.archive import OVERHEAD, ROOM, TOPICS, records, shelved
from workspace.demo.clickstream.broker import Broker
from workspace.errors import WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SINCE, KAFKA = date(2025, 9, 28), datetime(2025, 9, 30, tzinfo=UTC)

# Advances, and is killed in the middle of the file of the given number.
_DIES = """
import os, signal, sys
from datetime import date
from pathlib import Path
from workspace.demo import advance
from workspace.demo.clickstream import archive, web

web.SINCE = date.fromisoformat(sys.argv[2])
archive.KAFKA_SINCE = int(sys.argv[3])
archive.KAFKA_ALONE = archive.KAFKA_SINCE + archive.WINDOW
files = int(sys.argv[4])
replace = Path.replace

def dying(self, target):
    global files
    files -= self.name.endswith(".gz.new")
    if files == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)

Path.replace = dying
advance(sys.argv[1], days=6)
"""

# Serves a home twice over, and from another process, and tells what this process holds before, meanwhile and after.
# It has done so once by then: libraries keep what they start.
_SERVES = """
import json, os, subprocess, sys
from pathlib import Path
from workspace.demo import running

home, variable = sys.argv[1:]
tells = "import os, sys; from workspace.demo import running\\nwith running(sys.argv[1]): print(os.environ[sys.argv[2]])"

def held():
    names = [task.joinpath("comm").read_text().strip() for task in Path("/proc/self/task").iterdir()]
    files = [os.readlink(file).split(":")[0] for file in Path("/proc/self/fd").iterdir() if os.path.lexists(file)]
    return {"threads": sorted(names), "files": sorted(files), "address": os.environ.get(variable)}

def served():
    with running(home):
        outer = os.environ[variable]
        with running(home):
            inner, meanwhile = os.environ[variable], held()
        assert os.environ[variable] == outer
        other = subprocess.run([sys.executable, "-c", tells, home, variable], stdout=-1, text=True, check=True)
    return [outer, inner, other.stdout.strip()], meanwhile

served()
before = held()
addresses, meanwhile = served()
for told in (addresses, before, meanwhile, held()):
    print(json.dumps(told))
"""


@pytest.fixture(autouse=True)
def _watched_from_the_second_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the website be watched, and the topic be there, long before the documented days."""
    monkeypatch.setattr("workspace.demo.clickstream.web.SINCE", SINCE)
    since = int(KAFKA.timestamp()) * 1000
    monkeypatch.setattr("workspace.demo.clickstream.archive.KAFKA_SINCE", since)
    monkeypatch.setattr("workspace.demo.clickstream.archive.KAFKA_ALONE", since + 6 * 3_600_000)


def content(home: Path) -> dict[str, bytes]:
    folder = home / "clickstream"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.gz"))}


Record = tuple[int, int, int, bytes]


def consumed(address: str, topic: str) -> list[Record]:
    """Read a whole topic: partition, offset, time and value."""
    settings = {"bootstrap.servers": address, "group.id": "test", "auto.offset.reset": "error"}
    reader = Consumer(settings | {"enable.auto.commit": False, "fetch.wait.max.ms": 10})
    partitions = [TopicPartition(topic, partition, 0) for partition in range(TOPICS[topic])]
    bounds = [reader.get_watermark_offsets(partition, timeout=10) for partition in partitions]
    assert {low for low, _ in bounds} == {0}
    reader.assign(partitions)
    read: list[Record] = []
    while len(read) < sum(high for _, high in bounds):
        message = reader.poll(10)
        assert message is not None
        assert message.error() is None
        where = (message.partition() or 0, message.offset() or 0)
        read.append((*where, message.timestamp()[1], message.value() or b""))
    reader.close()
    return sorted(read)


def test_files_are_the_same_in_any_steps_and_through_any_accident(new_demo: Callable[..., Path]) -> None:
    whole, steps, cut = new_demo(), new_demo(), new_demo()
    with running(whole):
        came = advance(whole, days=6)
    expected, told = content(whole), totals(whole)["clickstream"]
    assert came.events == told["events"]["total"] > 400
    assert {name.split("/")[0] for name in expected} == {"archive", "topic"}
    with running(steps):
        for _ in range(6):
            advance(steps, days=1)
            before = content(steps).items()
            (steps / "world.state").unlink()
            assert before <= expected.items()
    assert content(steps) == expected
    assert totals(steps)["clickstream"] == told
    with running(cut):
        for files in (3, 11):
            arguments = [str(cut), SINCE.isoformat(), str(int(KAFKA.timestamp()) * 1000), str(files)]
            done = subprocess.run([sys.executable, "-c", _DIES, *arguments], check=False)
            assert done.returncode == -signal.SIGKILL
            assert content(cut).items() < expected.items()
        advance(cut, days=6)
    assert content(cut) == expected
    assert totals(cut)["clickstream"] == told


def test_every_refill_gives_the_same_offsets(new_demo: Callable[..., Path]) -> None:
    home = new_demo()
    with running(home):
        advance(home, days=4)
        address = os.environ[BROKERS_VARIABLE]
        first = consumed(address, "enriched")
        advance(home, days=1)
        assert os.environ[BROKERS_VARIABLE] == address
        later = {topic: consumed(address, topic) for topic in TOPICS}
    assert 0 < len(first) < len(later["enriched"])
    assert set(first) < set(later["enriched"])
    with running(home):
        assert {topic: consumed(os.environ[BROKERS_VARIABLE], topic) for topic in TOPICS} == later
    for topic, read in later.items():
        kept = [record for path in shelved(home / "clickstream", topic) for record in records(path)]
        assert sorted(kept) == sorted((partition, at, value) for partition, _, at, value in read)
    collected = [value.split(b"\t")[3] for partition, _, _, value in later["enriched"] if partition == 3]
    assert [time for time in collected if time] == sorted(time for time in collected if time)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux tells what a process holds")
def test_each_process_has_a_broker_of_its_own_and_leaves_nothing(new_demo: Callable[..., Path]) -> None:
    command = [sys.executable, "-c", _SERVES, str(new_demo()), BROKERS_VARIABLE]
    served = subprocess.run(command, capture_output=True, text=True, check=True)
    others, before, meanwhile, after = map(json.loads, served.stdout.splitlines())
    assert len(set(others)) == 3, "a broker for each with-block and each process"
    for address in others:
        host, port = address.split(":")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)))
    assert any(thread.startswith("rdk:") for thread in meanwhile["threads"])
    assert after == before


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker({"one": 2}) as broker:
        yield broker


def test_a_broker_says_what_it_does_not_take(broker: Broker) -> None:
    broker.produce("one", [(0, 1_000, b"first"), (1, 2_000, b"second")])
    with pytest.raises(WorkspaceError, match="does not take its records"):
        broker.produce("one", [(7, 1_000, b"nowhere")])


def test_a_partition_that_is_as_full_as_it_gets_keeps_its_first_record(broker: Broker) -> None:
    size = 1_900
    records = [(1, number, b"%07d" % number + bytes(size - 7)) for number in range(ROOM // (size + OVERHEAD))]
    broker.produce("one", records)
    reader = Consumer({"bootstrap.servers": broker.address, "group.id": "test"})
    assert reader.get_watermark_offsets(TopicPartition("one", 1), timeout=10) == (0, len(records))
    reader.close()


def test_a_closed_broker_may_be_closed_again(broker: Broker) -> None:
    broker.close()
    broker.close()
