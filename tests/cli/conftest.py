"""A home and a terminal-less command line for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from runs.homes import Home
from workspace.cli import app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home(tmp_path)
    made.seen.mkdir()
    made.toml()
    monkeypatch.setenv("WORKSPACE_HOME", str(tmp_path))
    return made


@pytest.fixture
def workspace() -> Callable[..., Result]:
    """Call the command line in this process."""

    def call(*words: str) -> Result:
        return CliRunner().invoke(app, words, catch_exceptions=False)

    return call
