"""Self-describing data by name: typed by the schemas of all versions, nothing lost, the same on every engine."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.servers import SERVERS
from workspace.clickstream.named import entity, event
from workspace.clickstream.schemas import fields_of
from workspace.engine.spark import reach
from workspace.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AT = datetime(2026, 10, 1, tzinfo=UTC)
NAME = "com.x/search/1"
SCHEMAS: dict[str, dict[str, Any]] = {
    "1-0-0": {
        "query": {"type": "string"},
        "results": {"type": ["integer", "null"]},
        "score": {"type": "integer"},
        "open": {"type": "boolean"},
        "sentAt": {"type": "string", "format": "date-time"},
        "day": {"type": ["null", "string"], "format": "date"},
        "tags": {"type": "array"},
        "turns": {"type": "integer"},
        "version": {"type": "string"},
    },
    "1-0-1": {
        "score": {"type": "number"},
        "turns": {"type": "string"},
        "odd name": {},
        'said "so"': {"type": "string"},
    },
    "2-0-0": {"query": {"type": "integer"}},
}
DATA = [
    {
        "query": 'a"é',
        "results": 1,
        "score": 1.5,
        "open": True,
        "sentAt": "2026-01-01T10:00:00.123Z",
        "day": "2026-01-02",
        "tags": [1, {"a": 2}],
        "version": "x",
        "odd name": "w",
        'said "so"': "yes",
        "turns": 5,
        "new": "not in the schema",
    },
    {"query": None, "results": "x", "score": "nan", "open": "true", "sentAt": "2026-01-01T10:00:00+02:00"},
    {"query": {"a": 1}, "results": 1.5, "sentAt": "2026-02-30T10:00:00Z", "day": "2026-13-02"},
    {"results": 99999999999999999999, "score": 1e3, "sentAt": "2026-01-01T10:00:00"},
    [1, 2],
]
TYPED = [
    (
        'a"é',
        1,
        1.5,
        True,
        datetime(2026, 1, 1, 10, 0, 0, 123000, tzinfo=UTC),
        date(2026, 1, 2),
        '[1,{"a":2}]',
        "5",
        "x",
        "w",
    ),
    (None, None, None, True, datetime(2026, 1, 1, 8, tzinfo=UTC), None, None, None, None, None),
    ('{"a":1}', None, None, None, None, None, None, None, None, None),
    (None, None, 1000.0, None, None, None, None, None, None, None),
    (None,) * 10,
]
FIELDS = ("query", "results", "score", "open", "sentAt", "day", "tags", "turns", "version_", "odd name")


@pytest.fixture
def registry(tmp_path: Path) -> str:
    for version, properties in SCHEMAS.items():
        file = tmp_path / "iglu" / "com.x" / "search" / "jsonschema" / version
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"type": "object", "properties": properties}))
    return str(tmp_path / "iglu")


def blocks() -> pa.Table:
    texts = [json.dumps(data, separators=(",", ":")) for data in DATA]
    count = len(texts)
    table = pa.table(
        {
            "event_id": [*map(str, range(count)), "9", "9"],
            "place": pa.array([0] * count + [1, 2]),
            "kind": ["event"] * count + ["entity"] * 2,
            "name": ["com.x/search"] * count + ["com.x/listing"] * 2,
            "model": pa.array([1] * count + [1, 1]),
            "version": ["1-0-0"] * count + ["1-0-0", "1-0-7"],
            "data": [*texts, '{"id":1}', '{"id":2}'],
        }
    )
    return table.append_column("event_at", pa.repeat(pa.scalar(AT, pa.timestamp("us", "UTC")), table.num_rows))


def local() -> ibis.Table:
    backend = ibis.duckdb.connect()
    backend.raw_sql("SET TimeZone = 'UTC'")
    return backend.create_table("self_describing", blocks())


def remote(url: str, folder: Path) -> ibis.Table:
    pq.write_table(blocks(), folder / "blocks.parquet")
    return reach(url).read_parquet(str(folder / "blocks.parquet"))


def answer(table: ibis.Table) -> list[dict[str, Any]]:
    return sorted(table.to_pyarrow().to_pylist(), key=repr)


def check(rows: ibis.Table, registry: str) -> None:
    found = answer(event(rows, NAME, registry))
    assert list(found[0]) == ["event_id", "event_at", "version", *FIELDS, "data"]
    assert [tuple(row[field] for field in FIELDS) for row in found] == TYPED
    assert [json.loads(row["data"]) for row in found] == DATA
    assert {row["event_at"] for row in found} == {AT}
    assert [
        (row["event_id"], row["place"], row["data"]) for row in answer(entity(rows, "com.x/listing/1", registry))
    ] == [
        ("9", 1, '{"id":1}'),
        ("9", 2, '{"id":2}'),
    ]


def test_events_are_typed_by_all_versions_of_their_model(registry: str) -> None:
    check(local(), registry)


@pytest.mark.slow
@pytest.mark.parametrize("server", SERVERS)
def test_every_engine_reads_them_alike(
    server: str, registry: str, server_url: Callable[[str], str], open_folder: Path
) -> None:
    check(remote(server_url(server), open_folder), registry)


def test_a_schema_without_rows_gives_an_empty_table(registry: str) -> None:
    found = event(local(), "com.x/search/2", registry).to_pyarrow()
    assert (found.num_rows, found.schema.field("query").type) == (0, pa.int64())


def test_an_unknown_name_is_told_the_nearest(registry: str) -> None:
    for asked in ("com.x/serch/1", "com.x/search"):
        with pytest.raises(SourceError, match=r"Did you mean .*com\.x/search/1"):
            event(local(), asked, registry)
    with pytest.raises(SourceError, match=r"Did you mean com\.x/listing/1"):
        entity(local(), "com.x/listings/1")


def test_a_broken_schema_is_named(registry: str, tmp_path: Path) -> None:
    (tmp_path / "iglu" / "com.x" / "search" / "jsonschema" / "1-0-2").write_text("{")
    with pytest.raises(SourceError, match=r"search/jsonschema/1-0-2 cannot be read"):
        fields_of(registry, "com.x/search", 1)
