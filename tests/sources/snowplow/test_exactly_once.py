"""Kills, races and outages on Apache Kafka: every record and every line is in the lake once, as an event or refused."""

from __future__ import annotations

import random
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from sources.snowplow.stream import Stream, record_gaps
from workspace.errors import SourceError
from workspace.lake import Lake
from workspace.sources.snowplow import kafka

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from brokers import Broker

pytestmark = pytest.mark.kafka

POINTS = ["events.after_side", "events.before_commit:2", "events.after_commit"]
MORE_POINTS = ["events.before_commit", "events.after_side:3", "events.after_commit:4", "events.before_commit:5"]


@pytest.fixture
def new_stream(broker: Broker, tmp_path: Path) -> Callable[..., Stream]:
    def make(**options: int) -> Stream:
        return Stream(broker, tmp_path, **options)

    return make


def test_any_cut_of_a_topic_gives_each_record_once(new_stream: Callable[..., Stream]) -> None:
    stream = new_stream()
    stream.send(700)
    source, topic = stream.source, stream.source.topic
    ends = {partition: end for partition, (_, end) in kafka.plan(source, topic, {}).ranges.items()}
    for _ in range(5):
        found: list[tuple[int, int]] = []
        reached = dict.fromkeys(ends, 0)
        while reached != ends:
            until = {each: stream.rng.randint(start, min(ends[each], start + 300)) for each, start in reached.items()}
            for chunk in kafka.read(source, topic, {each: (start, until[each]) for each, start in reached.items()}):
                found += zip(chunk.partitions.tolist(), chunk.offsets.tolist(), strict=True)
            reached = until
        assert sorted(found) == sorted((partition, offset) for _, partition, offset in stream.sent)


def kill_at(points: list[str], stream: Stream) -> None:
    for point in points:
        stream.send(500)
        stream.send_bad(20)
        stream.file(100)
        assert stream.in_process(crash=point) == -signal.SIGKILL, point
    assert stream.in_process() == 0
    stream.check()


def test_a_kill_at_a_named_point_changes_nothing(new_stream: Callable[..., Stream]) -> None:
    kill_at(POINTS, new_stream())


@pytest.mark.long
def test_a_kill_at_a_later_pass_of_a_point_changes_nothing(new_stream: Callable[..., Stream]) -> None:
    stream = new_stream()
    stream.send(2000)
    kill_at(MORE_POINTS, stream)


def kill_at_random(stream: Stream, kills: int) -> None:
    """Kill the ingest at random times while the topic goes on, until it has met its end so often."""
    stream.send(1500)
    began = time.monotonic()
    assert stream.in_process() == 0
    length = time.monotonic() - began
    rng = random.Random(stream.partitions)
    killed = tried = 0
    while killed < kills:
        tried += 1
        assert tried <= 3 * kills, "the kills come too late to prove anything"
        stream.send(rng.randint(300, 1500))
        stream.file(rng.randint(1, 200))
        if tried % 5 == 2:
            stream.add_partition()
        compacting = stream.begin_compacting() if tried % 3 == 0 else None
        killed += stream.in_process(kill_after=length * rng.uniform(0.2, 1)) == -signal.SIGKILL
        if tried % 2 == 0:
            assert stream.in_process() == 0
            stream.check()
        if compacting is not None:
            compacting.kill()
            compacting.join()
    assert stream.in_process() == 0
    stream.check()


def test_kills_at_random_times_change_nothing(new_stream: Callable[..., Stream]) -> None:
    kill_at_random(new_stream(), 3)


@pytest.mark.long
def test_many_kills_at_random_times_change_nothing(new_stream: Callable[..., Stream]) -> None:
    kill_at_random(new_stream(partitions=5, seed=2), 25)


def test_a_rerun_adds_nothing(new_stream: Callable[..., Stream]) -> None:
    stream = new_stream()
    stream.send(400)
    stream.send_bad(5)
    stream.file(50)
    assert stream.ingest().total + 5 < len(stream.sent)
    stream.check()
    before = Lake(stream.lake).events("clicks")
    again = stream.ingest()
    assert (again.total, again.quarantined) == (0, 0)
    assert Lake(stream.lake).events("clicks").table.version() == before.table.version()
    stream.send(30)
    stream.ingest()
    stream.check()


@pytest.mark.parametrize("begun", [False, True], ids=["the first", "a later one"])
def test_two_runs_at_once_take_in_once(new_stream: Callable[..., Stream], begun: bool) -> None:
    stream = new_stream()
    stream.send(900)
    stream.file(100)
    if begun:
        stream.ingest()
        stream.send(900)
        stream.file(100)
    both = [stream.begin(), stream.begin()]
    for process in both:
        process.join()
    assert {process.exitcode for process in both} <= {0, 1}
    assert any(process.exitcode == 0 for process in both)
    stream.check()
    stream.ingest()
    stream.check()


def test_compaction_at_the_same_time_takes_nothing_away(new_stream: Callable[..., Stream]) -> None:
    stream = new_stream()
    stream.send(300)
    stream.ingest()
    compacting = stream.begin_compacting()
    for _ in range(2):
        stream.send(900)
        assert stream.in_process() == 0
    compacting.kill()
    compacting.join()
    stream.check()


def test_a_broker_that_restarts_loses_and_doubles_nothing(new_stream: Callable[..., Stream]) -> None:
    stream = new_stream()
    stream.send(4000)
    reading = stream.begin()
    while Lake(stream.lake).has_events("clicks") is False or not Lake(stream.lake).events("clicks").batch:
        time.sleep(0.01)
    stream.broker.kill()
    assert reading.is_alive()
    restart = threading.Timer(1, stream.broker.start)
    restart.start()
    reading.join()
    restart.join()
    assert reading.exitcode == 0
    stream.check()


def test_a_gap_is_on_record_once_and_the_rest_is_taken_in(new_stream: Callable[..., Stream]) -> None:
    stream = new_stream(partitions=1)
    stream.send(400)
    stream.ingest()
    reached = max(offset for _, _, offset in stream.sent)
    stream.send(600)
    low = reached + 200
    stream.broker.delete(stream.source.topic, {0: low})
    with pytest.raises(SourceError, match="are gone that were never read"):
        stream.ingest()
    record_gaps(stream)
    for point in ("events.before_commit", "events.after_commit"):
        assert stream.in_process(crash=point) == -signal.SIGKILL
    outcome = stream.ingest()
    assert outcome.watermark.detail["gaps_recorded"] == 1
    (gap,) = Lake(stream.lake).events("clicks").side("gaps").to_pylist()
    # The transaction's mark behind what was read is among what is gone.
    assert (gap["partition"], gap["first"], gap["last"]) == (0, reached + 2, low - 1)
    stream.sent = {place: each for place, each in stream.sent.items() if not reached < place[2] < low}
    stream.check()


def test_a_topic_that_was_created_anew_stops_the_run(new_stream: Callable[..., Stream]) -> None:
    stream = new_stream(partitions=1)
    stream.send(50)
    stream.ingest()
    stream.broker.drop(stream.source.topic)
    stream.broker.topic(1, stream.source.topic)
    stream.broker.produce(stream.source.topic, [b"x"] * 500)
    with pytest.raises(SourceError, match="created anew"):
        stream.ingest()
    stream.check()
