"""A run takes in every line of the archive and of the topics once; the topics are librdkafka's mock cluster's."""

from __future__ import annotations

import json
import signal
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest

from brokers import produce
from sources.snowplow.landing import NOW, SOURCE, Landing, in_file, in_topic, take_in
from workspace.errors import LakeError, SourceError
from workspace.lake import delta
from workspace.sources.snowplow import archive, kafka
from workspace.sources.snowplow import run as module
from workspace.sources.snowplow.offsets import Gap, Plan

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    """A source with an archive only."""
    return Landing(tmp_path)


@pytest.fixture
def both(tmp_path: Path, mock_brokers: str) -> Landing:
    """A source with an archive and a topic of four partitions."""
    return Landing(tmp_path, mock_brokers)


# The archive


def test_each_file_of_an_archive_is_read_once(landing: Landing) -> None:
    landing.file("a.gz", range(30))
    landing.file("b.txt", range(30, 100), [b"no event"])
    first = landing.ingest()
    assert (first.total, first.quarantined, first.notes) == (100, 1, ("1 refused: loader_parsing_error",))
    landing.file("aa.gz", range(100, 110))
    assert landing.ingest().total == 10
    version = landing.lake.events(SOURCE).table.version()
    again = landing.ingest()
    assert (again.total, again.quarantined, again.notes) == (0, 0, ())
    assert landing.lake.events(SOURCE).table.version() == version
    expected = in_file("a.gz", range(30)) | in_file("b.txt", range(30, 100)) | in_file("aa.gz", range(100, 110))
    assert landing.events() == expected
    assert landing.refused() == {("b.txt", 0, 71): b"no event"}
    assert [(row["path"], row["lines"], row["batch"]) for row in landing.side("files")] == [
        ("a.gz", 30, 1),
        ("b.txt", 71, 1),
        ("aa.gz", 10, 2),
    ]


def test_the_watermark_says_how_far_it_came(landing: Landing) -> None:
    landing.file("a.gz", range(3))
    mark = landing.ingest().watermark
    assert (mark.position, mark.reached, mark.detail) == (1, NOW, {"gaps_recorded": 0})
    assert landing.lake.watermark(SOURCE) == mark


def test_an_archive_without_files_is_no_error(landing: Landing) -> None:
    assert landing.ingest().total == 0
    assert landing.events() == {}


def test_many_files_come_in_several_batches(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = [len(landing.file(f"{number:02}.txt", range(number * 10, number * 10 + 10))) for number in range(10)]
    large = len(landing.file("99.txt", range(1000, 1100)))
    monkeypatch.setattr(module, "ARCHIVED", 3 * max(sizes))
    assert large > module.ARCHIVED
    landing.ingest()
    batches = [row["batch"] for row in landing.side("files")]
    assert batches == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 5]
    rows = delta.read(landing.lake.events(SOURCE).table).select(["_file", "_batch"]).to_pylist()
    assert {(row["_file"], row["_batch"]) for row in rows} == {
        (row["path"], row["batch"]) for row in landing.side("files")
    }
    assert len(landing.events()) == 200


def test_a_file_that_changed_after_it_was_read_is_told_of_and_not_read_again(landing: Landing) -> None:
    landing.file("a.txt", range(5))
    landing.ingest()
    landing.file("a.txt", range(8))
    told = "a.txt has changed since it was read; what was taken in stays, and its new lines are not read."
    assert landing.ingest().notes == (told,)
    assert landing.events() == in_file("a.txt", range(5))


