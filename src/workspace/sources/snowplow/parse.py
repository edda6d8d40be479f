"""Lines of enriched events as typed columns: many at once, and each on its own where one does not fit.

A line is 131 fields between tabs. Nothing is quoted or escaped, an empty field is NULL. What the types take:

- timestamp: `2026-10-31 23:59:59.123` in UTC, with 0 to 9 digits of a second, what is finer than a microsecond cut
  off; the date alone and a `T` between date and time are understood too, a zone is not. Years 1 to 9999.
- integer, double: decimal, blanks around it are ignored; `0x1f` is an integer too. A double must be finite.
- boolean: `1` or `0`.
- uuid: 36 characters in the usual form, kept as they are.
- json: kept as text. That it starts and ends as an object does is checked here; whether what stands between is JSON is
  found where it is read, since reading it here would cost as much again as all the rest.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc_csv

from workspace.sources.snowplow import refused as refusing
from workspace.sources.snowplow.fields import FIELDS, REQUIRED, SCHEMA, named
from workspace.sources.snowplow.refused import Fault, Refused
from workspace.sources.snowplow.values import CONVERTERS, not_finite, not_objects, not_uuids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["PARSER", "Parsed", "Refused", "parse"]

PARSER = 1
"""Raised whenever a change to the parser may change what is refused, or what a value becomes."""

_NAMES = [column.name for column in FIELDS]
_TEXT = dict.fromkeys(_NAMES, pa.string())
# Nanoseconds take the 9 digits that some pipelines write, and every plausible time; microseconds would refuse those.
_FAST = {column.name: pa.timestamp("ns") if column.source_type == "timestamp" else column.type for column in FIELDS}
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Parsed:
    """What became of some lines: each is in `rows` or in `refused`, and only once.

    Attributes:
        rows: The events, in the order of their lines, with the columns of `SCHEMA`.
        kept: For each row the index of its line, from 0.
        refused: The other lines, in order.
    """

    rows: pa.Table
    kept: NDArray[np.int64]
    refused: tuple[Refused, ...]


def parse(lines: Sequence[bytes]) -> Parsed:
    """Parse lines; one that is no event is refused with its reason and costs no other.

    Args:
        lines: Each without its line end; at most 1 GiB together.
    """
    rows = _at_once(lines)
    if rows is not None:
        return Parsed(rows=rows, kept=np.arange(len(lines)), refused=())
    whole = list(range(len(lines)))
    refused = [found for index in whole if (found := _broken(index, lines[index]))]
    if refused:
        gone = {one.index for one in refused}
        whole = [index for index in whole if index not in gone]
        rows = _at_once([lines[index] for index in whole])
    if rows is None:
        rows, faults = _one_by_one([lines[index] for index in whole])
        refused += [refusing.misfit(whole[at], lines[whole[at]], found) for at, found in faults.items()]
        whole = [index for at, index in enumerate(whole) if at not in faults]
    refused.sort(key=lambda one: one.index)
    return Parsed(rows=rows, kept=np.array(whole, np.int64), refused=tuple(refused))


def _at_once(lines: Sequence[bytes]) -> pa.Table | None:
    """Parse lines of which every one is good; None if one is not."""
    if not lines:
        return SCHEMA.empty_table()
    try:
        table = _read(lines, _FAST)
    except pa.ArrowInvalid:
        return None
    if table is None or any(table.column(name).null_count for name in REQUIRED):
        return None
    columns = {name: _flat(table.column(name)) for name in _NAMES}
    bad = (
        not_uuids(columns["event_id"]).any()
        or any(not_objects(columns[name]).any() for name in named("json"))
        or any(not_finite(columns[name]).any() for name in named("double"))
    )
    if bad:
        return None
    for name in named("timestamp"):
        columns[name] = _microseconds(columns[name])
    return pa.table(list(columns.values()), schema=SCHEMA)


def _read(lines: Sequence[bytes], types: dict[str, pa.DataType]) -> pa.Table | None:
    """Split lines into fields; None if they cannot be told apart.

    Raises:
        pa.ArrowInvalid: A line has another number of fields, or a value does not fit its type.
    """
    text = b"\n".join(lines)
    if b"\r" in text or not lines[-1] or text.endswith(b"\n"):
        return None
    if text.startswith(_BOM):  # the reader drops one at the start of what it takes for a file
        text = _BOM + text
    table = pc_csv.read_csv(
        pa.BufferReader(text),
        read_options=pc_csv.ReadOptions(column_names=_NAMES, use_threads=False, block_size=len(text) + 1),
        parse_options=pc_csv.ParseOptions(
            delimiter="\t",
            quote_char=False,
            double_quote=False,
            escape_char=False,
            newlines_in_values=False,
            ignore_empty_lines=False,
        ),
        convert_options=pc_csv.ConvertOptions(
            column_types=types,
            null_values=[""],
            true_values=["1"],
            false_values=["0"],
            strings_can_be_null=True,
        ),
    )
    # A line break within a line makes a row more. An empty line is a row of NULLs, which the required fields give
    # away; only at the end it would be none, and so make up for a row too many: there it was looked for before.
    return table if table.num_rows == len(lines) else None


def _broken(index: int, line: bytes) -> Refused | None:
    """Say what is wrong with a line as a whole, if anything is."""
    for end in (b"\n", b"\r"):
        if (at := line.find(end)) >= 0:
            return refusing.unreadable(index, line, f"A line break ({end!r}) within the line, at byte {at}.")
    if (count := line.count(b"\t") + 1) != len(FIELDS):
        return refusing.wrong_count(index, line, count)
    try:
        line.decode()
    except UnicodeDecodeError as error:
        field = _NAMES[line.count(b"\t", 0, error.start)]
        found = line[error.start : error.end].hex(" ")
        return refusing.unreadable(index, line, f"Not UTF-8: {found} at byte {error.start}, in {field}.")
    return None


def _one_by_one(lines: Sequence[bytes]) -> tuple[pa.Table, dict[int, list[Fault]]]:
    """Parse lines that are whole, column by column; give the good ones and the faults of the others."""
    table = _read(lines, _TEXT)
    if table is None:
        msg = "The lines were found to be whole, but cannot be split."
        raise AssertionError(msg)
    columns = []
    faults: dict[int, list[Fault]] = defaultdict(list)
    for column in FIELDS:
        text = _flat(table.column(column.name))
        values, bad, problem = CONVERTERS[column.source_type](text)
        columns.append(values)
        for at in np.flatnonzero(bad):
            faults[int(at)].append(Fault(column.name, text[int(at)].as_py(), problem))
        if column.name in REQUIRED and text.null_count:
            for at in np.flatnonzero(text.is_null().to_numpy(zero_copy_only=False)):
                faults[int(at)].append(Fault(column.name, "", "is required, but empty"))
    good = np.ones(len(lines), bool)
    good[list(faults)] = False
    return pa.table(columns, schema=SCHEMA).filter(pa.array(good)), dict(faults)


def _flat(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _microseconds(times: pa.Array) -> pa.Array:
    """Cut nanoseconds off, downwards also before 1970."""
    numbers = np.frombuffer(times.buffers()[1], np.int64, len(times), times.offset * 8) // 1000
    validity = times.buffers()[0]
    return pa.Array.from_buffers(SCHEMA.field("true_tstamp").type, len(times), [validity, pa.py_buffer(numbers)])
