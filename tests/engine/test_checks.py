"""The checks that follow from a table's key find what breaks it, and nothing in sound rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import ibis
import pyarrow as pa
import pytest
from ibis import _

from workspace.engine import Check, Checked, run_checks, structure

NAME = "shop.stock"
KEYS = ("place", "item")
TIME = pa.timestamp("us", "UTC")
LIVE = pa.schema([("place", pa.string()), ("item", pa.int64()), ("amount", pa.int64())])
HISTORY = pa.schema([*LIVE, ("valid_from", TIME), ("valid_to", TIME)])
DELETED = pa.schema([("place", pa.string()), ("item", pa.int64()), ("deleted_at", TIME)])
END = datetime(9999, 12, 31, tzinfo=UTC)


def day(number: int) -> datetime:
    return datetime(2026, 10, number, tzinfo=UTC)


class Rows:
    """A reader of hand-written rows."""

    def __init__(
        self, live: list[tuple[Any, ...]], history: list[tuple[Any, ...]], deleted: list[tuple[Any, ...]]
    ) -> None:
        self.backend = ibis.duckdb.connect()
        for name, schema, rows in (("live", LIVE, live), ("history", HISTORY, history), ("deleted", DELETED, deleted)):
            entries = [dict(zip(schema.names, row, strict=True)) for row in rows]
            self.backend.create_table(name, pa.Table.from_pylist(entries, schema=schema))

    def table(self, name: str) -> ibis.Table:
        assert name == NAME
        return self.backend.table("live")

    def history(self, name: str) -> ibis.Table:
        assert name == NAME
        return self.backend.table("history")

    def deleted(self, name: str) -> ibis.Table:
        assert name == NAME
        return self.backend.table("deleted")


SOUND_LIVE = [("north", 1, 5), ("north", 2, 5), ("south", 1, None)]
# Versions that touch do not overlap, nor do those of keys that share a part.
SOUND_HISTORY = [
    ("north", 1, 4, day(1), day(5)),
    ("north", 1, 5, day(5), END),
    ("north", 2, 5, day(2), END),
    ("south", 1, 1, day(1), day(3)),
    ("south", 1, None, day(9), END),
]


# A row that was there twice had been deleted; what was deleted for good leaves no gap.
SOUND_DELETED = [("south", 1, day(3)), ("north", 3, day(3))]


def violations(
    live: list[tuple[Any, ...]], history: list[tuple[Any, ...]], deleted: list[tuple[Any, ...]] = SOUND_DELETED
) -> dict[str, int]:
    rows = Rows(live, history, deleted)
    return {
        checked.check.name: checked.violations for checked in run_checks(rows, structure({NAME: KEYS}, rows.deleted))
    }


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
        ("south", 1, 9, day(2), day(9)),  # across an end
    ],
)
def test_versions_that_overlap_are_found(version: tuple[Any, ...]) -> None:
    assert violations(SOUND_LIVE, [*SOUND_HISTORY, version]) == {"shop.stock: key": 0, "shop.stock: history": 1}


@pytest.mark.parametrize(
    "deleted",
    [
        [],
        [("south", 1, day(4))],  # at another time
        [("south", 2, day(3))],  # of another key
        [("north", 1, day(3))],
    ],
)
def test_a_gap_without_a_deletion_is_found(deleted: list[tuple[Any, ...]]) -> None:
    assert violations(SOUND_LIVE, SOUND_HISTORY, deleted) == {"shop.stock: key": 0, "shop.stock: history": 1}


def test_a_deletion_excuses_no_overlap() -> None:
    history = [*SOUND_HISTORY, ("north", 1, 9, day(4), day(5))]
    deleted = [*SOUND_DELETED, ("north", 1, day(5))]
    assert violations(SOUND_LIVE, history, deleted) == {"shop.stock: key": 0, "shop.stock: history": 1}


def checked(**how: Any) -> Checked:
    """The outcome of a check that two of three rows break."""
    check = Check(
        name="small",
        description="Nothing is > 4.",
        **{"severity": "error", "violations": lambda reader: reader.table(NAME).filter(_.amount > 4), **how},
    )
    (found,) = run_checks(Rows(SOUND_LIVE, SOUND_HISTORY, []), [check], personal={"amount"})
    return found


def test_a_finding_says_how_much_and_which_rows() -> None:
    assert checked().text == "small: 2 rows. Nothing is > 4."
    shown = {"place": ("place",), "item": (), "amount": ("amount",)}
    whole = checked(among=lambda reader: reader.table(NAME), shown=shown)
    assert whole.text == "small: 2 of 3 rows (67 %). Nothing is > 4. Such as: place north, item 1; place north, item 2"
    assert checked(shown={"item": ()}).examples == ("1", "2")
    assert checked(shown={"amount": ("amount",)}).examples == ()


def test_how_bad_a_finding_is() -> None:
    def among(reader: Any) -> ibis.Table:
        return reader.table(NAME)

    assert checked().verdict == checked(among=among, allowed=0.6).verdict == "failed"
    assert checked(severity="warning").verdict == checked(severity="warning", among=among).verdict == "warning"
    assert checked(among=among, allowed=0.7).verdict == "tolerated"


@pytest.mark.parametrize(
    "ask", [lambda reader: reader.table(NAME).nothing, lambda reader: reader.table(NAME).item + "x"]
)
def test_what_cannot_be_asked_fails(ask: Any) -> None:
    found = checked(severity="warning", violations=ask)
    assert found.verdict == "failed"
    assert found.text.startswith("small: cannot be asked. ")


def test_a_fault_of_the_machine_is_no_finding() -> None:
    def broken(reader: Any) -> ibis.Table:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        checked(violations=broken)
