"""A release as Ibis tables, on an engine."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING

from workspace.engine.base import Engine
from workspace.engine.checks import Check, Checked, run_checks, structure
from workspace.engine.duckdb import DuckDBEngine
from workspace.engine.views import none

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from workspace.lake import Lake, Release, View

__all__ = ["Check", "Checked", "DuckDBEngine", "Engine", "open_engine", "run_checks", "structure"]

DUCKDB = "duckdb"

_main = sys.modules["__main__"]
if getattr(_main, "__spec__", None) is None and not hasattr(_main, "__file__"):
    # PySpark takes a program that is no file (`python -c`) for doctests of its own, and ends it.
    _main.__spec__ = ModuleSpec("__main__", None)


def open_engine(
    lake: Lake, release: Release, engine: str = DUCKDB, views: Callable[[], Iterable[View]] = none
) -> Engine:
    """Open a release on the engine that the settings name.

    Args:
        lake: Where the tables are.
        release: What to see of them.
        engine: `duckdb`, or the URL of a Spark Connect server: `sc://host:15002`.
        views: Gives the views that there may be over the tables.

    Raises:
        SettingsError: There is no such engine, or it cannot be reached.
    """
    if engine == DUCKDB:
        return DuckDBEngine(lake, release, views)
    from workspace.engine.spark import SparkEngine

    return SparkEngine(lake, release, engine, views)
