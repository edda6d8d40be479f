"""A fresh lake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workspace.lake import Lake

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake with nothing in it."""
    return Lake(str(tmp_path / "lake"))
