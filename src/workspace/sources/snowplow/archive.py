"""Files of enriched lines in a folder or an object store, plain or gzip, one event a line."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import fs

from workspace.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = 1 << 20  # bytes that are asked for at a time
_LONGEST = 64 << 20  # bytes of a line, well above what Kafka or a collector lets through
_UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".inprogress", ".filepart", "~", "_$folder$")
_GZIP = b"\x1f\x8b"
_FOREIGN = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\x04\x22\x4d\x18": "lz4",
    b"\xfd7zXZ\x00": "xz",
    b"\xff\x06\x00\x00sNaPpY": "snappy",
    b"PK\x03\x04": "zip",
    b"PAR1\x15": "Parquet",
    b"Obj\x01": "Avro",
}


class ArchiveFileError(SourceError):
    """One file cannot be read to its end; the others are not concerned.

    The lines before the fault have been handed out by then. Whoever reads decides: to leave the whole file out until
    it is mended, so that its lines keep their addresses, is what a reader that must not lose lines does.

    Attributes:
        file: Its path below the archive's root.
        lines: How many lines were whole.
    """

    def __init__(self, file: str, lines: int, problem: str, *, cure: str) -> None:
        super().__init__(f"The archive's file {file} {problem}", cure=cure)
        self.file = file
        self.lines = lines


@dataclass(frozen=True)
class ArchiveFile:
    """A file of the archive as it was when it was listed.

    Attributes:
        path: Below the archive's root, with `/` between folders.
        size: Bytes, as stored.
        modified: When it was written last.
    """

    path: str
    size: int
    modified: datetime


def listed(root: str) -> list[ArchiveFile]:
    """List an archive's files by path, in all folders below its root.

    Left out are hidden files and folders (`.` or `_` in front, such as `_SUCCESS`) and those that a writer has not
    finished (`.tmp`, `.part`, ...).

    Args:
        root: A folder, or a URL such as `s3://bucket/enriched`.

    Raises:
        SourceError: There is no such folder, or it cannot be read.
    """
    store, base = _store(root)
    try:
        if store.get_file_info(base).type != fs.FileType.Directory:
            msg = f"The archive {root} is not a folder."
            raise SourceError(msg, cure="Check `archive` in workspace.toml; create the folder if it is to be filled.")
        found = store.get_file_info(fs.FileSelector(base, recursive=True))
    except OSError as error:
        raise _unreadable(root, error) from error
    names = [(info.path[len(base) :].lstrip("/"), info) for info in found if info.type == fs.FileType.File]
    files = [
        ArchiveFile(path=path, size=info.size, modified=datetime.fromtimestamp((info.mtime_ns or 0) / 1e9, UTC))
        for path, info in names
        if not _left_out(path)
    ]
    return sorted(files, key=lambda file: file.path)


def read_file(root: str, file: ArchiveFile, *, chunk_bytes: int = 8 << 20) -> Iterator[list[bytes]]:
    r"""Read a file's lines in order, without their ends (`\n` or `\r\n`).

    What is gzip is told by its first bytes, not by its name. A last line without an end is a line; an empty line is
    one as well, so that the numbers of lines agree with those of other tools.

    Args:
        root: The archive.
        file: One of its files, as listed.
        chunk_bytes: About how many bytes of lines to hold at a time.

    Raises:
        ArchiveFileError: The file is cut off, damaged, in another format, or was changed since it was listed.
        SourceError: The store cannot be read.
    """
    store, base = _store(root)
    try:
        with store.open_input_stream(f"{base}/{file.path}", compression=None) as stream:
            yield from _lines(_plain(_Counted(stream, file), chunk_bytes), file, chunk_bytes)
    except FileNotFoundError as error:
        msg = "is gone since it was listed."
        raise ArchiveFileError(file.path, 0, msg, cure="List the archive again.") from error
    except OSError as error:
        raise _unreadable(f"{root}, file {file.path},", error) from error


class _BrokenError(Exception):
    """What is wrong with a file's bytes, and what to do."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.cure = cure


