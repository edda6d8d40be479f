"""Ibis over Spark Connect, so that answers come out as those of DuckDB do.

Imported only when such an engine is used: it needs the extra `spark`.
"""

from __future__ import annotations

import atexit
import warnings
from typing import TYPE_CHECKING, Any

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.schema as sch
import pyarrow as pa
import pyarrow.compute as pc
import pyspark.sql.types as pt
from ibis.backends.pyspark import Backend
from ibis.backends.pyspark.datatypes import PySparkType
from ibis.backends.sql.compilers.base import NULL
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from ibis.backends.sql.rewrites import p
from ibis.common.patterns import replace
from ibis.formats.pandas import PandasData
from ibis.formats.pyarrow import PyArrowSchema
from pyspark.errors import PySparkException
from pyspark.sql.connect.client.retries import DefaultPolicy
from pyspark.sql.connect.session import SparkSession

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import ibis.expr.types as ir

# What a server says of a session that it has closed, or of the views that went with it.
_LOST = ("INVALID_HANDLE.SESSION", "is not running", "TABLE_OR_VIEW_NOT_FOUND", "table not found")


@replace(p.Filter)  # type: ignore[untyped-decorator]
def _windows_first(_: Any) -> Any:
    """Compute windows that a filter asks for below it: Spark has no QUALIFY, and sqlglot's way round loses columns."""
    windows = list(dict.fromkeys(node for each in _.predicates for node in each.find(ops.WindowFunction, ops.Value)))
    if not windows:
        return _
    fields = dict(_.parent.fields)
    asked = {f"_window_{number}": window for number, window in enumerate(windows)}
    wide = ops.Project(_.parent, {**fields, **asked})
    moved = {window: ops.Field(wide, name) for name, window in asked.items()}
    moved |= {field: ops.Field(wide, name) for name, field in fields.items()}
    kept = ops.Filter(wide, [each.replace(moved, filter=ops.Value) for each in _.predicates])
    return ops.Project(kept, {name: ops.Field(kept, name) for name in fields})


class _Compiler(PySparkCompiler):  # type: ignore[misc]  # Ibis is untyped
    """Ibis' own, less what Spark answers otherwise than DuckDB, or not at all."""

    __slots__ = ()
    rewrites = (_windows_first, *PySparkCompiler.rewrites)

    def visit_CountStar(self, op: ops.CountStar, *, arg: Any, where: Any) -> Any:  # noqa: N802 - named by Ibis
        """Count no rows as 0; Ibis sums the condition, and a sum of nothing is NULL."""
        if where is None:
            return super().visit_CountStar(op, arg=arg, where=where)
        return self.f.count(self.if_(where, 1, NULL))

    def visit_Divide(self, op: ops.Divide, *, left: Any, right: Any) -> Any:  # noqa: N802
        """Divide by 1 where the divisor is NULL: Sail still sees the 0 that was there, and refuses it."""
        if not isinstance(op.right, ops.NullIf):
            return super().visit_Divide(op, left=left, right=right)
        divided = super().visit_Divide(op, left=left, right=self.f.coalesce(right, 1))
        return self.if_(right.is_(NULL), NULL, divided)

    def visit_Median(self, op: ops.Median, *, arg: Any, where: Any) -> Any:  # noqa: ARG002, N802
        """Apply the condition to the values only; Ibis applies it to the percentage as well."""
        return self.f.percentile(arg if where is None else self.if_(where, arg, NULL), 0.5)


