"""Self-describing JSON taken apart: each event's own data and its entities, one *block* each.

`contexts` and `derived_contexts` hold a list of blocks, `unstruct_event` holds one; a block names its Iglu schema and
carries data. Whatever is not of this form becomes a *broken* block, without a schema: the event stays, and the block is
counted.
"""

from __future__ import annotations

IGLU = r"^iglu:([^/]+)/([^/]+)/[^/]+/([0-9]+)-([0-9]+)-([0-9]+)$"
"""`iglu:vendor/name/format/MODEL-REVISION-ADDITION`, by the Iglu documentation of schema keys and SchemaVer."""

_BLOCK = '{"schema": "VARCHAR", "data": "JSON"}'
_BROKEN = "[{'schema': NULL::VARCHAR, 'data': NULL::JSON}]"
_NONE = "[]::STRUCT(schema VARCHAR, data JSON)[]"


def blocks_sql(rows: str) -> str:
    """Give a SQL query for the blocks of events.

    Args:
        rows: A relation with `event_id`, `event_at`, `event_name`, `day` and the three JSON columns.

    Returns:
        A query for `event_id`, `place` (0 for the event itself, from 1 on for its entities, in the order of `contexts`
        and then `derived_contexts`), `name`, `model`, `version`, `data`, `event_at`, `event_name`, `day`; from `name`
        to `data` all are NULL in a broken block.
    """
    entities = f"list_concat({_many('contexts')}, {_many('derived_contexts')})"
    return f"""
        SELECT event_id, place, CASE WHEN whole THEN parts.vendor || '/' || parts.name END AS name,
            CASE WHEN whole THEN TRY_CAST(parts.model AS BIGINT) END AS model,
            CASE WHEN whole THEN parts.model || '-' || parts.revision || '-' || parts.addition END AS version,
            CASE WHEN whole THEN block.data::VARCHAR END AS data, event_at, event_name, day
        FROM (
            SELECT *,
                regexp_extract(block.schema, '{IGLU}', ['vendor', 'name', 'model', 'revision', 'addition']) AS parts,
                coalesce(regexp_matches(block.schema, '{IGLU}'), false)
                    AND coalesce(json_type(block.data), 'NULL') <> 'NULL' AS whole
            FROM (
                SELECT event_id, event_at, event_name, day, unnest({_one("unstruct_event")}) AS block, 0 AS place
                FROM {rows} WHERE unstruct_event IS NOT NULL
                UNION ALL
                SELECT event_id, event_at, event_name, day, unnest(entities) AS block,
                    generate_subscripts(entities, 1) AS place
                FROM (SELECT event_id, event_at, event_name, day, {entities} AS entities FROM {rows})
            )
        )
    """


def _many(column: str) -> str:
    return _transformed(column, "ARRAY", f'{{"data": [{_BLOCK}]}}', "{}.data")


def _one(column: str) -> str:
    return _transformed(column, "OBJECT", f'{{"data": {_BLOCK}}}', "[{}.data]")


def _transformed(column: str, kind: str, shape: str, taken: str) -> str:
    """Read a JSON column in the shape that it should have; anything else is one broken block."""
    found = taken.format(f"json_transform({column}, '{shape}')")
    return f"""CASE WHEN {column} IS NULL THEN {_NONE}
        WHEN NOT json_valid({column}) THEN {_BROKEN}
        WHEN coalesce(json_type({column}, '$.data'), '') <> '{kind}' THEN {_BROKEN}
        ELSE {found} END"""
