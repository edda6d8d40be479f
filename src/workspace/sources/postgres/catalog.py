"""Which tables there are, their columns and keys, as the source's catalog tells."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Protocol

from workspace.lake import LOG_META, Column

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

    from workspace.settings import PostgresSource
    from workspace.sources.postgres.types import Codec, Types


class Described(Protocol):
    """A column as the catalog or a Relation message describes it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def oid(self) -> int:
        """Its type."""

    @property
    def typmod(self) -> int:
        """The type's modifier."""


@dataclass(frozen=True, kw_only=True)
class SourceColumn:
    """A column of a source's table.

    Attributes:
        name: Its name.
        number: Its number in the table, which survives a renaming.
        oid: Its type.
        typmod: The type's modifier.
        dimensions: Of an array, as declared.
        key: The 1-based place in the key that updates and deletes are sent with; 0 if none.
        default: How old rows show it, as text of an array of one, if it was added with a default and they were not
            rewritten.
        filled: Whether it has a default at all.
    """

    name: str
    number: int
    oid: int
    typmod: int
    dimensions: int
    key: int
    default: str | None
    filled: bool


@dataclass(frozen=True, kw_only=True)
class SourceTable:
    """A table of the source.

    Attributes:
        oid: Another one if the table was made anew.
        schema: Its schema.
        name: Its name.
        lake: What the lake calls it, without the source.
        published: Whether the publication covers it.
        filter: The publication's row filter, as SQL.
        identity: d (primary key), i (an index), f (full), n (nothing).
        readable: Whether we may select from it, and use its schema.
        secured: Whether row-level security hides rows from us.
        columns: Those that are published, in their order.
    """

    oid: int
    schema: str
    name: str
    lake: str
    published: bool
    filter: str | None
    identity: str
    readable: bool
    secured: bool
    columns: tuple[SourceColumn, ...]

    @property
    def path(self) -> tuple[str, str]:
        """Schema and name."""
        return self.schema, self.name

    @property
    def full_name(self) -> str:
        """`schema.name`, as patterns and people write it."""
        return f"{self.schema}.{self.name}"

    @property
    def sql(self) -> str:
        """The table's name, quoted for SQL."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def keys(self) -> tuple[str, ...]:
        """The key's columns in its order."""
        return tuple(c.name for c in sorted(self.columns, key=lambda c: c.key) if c.key)


# What is replicated: ordinary tables and partitions, or their root where the publication says so.
_TABLES = """
    select c.oid::bigint, n.nspname::text, c.relname::text, c.relreplident::text,
           has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select'),
           row_security_active(c.oid),
           coalesce(p.listed, false), p.attnames::text[], p.rowfilter, c.relkind::text,
           exists (select from pg_partition_ancestors(c.oid) a
                   join pg_publication_rel r on r.prrelid = a.relid join pg_publication q on q.oid = r.prpubid
                   where q.pubname = %(publication)s and q.pubviaroot and a.relid <> c.oid)
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    left join (select true as listed, * from ({published}) listed where pubname = %(publication)s) p
      on p.schemaname = n.nspname and p.tablename = c.relname
    where c.relkind in ('r', 'p') and c.relpersistence = 'p'
      and n.nspname not like 'pg\\_%%' and n.nspname <> 'information_schema'
    order by 2, 3
"""
_PUBLISHED = "select pubname, schemaname, tablename, attnames, rowfilter from pg_publication_tables"
_PUBLISHED_14 = """
    select pubname, schemaname, tablename, null::name[] as attnames, null::text as rowfilter from pg_publication_tables
"""
# An index's columns are counted from 0 there.
_COLUMNS = """
    select a.attrelid::bigint, a.attname::text, a.attnum, a.atttypid::bigint, a.atttypmod, a.attndims,
           case when i.key_place <= i.indnkeyatts then i.key_place else 0 end,
           case when a.atthasmissing then a.attmissingval::text end, a.atthasdef, a.attgenerated::text
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    left join lateral (
      select array_position(x.indkey::int2[], a.attnum) + 1 as key_place, x.indnkeyatts
      from pg_index x
      where x.indrelid = a.attrelid and case when c.relreplident = 'i' then x.indisreplident else x.indisprimary end
    ) i on true
    where a.attrelid = any(%s::oid[]) and a.attnum > 0 and not a.attisdropped
    order by 1, 3
"""


