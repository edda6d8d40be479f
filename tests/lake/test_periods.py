"""Tables by day: only days that change are written, each commit says what it comes from, one of two gets through."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest

from workspace.errors import LakeError
from workspace.lake import Column, Lake, delta
from workspace.lake.periods import (
    Derivation,
    DerivedVersion,
    PeriodTable,
    State,
    changed_days,
    day_sql,
    derivations,
    record,
)

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = datetime(2026, 10, 5, 12, 30, 0, 123456, tzinfo=UTC)
COLUMNS = (
    Column(name="id", type=pa.string(), source_type="text", key=1, personal=True),
    Column(name="at", type=pa.timestamp("us", "UTC"), source_type="timestamp"),
)
LOGIC = 7


def october(day: int) -> date:
    return date(2026, 10, day)


def rows(*days: int, ids: str = "a") -> pa.RecordBatchReader:
    schema = pa.schema([("id", pa.string()), ("at", pa.timestamp("us", "UTC")), ("day", pa.date32())])
    table = pa.table({"id": [f"{ids}{day}" for day in days], "at": [AS_OF] * len(days), "day": [*map(october, days)]})
    return table.cast(schema).to_reader()


def opened(lake: Lake, logic: int = LOGIC, columns: tuple[Column, ...] = COLUMNS) -> PeriodTable:
    return PeriodTable(lake.layout, "shop.visits", columns, inputs=["events"], logic=logic)


def state(batch: int, logic: int = LOGIC) -> State:
    return State(batch=batch, as_of=AS_OF, logic=logic, inputs={"events": 40 + batch})


def held(table: PeriodTable, days: list[date] | None = None) -> list[str]:
    return sorted(row[0] for row in duckdb.sql(f"SELECT id FROM {day_sql(table.table, days)}").fetchall())


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_days_are_replaced_and_others_stay(lake: Lake) -> None:
    table = opened(lake)
    assert table.state is None
    assert table.replace((), rows(1, 2, 3, 9), state(1)) == 4
    before = set(table.table.file_uris())
    assert table.replace([october(2), october(3), october(5)], rows(3, 5, ids="b"), state(2)) == 2
    assert held(table) == ["a1", "a9", "b3", "b5"]
    assert held(opened(lake), [october(1), october(3)]) == ["a1", "b3"]
    assert len(before & set(table.table.file_uris())) == 2
    assert changed_days(table.at(1), table.table) == {october(2), october(3), october(5)}
    assert (opened(lake).state, table.rows) == (state(2), 4)


def test_a_state_moves_on_without_rows(lake: Lake) -> None:
    table = opened(lake)
    table.replace((), rows(1), state(1))
    assert table.replace((), None, state(2)) == 0
    assert table.replace([october(1)], None, state(3)) == 0
    assert (held(table), opened(lake).state) == ([], state(3))


def test_other_rules_begin_anew_and_may_bring_other_columns(lake: Lake) -> None:
    opened(lake).replace((), rows(1, 2), state(1))
    more = (*COLUMNS, Column(name="channel", type=pa.string(), source_type="text", personal=True))
    table = opened(lake, 8, more)
    assert table.state is None
    found = rows(2).read_all().append_column("channel", pa.array(["Direct"]))
    table.replace((), found.to_reader(), state(1, 8))
    assert (held(table), opened(lake, 8, more).state) == (["a2"], state(1, 8))
    stored = delta.schema_of(opened(lake, 8, more).table)
    assert stored.equals(pa.schema([*(c.field() for c in more), pa.field("day", pa.date32())]), check_metadata=True)


def test_of_two_that_derive_one_gets_through(lake: Lake) -> None:
    one, two = opened(lake), opened(lake)
    one.replace((), rows(1), state(1))
    with pytest.raises(LakeError, match="at the same time"):
        two.replace((), rows(1), state(1))
    assert held(opened(lake)) == ["a1"]


def test_no_personal_value_enters_the_log(lake: Lake) -> None:
    table = opened(lake)
    table.replace((), rows(1), state(1))
    names = pa.table(table.table.get_add_actions(flatten=True)).column_names
    assert "max.at" in names
    assert "max.id" not in names


def test_a_derivation_is_recorded_once(lake: Lake) -> None:
    tables = (DerivedVersion(name="shop.visits", version=3, rows=10),)
    first = Derivation(source="shop", build=1, batch=2, as_of=AS_OF, run="r", tables=tables)
    assert derivations(lake, "shop") == []
    record(lake, first)
    with pytest.raises(LakeError, match="recorded derivation 1"):
        record(lake, first)
    assert derivations(lake, "shop") == [first]
    assert derivations(lake, "other") == []
