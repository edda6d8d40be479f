"""The front door for assistants: an MCP server that lists, explains and asks metrics, and changes nothing.

Every call reads the newest published release; one that was published meanwhile is opened then, and each result names
the release that it is of. The metrics module is imported once: changed definitions need a new server. Personal columns
do not exist here (see `workspace.cli.discreet`).
"""

from __future__ import annotations

import math
import re
import threading
from contextlib import contextmanager
from datetime import date, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import ibis
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from workspace.cli.discreet import Discreet
from workspace.errors import SemanticError, WorkspaceError
from workspace.front import connect, definitions
from workspace.lake import Lake, find
from workspace.semantic.origins import lineage, splits
from workspace.semantic.spoken import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workspace.semantic import Answer, Metrics, Model
    from workspace.settings import Settings

MOST = 1000
"""How many rows a call returns at most."""

_INSTRUCTIONS = """\
Answers questions about the business from metrics that are defined once. Start with list_metrics; describe says what a
metric means and by which paths it can be split; query asks; rows shows what is behind a number. Every result names its
release (the state of the data), the ids of the definitions, and notes that a reader must know: quote them with numbers.
Totals are calculated, never sums of the rows shown. An error says what to ask instead.
"""

Names = Annotated[
    list[str | dict[str, Any]],
    Field(
        description='Metrics by name, or with one operation, e.g. {"metric": "gbv", "growth": "1 year"}. '
        'Operations: trailing ("28 days"), to_date ("month"), ago, growth ("1 year"), all_time (true), '
        "share (paths, or []), where (a condition)."
    ),
]
By = Annotated[
    list[str], Field(description='Paths to group by: "day", "week", "month", ..., or dimensions, e.g. "listing.city".')
]
Where = Annotated[
    list[dict[str, Any]],
    Field(
        description='Conditions that all must hold, e.g. {"path": "event_type", "is": "==", "value": "wedding"}. '
        "is: ==, !=, <, <=, >, >=, in (a list), missing, there. "
        '{"any": [...]}, {"all": [...]} and {"not": {...}} combine them.'
    ),
]
Last = Annotated[str | None, Field(description='So many whole periods before the end of the release, e.g. "12 weeks".')]
Between = Annotated[
    list[str] | None, Field(description='First day, and first day after, e.g. ["2026-09-01", "2026-10-01"].')
]
Limit = Annotated[int, Field(ge=1, le=MOST, description="How many rows to return at most.")]


