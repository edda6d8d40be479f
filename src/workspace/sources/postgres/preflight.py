"""Looking at a source before reading it, so that whatever is wrong is said at once and with its cure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workspace.errors import Finding, SettingsError, SourceError
from workspace.sources.postgres import catalog, slot
from workspace.sources.postgres.catalog import quoted
from workspace.sources.postgres.session import connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from psycopg import Connection
    from psycopg.rows import TupleRow

    from workspace.settings import PostgresSource
    from workspace.sources.postgres.catalog import SourceTable

OLDEST = 140_000
_SERVER = """
    select current_setting('wal_level'), pg_is_in_recovery(), current_user::text,
           (select rolreplication or rolsuper from pg_roles where rolname = current_user),
           current_setting('max_replication_slots')::int - (select count(*) from pg_replication_slots)::int,
           current_setting('max_wal_senders')::int - (select count(*) from pg_stat_replication)::int,
           current_setting('max_slot_wal_keep_size'), current_database()::text
"""
# Whether we may make the publication cover the tables: superuser, or owner of all that it takes.
_MAY_PUBLISH = """
    select (select rolsuper from pg_roles where rolname = current_user) or (
        bool_and(pg_has_role(c.relowner, 'usage')) and coalesce(
            (select pg_has_role(pubowner, 'usage') from pg_publication where pubname = %s),
            has_database_privilege(current_database(), 'create')))
    from pg_class c where c.oid = any(%s::oid[])