class SparkBackend(Backend):  # type: ignore[misc]
    """Ibis' own backend for Spark, less three gaps.

    Ibis takes Spark's TIMESTAMP, a moment, for a wall clock time; carries every answer through pandas in nanoseconds,
    where 9999-12-31 has no place; and is lost when the server closes a session that was idle for long.
    """

    compiler = _Compiler()

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._versions: dict[str, tuple[str, int]] = {}
        self._begin()

    def open_delta(self, view: str, path: str, version: int) -> ir.Table:
        """Make one version of a Delta table readable under a name, for as long as this backend lives."""
        self._keeping_session(lambda: self._pin(view, path, version))
        self._versions[view] = (path, version)
        return self.table(view)

    def get_schema(self, table_name: str, *, catalog: str | None = None, database: str | None = None) -> sch.Schema:
        """Give the columns of a view, moments as such."""
        del catalog, database  # the views of a session have neither
        return self._keeping_session(lambda: _schema(self._session.table(table_name).schema))

    def to_pyarrow(
        self, expr: ir.Expr, /, *, params: Mapping[Any, Any] | None = None, limit: Any = None, **kwargs: Any
    ) -> Any:
        """Ask, and give the answer in Arrow with the types that Ibis promises."""
        return expr.__pyarrow_result__(self._answer(expr, params=params, limit=limit, **kwargs))

    def execute(
        self, expr: ir.Expr, /, *, params: Mapping[Any, Any] | None = None, limit: Any = None, **kwargs: Any
    ) -> Any:
        """Ask, and give the answer in pandas."""
        frame = self._answer(expr, params=params, limit=limit, **kwargs).to_pandas()
        return expr.__pandas_result__(PandasData.convert_table(frame, expr.as_table().schema()))

    def _answer(self, expr: ir.Expr, **kwargs: Any) -> pa.Table:
        asked = expr.as_table()
        query = self.compile(asked, **kwargs)

        def ask() -> pa.Table:
            self._run_pre_execute_hooks(expr)
            return self._session.sql(query).toArrow()

        found = self._keeping_session(ask)
        promised = PyArrowSchema.from_ibis(asked.schema())
        columns = [_fitted(found.column(i), field.type) for i, field in enumerate(promised)]
        return pa.table(columns, schema=promised)

    def _begin(self) -> None:
        session = SparkSession.builder.remote(self._url).create()
        # PySpark tidies up at exit, for minutes if the server is gone by then; what is closed it leaves alone.
        atexit.register(session.client.close)
        patient = session.client.get_retry_policies()
        # What does not speak Spark Connect is told apart at once; by default it is asked for ten minutes.
        session.client.set_retry_policies([DefaultPolicy(max_retries=3)])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"\[RETRIES_EXCEEDED\]")  # an error follows and says more
            self.do_connect(session=session)  # sets the time zone, which is UTC
        session.client.set_retry_policies(patient)
        for view, (path, version) in self._versions.items():
            self._pin(view, path, version)

    def _pin(self, view: str, path: str, version: int) -> None:
        frame = self._session.read.format("delta").option("versionAsOf", version).load(path)
        frame.createOrReplaceTempView(view)

    def _keeping_session(self, act: Callable[[], Any]) -> Any:
        """Act, and once more in a new session if the server has closed this one."""
        try:
            return act()
        except PySparkException as error:
            if not any(word in str(error) for word in _LOST):
                raise
            self._begin()
            return act()

    def _get_schema_using_query(self, query: str) -> sch.Schema:
        return self._keeping_session(lambda: _schema(self._session.sql(query).schema))

    def _register_in_memory_table(self, op: ops.InMemoryTable) -> None:
        self._session.createDataFrame(op.data.to_pyarrow(op.schema)).createOrReplaceTempView(op.name)


Backend.register_options()  # Ibis does so when a backend is loaded by its name


def _schema(struct: pt.StructType) -> sch.Schema:
    return sch.Schema({field.name: _kind(field.dataType) for field in struct})


def _kind(kind: pt.DataType) -> dt.DataType:
    if isinstance(kind, pt.TimestampType):
        return dt.Timestamp(timezone="UTC")
    if isinstance(kind, pt.ArrayType):
        return dt.Array(_kind(kind.elementType))
    if isinstance(kind, pt.StructType):
        return dt.Struct({field.name: _kind(field.dataType) for field in kind})
    return PySparkType.to_ibis(kind)


def _fitted(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Cast a column; a decimal with more places than promised, as Spark's averages have, is rounded."""
    if pa.types.is_decimal(kind) and pa.types.is_decimal(column.type) and column.type.scale > kind.scale:
        column = pc.round(column, kind.scale, round_mode="half_towards_infinity")
    return column.cast(kind)