class Desk:
    """Where questions are answered, one at a time.

    Args:
        settings: Of the home whose releases are read.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._model: Model = definitions(settings, "model")
        self._lock = threading.Lock()  # a DuckDB connection serves one question at a time
        self._open: tuple[Discreet, Metrics] | None = None

    def list_metrics(self) -> dict[str, Any]:
        """List every metric with its meaning, unit, owner and definition id."""
        with self._asked() as (reader, _):
            found = [self._model.definition(name) for name in sorted(self._model.metrics)]
            keys = ("name", "description", "unit", "owner", "id")
            return {"metrics": [{key: getattr(d, key) for key in keys} for d in found], **_origin(reader)}

    def describe(self, metric: Annotated[str, Field(description="A metric's name.")]) -> dict[str, Any]:
        """Explain one metric: words, formula, unit, owner, full definition, lineage, and the paths that split it."""
        with self._asked() as (reader, m):
            d, found = self._model.definition(metric), lineage(self._model, metric)
            return {
                **{key: getattr(d, key) for key in ("name", "description", "unit", "owner", "id", "formula")},
                "definition": d.text,
                "measures": list(found.measures),
                "tables": sorted(set(found.tables.values())),
                "split_by": splits(m, self._model, metric),
                **_origin(reader),
            }

    def query(
        self,
        metrics: Names,
        *,
        by: By = [],  # noqa: B006 - it becomes the schema's default, and is not changed
        where: Where = [],  # noqa: B006
        last: Last = None,
        between: Between = None,
        top: Annotated[int | None, Field(description="Only so many groups with the most, and the rest as one.")] = None,
        overlap: Annotated[bool, Field(description="Count a row once per value of a path with many values.")] = False,
        fill: Annotated[bool, Field(description="Show periods without rows too.")] = False,
        limit: Limit = 100,
    ) -> dict[str, Any]:
        """Ask for metrics, by groups, of some rows and days."""
        question = {
            "metrics": metrics,
            "by": by,
            "where": where,
            "last": last,
            "between": between,
            "top": top,
            "overlap": overlap,
            "fill": fill,
        }
        with self._asked() as (reader, m):
            answer = ask(m, question)
            result = {"question": answer.question.text, **_capped(answer.to_ibis(), limit)}
            if by:
                result["total"] = _total(answer)
            result["units"] = {d.name: d.unit for d in answer.definitions}
            result["definitions"] = {d.name: d.id for d in answer.definitions}
            result["notes"] = list(answer.notes)
            return result | _origin(reader)

    def rows(
        self,
        metric: Annotated[str | dict[str, Any], Field(description="One metric, as in query.")],
        *,
        where: Where = [],  # noqa: B006
        last: Last = None,
        between: Between = None,
        limit: Limit = 20,
    ) -> dict[str, Any]:
        """Show the rows behind a number, without personal columns. Narrow them down with where, last or between."""
        question = {"metrics": [metric], "where": where, "last": last, "between": between}
        with self._asked() as (reader, m):
            answer: Any = ask(m, question)
            result = {"question": answer.question.text, **_capped(answer.rows(), limit)}
            return result | {"definitions": {d.name: d.id for d in answer.definitions}} | _origin(reader)

    @contextmanager
    def _asked(self) -> Iterator[tuple[Discreet, Metrics]]:
        """Open the newest release, and turn what we refuse into what a tool says."""
        with self._lock:
            try:
                yield self._newest()
            except WorkspaceError as error:
                raise ToolError(self._hidden(error) or str(error)) from error
            except ibis.common.exceptions.IbisError as error:
                cure = "Compare like with like; describe says what a metric can be split by."
                raise ToolError(self._hidden(error) or f"{error}\nWhat to do: {cure}") from error

    def _newest(self) -> tuple[Discreet, Metrics]:
        newest = find(Lake(self._settings.lake))
        if self._open is None or self._open[0].release.sequence != newest.sequence:
            reader = Discreet(connect(newest.name, settings=self._settings))
            self._open = reader, self._model.bind(reader)
        return self._open

    def _hidden(self, error: Exception) -> str:
        """Say that a question needs a personal column, if that is why it failed."""
        hidden = self._open[0].personal() if self._open else []
        missing = re.search(r"no (?:column|attribute) '(\w+)'", str(error))
        wanted = [column for column in hidden if missing and column.endswith(f".{missing[1]}")]
        if not wanted:
            return ""
        return f"This needs {' or '.join(wanted)}. Personal columns do not leave through this door."


def serve(settings: Settings) -> MCPServer[Any]:
    """Make the server; `run()` then speaks over standard input and output.

    Args:
        settings: Of the home whose releases are read.

    Raises:
        SettingsError: The metrics module defines no model.
    """
    desk = Desk(settings)
    server: MCPServer[Any] = MCPServer("workspace", instructions=_INSTRUCTIONS, log_level="WARNING")
    for tool in (desk.list_metrics, desk.describe, desk.query, desk.rows):
        server.add_tool(tool, annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))
    return server


def _total(answer: Answer) -> dict[str, Any] | None:
    try:
        rows = answer.total().to_arrow().to_pylist()
    except SemanticError:
        return None  # some metrics mean something by group only
    return _plain(rows[0]) if rows else None


def _capped(rows: Any, limit: int) -> dict[str, Any]:
    found = rows.limit(limit + 1).to_pyarrow().to_pylist()
    cut = len(found) > limit
    count = int(rows.count().to_pyarrow().as_py()) if cut else len(found)
    result: dict[str, Any] = {"rows": [_plain(row) for row in found[:limit]], "count": count, "cut": cut}
    if cut:
        result["advice"] = (
            f"Only {limit} of {count} rows are shown. Group coarser, filter, or raise limit (at most {MOST})."
        )
    return result


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _json(value) for name, value in row.items()}


def _json(value: Any) -> Any:
    return next((how(value) for kind, how in _JSON.items() if isinstance(value, kind)), value)


_JSON: dict[type, Callable[[Any], Any]] = {
    Decimal: float,
    float: lambda value: value if math.isfinite(value) else None,
    date: lambda day: day.isoformat(),  # of a datetime too
    time: time.isoformat,
    timedelta: timedelta.total_seconds,
    bytes: bytes.hex,
    list: lambda values: [_json(value) for value in values],
    dict: _plain,
}


def _origin(reader: Discreet) -> dict[str, str]:
    return {"release": reader.release.name, "as_of": reader.release.as_of.isoformat()}
