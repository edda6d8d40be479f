"""Reading pgoutput, protocol version 1: messages into buffers of raw rows, one a table and shape.

Nothing is decoded here. A row is kept as the bytes of its tuple, so that whole columns can be decoded at once.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workspace.sources.postgres.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Callable

CLOCK_PREFIX = b"workspace.clock"
EPOCH = 946_684_800_000_000
"""Microseconds from 1970 to 2000, where PostgreSQL's time begins."""
_OVERHEAD = 64  # of a row's entries in the arrays beside its bytes

_BEGIN = struct.Struct(">QqI")
_COMMIT = struct.Struct(">BQQq")
_INSERT, _UPDATE, _DELETE, _TRUNCATE = b"IUDT"
MOVED = ord("K")
"""The operation of a row that holds what an update replaced: the old key, when the key changed."""


@dataclass(frozen=True)
class RelationColumn:
    """A column as a Relation message describes it."""

    name: str
    oid: int
    typmod: int


@dataclass(frozen=True)
class Relation:
    """A table as a Relation message describes it: the shape of the rows that follow."""

    oid: int
    schema: str
    table: str
    columns: tuple[RelationColumn, ...]


@dataclass(frozen=True)
class Transaction:
    """One committed transaction.

    Attributes:
        position: Where its commit record begins; transactions are ordered by it.
        end: Where its commit record ends.
        xid: As in the stream, without the epoch.
        committed: Microseconds since 1970.
        clock: What its clock message says, if it has one.
        changed: Whether it changed a row of a captured table.
    """

    position: int
    end: int
    xid: int
    committed: int
    clock: bytes | None
    changed: bool


class Segment:
    """Raw rows of one table in one shape, in the stream's order.

    Attributes:
        relation: The shape.
        truncate: Whether this is no row at all but a truncate.
    """

    def __init__(self, relation: Relation, *, truncate: bool = False) -> None:
        self.relation = relation
        self.truncate = truncate
        self._data = bytearray()
        self._ops = bytearray()
        self._starts, self._messages, self._ends = array("q"), array("q"), array("q")
        self._positions, self._seqs, self._xids = array("q"), array("q"), array("q")

    def add(self, message: memoryview, images: list[tuple[int, int]], position: int, seq: int, xid: int) -> None:
        """Add a message and the rows in it.

        Args:
            message: Its bytes.
            images: Of each row, the operation and where in the message its tuple begins.
            position: Of the transaction.
            seq: Of the first row.
            xid: Of the transaction.
        """
        begin = len(self._data)
        self._data += message
        end = len(self._data)
        for number, (op, start) in enumerate(images):
            self._ops.append(op)
            self._starts.append(begin + start)
            self._messages.append(begin)
            self._ends.append(end)
            self._positions.append(position)
            self._seqs.append(seq + number)
            self._xids.append(xid)

    def seal(self) -> Rows:
        """Give the rows as arrays; nothing can be added afterwards."""
        return Rows(
            relation=self.relation,
            truncate=self.truncate,
            data=Rows.padded(self._data),
            ops=np.frombuffer(self._ops, np.uint8),
            **{
                name: np.frombuffer(getattr(self, f"_{name}"), np.int64)
                for name in ("starts", "messages", "ends", "positions", "seqs", "xids")
            },
        )


