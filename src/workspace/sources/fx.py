"""Exchange rates of the European Central Bank, with every correction kept.

The bank publishes one wide csv with all days since 1999, in units of a currency per euro, on business days only.
A day without a rate carries the last one for at most seven days; after that there is none. No rate is ever made up.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from workspace.errors import SourceError
from workspace.lake import Column, Watermark, crash_point
from workspace.sources.changes import changes
from workspace.sources.ingested import Ingested

if TYPE_CHECKING:
    from datetime import datetime

    from workspace.lake import Lake, LogTable
    from workspace.settings import FxSource

CARRIED = 7
"""For how many days a rate stands in for those that were not published: the longest closing of the bank is five."""

COLUMNS = (
    Column(name="day", type=pa.date32(), source_type="date", key=1),
    Column(name="currency", type=pa.string(), source_type="ISO 4217 code", key=2),
    Column(name="rate", type=pa.decimal128(18, 6), source_type="units per EUR"),
    Column(name="published_on", type=pa.date32(), source_type="date"),
)

_SHAPE = pa.schema([pa.field(column.name, column.type) for column in COLUMNS])

# At the end of a UTC day the next one has begun further east; its bookings need a rate.
_AHEAD = timedelta(hours=14)
_CODE = re.compile(r"[A-Z]{3}")
_TIMEOUT = 60  # seconds

_DENSE = """
    WITH cells AS (
        UNPIVOT (SELECT * FROM published) ON COLUMNS(* EXCLUDE (Date)) INTO NAME currency VALUE text
    ), rates AS (
        SELECT Date::DATE AS published_on, currency, text::DECIMAL(18, 6) AS rate FROM cells WHERE text <> 'N/A'
        UNION ALL SELECT Date::DATE, 'EUR', 1 FROM published
    ), days AS (
        SELECT unnest(generate_series(min(published_on), $last::DATE, INTERVAL 1 DAY))::DATE AS day FROM rates
    ), wanted AS (
        SELECT day, currency FROM days CROSS JOIN (SELECT DISTINCT currency FROM rates)
    )
    SELECT wanted.day, wanted.currency, rates.rate, rates.published_on
    FROM wanted ASOF JOIN rates ON wanted.currency = rates.currency AND wanted.day >= rates.published_on
    WHERE wanted.day - rates.published_on <= $carried
"""


def ingest(source: FxSource, lake: Lake, *, run: str, as_of: datetime, now: datetime) -> Ingested:
    """Append the rates that are new or were corrected since the last time.

    Args:
        source: Where they are published.
        lake: Where they go: `<source>.rates`, one row a day and currency.
        run: The id of the run.
        as_of: The exclusive end of the run's period: days are dense up to the last that has begun anywhere by then.
        now: The business time.

    Raises:
        SourceError: The file cannot be fetched or is not the bank's; nothing of it is taken in.
    """
    text = _fetch(source.location)
    _verify(text, source.location)
    name = f"{source.name}.rates"
    log = lake.define(name, COLUMNS)
    found = _changes(text, log, as_of, now)
    # One position a pull that brought something; read once, as the append moves what the log says.
    position = log.position + (1 if found.num_rows else 0)
    log.append(found, position=position)
    crash_point("fx.after_append")
    operations = Counter(found.column("_op").to_pylist())
    mark = Watermark(
        source=source.name,
        position=position,
        clock=None,
        reached=now,
        recorded_at=now,
        run=run,
        cut_by="recorded",
    )
    lake.advance(mark)
    return Ingested(source=source.name, watermark=mark, rows={name: operations} if operations else {})


def _fetch(location: str) -> str:
    try:
        if "://" in location:
            with urllib.request.urlopen(location, timeout=_TIMEOUT) as answer:  # noqa: S310 - the user's own setting
                content: bytes = answer.read()
        else:
            content = Path(location).read_bytes()
        if content[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                content = archive.read(archive.namelist()[0])
        return content.decode()
    except (OSError, zipfile.BadZipFile, UnicodeDecodeError, urllib.error.URLError) as error:
        msg = f"The exchange rates at {location} cannot be read: {error}."
        raise SourceError(msg, cure="Check `location` in workspace.toml.") from error


def _verify(text: str, location: str) -> None:
    """Read every cell once, so that a half or a wrong file is refused before anything is written."""
    lines = csv.reader(io.StringIO(text))
    header = [name.strip() for name in next(lines, [])]
    while header and not header[-1]:
        header.pop()
    if header[:1] != ["Date"] or not all(_CODE.fullmatch(name) for name in header[1:]) or len(header) == 1:
        msg = f"{location} is not the bank's csv: its first line should be Date and currency codes."
        raise SourceError(msg, cure="Point `location` at eurofxref-hist.csv or .zip.")
    number = re.compile(r"\d{1,12}(\.\d{1,6})?|N/A")
    day = re.compile(r"\d{4}-\d{2}-\d{2}")
    for cells in lines:
        for index, cell in enumerate(cells[: len(header)]):
            if not (number if index else day).fullmatch(cell.strip()):
                wanted = "rate" if index else "day"
                msg = f"{location}, line {lines.line_num}, column {header[index]}: {cell!r} is no {wanted}."
                raise SourceError(msg, cure="Fetch the file again; nothing of it was taken in.")
        if len(cells) < len(header):
            msg = f"{location}, line {lines.line_num}: {len(cells)} of {len(header)} columns; the file is cut off."
            raise SourceError(msg, cure="Fetch the file again; nothing of it was taken in.")


def _changes(text: str, log: LogTable, as_of: datetime, now: datetime) -> pa.Table:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write("\n".join(line.rstrip(", ") for line in text.splitlines()))
        file.flush()
        connection.read_csv(file.name, header=True, all_varchar=True).create("published")
    dense = connection.execute(
        _DENSE, {"last": (as_of + _AHEAD).date().isoformat(), "carried": CARRIED}
    ).to_arrow_table()
    return changes(dense.cast(_SHAPE), log.live(), log, position=log.position + 1, now=now)
