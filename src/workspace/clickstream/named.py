"""Self-describing events and entities by name, as typed tables, on whichever engine reads them.

A value that does not fit its field's type is NULL there and still in `data`, so a schema that changes, or data that
never kept to it, breaks nothing and loses nothing. Text that reads as the type is taken for it: `"7"` is the number 7.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.datatypes as dt

from workspace.clickstream.schemas import TEXT, fields_of, names_in
from workspace.errors import SourceError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

_NAME = re.compile(r"([^/]+/[^/]+)/(\d+)")
_PLAIN = re.compile(r"[\w .:$@/-]+")
"""Fields of any other name are found in `data` only: not every engine can be told of a path with quotes in it."""

_DATE, _TIME = "[0-9]{4}-[0-9]{2}-[0-9]{2}", r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
# What all engines read alike; how each of them reads anything else is its own affair.
_READABLE = {
    "int64": "^-?[0-9]{1,19}$",
    "float64": r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$",
    "boolean": "^(true|false)$",
    "date": f"^{_DATE}$",
    "timestamp('UTC')": f"^{_DATE}T{_TIME}(Z|[+-][0-9]{{2}}:[0-9]{{2}})$",
}


# Not by its other name, json_extract_string: under that one SQLGlot writes the path anew, and quotes in it wrongly.
@ibis.udf.scalar.builtin(name="json_extract_path_text", signature=((dt.string, dt.string), dt.string))
def _duckdb_text(data, path):  # type: ignore[no-untyped-def]  # pragma: no cover - Ibis reads only the signature
    """What a JSON text has at a path, as text."""


@ibis.udf.scalar.builtin(name="get_json_object", signature=((dt.string, dt.string), dt.string))
def _spark_text(data, path):  # type: ignore[no-untyped-def]  # pragma: no cover - Ibis reads only the signature
    """What a JSON text has at a path, as text."""


@dataclass(frozen=True, kw_only=True)
class _Dialect:
    """How a backend reads JSON: its function, and how it writes the path to a field."""

    text: Callable[[Any, str], Any]
    path: Callable[[str], str]


_DIALECTS = {
    "duckdb": _Dialect(text=_duckdb_text, path=lambda field: "/" + field.replace("~", "~0").replace("/", "~1")),
    "pyspark": _Dialect(text=_spark_text, path=lambda field: f"$['{field}']"),
}


def event(rows: ibis.Table, name: str, registry: str = "") -> ibis.Table:
    """Give the self-describing events of a name: one row an event.

    Args:
        rows: The table `self_describing`, on DuckDB or Spark.
        name: `vendor/name/model`, such as `com.bookmyevent/search/1`.
        registry: The static Iglu registry that has the schema; none if empty.

    Returns:
        `event_id`, `event_at`, `version`, the schema's fields in their types, and `data`, the JSON as it came. A field
        that is called like one of these ends in `_`. Without a schema there are no fields.

    Raises:
        SourceError: There is neither such an event nor its schema, or a schema cannot be read.
    """
    return _typed(rows, "event", name, registry, ["event_id", "event_at", "version"])


def entity(rows: ibis.Table, name: str, registry: str = "") -> ibis.Table:
    """Give the entities of a name: one row an entity, `event_id` and `place` tell of which event and which of its.

    Args:
        rows: The table `self_describing`, on DuckDB or Spark.
        name: `vendor/name/model`, such as `com.bookmyevent/listing/1`.
        registry: The static Iglu registry that has the schema; none if empty.

    Returns:
        `event_id`, `place`, `event_at`, `version`, then as `event` does.

    Raises:
        SourceError: There is neither such an entity nor its schema, or a schema cannot be read.
    """
    return _typed(rows, "entity", name, registry, ["event_id", "place", "event_at", "version"])


def _typed(rows: ibis.Table, kind: str, name: str, registry: str, own: list[str]) -> ibis.Table:
    match = _NAME.fullmatch(name)
    if match is None:
        known = _known(rows, kind, registry)
        msg = f"{name!r} is no name of an {kind}: it should be vendor/name/model."
        raise SourceError(msg, cure=did_you_mean(name, known))
    model = int(match[2])
    wanted = rows.filter(rows.kind == kind, rows.name == match[1], rows.model == model)
    fields = fields_of(registry, match[1], model)
    if fields is None:
        if wanted.limit(1).count().to_pyarrow().as_py() == 0:
            msg = f"There is no {kind} {name}, and no schema of it."
            raise SourceError(msg, cure=did_you_mean(name, _known(rows, kind, registry)))
        fields = {}
    dialect = _DIALECTS[rows.get_backend().name]
    taken = {column.casefold() for column in (*own, "data")}
    typed = {}
    for field, type_ in fields.items():
        if not _PLAIN.fullmatch(field):
            continue
        column = field
        while column.casefold() in taken:
            column += "_"
        taken.add(column.casefold())
        typed[column] = _value(dialect.text(wanted.data, dialect.path(field)), type_)
    return wanted.select(*own, **typed, data=wanted.data)


def _value(text: Any, type_: str) -> Any:
    if type_ == TEXT:
        return text
    return text.re_search(_READABLE[type_]).ifelse(text, ibis.null("string")).try_cast(type_)


def _known(rows: ibis.Table, kind: str, registry: str) -> set[str]:
    present = rows.filter(rows.kind == kind).select("name", "model").distinct().to_pyarrow().to_pylist()
    return {f"{entry['name']}/{entry['model']}" for entry in present} | names_in(registry)