def read_tables(connection: Connection[TupleRow], source: PostgresSource) -> list[SourceTable]:
    """List the tables that match the source's patterns, published or not."""
    modern = connection.info.server_version >= 150_000
    query = _TABLES.format(published=_PUBLISHED if modern else _PUBLISHED_14)
    rows = connection.execute(query, {"publication": source.publication}).fetchall()
    matched = [row for row in rows if _matches(source, row[1], row[2]) and _counts(row)]
    columns = connection.execute(_COLUMNS, [[row[0] for row in matched]]).fetchall()
    return [_table(row, [entry for entry in columns if entry[0] == row[0]]) for row in matched]


def _matches(source: PostgresSource, schema: str, name: str) -> bool:
    return any(fnmatchcase(f"{schema}.{name}", pattern) for pattern in source.tables)


def _counts(row: TupleRow) -> bool:
    """Leave out a partitioned root that is not published itself, and partitions that are published as their root."""
    listed, kind, through_root = row[6], row[9], row[10]
    return bool(listed) if kind == "p" else not through_root


def _table(row: TupleRow, columns: list[TupleRow]) -> SourceTable:
    oid, schema, name, identity, readable, secured, listed, names, row_filter, _kind, _through_root = row
    shown = [c for c in columns if (c[1] in names if names is not None else not c[9])]
    return SourceTable(
        oid=oid,
        schema=schema,
        name=name,
        lake=lake_name(schema, name),
        published=bool(listed),
        filter=row_filter,
        identity=identity,
        readable=bool(readable),
        secured=bool(secured),
        columns=tuple(_column(c) for c in shown),
    )


def _column(row: TupleRow) -> SourceColumn:
    _table, name, number, oid, typmod, dimensions, key, default, filled, _generated = row
    return SourceColumn(
        name=name,
        number=number,
        oid=oid,
        typmod=typmod,
        dimensions=dimensions,
        key=key,
        default=default,
        filled=bool(filled),
    )


def lake_name(schema: str, table: str) -> str:
    """Name a table of the source in the lake.

    Examples:
        >>> lake_name("public", "users"), lake_name("billing", "line items")
        ('users', 'billing_line_items')
    """
    whole = table if schema == "public" else f"{schema}_{table}"
    return re.sub(r"[^A-Za-z0-9_]", "_", whole)


def collisions(tables: list[SourceTable]) -> dict[str, list[str]]:
    """Find the lake names that several tables would share."""
    counts = Counter(table.lake.lower() for table in tables)
    shared = [table for table in tables if counts[table.lake.lower()] > 1]
    return {table.lake: [t.full_name for t in shared if t.lake.lower() == table.lake.lower()] for table in shared}


def odd_columns(table: SourceTable) -> list[str]:
    """Find the columns whose names the lake needs itself, or that differ in case only."""
    counts = Counter(column.name.lower() for column in table.columns)
    return [c.name for c in table.columns if counts[c.name.lower()] > 1 or c.name in LOG_META.names]


def lake_columns(source: PostgresSource, table: SourceTable, types: Types) -> list[Column]:
    """Describe a table's columns as the lake holds them."""
    types.learn(column.oid for column in table.columns)
    return [
        lake_column(source, table.lake, c, types, codec=types.codec(c.oid, c.typmod, c.dimensions), key=c.key)
        for c in table.columns
    ]


def lake_column(
    source: PostgresSource, table: str, column: Described, types: Types, *, codec: Codec, key: int
) -> Column:
    """Describe one column as the lake holds it."""
    return Column(
        name=column.name,
        type=codec.lake,
        source_type=types.name(column.oid, column.typmod),
        key=key,
        personal=f"{table}.{column.name}" in source.personal,
    )


def quoted(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def as_text(value: Any) -> str:
    """Quote a value for SQL as a text."""
    return "'" + str(value).replace("'", "''") + "'"
