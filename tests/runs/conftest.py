"""A home for each test of running."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runs.homes import Home

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home(tmp_path)
    made.seen.mkdir()
    made.toml()
    monkeypatch.setenv("WORKSPACE_HOME", str(tmp_path))
    return made
