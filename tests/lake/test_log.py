"""A log takes every change exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from lake.changes import COLUMNS, TABLE, Change, log_rows, new_log
from workspace.errors import LakeError
from workspace.lake import Column, LogTable

if TYPE_CHECKING:
    from pathlib import Path

FIRST = [Change("S", (1, "x"), 5, 10, 0, 0), Change("S", (2, "x"), 6, 10, 1, 0)]
SECOND = [Change("U", (1, "x"), 7, 20, 0, 1), Change("D", (2, "x"), None, 30, 0, 2)]


def values(log: LogTable) -> list[tuple[int, object]]:
    return sorted((row["a"], row["value"]) for row in log.live().read_all().to_pylist())


def test_a_replay_is_left_out(tmp_path: Path) -> None:
    _, log = new_log(str(tmp_path))
    assert log.append(log_rows(log, FIRST), position=10) == 2
    assert log.append(log_rows(log, FIRST), position=10) == 0
    assert log.append(log_rows(log, [*FIRST, *SECOND]), position=30) == 2
    assert log.position == 30
    assert values(log) == [(1, 7)]


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    lake, log = new_log(str(tmp_path))
    other = lake.log(TABLE)
    log.append(log_rows(log, FIRST), position=10)
    with pytest.raises(LakeError, match="at the same time"):
        other.append(log_rows(other, FIRST), position=10)
    assert lake.log(TABLE).live().read_all().num_rows == 2


def test_an_end_before_the_stored_position_is_refused(tmp_path: Path) -> None:
    _, log = new_log(str(tmp_path))
    log.append(log_rows(log, [*FIRST, *SECOND]), position=30)
    with pytest.raises(LakeError, match="durable up to position 30"):
        log.append(log_rows(log, FIRST), position=10)


def test_replacing_starts_over(tmp_path: Path) -> None:
    _, log = new_log(str(tmp_path))
    log.append(log_rows(log, FIRST), position=10)
    assert log.append(log_rows(log, FIRST[:1]), position=12, replace=True) == 1
    assert log.position == 12
    assert len(values(log)) == 1


def test_latest_sees_pending_rows_over_stored_ones(tmp_path: Path) -> None:
    _, log = new_log(str(tmp_path))
    log.append(log_rows(log, FIRST), position=10)
    keys = pa.table({"a": [1, 2, 9], "b": ["x", "x", "x"]})
    found = log.latest(keys, [log_rows(log, SECOND)])
    assert found.schema.equals(log.schema)
    assert [(row["a"], row["value"]) for row in found.to_pylist()] == [(1, 7)]


def test_a_new_column_is_null_before_it(tmp_path: Path) -> None:
    lake, log = new_log(str(tmp_path))
    log.append(log_rows(log, FIRST), position=10)
    wider = (*COLUMNS, Column(name="note", type=pa.string(), source_type="text"))
    log = lake.define(TABLE, wider)
    log.append(log_rows(log, SECOND[:1]).drop_columns("note").append_column("note", pa.array(["n"])), position=20)
    assert sorted((r["a"], r["note"]) for r in log.live().read_all().to_pylist()) == [(1, "n"), (2, None)]
    assert lake.define(TABLE, COLUMNS).columns == wider


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (Column(name="value", type=pa.string(), source_type="text"), "which the lake's decimal128"),
        (Column(name="value", type=pa.decimal128(18, 2), source_type="numeric(12,2)", key=3), "primary key"),
    ],
)
def test_what_the_lake_cannot_hold_is_refused(tmp_path: Path, changed: Column, message: str) -> None:
    lake, _ = new_log(str(tmp_path))
    with pytest.raises(LakeError, match=message):
        lake.define(TABLE, [*COLUMNS[:2], changed])


def test_no_personal_value_enters_the_delta_log(tmp_path: Path) -> None:
    lake, _ = new_log(str(tmp_path))
    columns = [
        Column(name="id", type=pa.int64(), source_type="bigint", key=1),
        Column(name="email", type=pa.string(), source_type="text", personal=True),
    ]
    log = lake.define("crm.people", columns)
    row = Change("S", (1, "x"), None, 10, 0, 0).row()
    kept = {name: row[name] for name in row if name.startswith("_")}
    entry = {**kept, "id": 1, "email": "anna@secret.example"}
    log.append(pa.Table.from_pylist([entry], schema=log.schema), position=10)
    written = "".join(path.read_text() for path in (tmp_path / "log/crm/people/_delta_log").glob("*.json"))
    assert '"numRecords' in written
    assert "anna@" not in written
    assert [c.name for c in lake.log("crm.people").columns if c.personal] == ["email"]


def test_a_lake_may_lie_below_any_folder_name(tmp_path: Path) -> None:
    _, log = new_log(str(tmp_path / "Käse & Brot 100% (1)"))
    log.append(log_rows(log, FIRST), position=10)
    assert len(values(log)) == 2
