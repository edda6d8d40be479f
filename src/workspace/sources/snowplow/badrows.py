"""Bad rows of the pipeline's own topic: what collector, enrich and loaders refused before it reached us."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from workspace.sources.snowplow.refused import Refused, shortened, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_A_BAD_ROW = "not_a_bad_row"
"""The kind of what came through the topic of bad rows without being one."""

_SCHEMA = re.compile(r"iglu:com\.snowplowanalytics\.snowplow\.badrows/([A-Za-z0-9_-]+)/jsonschema/\d+-\d+-\d+")
# When it happened is in the row; what a visitor sent may be personal; the others are pages long.
_UNSAID = frozenset(
    {"timestamp", "value", "actual", "json", "expectedMapping", "lookupHistory", "stackTrace", "targets"}
)
_SAID = 8
"""How many things of a failure a reason repeats: some list every field of a form."""


def read_bad_row(raw: bytes, index: int) -> Refused:
    """Read a record of the topic of bad rows. Whatever it is, it is kept, and nothing is raised.

    Args:
        raw: The record's value.
        index: Its place among those that are read together.

    Returns:
        The bad row under the kind that its schema names, with its JSON as it came as `detail`. A record that is no bad
        row has the kind `not_a_bad_row`, and as `detail` a bad row of our own that holds it. The reason repeats what
        the pipeline says about the failure, but not the values that visitors sent.
    """
    try:
        text = raw.decode()
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        return _foreign(raw, index, f"A record of the topic of bad rows is not JSON: {type(error).__name__}.")
    kind = _kind(row)
    if not kind:
        return _foreign(raw, index, "A record of the topic of bad rows is JSON, but not a bad row.")
    data = row["data"]
    failure = data.get("failure", data.get("failures"))  # one kind spells it in the plural
    said = "; ".join(islice(_words(failure), _SAID)) or "no failure is described"
    reason = f"{kind}: {said}.".encode(errors="backslashreplace").decode()  # half a surrogate pair is no text
    return Refused(index=index, raw=raw, kind=kind, reason=reason, detail=text)


def _kind(row: Any) -> str:
    """Give the kind that a bad row's schema names; empty if it is no bad row."""
    if not isinstance(row, dict) or not isinstance(row.get("data"), dict):
        return ""
    found = _SCHEMA.fullmatch(str(row.get("schema")))
    return found[1] if found else ""


def _words(failure: Any, name: str = "") -> Iterator[str]:
    """Say a failure's texts and numbers, each with its name."""
    if isinstance(failure, dict):
        for key, value in failure.items():
            if key not in _UNSAID:
                yield from _words(value, key)
    elif isinstance(failure, list):
        for item in failure:
            yield from _words(item, name)
    elif failure is not None and failure != "":
        said = shortened(str(failure))
        yield f"{name} {said}" if name else said


def _foreign(raw: bytes, index: int, problem: str) -> Refused:
    return replace(unreadable(index, raw, problem), kind=NOT_A_BAD_ROW)