class Reader:
    """Sorts the messages of a stream into segments by table.

    Args:
        wanted: Whether a table, by schema and name, is captured.

    Attributes:
        segments: By schema and name, in the stream's order.
        size: The bytes that the segments take, roughly.
        open: The position of the transaction that has begun and not yet ended; 0 if there is none.
    """

    def __init__(self, wanted: Callable[[str, str], bool]) -> None:
        self._wanted = wanted
        self._relations: dict[int, Relation] = {}
        self._actions: dict[int, Callable[[memoryview], None]] = {
            _INSERT: self._row,
            _UPDATE: self._row,
            _DELETE: self._row,
            _TRUNCATE: self._truncate,
            ord("R"): self._relation,
            ord("B"): self._begin,
            ord("M"): self._message,
        }
        self.segments: dict[tuple[str, str], list[Segment]] = {}
        self.size = 0
        self.open = 0
        self._xid = self._seq = 0
        self._clock: bytes | None = None
        self._changed = False

    def feed(self, message: memoryview) -> Transaction | None:
        """Take in one message; gives the transaction that it ends, if it does."""
        kind = message[0]
        if kind == 67:  # C
            _flags, position, end, committed = _COMMIT.unpack_from(message, 1)
            self.open = 0
            return Transaction(position, end, self._xid, committed + EPOCH, self._clock, self._changed)
        action = self._actions.get(kind)
        if action:  # types and origins (Y, O) say nothing that the catalog does not
            action(message)
        return None

    def take(self) -> dict[tuple[str, str], list[Rows]]:
        """Hand over everything that was buffered and start anew."""
        taken = {table: [segment.seal() for segment in segments] for table, segments in self.segments.items()}
        self.segments = {}
        self.size = 0
        return taken

    def _begin(self, message: memoryview) -> None:
        self.open, _committed, self._xid = _BEGIN.unpack_from(message, 1)
        self._seq = 0
        self._clock = None
        self._changed = False

    def _message(self, message: memoryview) -> None:
        # Without the flag it is not part of the transaction: sent at once, even by one that is rolled back.
        if message[1] & 1:
            raw = bytes(message[10:])
            prefix, _, rest = raw.partition(b"\0")
            if prefix == CLOCK_PREFIX:
                self._clock = rest[4:]

    def _relation(self, message: memoryview) -> None:
        relation = parse_relation(bytes(message))
        self._relations[relation.oid] = relation

    def _row(self, message: memoryview) -> None:
        self._add(message, int.from_bytes(message[1:5], "big"))

    def _truncate(self, message: memoryview) -> None:
        for number in range(int.from_bytes(message[1:5], "big")):
            self._add(message, int.from_bytes(message[6 + 4 * number : 10 + 4 * number], "big"))

    def _add(self, message: memoryview, oid: int) -> None:
        relation = self._relations[oid]
        images = images_of(message)
        # Numbered over all tables of the publication, so that what is captured today does not shift the numbers.
        seq, self._seq = self._seq, self._seq + len(images)
        table = relation.schema, relation.table
        segments = self.segments.get(table)
        if segments is None:
            if not self._wanted(*table):
                return
            segments = self.segments[table] = []
        truncate = images[0][0] == _TRUNCATE
        if not segments or segments[-1].relation != relation or truncate or segments[-1].truncate:
            segments.append(Segment(relation, truncate=truncate))
        segments[-1].add(message, images, self.open, seq, self._xid)
        self.size += len(message) + _OVERHEAD
        self._changed = True


def images_of(message: memoryview) -> list[tuple[int, int]]:
    """Find the rows in a message: each one's operation, and where its tuple begins.

    An update has its new row, and before it what it replaced, if that was sent.
    """
    kind = message[0]
    if kind == _TRUNCATE:
        return [(kind, 0)]
    if kind != _UPDATE or message[5] == 78:  # N
        return [(kind, 6)]
    return [(MOVED, 6), (kind, _after_tuple(message, 6) + 1)]


def _after_tuple(message: memoryview, start: int) -> int:
    at = start + 2
    for _ in range(int.from_bytes(message[start : start + 2], "big")):
        kind = message[at]
        at += 1
        if kind in b"tb":
            at += 4 + int.from_bytes(message[at : at + 4], "big")
    return at


def parse_relation(message: bytes) -> Relation:
    """Read a Relation message."""
    oid = int.from_bytes(message[1:5], "big")
    schema, table, rest = message[5:].split(b"\0", 2)
    columns = []
    at = 3  # after the replica identity and the number of columns
    for _ in range(int.from_bytes(rest[1:3], "big")):
        end = rest.index(b"\0", at + 1)
        kind, typmod = struct.unpack_from(">Ii", rest, end + 1)
        columns.append(RelationColumn(rest[at + 1 : end].decode(), kind, typmod))
        at = end + 9
    return Relation(oid, schema.decode() or "pg_catalog", table.decode(), tuple(columns))


def describe(relation: Relation) -> dict[str, Any]:
    """Give a relation as JSON can keep it."""
    columns = [[column.name, column.oid, column.typmod] for column in relation.columns]
    return {"oid": relation.oid, "schema": relation.schema, "table": relation.table, "columns": columns}


def described(entry: dict[str, Any]) -> Relation:
    """Read back what `describe` gave."""
    columns = tuple(RelationColumn(*column) for column in entry["columns"])
    return Relation(entry["oid"], entry["schema"], entry["table"], columns)