"""


def preflight(source: PostgresSource) -> list[Finding]:
    """Look at everything that capture needs; changes nothing.

    Args:
        source: What to look at.

    Returns:
        One finding for each thing that was looked at, in the order in which to mend what is wrong.
    """
    try:
        with connect(source) as connection:
            return look(connection, source)
    except (SourceError, SettingsError) as error:
        return [Finding(level="error", subject=f"{source.name}: connection", message=error.message, cure=error.cure)]


def require(findings: Sequence[Finding]) -> None:
    """Raise for the first error among findings, and tell of them all.

    Raises:
        SourceError: There is an error.
    """
    errors = [finding for finding in findings if finding.level == "error"]
    if errors:
        cure = "\n".join(finding.cure for finding in errors if finding.cure)
        raise SourceError("\n".join(f"{f.subject}: {f.message}" for f in errors), cure=cure)


def look(connection: Connection[TupleRow], source: PostgresSource) -> list[Finding]:
    """Look at everything, over a session that is open already."""
    return list(_look(connection, source))


def _look(connection: Connection[TupleRow], source: PostgresSource) -> Iterator[Finding]:
    yield from _server(connection, source)
    yield from _slot(connection, source)
    tables = catalog.read_tables(connection, source)
    if not tables:
        patterns = ", ".join(source.tables)
        yield _error(source, "tables", f"No table matches {patterns}.", f"Set tables in [sources.{source.name}].")
    for lake, names in catalog.collisions(tables).items():
        message = f"{' and '.join(names)} would both be {source.name}.{lake}."
        yield _error(source, "tables", message, f"Narrow the patterns of [sources.{source.name}] to one of them.")
    for table in tables:
        yield from _table(connection, source, table)
    yield from _publication(connection, source, tables)


def _server(connection: Connection[TupleRow], source: PostgresSource) -> Iterator[Finding]:
    row = connection.execute(_SERVER).fetchone()
    if row is None:
        return
    level, standby, user, may_replicate, slots, senders, keep, _database = row
    version = connection.info.server_version
    if version < OLDEST:
        yield _error(source, "version", f"The server is PostgreSQL {version // 10_000}.", "Upgrade it to 14 or newer.")
    else:
        yield _ok(source, "connection", f"PostgreSQL {version // 10_000} answers to {user}.")
    if standby:
        yield _error(source, "server", "It is a standby.", f"Point {source.dsn_env} at the primary.")
    if level != "logical":
        cure = "alter system set wal_level = 'logical';  -- then restart the server"
        yield _error(source, "wal_level", f"It is {level}, not logical.", cure)
    if not may_replicate:
        cure = f"alter role {quoted(user)} replication;"
        yield _error(source, "role", f"{user} may not replicate.", cure)
    exists = slot.read_slot(connection, source) is not None
    if slots <= 0 and not exists:
        cure = "alter system set max_replication_slots = 20;  -- then restart the server"
        yield _error(source, "max_replication_slots", "No replication slot is free.", cure)
    if senders <= 0:
        cure = "alter system set max_wal_senders = 20;  -- then restart the server"
        yield _error(source, "max_wal_senders", "No WAL sender is free.", cure)
    if keep == "-1":
        message = "It is unlimited: should the schedule stop, the slot would fill the server's disk."
        cure = "alter system set max_slot_wal_keep_size = '50GB'; select pg_reload_conf();"
        yield Finding(level="warning", subject=f"{source.name}: max_slot_wal_keep_size", message=message, cure=cure)


def _slot(connection: Connection[TupleRow], source: PostgresSource) -> Iterator[Finding]:
    found = slot.read_slot(connection, source)
    database = connection.info.dbname
    cure = f"Set another slot in [sources.{source.name}]."
    if found is None:
        yield _ok(source, "slot", f"{source.slot} does not exist; the first ingest makes it.")
    elif found.plugin != slot.PLUGIN:
        yield _error(source, "slot", f"{source.slot} has the plugin {found.plugin}, not {slot.PLUGIN}.", cure)
    elif found.database != database:
        yield _error(source, "slot", f"{source.slot} belongs to the database {found.database}.", cure)
    elif found.lost:
        message = f"{source.slot} is invalid: the server has thrown away changes that were not read."
        yield _error(source, "slot", message, f"workspace resnapshot {source.name}")
    else:
        yield _ok(source, "slot", f"{source.slot} is there.")


def _table(connection: Connection[TupleRow], source: PostgresSource, table: SourceTable) -> Iterator[Finding]:
    subject, user = table.full_name, quoted(connection.info.user)
    if not table.readable:
        cure = f"grant usage on schema {quoted(table.schema)} to {user}; grant select on {table.sql} to {user};"
        yield _error(source, subject, f"{connection.info.user} may not select from it.", cure)
    if table.secured:
        yield _error(source, subject, "Row-level security hides rows of it.", f"alter role {user} bypassrls;")
    if table.identity == "n" or not table.keys:
        what = "It has REPLICA IDENTITY NOTHING." if table.keys else "It has no primary key."
        cure = f"alter table {table.sql} " + ("replica identity default;" if table.keys else "add primary key (...);")
        yield _error(source, subject, what, f"{cure}  -- or leave it out of tables in [sources.{source.name}]")
    for name in catalog.odd_columns(table):
        message = f"Its column {name} has a name that the lake needs itself, or differs from another's in case only."
        yield _error(source, subject, message, f"alter table {table.sql} rename column {quoted(name)} to ...;")


def _publication(
    connection: Connection[TupleRow], source: PostgresSource, tables: Sequence[SourceTable]
) -> Iterator[Finding]:
    missing = [table for table in tables if not table.published]
    if not missing:
        yield _ok(source, "publication", f"{source.publication} covers all {len(tables)} tables.")
        return
    exists = slot.publication_exists(connection, source)
    lacking = ", ".join(table.full_name for table in missing)
    row = connection.execute(_MAY_PUBLISH, [source.publication, [table.oid for table in missing]]).fetchone()
    if row and row[0]:
        yield _ok(source, "publication", f"{source.publication} does not cover {lacking} yet; the next ingest adds it.")
        return
    message = f"{source.publication} does not cover {lacking}, and {connection.info.user} may not change that."
    yield _error(source, "publication", message, slot.publication_sql(source, missing, exists=exists))


def _ok(source: PostgresSource, subject: str, message: str) -> Finding:
    return Finding(level="ok", subject=f"{source.name}: {subject}", message=message)


def _error(source: PostgresSource, subject: str, message: str, cure: str) -> Finding:
    return Finding(level="error", subject=f"{source.name}: {subject}", message=message, cure=cure)
