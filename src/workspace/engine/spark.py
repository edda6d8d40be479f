"""A release over Spark Connect: Sail, Apache Spark with Delta, or Databricks, whichever answers at a URL."""

from __future__ import annotations

import re
import socket
import warnings
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import sqlglot
from sqlglot import exp

from workspace.engine.base import HISTORY, Engine
from workspace.engine.views import none
from workspace.errors import LakeError, SemanticError, SettingsError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import ibis
    from deltalake import DeltaTable

    from workspace.engine.backend import SparkBackend
    from workspace.lake import Lake, Release, View

SCHEME = "sc://"
_PORT = 15002
_PATIENCE = 10
"""Seconds to wait for a server to take a connection."""

# What Spark SQL counts as a SELECT although it runs code of the server's host.
_CODE = ("java_method", "reflect", "try_reflect")


class SparkEngine(Engine):
    """Reads one release of a lake on a server that speaks Spark Connect.

    The server opens the Delta tables itself: it must see the lake under the same path as this process.

    Args:
        lake: Where the tables are.
        release: What to see of them.
        url: Of the server, e.g. `sc://spark.internal:15002`.
        given: Gives the views that there may be over them.

    Raises:
        SettingsError: The URL is none, no server answers there, or the extra `spark` is not installed.
    """

    def __init__(self, lake: Lake, release: Release, url: str, given: Callable[[], Iterable[View]] = none) -> None:
        super().__init__(lake, release, given)
        self._url = url
        self._backend = reach(url)

    def sql(self, text: str) -> ibis.Table:
        """Ask in Spark SQL; `user_db.users` is a table's live rows, `user_db.users_history` its history.

        Raises:
            SemanticError: It is no single SELECT over the release's tables, or the server refuses it.
        """
        query = self._bound(_select(text)).sql("spark")
        try:
            return self._backend.sql(query, dialect="spark")
        except _refusals() as error:
            raise SemanticError(f"Spark refuses this SQL: {_first_line(error)}", cure="Mend the statement.") from None

    def _register(self, name: str, table: DeltaTable, *, after: int = 0) -> ibis.Table:
        del after  # Spark skips files by the statistics of the Delta log itself
        version, path = table.version(), _path(table.table_uri)
        try:
            return self._backend.open_delta(f"{name.replace('.', '_')}_{version}", path, version)
        except _refusals() as error:
            told = _first_line(error)
            if "DATA_SOURCE_NOT_FOUND" in told or "Failed to find data source" in told:
                msg = f"The server at {self._address} cannot read Delta tables."
                cure = "Start it with the delta-spark package and Delta's session extension."
                raise LakeError(msg, cure=cure) from None
            msg = f"The server at {self._address} cannot open version {version} of {path}: {told}"
            raise LakeError(msg, cure="Check that the server sees the lake under this very path.") from None

    @property
    def _address(self) -> str:
        return self._url.partition("/;")[0]  # what follows may be a token

    def _bound(self, query: exp.Query) -> exp.Query:
        """Put the release's pinned tables in the place of their names."""
        own = {cte.alias for cte in query.find_all(exp.CTE)}
        for node in list(query.find_all(exp.Table)):
            if node.db or node.name not in own:
                node.replace(self._rows_of(node))
        for column in query.find_all(exp.Column):
            column.set("db", None)  # user_db.users.id: what is left to name is the table
        return query

    def _rows_of(self, node: exp.Table) -> exp.Subquery:
        name = f"{node.db}.{node.name}"
        known = {*self.tables, *(f"{table}{HISTORY}" for table in self.tables if self.has_history(table))}
        if node.catalog or name not in known or node.args.get("version"):
            msg = f"Release {self.release.name} has no table {node.sql('spark')}."
            raise SemanticError(msg, cure=did_you_mean(name, known))
        whole = self.table(name) if name in self.tables else self.history(name.removesuffix(HISTORY))
        rows = sqlglot.parse_one(self._backend.compile(whole), dialect="spark")
        bound = exp.Subquery(this=rows, alias=exp.TableAlias(this=exp.to_identifier(node.alias_or_name)))
        for kept in ("joins", "laterals", "pivots", "sample"):
            bound.set(kept, node.args.get(kept))
        return bound


def reach(url: str) -> SparkBackend:
    """Open a session on a server, as an Ibis backend.

    Raises:
        SettingsError: The URL is none, no server answers there, or the extra `spark` is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
            from workspace.engine.backend import SparkBackend
    except ImportError as error:
        msg = f"The engine {url.partition('/;')[0]} needs a package that is not installed: {error.name}."
        raise SettingsError(msg, cure="pip install 'bookmyevent-workspace[spark]'") from None
    _knock(url)
    try:
        return SparkBackend(url)
    except _refusals() as error:
        msg = f"The server at {url.partition('/;')[0]} refuses a session: {_first_line(error)}"
        raise SettingsError(msg, cure="Check that it speaks Spark Connect, and what the URL says of you.") from None


def _knock(url: str) -> None:
    """See whether anything listens, since the client itself would try for minutes."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORT
    except ValueError:
        host, port = None, 0
    if not url.startswith(SCHEME) or not host:
        msg = f"engine = {url.partition('/;')[0]!r} is no address of a Spark Connect server."
        raise SettingsError(msg, cure="Write engine = 'sc://host:15002', or 'duckdb'.")
    try:
        socket.create_connection((host, port), timeout=_PATIENCE).close()
    except OSError as error:
        msg = f"No server answers at {SCHEME}{host}:{port}: {error.strerror or error}."
        raise SettingsError(msg, cure="Start it or correct engine = in workspace.toml; 'duckdb' needs none.") from None


def _refusals() -> tuple[type[Exception], ...]:
    from pyspark.errors import PySparkException

    return (PySparkException,)


def _first_line(error: Exception) -> str:
    if found := re.search(r'details = "([^"]*)', str(error)):  # below it, gRPC tells of itself
        return found[1]
    return str(error).strip().partition("\n")[0]


def _select(text: str) -> exp.Query:
    try:
        statements = sqlglot.parse(text, dialect="spark")
    except sqlglot.ParseError as error:
        raise SemanticError(f"This is no SQL: {error}", cure="Mend the statement.") from None
    query: Any = statements[0] if len(statements) == 1 else None
    if not isinstance(query, exp.Query) or any(query.find_all(exp.DML, exp.DDL, exp.Command, exp.Into)):
        msg = "A release is read-only: sql() takes one SELECT."
        raise SemanticError(msg, cure="Keep results of your own with .to_pandas() or .to_parquet(...).")
    for call in query.find_all(exp.Anonymous):
        if call.name.lower() in _CODE:
            msg = f"sql() does not call {call.name}: it runs code of the server."
            raise SemanticError(msg, cure="Ask without it.")
    return query


def _path(uri: str) -> str:
    """Name a table as the server does; Delta writes local paths as percent-encoded URLs."""
    return unquote(urlsplit(uri).path) if uri.startswith("file://") else uri
