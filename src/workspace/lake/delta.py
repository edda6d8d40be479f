"""Delta tables as the lake uses them: created empty, committed exactly once, read at a pinned version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, QueryBuilder, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from workspace.errors import LakeError, ReleaseError
from workspace.lake.schema import identifier, is_added, literal, sql_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from deltalake.transaction import AddAction

# Readers that we do not implement would make the plain file list wrong without an error.
KNOWN_READER_FEATURES = frozenset({"timestampNtz"})
# With the defaults, pinned versions stop opening after a hundred commits.
CONFIGURATION = {"delta.enableExpiredLogCleanup": "false", "delta.logRetentionDuration": "interval 36500 days"}


def create(
    uri: str,
    schema: pa.Schema,
    *,
    statistics: Iterable[str],
    partition: str | None = None,
    extra: Mapping[str, str] | None = None,
) -> None:
    """Create a table empty unless it exists.

    Args:
        uri: Where.
        schema: Its columns.
        statistics: The columns whose minimum and maximum may enter the Delta log: never a personal one.
        partition: The column by whose values the files are kept apart.
        extra: Further table properties.
    """
    configuration = CONFIGURATION | {"delta.dataSkippingStatsColumns": ",".join(statistics)} | dict(extra or {})
    DeltaTable.create(
        uri,
        schema,
        mode="ignore",
        partition_by=partition,
        configuration=configuration,
        raise_if_key_not_exists=False,
    )


def open_table(uri: str, version: int | None = None) -> DeltaTable:
    """Open a table, at its newest version or a pinned one.

    Raises:
        LakeError: There is none, it is at another version, or it uses Delta features that a plain file list ignores.
    """
    try:
        table = DeltaTable(uri, version=version)
    except TableNotFoundError:
        raise LakeError(f"There is no Delta table at {uri}.", cure="Run `workspace tick` to fill the lake.") from None
    unknown = set(table.protocol().reader_features or ()) - KNOWN_READER_FEATURES
    if unknown:
        msg = f"{uri} uses the Delta features {', '.join(sorted(unknown))}, which would be read wrongly."
        raise LakeError(msg, cure="Turn them off and rewrite the table: deletion vectors and column mapping.")
    return table


def exists(uri: str) -> bool:
    """Tell whether there is a Delta table at `uri`."""
    return bool(DeltaTable.is_deltatable(uri))


def schema_of(table: DeltaTable) -> pa.Schema:
    """Give a table's schema in Arrow, field metadata included."""
    return pa.schema(table.schema())


