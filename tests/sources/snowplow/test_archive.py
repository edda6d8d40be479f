"""An archive is listed completely and in order; its files are read whole, or an error says up to which line."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tracemalloc
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace.errors import SourceError
from workspace.sources.snowplow.archive import ArchiveFile, ArchiveFileError, listed, read_file

if TYPE_CHECKING:
    from pathlib import Path

LINES = [f"line {number}\t{'x' * (number % 50)}".encode() for number in range(20_000)]
TEXT = b"".join(line + b"\n" for line in LINES)


def write(root: Path, path: str, content: bytes) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(content)


def lines_of(root: Path, path: str = "events", *, chunk_bytes: int = 8 << 20) -> list[bytes]:
    (file,) = (file for file in listed(str(root)) if file.path == path)
    return [line for lines in read_file(str(root), file, chunk_bytes=chunk_bytes) for line in lines]


def read(root: Path, content: bytes, *, chunk_bytes: int = 8 << 20) -> list[bytes]:
    write(root, "events", content)
    return lines_of(root, chunk_bytes=chunk_bytes)


def test_an_archive_is_listed_by_path_without_what_is_hidden_or_unfinished(tmp_path: Path) -> None:
    for path in (
        *("b.gz", "a/2.txt", "a/10.txt", "a.gz", "c/_SUCCESS", "c/.part-0.crc", "_temporary/0/part", "c/part.tmp"),
        *(".hidden/x", "run=2026-10-01/part 0.gz", "x~", "c/y.inprogress", "d_$folder$", "e.part", "é/ß"),
    ):
        write(tmp_path, path, b"1")
    (tmp_path / "empty").mkdir()
    found = listed(str(tmp_path))
    assert [file.path for file in found] == [
        "a.gz", "a/10.txt", "a/2.txt", "b.gz", "run=2026-10-01/part 0.gz", "é/ß",
    ]  # fmt: skip
    stat = (tmp_path / "a.gz").stat()
    assert found[0] == ArchiveFile("a.gz", 1, datetime.fromtimestamp(stat.st_mtime_ns / 1e9, UTC))


@pytest.mark.parametrize(
    "spell", [str, lambda root: f"{root}/", lambda root: root.as_uri(), lambda root: f"{root}/a/.."]
)
def test_a_root_may_be_a_folder_or_a_url(tmp_path: Path, spell: object) -> None:
    write(tmp_path, "a/events of a day.gz", gzip.compress(b"one\ntwo"))
    root = spell(tmp_path)  # type: ignore[operator]
    (file,) = listed(root)
    assert file.path == "a/events of a day.gz"
    assert list(read_file(root, file)) == [[b"one", b"two"]]


def test_a_relative_root_is_one_below_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "archive/events", b"one")
    monkeypatch.chdir(tmp_path)
    assert [file.path for file in listed("./archive")] == ["events"]


@pytest.mark.parametrize("root", ["missing", "file", "missing://bucket/x"])
def test_a_root_that_is_no_folder_is_an_error_that_names_it(tmp_path: Path, root: str) -> None:
    write(tmp_path, "file", b"1")
    where = root if "://" in root else str(tmp_path / root)
    with pytest.raises(SourceError, match=where) as caught:
        listed(where)
    assert "archive" in caught.value.cure


@pytest.mark.parametrize("chunk_bytes", [100, 65_536, 8 << 20])
@pytest.mark.parametrize(
    "packed",
    [
        TEXT,
        gzip.compress(TEXT),
        b"".join(gzip.compress(TEXT[at : at + 100_000]) for at in range(0, len(TEXT), 100_000)),
        gzip.compress(TEXT[:1000]) + b"\0" * 3_000_000 + gzip.compress(TEXT[1000:]) + b"\0\0\0",
        gzip.compress(b"") + gzip.compress(TEXT[:-1]),
        TEXT[:-1],
        TEXT.replace(b"\n", b"\r\n"),
    ],
    ids=["plain", "gzip", "members", "padding", "no last end, gzip", "no last end", "crlf"],
)
def test_lines_are_the_same_however_they_are_packed(tmp_path: Path, packed: bytes, chunk_bytes: int) -> None:
    assert read(tmp_path, packed, chunk_bytes=chunk_bytes) == LINES


def test_an_empty_line_is_a_line(tmp_path: Path) -> None:
    assert read(tmp_path, b"\none\n\n\r\ntwo\r\n\n") == [b"", b"one", b"", b"", b"two", b""]
    assert read(tmp_path, b"a\rb\n") == [b"a\rb"]
    assert read(tmp_path, b"") == []
    assert read(tmp_path, gzip.compress(b"")) == []


@given(st.lists(st.sampled_from([b"", b"a", b"bcd\r", b"\xff" * 30, b"\r"])), st.integers(1, 40), st.booleans())
def test_any_lines_come_back(
    tmp_path_factory: pytest.TempPathFactory, given: list[bytes], chunk: int, zip_: bool
) -> None:
    text = b"".join(line + b"\n" for line in given)
    found = read(tmp_path_factory.mktemp("a"), gzip.compress(text) if zip_ else text, chunk_bytes=chunk)
    assert found == [line.removesuffix(b"\r") for line in given]


def test_chunks_have_about_the_size_that_was_asked_for_and_memory_is_bounded(tmp_path: Path) -> None:
    text = TEXT * 100  # 65 MB, that pack into less than one
    write(tmp_path, "events", gzip.compress(text, 1))
    (file,) = listed(str(tmp_path))
    tracemalloc.start()
    count = 0
    for lines in read_file(str(tmp_path), file, chunk_bytes=1 << 20):
        assert sum(map(len, lines)) < 3 << 20
        count += len(lines)
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 2_000_000
    assert most < 20 << 20


@pytest.mark.parametrize("cut", [3, 15, 5_000, -9, -1])
def test_a_gzip_file_that_is_cut_off_says_how_many_lines_were_whole(tmp_path: Path, cut: int) -> None:
    packed = gzip.compress(TEXT)[:cut]
    write(tmp_path, "day/events.gz", packed)
    write(tmp_path, "day/next", b"whole\n")
    file, after = listed(str(tmp_path))
    got: list[bytes] = []
    reading = read_file(str(tmp_path), file, chunk_bytes=1000)
    with pytest.raises(ArchiveFileError, match=r"day/events\.gz is cut off") as caught:
        got.extend(line for lines in reading for line in lines)
    assert caught.value.file == "day/events.gz"
    assert (f"{caught.value.lines:,} lines before that were whole." in str(caught.value)) == (cut not in (3, 15))
    assert 0 <= caught.value.lines - len(got) < 1000
    assert got == LINES[: len(got)]
    assert (caught.value.lines == 20_000) == (cut < 0)
    assert list(read_file(str(tmp_path), after)) == [[b"whole"]]


@pytest.mark.parametrize("damage", ["inside", "checksum", "behind"])
def test_a_damaged_gzip_file_is_an_error(tmp_path: Path, damage: str) -> None:
    packed = bytearray(gzip.compress(TEXT))
    if damage == "behind":
        packed += b"something else"
    else:
        packed[len(packed) // 2 if damage == "inside" else -6] ^= 0xFF
    with pytest.raises(ArchiveFileError, match="events is damaged") as caught:
        read(tmp_path, bytes(packed))
    assert caught.value.lines <= 20_000


@pytest.mark.parametrize("codec", ["zstd", "bzip2", "lz4", "xz", "Parquet"])
def test_another_codec_is_named(tmp_path: Path, codec: str) -> None:
    if codec == "Parquet":
        pq.write_table(pa.table({"a": [1]}), tmp_path / "events")
    else:
        known: dict[str, Any] = {"bzip2": bz2.compress, "xz": lzma.compress}
        packed = known[codec](TEXT) if codec in known else pa.Codec(codec).compress(TEXT, asbytes=True)
        (tmp_path / "events").write_bytes(packed)
    with pytest.raises(ArchiveFileError, match=f"events is {codec}, which is not read here") as caught:
        lines_of(tmp_path)
    assert "gzip" in caught.value.cure


def test_text_that_looks_like_a_codec_is_text(tmp_path: Path) -> None:
    assert read(tmp_path, b"BZh9\nPAR1\n") == [b"BZh9", b"PAR1"]


@pytest.mark.parametrize("content", [b"one\ntwo\nthree\n", b"one\n"])
def test_a_file_that_changes_under_the_reader_is_an_error(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, "events", b"one\ntwo\n")
    (file,) = listed(str(tmp_path))
    write(tmp_path, "events", content)
    with pytest.raises(ArchiveFileError, match="was changed since it was listed"):
        list(read_file(str(tmp_path), file))
    (tmp_path / "events").unlink()
    with pytest.raises(ArchiveFileError, match="is gone since it was listed"):
        list(read_file(str(tmp_path), file))


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    with pytest.raises(ArchiveFileError, match="a line without end"):
        read(tmp_path, gzip.compress(bytes(70 << 20), 1), chunk_bytes=1 << 20)
