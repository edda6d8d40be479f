"""TPC-H, written as metrics, gives the official answers at scale factor 1.

The specification lets sums differ by 100 dollars and shares by a percent. Here texts, dates and counts are equal, and
amounts agree in 13 digits: to the cent, where they are a sum over everything.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb_extensions  # type: ignore[import-untyped]
import ibis
import pytest

from semantic.tpch.model import MODEL
from semantic.tpch.questions import QUESTIONS

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Release:
    name: str = "tpch"
    as_of: datetime = datetime(1998, 12, 1, tzinfo=UTC)


class Tpch:
    """TPC-H's tables at a scale factor, as a model wants to read them, with its queries and answers."""

    def __init__(self, scale: float) -> None:
        self.release = Release()
        self.scale = scale
        self._backend = ibis.duckdb.connect()
        self._connection = self._backend.con
        duckdb_extensions.import_extension("tpch", con=self._connection)
        self._connection.execute(f"CALL dbgen(sf = {scale})")

    def at(self, release: str) -> Tpch:
        raise AssertionError(release)

    def table(self, name: str) -> Any:
        return self._backend.table(name)

    def history(self, name: str) -> Any:
        raise AssertionError(name)

    def official(self, number: int) -> list[list[str]]:
        """Give an official answer's rows as text."""
        found = self._connection.execute(
            "SELECT answer FROM tpch_answers() WHERE query_nr = ? AND scale_factor = ?", [number, self.scale]
        ).fetchall()
        return list(csv.reader(found[0][0].splitlines(), delimiter="|"))[1:]

    def queried(self, number: int) -> list[list[str]]:
        """Run the official query, and give its rows as text."""
        (sql,) = self._connection.execute("SELECT query FROM tpch_queries() WHERE query_nr = ?", [number]).fetchall()
        return [[str(value) for value in row] for row in self._connection.execute(sql[0]).fetchall()]


@pytest.fixture(scope="module")
def large() -> Tpch:
    return Tpch(1)


@pytest.fixture(scope="module")
def small() -> Tpch:
    return Tpch(0.1)


def agrees(found: Any, official: str) -> bool:
    """Compare a value with its official text."""
    if isinstance(found, float | Decimal):
        return math.isclose(found, float(official), rel_tol=1e-13)
    if isinstance(found, int):
        return found == Decimal(official)
    return str(found) == official


def assert_agree(answer: Any, official: list[list[str]]) -> None:
    """Compare an answer with the official rows, in their order."""
    rows = [list(row.values()) for row in answer.to_pyarrow().to_pylist()]
    assert len(rows) == len(official)
    for row, expected in zip(rows, official, strict=True):
        assert len(row) == len(expected)
        assert all(map(agrees, row, expected)), (row, expected)


@pytest.mark.parametrize("number", QUESTIONS)
def test_scale_factor_1(large: Tpch, number: int) -> None:
    assert_agree(QUESTIONS[number](MODEL.bind(large)), large.official(number))


@pytest.mark.parametrize("number", QUESTIONS)
def test_small_scale_against_the_queries_themselves(small: Tpch, number: int) -> None:
    assert_agree(QUESTIONS[number](MODEL.bind(small)), small.queried(number))