def read(table: DeltaTable, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a small table, its rows in no order: whole, or some of its columns.

    Not by `to_pyarrow_table`: its threads call back into Python, which aborts a process that ends soon after.
    """
    names = [field.name for field in schema_of(table)] if columns is None else columns
    wanted = ", ".join(identifier(name) for name in names)
    found = pa.table(QueryBuilder().register("t", table).execute(f"SELECT {wanted} FROM t"))
    kinds = storable(schema_of(table))
    return found.cast(
        pa.schema([kinds.field(name) for name in names])
    )  # its texts are views, which Arrow's other functions do not take


def storable(schema: pa.Schema) -> pa.Schema:
    """Drop the field metadata, which batches do not carry."""
    return pa.schema([pa.field(f.name, f.type) for f in schema])


class Counted:
    """Batches that pass by on their way into a commit, counted.

    Attributes:
        rows: How many have passed.
    """

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self._batches = batches
        self.rows = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            self.rows += batch.num_rows
            yield batch


def commit(
    table: DeltaTable,
    rows: pa.Table | pa.RecordBatchReader,
    *,
    app: str,
    version: int,
    replace: bool | str = False,
    reshape: bool = False,
    marks: Mapping[str, int] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write rows and the version of `app` in one commit.

    The check against a second writer is made on `table`, the object that the caller decided on: a commit of the
    same app since then is a conflict, where a write by path would double the rows.

    Args:
        table: Opened before the caller read `transaction_version(app)`.
        rows: What to write.
        app: Whose progress this is.
        version: How far it is after this commit.
        replace: Replace all rows instead of adding to them, or those that a predicate names.
        reshape: With `replace`: let the rows bring other columns than the table has.
        marks: Versions of further apps that are true with these rows.
        metadata: What the commit says about itself.

    Raises:
        LakeError: Another process committed for the same app in between.
    """
    said = None if metadata is None else dict(metadata)
    transactions = [Transaction(app, version), *(Transaction(name, value) for name, value in (marks or {}).items())]
    properties = CommitProperties(app_transactions=transactions, custom_metadata=said)
    how: dict[str, Any] = {"mode": "overwrite" if replace else "append"}
    how |= {"predicate": replace} if isinstance(replace, str) else {}
    how |= {"schema_mode": "overwrite"} if reshape else {}
    source = _Source(rows)
    try:
        write_deltalake(table, source.reader(), commit_properties=properties, **how)
    except CommitFailedError as error:
        msg = f"Another process wrote {app} to {table.table_uri} at the same time; nothing was written twice."
        raise LakeError(msg, cure="Run it again.") from error
    except DeltaError:
        if source.error is not None:  # Delta knows only its text
            raise source.error from None
        raise


def register(
    table: DeltaTable, files: Sequence[AddAction], *, app: str, version: int, marks: Mapping[str, int] | None = None
) -> None:
    """Add files that are written already, and the version of `app`, in one commit; as `commit` does with rows.

    Args:
        table: Opened before the caller read `transaction_version(app)`.
        files: What to add.
        app: Whose progress this is.
        version: How far it is after this commit.
        marks: Versions of further apps that are true with these rows.

    Raises:
        LakeError: Another process committed for the same app in between, or has done so right after.
    """
    transactions = [Transaction(app, version), *(Transaction(name, value) for name, value in (marks or {}).items())]
    by = table.metadata().partition_columns
    properties = CommitProperties(app_transactions=transactions)
    cure = "Run it again."
    try:
        table.create_write_transaction([*files], "append", table.schema(), by, commit_properties=properties)
    except CommitFailedError as error:
        msg = f"Another process wrote {app} to {table.table_uri} at the same time; nothing was written twice."
        raise LakeError(msg, cure=cure) from error
    table.update_incremental()  # this way of committing leaves it at the version before
    if table.transaction_version(app) != version:
        msg = f"Another process wrote {app} to {table.table_uri} right after; nothing was written twice."
        raise LakeError(msg, cure=cure)


class _Source:
    """Rows on their way into a commit, and what went wrong where they come from."""

    def __init__(self, rows: pa.Table | pa.RecordBatchReader) -> None:
        self._rows = rows
        self.error: BaseException | None = None

    def reader(self) -> pa.Table | pa.RecordBatchReader:
        """Give the rows; what is whole already comes from nowhere."""
        if isinstance(self._rows, pa.Table):
            return self._rows
        return pa.RecordBatchReader.from_batches(self._rows.schema, self._watched(self._rows))

    def _watched(self, rows: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        try:
            yield from rows
        except BaseException as error:
            self.error = error
            raise


def scan_sql(table: DeltaTable, *, after: int = 0, files: Sequence[str] | None = None) -> str:
    """Give a SQL relation that reads exactly this version's files, with the logical schema.

    A file written before a column was added shows it as NULL.

    Args:
        table: An open version.
        after: Leave out the files whose rows all lie at or before this position. Fewer files are opened, and the
            planner learns how short the tail of a log is.
        files: Only these of its files, as `files_of` names them; all if not given.

    Raises:
        ReleaseError: Files of this version were removed.
    """
    fields = list(schema_of(table))
    if files is None:
        files = _files_after(table, after) if after else files_of(table)
    if not all("://" in path or Path(path).exists() for path in files):
        msg = f"Files of {table.table_uri} as of version {table.version()} were removed: no kept release reads them."
        raise ReleaseError(msg, cure="Read a release that is kept: [keep] in workspace.toml says which are.")
    nulls = ", ".join(f"NULL::{sql_type(f.type)} AS {identifier(f.name)}" for f in fields)
    empty = f"SELECT {nulls} WHERE false"
    if not files:
        return f"({empty})"
    names = ", ".join(identifier(f.name) for f in fields)
    paths = ", ".join(literal(path) for path in files)
    if apart := table.metadata().partition_columns:  # those are in the files' paths only
        kinds = ", ".join(f"{literal(f.name)}: {sql_type(f.type)}" for f in fields if f.name in apart)
        return f"(SELECT {names} FROM read_parquet([{paths}], hive_partitioning = true, hive_types = {{{kinds}}}))"
    if not any(is_added(f) for f in fields):
        return f"(SELECT {names} FROM read_parquet([{paths}]))"
    # Files may lack a column that was added later, all of them too. A schema given to read_parquet would do the
    # same, but takes the row counts from the planner, which then builds its hash tables on the wrong side.
    return f"(SELECT {names} FROM (FROM read_parquet([{paths}], union_by_name=true) UNION ALL BY NAME {empty}))"


def files_of(table: DeltaTable) -> list[str]:
    """List a version's files as DuckDB names them; local paths come percent-encoded from the Delta log."""
    return [uri if "://" in uri else unquote(uri) for uri in table.file_uris()]


def _files_after(table: DeltaTable, position: int) -> list[str]:
    actions = pa.table(table.get_add_actions(flatten=True)).select(["path", "max._position"]).to_pylist()
    old = {action["path"] for action in actions if (action["max._position"] or position + 1) <= position}
    # The actions' paths are relative to the table, and these are not.
    return [path for path in files_of(table) if path.rsplit("/", 1)[-1] not in old]
