"""What Ibis leaves to each backend, and the language needs of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import ibis
import ibis.expr.datatypes as dt

from workspace.errors import SemanticError
from workspace.semantic.language.zones import FIRST, LAST, offsets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

_UTC = dt.Timestamp(timezone="UTC")
_FAST = "wall_clock_"
_ZONES: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()


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


@cache
def _macro(zone: str) -> tuple[str, Callable[[Any], Any]]:
    """Write a DuckDB macro that reads a zone's wall clock off the list of its changes, and the function that calls it.

    It takes a fifth of DuckDB's own conversion. Changes are asked by halves, so none is asked more than six times; as a
    macro it neither lengthens every query nor the time to build one.
    """
    name = _name(zone)

    def ahead(some: Sequence[tuple[datetime, int]]) -> str:
        if len(some) == 1:
            return str(some[0][1] * 1_000_000)
        half = len(some) // 2
        return f"CASE WHEN moment >= {_literal(some[half][0])} THEN {ahead(some[half:])} ELSE {ahead(some[:half])} END"

    text = (
        f"CREATE OR REPLACE TEMP MACRO {name}(moment) AS CASE WHEN moment >= {_literal(FIRST)} AND "
        f"moment < {_literal(LAST)} THEN make_timestamp(epoch_us(moment) + {ahead(offsets(zone))}) "
        f"ELSE timezone('{zone}', moment) END"
    )

    def wall(moment):  # type: ignore[no-untyped-def]  # pragma: no cover - Ibis reads only the signature
        """The wall clock of a zone at a moment."""

    return text, ibis.udf.scalar.builtin(wall, name=name, signature=((_UTC,), dt.timestamp))


def _name(zone: str) -> str:
    return _FAST + "".join(c if c.isalnum() else f"_{ord(c):x}_" for c in zone.lower())


def _literal(moment: datetime) -> str:
    return f"TIMESTAMPTZ '{moment:%Y-%m-%d %H:%M:%S}+00'"


def _fast_wall(zone: str, moment: Any) -> Any:
    backend = moment.get_backend()
    text, wall = _macro(zone)
    # By connection, not by backend: Ibis takes two backends in memory for the same.
    known = _ZONES.setdefault(backend.con, {})
    if zone not in known:
        backend.raw_sql(text)
        known[zone] = wall
    return wall(moment)


def readable(expr: Any) -> Any:
    """Write the conversion of wall clocks with DuckDB's own function: slower, the same, and known everywhere."""

    def is_fast(node: Any) -> bool:
        return getattr(node, "__func_name__", "").startswith(_FAST)

    zones = {_name(zone): zone for known in _ZONES.values() for zone in known}
    found = {
        node: _duckdb_wall(zones[node.__func_name__], node.args[0].to_expr()).op() for node in expr.op().find(is_fast)
    }
    return expr.op().replace(found).to_expr() if found else expr


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


def _first_moment(zone: str, wall: Any) -> Any:
    """Take the first moment at which the clock shows a time, as all others do; DuckDB takes the last."""
    day = ibis.interval(days=1)
    # A day ago the zone had the offset that was in force before any change of this day.
    earlier = _duckdb_moment(zone, wall - day) + day
    return (_duckdb_wall(zone, earlier) == wall).ifelse(earlier, _duckdb_moment(zone, wall))


_DIALECTS = {
    "duckdb": Dialect(wall=_fast_wall, moment=_first_moment, micros=_epoch_us),
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
