"""What Ibis leaves to each backend, and the language needs of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops

from workspace.errors import SemanticError
from workspace.semantic.zones import FIRST, LAST, offsets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

_UTC = dt.Timestamp(timezone="UTC")


@ibis.udf.scalar.builtin(name="timezone", signature=((dt.string, _UTC), dt.timestamp))
def _duckdb_wall(zone, moment):  # type: ignore[no-untyped-def]  # pragma: no cover - Ibis reads only the signature
    """The wall clock of a zone at a moment."""


@ibis.udf.scalar.builtin(name="timezone", signature=((dt.string, dt.timestamp), _UTC))
def _duckdb_moment(zone, wall):  # type: ignore[no-untyped-def]  # pragma: no cover - Ibis reads only the signature
    """The moment at which the wall clock of a zone shows a time."""


@ibis.udf.scalar.builtin(name="from_utc_timestamp", signature=((_UTC, dt.string), dt.timestamp))
def _spark_wall(moment, zone):  # type: ignore[no-untyped-def]  # pragma: no cover - Ibis reads only the signature
    """The wall clock of a zone at a moment."""


@ibis.udf.scalar.builtin(name="to_utc_timestamp", signature=((dt.timestamp, dt.string), _UTC))
def _spark_moment(wall, zone):  # type: ignore[no-untyped-def]  # pragma: no cover - Ibis reads only the signature
    """The moment at which the wall clock of a zone shows a time."""


@ibis.udf.scalar.builtin(name="epoch_us", signature=((_UTC,), dt.int64))
def _epoch_us(moment):  # type: ignore[no-untyped-def]  # pragma: no cover - Ibis reads only the signature
    """The microseconds since 1970."""


@ibis.udf.scalar.builtin(name="unix_micros", signature=((_UTC,), dt.int64))
def _unix_micros(moment):  # type: ignore[no-untyped-def]  # pragma: no cover - Ibis reads only the signature
    """The microseconds since 1970."""


@ibis.udf.scalar.builtin(name="make_timestamp", signature=((dt.int64,), dt.timestamp))
def _make_timestamp(microseconds):  # type: ignore[no-untyped-def]  # pragma: no cover - Ibis reads only the signature
    """The time without zone that is so many microseconds after 1970."""


def _fast_wall(zone: str, moment: Any) -> Any:
    """Read the wall clock off the list of its changes: a fifth of the cost of DuckDB's own conversion.

    The changes are asked by halves, so that none is asked more than six times.
    """
    changes = offsets(zone)

    def ahead(some: Sequence[tuple[datetime, int]]) -> Any:
        if len(some) == 1:
            return ibis.literal(some[0][1] * 1_000_000, "int64")
        half = len(some) // 2
        return ibis.ifelse(moment >= ibis.literal(some[half][0], _UTC), ahead(some[half:]), ahead(some[:half]))

    known = (moment >= ibis.literal(FIRST, _UTC)) & (moment < ibis.literal(LAST, _UTC))
    return ibis.ifelse(known, _make_timestamp(_epoch_us(moment) + ahead(changes)), _duckdb_wall(zone, moment))


def readable(expr: Any) -> Any:
    """Write the conversion of wall clocks as one function call again: slower, and the same."""

    def is_fast(node: Any) -> bool:
        return isinstance(node, ops.IfElse) and getattr(node.false_null_expr, "__func_name__", "") == "timezone"

    short = {node: node.false_null_expr for node in expr.op().find(is_fast)}
    return expr.op().replace(short).to_expr() if short else expr


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How one backend converts between moments (UTC) and the wall clock of a zone.

    Attributes:
        wall: From zone and moment to wall clock, a timestamp without zone.
        moment: From zone and wall clock to moment.
        micros: From a moment to its microseconds since 1970.
    """

    wall: Callable[[str, Any], Any]
    moment: Callable[[str, Any], Any]
    micros: Callable[[Any], Any]


_DIALECTS = {
    "duckdb": Dialect(wall=_fast_wall, moment=_duckdb_moment, micros=_epoch_us),
    "pyspark": Dialect(
        wall=lambda zone, moment: _spark_wall(moment, zone),
        moment=lambda zone, wall: _spark_moment(wall, zone),
        micros=_unix_micros,
    ),
}


def dialect(value: Any) -> Dialect:
    """Find the dialect of the backend that an expression belongs to.

    Raises:
        SemanticError: The backend is not one that the language knows.
    """
    name: str = value.get_backend().name
    if name not in _DIALECTS:
        msg = f"No time zone conversion is known for the backend {name!r}."
        raise SemanticError(msg, cure=f"Use one of: {', '.join(_DIALECTS)}.")
    return _DIALECTS[name]
