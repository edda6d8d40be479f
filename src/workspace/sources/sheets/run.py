"""One reading of all sheets of a source: what changed goes to the logs, what cannot be read into quarantine.

A row that cannot be read is named by its cell and put aside with what it shows, while the others are taken in; what the
lake knew of it stays, as the sheet still has it. A sheet that is wrong as a whole refuses its table: the others are
taken in, releases have that table as it last was and marked as stopped, and the run fails so that somebody mends it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workspace.errors import SourceError
from workspace.lake import QUARANTINE, Column, Watermark, crash_point
from workspace.sources.changes import changes
from workspace.sources.ingested import Ingested
from workspace.sources.sheets.grid import Book
from workspace.sources.sheets.table import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from workspace.lake import Lake, LogTable
    from workspace.settings import SheetColumn, SheetsSource, SheetTable
    from workspace.sources.sheets.table import Refused, Sheet

_SHOWN = 5  # refused cells that are named
_TYPES = {
    "text": pa.string(),
    "date": pa.date32(),
    "month": pa.date32(),
    "integer": pa.int64(),
    "decimal": pa.decimal128(18, 6),
}


@dataclass(frozen=True, kw_only=True)
class _Table:
    """A table that was read: what its sheet says, or why it is refused."""

    name: str
    log: LogTable
    sheet: Sheet | None
    trouble: SourceError | None = None


def ingest(source: SheetsSource, lake: Lake, *, run: str, as_of: datetime, now: datetime) -> Ingested:
    """Append the rows that are new, were changed or are gone since the last time.

    Args:
        source: Where the workbooks are, and what is in them.
        lake: Where the rows go: `<source>.<table>`.
        run: The id of the run.
        as_of: The exclusive end of the run's period. A workbook keeps no past, and is read as it is.
        now: The business time, from which the rows are known.

    Raises:
        SourceError: A workbook cannot be read, or a sheet is wrong as a whole; all other tables are taken in.
    """
    del as_of
    return _Run(source, lake, run, now).do()


def look(source: SheetsSource) -> Iterator[tuple[str, str, Callable[[], str]]]:
    """Give what can be asked of a source before a run: for each table, where its sheet is, and how to try to read it.

    Args:
        source: Which.

    Yields:
        Each table's name and workbook, and a function that says what is in the sheet or raises a SourceError.
    """
    for table in source.tables.values():
        yield f"table {table.name}", f"{source.path(table).name}, {table.sheet}", partial(_seen, source, table)


def _seen(source: SheetsSource, table: SheetTable) -> str:
    path = source.path(table)
    sheet = read(table, Book(path).sheet(table.sheet), path.name)
    reasons = "; ".join(refused.reason for refused in sheet.refused[:_SHOWN])
    more = f"; and {len(sheet.refused) - _SHOWN:,} more" if len(sheet.refused) > _SHOWN else ""
    rows = "1 row" if len(sheet.rows) == 1 else f"{len(sheet.rows):,} rows"
    return f"{rows}; refused: {reasons}{more}" if sheet.refused else rows


class _Run:
    def __init__(self, source: SheetsSource, lake: Lake, run: str, now: datetime) -> None:
        self._source = source
        self._lake = lake
        self._run = run
        self._now = now
        self._mark = lake.watermark(source.name)
        self._notes: list[str] = []

    def do(self) -> Ingested:
        tables = list(self._tables())
        before = self._mark.position if self._mark else 0
        aside = self._lake.quarantined(self._source.name).to_pylist()
        # A run that was cut off may have come further than its watermark.
        position = 1 + max(before, *(table.log.position for table in tables), *(row["position"] for row in aside))
        rows: dict[str, Counter[str]] = {}
        for table in tables:
            found = self._changes(table, position)
            if found.num_rows:
                table.log.append(found, position=position)
                rows[table.log.name] = Counter(found.column("_op").to_pylist())
                crash_point("sheets.after_append")
        fresh = self._put_aside(tables, [row for row in aside if row["position"] > before], position)
        mark = Watermark(
            source=self._source.name,
            position=position if rows or fresh else position - 1,
            clock=None,
            reached=self._now,
            recorded_at=self._now,
            run=self._run,
            cut_by="recorded",
            detail=self._detail(tables),
        )
        self._lake.advance(mark)
        self._refuse(tables)
        quarantined = sum(len(table.sheet.refused) for table in tables if table.sheet)
        return Ingested(
            source=self._source.name, watermark=mark, rows=rows, quarantined=quarantined, notes=tuple(self._notes)
        )

    def _tables(self) -> Iterator[_Table]:
        books: dict[Path, Book | SourceError] = {}
        for name, table in self._source.tables.items():
            log = self._lake.define(f"{self._source.name}.{name}", _columns(table))
            path = self._source.path(table)
            if path not in books:
                books[path] = _open(path)
            book = books[path]
            try:
                if isinstance(book, SourceError):
                    raise book
                sheet = read(table, book.sheet(table.sheet), path.name)
            except SourceError as error:
                yield _Table(name=name, log=log, sheet=None, trouble=error)
            else:
                yield _Table(name=name, log=log, sheet=sheet)

    def _changes(self, table: _Table, position: int) -> pa.Table:
        """Compare a sheet with what the lake holds; what cannot be read now is compared with nothing."""
        if table.sheet is None:
            return table.log.schema.empty_table()
        keys, shape = table.log.keys, pa.schema([(column.name, column.type) for column in table.log.columns])
        known = table.log.live().read_all()
        rows = dict(table.sheet.rows)
        unread = {refused.key for refused in table.sheet.refused}
        kept = 0
        for row in known.select(shape.names).to_pylist():
            key = tuple(row[name] for name in keys)
            if key not in rows and (key in unread or None in unread):
                rows[key] = row
                kept += 1
        self._tell(table.name, table.sheet, kept)
        # A column that is not asked for any more is NULL from then on.
        fresh = pa.Table.from_pylist([{n: row.get(n) for n in shape.names} for row in rows.values()], schema=shape)
        return changes(fresh, known, table.log, position=position, now=self._now)

    def _tell(self, name: str, sheet: Sheet, kept: int) -> None:
        for kind, rows in (("totals", sheet.totals), ("remarks", sheet.remarks)):
            if rows:
                many = "rows" if len(rows) > 1 else "row"
                self._notes.append(f"{name}: left out as {kind}: {many} {', '.join(map(str, rows))}.")
        self._notes += [f"{name}: refused: {refused.reason}" for refused in sheet.refused]
        if kept:
            left = "1 row stays" if kept == 1 else f"{kept:,} rows stay"
            self._notes.append(f"{name}: {left} as last known, since a refused row may be about the same.")

    def _put_aside(self, tables: list[_Table], again: list[dict[str, Any]], position: int) -> bool:
        """Put the rows into quarantine that were not there already, as they are.

        Args:
            tables: All tables.
            again: What a run put aside that was cut off after it.
            position: Of this run.

        Returns:
            Whether anything is refused that was not before.
        """
        before = self._mark.detail.get("refused", {}) if self._mark else {}
        fresh = [
            self._entry(table, refused, position)
            for table in tables
            if table.sheet
            for refused in table.sheet.refused
            if before.get(table.name, {}).get(str(refused.row)) != _digest(refused)
        ]
        there = {(row["table"], row["seq"], row["raw"], row["reason"]) for row in again}
        rows = [row for row in fresh if (row["table"], row["seq"], row["raw"], row["reason"]) not in there]
        if rows:
            self._lake.quarantine(self._source.name, pa.Table.from_pylist(rows, schema=QUARANTINE), position=position)
            crash_point("sheets.after_quarantine")
        return bool(fresh)

    def _entry(self, table: _Table, refused: Refused, position: int) -> dict[str, Any]:
        about = self._source.tables[table.name]
        detail = {"workbook": self._source.path(about).name, "sheet": about.sheet, "cells": refused.cells}
        return {
            "table": table.log.name,
            "reason": refused.reason,
            "position": position,
            "seq": refused.row,
            "raw": refused.raw(),
            "detail": json.dumps(detail, ensure_ascii=False),
            "recorded_at": self._now,
        }

    def _detail(self, tables: list[_Table]) -> dict[str, Any]:
        """Tell what is refused now, and which tables stand still: releases mark these."""
        return {
            "refused": {
                table.name: {str(refused.row): _digest(refused) for refused in table.sheet.refused}
                for table in tables
                if table.sheet and table.sheet.refused
            },
            "stopped": {
                table.name: {"position": table.log.position, "reason": table.trouble.message}
                for table in tables
                if table.trouble
            },
        }

    def _refuse(self, tables: list[_Table]) -> None:
        troubles = {f"{table.log.name}: {each.message}": each.cure for table in tables if (each := table.trouble)}
        if troubles:
            taken = [table.log.name for table in tables if not table.trouble]
            rest = f" Taken in: {', '.join(taken)}." if taken else ""
            raise SourceError(" ".join(troubles) + rest, cure=" ".join(dict.fromkeys(troubles.values())))


def _open(path: Path) -> Book | SourceError:
    try:
        return Book(path)
    except SourceError as error:
        return error


def _columns(table: SheetTable) -> list[Column]:
    return [_column(column, table) for column in table.columns.values()]


def _column(column: SheetColumn, table: SheetTable) -> Column:
    place = 1 + table.key.index(column.name) if column.name in table.key else 0
    said = f"{column.type} in {column.currency}" if column.currency else column.type
    return Column(name=column.name, type=_TYPES[column.type], source_type=said, key=place, personal=column.personal)


def _digest(refused: Refused) -> str:
    """Tell one refusal from another without repeating what the row shows."""
    return hashlib.sha256(refused.reason.encode() + refused.raw()).hexdigest()[:16]
