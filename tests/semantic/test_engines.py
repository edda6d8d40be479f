"""One catalogue of questions, asked of every engine: the answers are the same.

Counts, sums, dates and keys are equal; averages and ratios to a billionth; what is missing comes last.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from engine.servers import SERVERS
from metrics.company import Company
from semantic.questions import COMPANY_QUESTIONS, SHOP, SHOP_QUESTIONS
from semantic.shop import FOREVER, SCHEMAS, connection, small_shop
from workspace.engine.spark import reach
from workspace.metrics import model as company_model
from workspace.semantic.language.dialect import dialect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

CLOSE = 1e-9
ZONES = ("Europe/Berlin", "America/Santiago", "Atlantic/Azores", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")


@dataclass
class Tables:
    """What the language needs of a release, over tables of any engine."""

    tables: Mapping[str, Any]
    release: Any

    def history(self, name: str) -> Any:
        return self.tables[name]

    def table(self, name: str) -> Any:
        rows = self.tables[name]
        if "valid_to" not in rows.columns:
            return rows
        return rows.filter(rows.valid_to == ibis.literal(FOREVER)).drop("valid_from", "valid_to")


@dataclass
class Worlds:
    """The shop and the company on one engine, and any other rows as a table of it."""

    upload: Callable[[str, pa.Table], Any]

    def __post_init__(self) -> None:
        shop, company = small_shop(), Company()
        sold = {name: connection().table(name).to_pyarrow() for name in SCHEMAS}
        booked = {name: company.connection.table(name).to_pyarrow() for name in company.connection.list_tables()}
        self.shop = SHOP.bind(self._reader(sold, shop.release))
        self.company = company_model.bind(self._reader(booked, company.release))

    def _reader(self, rows: Mapping[str, pa.Table], release: Any) -> Any:
        return Tables({name: self.upload(name, table) for name, table in rows.items()}, release)


@pytest.fixture(scope="module")
def here() -> Worlds:
    """On DuckDB."""
    backend = ibis.duckdb.connect()
    backend.raw_sql("SET TimeZone = 'UTC'")
    return Worlds(partial(backend.create_table, overwrite=True))


@pytest.fixture(scope="module", params=SERVERS)
def there(
    request: pytest.FixtureRequest, server_url: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Worlds:
    """On a server, which reads Delta tables."""
    backend = reach(server_url(request.param))
    folder: Path = tmp_path_factory.mktemp("tables")

    def upload(name: str, rows: pa.Table) -> Any:
        plain = re.sub(r"\W", "_", name)  # that of an event is no name for a table of a server
        write_deltalake(folder / plain, rows)
        return backend.open_delta(plain, str(folder / plain), 0)

    return Worlds(upload)


@pytest.mark.parametrize(("name", "ask"), SHOP_QUESTIONS, ids=[name for name, _ in SHOP_QUESTIONS])
def test_the_shop_answers_alike(here: Worlds, there: Worlds, name: str, ask: Any) -> None:
    same(ask(there.shop).to_arrow(), ask(here.shop).to_arrow())


@pytest.mark.parametrize(("name", "ask"), COMPANY_QUESTIONS, ids=[name for name, _ in COMPANY_QUESTIONS])
def test_the_company_answers_alike(here: Worlds, there: Worlds, name: str, ask: Any) -> None:
    same(ask(there.company).to_arrow(), ask(here.company).to_arrow())


def test_what_is_told_of_an_answer_is_alike(here: Worlds, there: Worlds) -> None:
    answers = [world.shop.fees.by(world.shop.product.brand.tier) for world in (here, there)]
    assert answers[0].notes == answers[1].notes != []
    assert repr(answers[0]) == repr(answers[1])
    assert list(answers[0].to_pandas().dtypes) == list(answers[1].to_pandas().dtypes)
    assert "FROM_UTC_TIMESTAMP" in there.shop.orders.by(there.shop.day).to_sql()


def test_clocks_change_alike(here: Worlds, there: Worlds) -> None:
    """All agree with Python: an hour that is skipped reads as if the clock went on, a repeated one as its first."""
    walls = [
        datetime.combine(day, datetime.min.time()) + timedelta(minutes=30 * half)
        for day in (date(2026, 3, 29), date(2026, 4, 5), date(2026, 9, 6), date(2026, 10, 4), date(2026, 10, 25))
        for half in range(-2, 8)
    ]
    for number, world in enumerate((here, there)):
        rows = world.upload(f"walls_{number}", pa.table({"wall": pa.array(walls, pa.timestamp("us"))}))
        for zone in ZONES:
            moment = dialect(rows).moment(zone, rows.wall)
            asked = rows.select("wall", moment=moment, back=dialect(rows).wall(zone, moment)).to_pyarrow().to_pylist()
            assert len(asked) == len(walls)
            for row in asked:
                expected = row["wall"].replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
                assert row["moment"] == expected, (zone, row)
                assert row["back"] == expected.astimezone(ZoneInfo(zone)).replace(tzinfo=None), (zone, row)


def same(found: pa.Table, expected: pa.Table) -> None:
    assert found.schema == expected.schema
    told, known = found.to_pylist(), expected.to_pylist()
    assert len(told) == len(known)
    for mine, yours in zip(told, known, strict=True):
        for name, value in yours.items():
            if isinstance(value, float) and isinstance(mine[name], float):
                assert math.isclose(mine[name], value, rel_tol=CLOSE, abs_tol=0), (name, mine, yours)
            else:
                assert mine[name] == value, (name, mine, yours)
