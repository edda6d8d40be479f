"""Derived tables by day: replaced a day at a time, each commit with the state of what it was derived from.

A table's state (the batch and the time up to which its source was read, the Delta versions of the tables it was made
from, the logic that made it) travels in the commit of its rows. So a derivation that was killed is taken up where it
stopped, and one that is repeated changes nothing. Once all tables of a source have reached the same state,
`system.derivations` gets a row that names their versions: a release pins exactly those.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workspace.errors import LakeError
from workspace.lake import delta
from workspace.lake.schema import TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from deltalake import DeltaTable

    from workspace.lake.lake import Lake
    from workspace.lake.layout import Layout
    from workspace.lake.schema import Column

DAY = "day"
"""The column by whose values (a UTC date) the files of a derived table are kept apart."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AS_OF, _BATCH, _LOGIC, _INPUT = "as_of", "batch", "logic", "input/"


@dataclass(frozen=True, kw_only=True)
class State:
    """What a derived table was derived from.

    Attributes:
        batch: The last batch of the source's events that it saw.
        as_of: The exclusive end, in the collector's time, of the events that it saw.
        logic: A number that changes when the rules do by which it is made.
        inputs: The Delta versions of the derived tables that it was made from, by name.
    """

    batch: int
    as_of: datetime
    logic: int
    inputs: dict[str, int] = field(default_factory=dict)

    @property
    def basis(self) -> tuple[int, datetime]:
        """The part of the source that it saw: everything up to `batch` and before `as_of`."""
        return self.batch, self.as_of


class PeriodTable:
    """A derived table whose files lie apart by day, created empty if it is not there.

    Its commits are made on the version that was opened here, so that of two processes which derive the same table
    one gets through.

    Args:
        layout: Of the lake.
        name: `<source>.<table>`.
        columns: All but `day`, which is added to them.
        inputs: The names of the derived tables that it is made from.
        logic: Of the rules by which it is made now.

    Attributes:
        name: `<source>.<table>`.
        table: The version that was opened, or that the newest `replace` made of it.
        rewritten: The days that were replaced since it was opened.
    """

    def __init__(
        self, layout: Layout, name: str, columns: Sequence[Column], *, inputs: Iterable[str], logic: int
    ) -> None:
        self.name = name
        self.logic = logic
        self._inputs = tuple(inputs)
        self._uri = layout.uri("derived", name)
        self._schema = pa.schema([*(column.field() for column in columns), pa.field(DAY, pa.date32())])
        # Times only: many keys can be traced to a person, and random ones have no use for a smallest and largest.
        times = [column.name for column in columns if pa.types.is_timestamp(column.type) and not column.personal]
        delta.create(self._uri, self._schema, statistics=times, partition=DAY)
        self.table = delta.open_table(self._uri)
        self.rewritten: set[date] = set()

    @property
    def state(self) -> State | None:
        """What its rows were derived from; None if there are none, or other rules made them."""
        logic, as_of = (self.table.transaction_version(app) for app in (_LOGIC, _AS_OF))
        if as_of is None or logic != self.logic:
            return None
        versions = {name: self.table.transaction_version(_INPUT + name) or 0 for name in self._inputs}
        batch = self.table.transaction_version(_BATCH) or 0
        return State(batch=batch, as_of=_EPOCH + timedelta(microseconds=as_of), logic=self.logic, inputs=versions)

    @property
    def names(self) -> list[str]:
        """Its columns, `day` last."""
        return list(self._schema.names)

    @property
    def rows(self) -> int:
        """How many rows it has, as its Delta log tells."""
        return sum(pa.table(self.table.get_add_actions()).column("num_records").to_pylist())

    def at(self, version: int) -> DeltaTable:
        """Open it as it was."""
        return delta.open_table(self._uri, version)

    def replace(self, days: Collection[date], rows: pa.RecordBatchReader | None, state: State) -> int:
        """Put rows in the place of some days' and move on to a state, in one commit.

        Args:
            days: The days to replace; those of which no row comes end up empty. All, if the table has no state.
            rows: In its columns, of these days only; read once, as they are written. None if there are none.
            state: What the table is derived from after this.

        Returns:
            How many rows were written.

        Raises:
            LakeError: Another process derived the same table meanwhile.
        """
        first = self.state is None
        stored = delta.schema_of(self.table)
        reshape = first and not stored.equals(self._schema, check_metadata=True)
        # What replaces the columns brings their metadata with it; else rows carry none.
        schema = self._schema if reshape else delta.storable(self._schema)
        counted = delta.Counted(_shaped(rows, schema) if rows is not None else ())
        replaced: bool | str = True if first else _predicate(days)
        inputs = {_INPUT + name: version for name, version in state.inputs.items()}
        delta.commit(
            self.table,
            pa.RecordBatchReader.from_batches(schema, counted),
            app=_AS_OF,
            version=(state.as_of - _EPOCH) // timedelta(microseconds=1),
            replace=replaced or False,
            reshape=reshape,
            marks={_BATCH: state.batch, _LOGIC: state.logic, **inputs},
        )
        self.rewritten |= {day for _, day in _files(self.table)} if first else set(days)
        return counted.rows


