"""What the tests of this source share."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from sources.postgres.shop import VARIABLE, Shop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_numbers = itertools.count(1)


@pytest.fixture
def new_shop(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Shop]:
    """Make sources over one database; each has a lake and a slot of its own."""
    monkeypatch.setenv(VARIABLE, database)

    def make(**options: Any) -> Shop:
        number = next(_numbers)
        return Shop(database, tmp_path / f"lake_{number}", f"shop_{number}", **options)

    return make


@pytest.fixture
def shop(new_shop: Callable[..., Shop]) -> Shop:
    """A source in message mode over an empty database."""
    return new_shop()
