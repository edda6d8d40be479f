"""The checks that follow from a table's key find what breaks it, and nothing in sound rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import ibis
import pyarrow as pa
import pytest
from ibis import _

from workspace.engine import Audit, Check, Checked, run_checks, structure

NAME = "shop.stock"
KEYS = ("place", "item")
TIME = pa.timestamp("us", "UTC")
LIVE = pa.schema([("place", pa.string()), ("item", pa.int64()), ("amount", pa.int64())])
HISTORY = pa.schema([*LIVE, ("valid_from", TIME), ("valid_to", TIME)])
END = datetime(9999, 12, 31, tzinfo=UTC)


def day(number: int) -> datetime:
    return datetime(2026, 10, number, tzinfo=UTC)


class Rows:
    """A reader of hand-written rows."""

    def __init__(self, live: list[tuple[Any, ...]], history: list[tuple[Any, ...]]) -> None:
        self.backend = ibis.duckdb.connect()
        for name, schema, rows in (("live", LIVE, live), ("history", HISTORY, history)):
            entries = [dict(zip(schema.names, row, strict=True)) for row in rows]
            self.backend.create_table(name, pa.Table.from_pylist(entries, schema=schema))

    def table(self, name: str) -> ibis.Table:
        assert name == NAME
        return self.backend.table("live")

    def history(self, name: str) -> ibis.Table:
        assert name == NAME
        return self.backend.table("history")


SOUND_LIVE = [("north", 1, 5), ("north", 2, 5), ("south", 1, None)]
# Versions that touch do not overlap, nor do those of keys that share a part.
SOUND_HISTORY = [
    ("north", 1, 4, day(1), day(5)),
    ("north", 1, 5, day(5), END),
    ("north", 2, 5, day(2), END),
    ("south", 1, 1, day(1), day(3)),
    ("south", 1, None, day(9), END),
]


def violations(live: list[tuple[Any, ...]], history: list[tuple[Any, ...]]) -> dict[str, int]:
    done = run_checks(Rows(live, history), structure({NAME: KEYS}))
    return {checked.check.name: checked.violations for checked in done}


def test_sound_rows_break_nothing() -> None:
    assert violations(SOUND_LIVE, SOUND_HISTORY) == {"shop.stock: key": 0, "shop.stock: history": 0}
    assert violations([], []) == {"shop.stock: key": 0, "shop.stock: history": 0}


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([("north", 1, 6)], 1),
        ([("north", 1, 5), ("north", 1, 5), ("south", 1, 0)], 2),
        ([(None, 1, 5)], 1),
        ([("north", None, 5)], 1),
        ([(None, None, 5), (None, None, 5)], 1),
    ],
)
def test_a_key_that_is_twice_or_null_is_found(rows: list[tuple[Any, ...]], found: int) -> None:
    assert violations(SOUND_LIVE + rows, SOUND_HISTORY) == {"shop.stock: key": found, "shop.stock: history": 0}


@pytest.mark.parametrize(
    "version",
    [
        ("north", 1, 9, day(4), day(5)),  # its end overlaps
        ("north", 2, 9, day(3), day(4)),  # within another
        ("north", 1, 9, day(9), END),  # two that are true now
        ("south", 1, 9, day(2), day(4)),  # across an end
    ],
)
def test_versions_that_overlap_are_found(version: tuple[Any, ...]) -> None:
    assert violations(SOUND_LIVE, [*SOUND_HISTORY, version]) == {"shop.stock: key": 0, "shop.stock: history": 1}


def test_an_audit_tells_errors_from_warnings() -> None:
    def check(severity: Any, kept: bool) -> Check:
        return Check(
            name=f"{severity}, {kept}",
            description="Nothing is < 0.",
            severity=severity,
            violations=lambda reader: reader.table(NAME).filter(_.amount < (0 if kept else 9)),
        )

    checks = [check(severity, kept) for severity in ("error", "warning") for kept in (True, False)]
    audit = Audit(release="2026-10-31", done=tuple(run_checks(Rows(SOUND_LIVE, SOUND_HISTORY), checks)))
    assert [checked.check.name for checked in audit.failed] == ["error, False"]
    assert [checked.check.name for checked in audit.warnings] == ["warning, False"]
    assert repr(audit).splitlines() == [
        "2026-10-31: 4 checks, 1 failed",
        "  error: error, False: 2 rows",
        "  warning: warning, False: 2 rows",
    ]
    page = audit._repr_html_()
    assert "Nothing is &lt; 0." in page
    assert [page.count(f"<td>{word}</td>") for word in ("holds", "failed", "warning")] == [2, 1, 1]
    assert not Checked(check=checks[0], violations=0).failed
