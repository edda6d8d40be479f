"""Lines that were refused are tried again after a fix: they keep their addresses, and no line is there twice."""

from __future__ import annotations

import dataclasses
import json
import signal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from brokers import produce
from sources.snowplow.landing import SOURCE, Landing, event, in_file, in_topic, replay
from workspace.errors import LakeError, SourceError
from workspace.lake import delta
from workspace.sources.snowplow import batch
from workspace.sources.snowplow.parse import Parsed, Refused, parse
from workspace.sources.snowplow.refused import KIND

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

STRICT = 40
"""Events from this number on are refused by the parser that is to be mended."""


def strict(lines: Sequence[bytes]) -> Parsed:
    """Parse as it is done, but refuse late events."""
    refused = [Refused(at, text, KIND, "too late", "{}") for at, text in enumerate(lines) if text > event(STRICT - 1)]
    gone = {one.index for one in refused}
    left = np.array([at for at in range(len(lines)) if at not in gone], np.int64)
    parsed = parse([lines[at] for at in left])
    refused += [dataclasses.replace(one, index=int(left[one.index])) for one in parsed.refused]
    return Parsed(rows=parsed.rows, kept=left[parsed.kept], refused=tuple(refused))


@pytest.fixture
def waiting(tmp_path: Path, mock_brokers: str, monkeypatch: pytest.MonkeyPatch) -> Landing:
    """A lake whose quarantine has events that should not be there, and lines that should."""
    landing = Landing(tmp_path, mock_brokers, bad_topic="bad")
    landing.file("a.gz", range(30, 50), [b"no event"])
    landing.send(range(35, 45), partition=1, bad=[b""])
    schema = "iglu:com.snowplowanalytics.snowplow.badrows/loader_parsing_error/jsonschema/2-0-0"
    produce(mock_brokers, "bad", [json.dumps({"schema": schema, "data": {}}).encode()])
    with monkeypatch.context() as patched:
        patched.setattr(batch, "parse", strict)
        landing.ingest()
    assert len(landing.refused()) == 10 + 5 + 3
    return landing


def check(landing: Landing) -> None:
    assert landing.events() == in_file("a.gz", range(30, 50)) | in_topic(range(35, 45), partition=1)
    assert landing.refused().keys() == {("a.gz", 0, 21), ("enriched", 1, 10), ("bad", 0, 0)}


def test_what_was_mended_is_taken_in_at_its_address(waiting: Landing) -> None:
    mark = waiting.lake.watermark(SOURCE)
    done = replay(waiting)
    assert (done.total, done.quarantined, done.notes) == (15, 0, ("2 lines cannot be taken in yet.",))
    check(waiting)
    assert waiting.lake.watermark(SOURCE) == done.watermark == mark
    assert waiting.ingest().total == 0
    check(waiting)


def test_replayed_events_are_what_they_would_have_been(waiting: Landing, tmp_path: Path) -> None:
    replay(waiting)
    (tmp_path / "at once").mkdir()
    at_once = Landing(tmp_path / "at once", waiting.source.brokers)
    at_once.source = waiting.source
    at_once.ingest()
    tables = [delta.read(landing.lake.events(SOURCE).table).drop(["_batch"]) for landing in (waiting, at_once)]
    by_address = [(name, "ascending") for name in ("_topic", "_offset", "_line")]
    one, other = (table.sort_by(by_address).to_pylist() for table in tables)
    assert one == other


def test_a_replay_with_nothing_to_gain_changes_nothing(waiting: Landing) -> None:
    replay(waiting)
    version = waiting.lake.events(SOURCE).table.version()
    assert replay(waiting).notes == ("Of 2 lines in quarantine, none can be taken in.",)
    assert waiting.lake.events(SOURCE).table.version() == version
    check(waiting)


def test_an_empty_quarantine_is_told(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    with pytest.raises(SourceError, match="has never been read"):
        replay(landing)
    landing.file("a.gz", range(3))
    landing.ingest()
    assert replay(landing).notes == ("Nothing waits.",)


@pytest.mark.parametrize("point", ["events.after_side", "events.before_commit", "events.after_commit"])
def test_killed_in_between_and_run_again(waiting: Landing, point: str) -> None:
    assert waiting.in_process(replay, point) == -signal.SIGKILL
    replay(waiting)
    check(waiting)


@pytest.mark.parametrize("point", ["events.after_side", "events.before_commit"])
def test_an_ingest_after_a_killed_replay_takes_nothing_out_of_quarantine(waiting: Landing, point: str) -> None:
    """The killed one has marked the lines as taken in, in a batch that another one then gets the number of."""
    assert waiting.in_process(replay, point) == -signal.SIGKILL
    assert len(waiting.refused()) == 18
    waiting.send(range(2), partition=3)
    waiting.ingest()
    assert len(waiting.refused()) == 18
    replay(waiting)
    assert waiting.events() == in_file("a.gz", range(30, 50)) | in_topic(range(35, 45), 1) | in_topic(range(2), 3)


def test_of_two_at_once_one_takes_in(waiting: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    def overtaken(lines: Sequence[bytes]) -> Parsed:
        monkeypatch.setattr(batch, "parse", parse)
        replay(waiting)
        return parse(lines)

    monkeypatch.setattr(batch, "parse", overtaken)
    with pytest.raises(LakeError, match="at the same time"):
        replay(waiting)
    check(waiting)