def _shaped(rows: pa.RecordBatchReader, schema: pa.Schema) -> Iterable[pa.RecordBatch]:
    for batch in rows:
        if batch.num_rows:
            yield pa.RecordBatch.from_arrays(
                batch.select(schema.names).cast(delta.storable(schema)).columns, schema=schema
            )


def _predicate(days: Collection[date]) -> str:
    """Name days as ranges, so that a year is as short as a day; an empty text if there are none."""
    ranges: list[list[date]] = []
    for day in sorted(days):
        if ranges and day - ranges[-1][1] == timedelta(days=1):
            ranges[-1][1] = day
        else:
            ranges.append([day, day])
    return " OR ".join(f"({DAY} >= '{first}' AND {DAY} <= '{last}')" for first, last in ranges)


def day_sql(table: DeltaTable, days: Collection[date] | None = None, *, files: Sequence[str] | None = None) -> str:
    """Give a SQL relation that reads exactly this version's files of a table that is partitioned by one date.

    Args:
        table: An open version.
        days: Only these days' rows; all if not given.
        files: Only these of its files; all if not given.
    """
    return delta.scan_sql(table, files=files_by_day(table, days) if files is None else files)


def files_by_day(table: DeltaTable, days: Collection[date] | None = None) -> list[str]:
    """List a version's files, of some days or all, as DuckDB names them."""
    if days is None:
        return delta.files_of(table)
    wanted = {path.rsplit("/", 1)[-1] for path, day in _files(table) if day in days}
    return [path for path in delta.files_of(table) if path.rsplit("/", 1)[-1] in wanted]


def changed_days(old: DeltaTable, new: DeltaTable) -> set[date]:
    """Name the days in which two versions of a table have not the same files."""
    return {day for _, day in _files(old) ^ _files(new)}


def _files(table: DeltaTable) -> set[tuple[str, date]]:
    (partition,) = table.metadata().partition_columns
    actions = pa.table(table.get_add_actions(flatten=True)).select(["path", f"partition.{partition}"])
    return {(path, day) for path, day in zip(*(column.to_pylist() for column in actions.columns), strict=True)}


_VERSION = pa.struct([pa.field("name", pa.string()), pa.field("version", pa.int64()), pa.field("rows", pa.int64())])

DERIVATIONS = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("build", pa.int64()),
        pa.field("batch", pa.int64()),
        pa.field("as_of", TIMESTAMP),
        pa.field("run", pa.string()),
        pa.field("tables", pa.list_(_VERSION)),
    ]
)


@dataclass(frozen=True, kw_only=True)
class DerivedVersion:
    """A derived table in a derivation: its name, its Delta version and how many rows it has."""

    name: str
    version: int
    rows: int


@dataclass(frozen=True, kw_only=True)
class Derivation:
    """All derived tables of a source at one state of its events.

    Attributes:
        source: Its name.
        build: Which derivation of this source it is, counted from 1.
        batch: The last batch that it saw.
        as_of: The exclusive end, in the collector's time, of the events that it saw.
        run: The run that made it.
        tables: Their versions.
    """

    source: str
    build: int
    batch: int
    as_of: datetime
    run: str
    tables: tuple[DerivedVersion, ...]


def derivations(lake: Lake, source: str | None = None) -> list[Derivation]:
    """List the complete derivations of a source, or of all, oldest first."""
    rows = lake.records("derivations")
    entries: list[dict[str, Any]] = [] if rows is None else rows.to_pylist()
    found = [
        Derivation(**entry | {"tables": tuple(DerivedVersion(**version) for version in entry["tables"])})
        for entry in entries
        if source in (None, entry["source"])
    ]
    return sorted(found, key=lambda one: one.build)


def record(lake: Lake, derivation: Derivation) -> None:
    """Record that all derived tables of a source have reached the same state.

    Raises:
        LakeError: Another process recorded the same build of this source.
    """
    uri = lake.layout.uri("system", "derivations")
    delta.create(uri, DERIVATIONS, statistics=["build", "batch", "as_of"])
    table, app = delta.open_table(uri), f"derivation/{derivation.source}"
    if (table.transaction_version(app) or 0) >= derivation.build:
        msg = f"Another process recorded derivation {derivation.build} of {derivation.source} meanwhile."
        raise LakeError(msg, cure="Run it again.")
    rows = pa.Table.from_pylist([dataclasses.asdict(derivation)], schema=DERIVATIONS)
    delta.commit(table, rows, app=app, version=derivation.build)
