"""The hand-written company with some more bookings, as a report reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest

from metrics.company import TABLES, Company
from workspace.metrics import model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workspace.front import Workspace

# Berlin's clocks go back on 25 October 2026 at 01:00 UTC and forward on 29 March 2026; a week ends at midnight there.
MORE = """
    ('c1', 'u1', 'completed', null, 'EUR', 0.00, 40.00, timestamptz '2025-10-15 12:00:00+00'),
    ('c2', 'u1', 'completed', null, 'EUR', 0.00, 1.00, timestamptz '2026-10-18 22:00:00+00'),
    ('c3', 'u1', 'completed', null, 'EUR', 0.00, 2.00, timestamptz '2026-10-25 22:59:59+00'),
    ('c4', 'u1', 'completed', null, 'EUR', 0.00, 4.00, timestamptz '2026-10-25 23:00:00+00'),
    ('c5', 'u1', 'completed', null, 'EUR', 0.00, 8.00, timestamptz '2026-03-29 21:59:59+00'),
    ('c6', 'u1', 'completed', null, 'EUR', 0.00, 16.00, timestamptz '2026-03-29 22:00:00+00')
"""
ITEMS = """
    ('c1', 1, 10, 40.00), ('c2', 1, 10, 1.00), ('c3', 1, 20, 2.00), ('c4', 1, 10, 4.00), ('c5', 1, 10, 8.00),
    ('c6', 1, 10, 16.00)
"""


@dataclass(frozen=True)
class Source:
    source: str = "inventory_db"
    reached: datetime = datetime(2026, 11, 1, tzinfo=UTC)
    late: bool = True


@dataclass(frozen=True)
class Release:
    name: str = "2026-10-31"
    as_of: datetime = datetime(2026, 11, 1, tzinfo=UTC)
    sources: tuple[Source, ...] = (Source(),)


@dataclass(frozen=True)
class Settings:
    var: Path


@dataclass(frozen=True)
class Reader:
    """What a report needs of a workspace."""

    metrics: Any
    settings: Settings
    release: Release = Release()

    def origins(self, name: str) -> set[str]:
        assert name == "ads.performance"
        return {f"{platform}.performance" for platform in ("google_ads", "facebook_ads")}


@pytest.fixture
def m() -> Any:
    company = Company()
    for name, more in (("bookings", MORE), ("booking_items", ITEMS)):
        query = TABLES[f"inventory_db.{name}"]
        company.write(f"inventory_db.{name}", query.replace(") v(", f", {more}) v("))
    company.write("fx.rates", TABLES["fx.rates"].replace("range(date '2026-09-01'", "range(date '2025-09-01'"))
    return model.bind(company)


@pytest.fixture
def workspace(m: Any, tmp_path: Path) -> Workspace:
    return cast("Workspace", Reader(m, Settings(tmp_path)))


@pytest.fixture
def numbers() -> Callable[[Any], dict[Any, tuple[Any, ...]]]:
    """Read a split's rows: the three weeks' values by name."""
    return lambda view: {r["name"]: (r["v0"], r["v1"], r["v2"]) for r in view.rows.to_pylist()}
