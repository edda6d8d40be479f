"""The pipeline's own bad rows are kept as they came, each with its kind and a reason in words."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace.sources.snowplow.badrows import NOT_A_BAD_ROW, read_bad_row

if TYPE_CHECKING:
    from pathlib import Path

VENDOR = "com.snowplowanalytics.snowplow.badrows"


def bad_row(kind: str, failure: Any, *, name: str = "failure") -> bytes:
    processor = {"artifact": "enrich", "version": "4.1.0"}
    data = {"processor": processor, name: failure, "payload": "x"}
    return json.dumps({"schema": f"iglu:{VENDOR}/{kind}/jsonschema/2-0-1", "data": data}).encode()


def test_real_bad_rows_say_what_failed(samples: Path) -> None:
    raws = (samples / "bad_rows.jsonl").read_bytes().removesuffix(b"\n").split(b"\n")
    rows = [read_bad_row(raw, index) for index, raw in enumerate(raws)]
    assert [(row.index, row.raw, row.detail.encode()) for row in rows] == [
        (index, raw, raw) for index, raw in enumerate(raws)
    ]
    assert Counter(row.kind for row in rows) == {
        "loader_parsing_error": 3,
        "generic_error": 2,
        "loader_iglu_error": 2,
        "collector_payload_format_violation": 1,
    }
    session = "schemaKey iglu:com.mparticle.snowplow/session_context/jsonschema/1-0-0; expected String"
    early = "is before than minimum timestamp, at column etl_tstamp"
    assert [row.reason for row in rows[:1] + rows[3:]] == [
        "loader_parsing_error: type FieldNumberMismatch; fieldCount 130.",
        "loader_parsing_error: type FieldNumberMismatch; fieldCount 130.",
        "loader_parsing_error: type FieldNumberMismatch; fieldCount 129.",
        f"loader_iglu_error: {session}.",
        f"loader_iglu_error: {session}.",
        "collector_payload_format_violation: loader thrift; error error deserializing raw event: Unrecognized type 67.",
    ]
    assert rows[1].reason.startswith("generic_error: errors Timestamp -2006-10-15T09:06:35.493256951Z")
    assert early[:20] in rows[1].reason


def test_every_kind_that_is_published_is_read(samples: Path) -> None:
    kinds = sorted(path.name for path in (samples / "iglu/schemas" / VENDOR).iterdir())
    assert len(kinds) == 15
    for kind in kinds:
        name = "failures" if kind == "snowflake_error" else "failure"
        row = read_bad_row(bad_row(kind, {"message": "why"}, name=name), 0)
        assert (row.kind, row.reason) == (kind, f"{kind}: message why.")


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        ("out of memory", "out of memory"),
        (None, "no failure is described"),
        ({"timestamp": "2026-01-01T00:00:00Z", "maximumAllowedSizeBytes": 5}, "maximumAllowedSizeBytes 5"),
        ({"messages": [{"field": "e_mail", "value": "jane@example.org", "error": "odd"}]}, "field e_mail; error odd"),
        ([{"error": "x" * 200}], f"error {'x' * 80}... (200 in all)"),
        ({"messages": [{"error": str(number)} for number in range(20)]}, "; ".join(f"error {n}" for n in range(8))),
        ({"error": "\ud800"}, "error \\ud800"),
    ],
)
def test_the_reason_is_what_the_failure_says_without_what_visitors_sent(failure: Any, said: str) -> None:
    assert read_bad_row(bad_row("schema_violations", failure), 0).reason == f"schema_violations: {said}."


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "not JSON"),
        (b"app\tweb", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"3", "JSON, but not a bad row"),
        (b"{}", "JSON, but not a bad row"),
        (b'{"schema": "iglu:com.acme/x/jsonschema/1-0-0", "data": {}}', "JSON, but not a bad row"),
        (bad_row("generic_error", "x").replace(b'"data": {', b'"data": 1, "x": {'), "JSON, but not a bad row"),
    ],
)
def test_what_is_no_bad_row_is_kept_as_such(raw: bytes, problem: str) -> None:
    row = read_bad_row(raw, 7)
    assert (row.index, row.raw, row.kind) == (7, raw, NOT_A_BAD_ROW)
    assert problem in row.reason
    assert json.loads(row.detail)["data"]["failure"]["errors"][0]["message"] == row.reason


_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.binary(max_size=40) | _json.map(lambda failure: bad_row("generic_error", failure)))
def test_nothing_raises_and_all_can_be_stored(raw: bytes) -> None:
    row = read_bad_row(raw, 0)
    assert row.raw == raw
    json.loads(row.detail)
    pa.array([row.kind, row.reason, row.detail]).validate(full=True)