def spoil(landing: Landing, name: str) -> bytes:
    """Cut a file off behind its first chunks, and give what it was."""
    numbers = range(1000, 1400)
    whole = landing.file(name, numbers)
    (landing.archive / name).write_bytes(whole[: len(whole) * 3 // 4])
    return whole


def in_small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let lines of a file come in long before it breaks off."""
    original = archive.read_file
    monkeypatch.setattr(archive, "read_file", lambda *given: original(*given, chunk_bytes=1 << 12))


def test_a_file_that_breaks_off_stops_the_run_after_all_else_is_in(
    both: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_chunks(monkeypatch)
    both.file("a.gz", range(30))
    whole = spoil(both, "b.gz")
    both.file("c.gz", range(30, 40), [b"bad"])
    both.send(range(5))
    everything_else = in_file("a.gz", range(30)) | in_file("c.gz", range(30, 40)) | in_topic(range(5))
    for _ in range(2):
        with pytest.raises(SourceError, match=r"1 file of the archive .*\n  The archive's file b\.gz is cut") as caught:
            both.ingest()
        assert "on_gap = 'record'" in caught.value.cure
        assert both.events() == everything_else
        assert both.refused() == {("c.gz", 0, 11): b"bad"}
        assert both.lake.watermark(SOURCE) is None
        assert both.side("gaps") == []
    (both.archive / "b.gz").write_bytes(whole)
    assert both.ingest().total == 400
    assert both.events() == everything_else | in_file("b.gz", range(1000, 1400))


def test_a_file_that_breaks_off_can_be_gone_on_without(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    in_small_chunks(monkeypatch)
    landing = Landing(landing.archive.parent, on_gap="record")
    landing.file("a.gz", range(30))
    whole = spoil(landing, "b.gz")
    done = landing.ingest()
    assert done.total == 30
    (note,) = done.notes
    assert note.startswith("Gone on without The archive's file b.gz is cut off")
    assert done.watermark.detail == {"gaps_recorded": 1}
    (gap,) = landing.side("gaps")
    assert (gap["file"], gap["topic"], gap["batch"]) == ("b.gz", None, 1)
    assert "cut off" in gap["reason"]
    # It is tried again when it is another file, and only then.
    assert landing.ingest().notes == ()
    assert len(landing.side("gaps")) == 1
    (landing.archive / "b.gz").write_bytes(whole)
    later = landing.ingest()
    assert (later.total, later.watermark.detail) == (400, {"gaps_recorded": 1})
    assert landing.events() == in_file("a.gz", range(30)) | in_file("b.gz", range(1000, 1400))
    assert landing.ingest().notes == ()


def test_only_files_that_cannot_be_read_are_on_record_too(landing: Landing) -> None:
    landing = Landing(landing.archive.parent, on_gap="record")
    spoil(landing, "b.gz")
    (landing.archive / "c.zst").write_bytes(b"\x28\xb5\x2f\xfd and so on")
    assert len(landing.ingest().notes) == 2
    assert [(gap["file"], gap["batch"]) for gap in landing.side("gaps")] == [("b.gz", 1), ("c.zst", 1)]
    assert landing.events() == {}


# Topics


def test_a_topic_is_read_on_from_where_it_was_read_to(tmp_path: Path, mock_brokers: str) -> None:
    landing = Landing(tmp_path, mock_brokers, archive="")
    landing.send(range(10))
    landing.send(range(10, 30), partition=2, bad=[b"", b"x"])
    assert (first := landing.ingest()).total == 30
    assert first.quarantined == 2
    landing.send(range(30, 40))
    assert landing.ingest().total == 10
    assert landing.ingest().total == 0
    one, two = in_topic([*range(10), *range(30, 40)]), in_topic(range(10, 30), partition=2)
    assert landing.events() == one | two
    assert landing.refused() == {("enriched", 2, 20): b"", ("enriched", 2, 21): b"x"}
    log = landing.lake.events(SOURCE)
    assert log.mark("partitions/enriched") == 4
    assert [log.mark(f"offset/enriched/{place}") for place in range(4)] == [20, 0, 22, 0]


def test_a_long_topic_comes_in_several_batches(
    tmp_path: Path, mock_brokers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVENTS", 50)
    landing = Landing(tmp_path, mock_brokers, archive="")
    landing.send(range(120), bad=[b"one"])
    landing.send(range(120, 180), partition=3, bad=[b"two", b"three"])
    assert landing.ingest().watermark.position == 4
    assert landing.events() == in_topic(range(120)) | in_topic(range(120, 180), partition=3)
    assert set(landing.refused().values()) == {b"one", b"two", b"three"}
    log = landing.lake.events(SOURCE)
    counts = delta.read(log.table).group_by("_batch").aggregate([([], "count_all")]).to_pylist()
    assert all(count["count_all"] <= 50 for count in counts)
    assert [count["_batch"] for count in counts if count["count_all"]] != []
    assert (log.mark("offset/enriched/0"), log.mark("offset/enriched/3")) == (121, 62)


def test_copies_in_the_archive_and_in_the_topic_have_each_its_address(both: Landing) -> None:
    both.file("a.gz", range(40))
    both.send(range(25, 60), partition=1)
    both.send([3, 3], partition=2)
    both.ingest()
    expected = in_file("a.gz", range(40)) | in_topic(range(25, 60), partition=1) | in_topic([3, 3], partition=2)
    assert both.events() == expected


def test_bad_rows_of_the_pipeline_and_lines_of_our_own_are_in_one_quarantine(tmp_path: Path, mock_brokers: str) -> None:
    landing = Landing(tmp_path, mock_brokers, bad_topic="bad")
    schema = "iglu:com.snowplowanalytics.snowplow.badrows/schema_violations/jsonschema/2-0-0"
    row = json.dumps({"schema": schema, "data": {"failure": {}}}).encode()
    produce(mock_brokers, "bad", [row, b"what is this"])
    landing.file("a.txt", range(2), [b"no event"])
    landing.send(range(2), bad=[b"nor this"])
    assert landing.ingest().notes == (
        "2 refused: loader_parsing_error",
        "1 refused: not_a_bad_row",
        "1 refused: schema_violations",
    )
    found = landing.lake.events(SOURCE).quarantined().to_pylist()
    assert {(line["kind"], line["raw"], json.loads(line["detail"])["schema"].split("/")[1]) for line in found} == {
        ("loader_parsing_error", b"no event", "loader_parsing_error"),
        ("loader_parsing_error", b"nor this", "loader_parsing_error"),
        ("schema_violations", row, "schema_violations"),
        ("not_a_bad_row", b"what is this", "loader_parsing_error"),
    }
    assert landing.refused().keys() == {("a.txt", 0, 3), ("enriched", 0, 2), ("bad", 0, 0), ("bad", 0, 1)}
    assert landing.ingest().quarantined == 0


@pytest.mark.parametrize("more", [0, 5], ids=["nothing else", "and events"])
def test_offsets_that_are_gone_are_on_record_once(
    tmp_path: Path, mock_brokers: str, monkeypatch: pytest.MonkeyPatch, more: int
) -> None:
    """The mock cluster deletes nothing; what a plan says of a real one that did is put in its mouth."""
    landing = Landing(tmp_path, mock_brokers, archive="", on_gap="record")
    landing.send(range(10))
    landing.ingest()
    landing.send(range(10, 20 + more))
    gap = Gap("enriched", 0, 10, 19, "were deleted before they were read")
    planned = Plan("enriched", 0, {0: (20, 20 + more), 1: (0, 0), 2: (0, 0), 3: (0, 0)}, (gap,))
    with monkeypatch.context() as patched:
        patched.setattr(kafka, "plan", Mock(return_value=planned))
        done = landing.ingest()
    told = "Gone on without enriched[0]: offsets 10..19 (10) were deleted before they were read."
    assert (done.total, done.notes, done.watermark.detail) == (more, (told,), {"gaps_recorded": 1})
    (row,) = landing.side("gaps")
    assert (row["topic"], row["partition"], row["first"], row["last"], row["file"]) == ("enriched", 0, 10, 19, None)
    assert landing.lake.events(SOURCE).mark("offset/enriched/0") == 20 + more
    assert landing.events() == in_topic(range(10)) | in_topic(range(20, 20 + more), first=20)


# Kills and races


@pytest.mark.parametrize(
    "point", [f"events.{name}{time}" for name in ("after_side", "before_commit", "after_commit") for time in ("", ":3")]
)
def test_killed_in_any_batch_and_run_again(both: Landing, point: str) -> None:
    for number in range(4):
        both.file(f"{number}.gz", range(number * 300, number * 300 + 300), [b"bad"])
    both.send(range(100), bad=[b"worse"])
    assert both.in_process(take_in, point) == -signal.SIGKILL
    both.ingest()
    expected = in_topic(range(100))
    for number in range(4):
        expected |= in_file(f"{number}.gz", range(number * 300, number * 300 + 300))
    assert both.events() == expected
    assert both.refused() == {("enriched", 0, 100): b"worse"} | {(f"{n}.gz", 0, 301): b"bad" for n in range(4)}
    assert both.ingest().total == 0


def test_of_two_at_once_one_takes_in(both: Landing) -> None:
    both.file("a.gz", range(10), [b"bad"])
    both.send(range(10))
    one, two = (module.Ingest(both.source, both.lake, NOW) for _ in range(2))
    one.work("one")
    with pytest.raises(LakeError, match="at the same time"):
        two.work("two")
    assert both.events() == in_file("a.gz", range(10)) | in_topic(range(10))
    assert both.refused() == {("a.gz", 0, 11): b"bad"}


def test_one_that_comes_in_between_two_batches_makes_the_other_stop(
    both: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    both.file("a.gz", range(10))
    both.send(range(10))
    original = kafka.plan

    def overtaken(*given: Any, **known: Any) -> Plan:
        monkeypatch.setattr(kafka, "plan", original)
        both.ingest()
        return original(*given, **known)

    monkeypatch.setattr(kafka, "plan", overtaken)
    with pytest.raises(LakeError, match="at the same time"):
        both.ingest()
    assert both.events() == in_file("a.gz", range(10)) | in_topic(range(10))


def test_what_is_recorded_and_personal_is_in_the_columns(landing: Landing) -> None:
    landing = Landing(landing.archive.parent, personal=("page_url",))
    landing.file("a.gz", [1])
    landing.ingest()
    log = landing.lake.events(SOURCE)
    personal = {column.name for column in log.columns if column.personal}
    assert {"page_url", "user_ipaddress", "domain_userid"} <= personal
    assert "event_name" not in personal
    (row,) = delta.read(log.table).to_pylist()
    assert row["_recorded_at"] == NOW
    assert row["collector_date"] == (NOW - timedelta(days=5)).date()