class _Counted:
    """A file's bytes, which must be as many as were listed."""

    def __init__(self, stream: pa.NativeFile, file: ArchiveFile) -> None:
        self._stream = stream
        self._left = file.size

    def read(self) -> bytes:
        """Give the next block, empty at the end."""
        block: bytes = self._stream.read(_BLOCK)
        self._left -= len(block)
        if self._left < 0 or (self._left and not block):
            problem = "was changed since it was listed."
            raise _BrokenError(problem, "Read it again; let writers rename a file into place once it is whole.")
        return block


def _plain(blocks: _Counted, most: int) -> Iterator[bytes]:
    """Give a file's bytes unpacked, at most `most` at a time."""
    block = blocks.read()
    for magic, name in _FOREIGN.items():
        if block.startswith(magic) and (name != "bzip2" or block[4:10] == b"1AY&SY"):
            raise _BrokenError(f"is {name}, which is not read here.", "Write the archive as plain lines or as gzip.")
    if block.startswith(_GZIP):
        yield from _unpacked(block, blocks, most)
        return
    while block:
        yield block
        block = blocks.read()


def _unpacked(block: bytes, blocks: _Counted, most: int) -> Iterator[bytes]:
    """Unpack gzip, which may be several members one after the other, with zeros as padding between or behind."""
    while block:
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            try:
                text = member.decompress(block, most)
            except zlib.error as error:
                raise _BrokenError(f"is damaged: {error}.", "Copy it into the archive again.") from error
            if not (text or block or member.eof):
                raise _BrokenError("is cut off: its gzip data end too early.", "Copy it into the archive again.")
            yield text
            block = member.unconsumed_tail or (b"" if member.eof else blocks.read())
        block = member.unused_data.lstrip(b"\0")
        while not block and (more := blocks.read()):
            block = more.lstrip(b"\0")


def _lines(blocks: Iterator[bytes], file: ArchiveFile, most: int) -> Iterator[list[bytes]]:
    """Cut bytes into lines, and give them about `most` bytes at a time."""
    done = 0
    held: list[bytes] = []
    try:
        for block in _bounded(blocks, most):
            held.append(block)
            if sum(map(len, held)) >= most and b"\n" in block:
                *lines, rest = _cut(held)
                held = [rest]
                yield lines
                done += len(lines)
    except _BrokenError as error:
        done += b"".join(held).count(b"\n")
        whole = f" {done:,} {'line' if done == 1 else 'lines'} before that were whole." if done else ""
        problem = f"{error.problem}{whole}"
        raise ArchiveFileError(file.path, done, problem, cure=error.cure) from error
    lines = _cut(held)
    if not lines[-1]:
        lines.pop()
    if lines:
        yield lines


def _bounded(blocks: Iterator[bytes], most: int) -> Iterator[bytes]:
    """Hand blocks on; a line must end before it fills the memory."""
    size = 0
    for block in blocks:
        size = len(block) if b"\n" in block else size + len(block)
        if size > most + _LONGEST:
            raise _BrokenError("has a line without end.", "Check that it holds enriched events, one a line.")
        yield block


def _cut(blocks: list[bytes]) -> list[bytes]:
    text = b"".join(blocks)
    lines = text.split(b"\n")
    if b"\r\n" in text:
        lines = [*(line.removesuffix(b"\r") for line in lines[:-1]), lines[-1]]
    return lines


def _store(root: str) -> tuple[fs.FileSystem, str]:
    try:
        if "://" in root:
            store, base = fs.FileSystem.from_uri(root)
        else:
            store, base = fs.LocalFileSystem(), os.path.abspath(root)  # noqa: PTH100 - pathlib keeps ..
    except (OSError, pa.ArrowException, ValueError) as error:
        raise _unreadable(root, error) from error
    return store, base.rstrip("/") or "/"


def _left_out(path: str) -> bool:
    return path.endswith(_UNFINISHED) or any(part.startswith((".", "_")) for part in path.split("/"))


def _unreadable(root: str, error: Exception) -> SourceError:
    cure = "Check `archive` in workspace.toml and, for an object store, the credentials in the environment."
    return SourceError(f"The archive {root} cannot be read: {error}.", cure=cure)
