"""What a derived table is: its columns, and how columns are described."""

from __future__ import annotations

import pyarrow as pa

from workspace.lake import Column

TIMESTAMP = pa.timestamp("us", "UTC")

_TYPES = {
    "text": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "at": TIMESTAMP,
    "date": pa.date32(),
}


def described(text: str) -> tuple[Column, ...]:
    """Read columns from a text: `name:type` each, `text` if no type is given, then `!` in the key, `*` if personal.

    Examples:
        >>> [(c.name, str(c.type), c.key, c.personal) for c in described("event_id! place:int! data*")]
        [('event_id', 'string', 1, False), ('place', 'int64', 2, False), ('data', 'string', 0, True)]
    """
    columns: list[Column] = []
    keys = 0
    for entry in text.split():
        name, _, kind = entry.rstrip("!*").partition(":")
        key = "!" in entry
        keys += key
        columns.append(
            Column(
                name=name,
                type=_TYPES[kind or "text"],
                source_type=kind or "text",
                key=keys if key else 0,
                personal="*" in entry,
            )
        )
    return tuple(columns)
