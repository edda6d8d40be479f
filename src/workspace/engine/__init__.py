"""A release as Ibis tables, on an engine."""

from workspace.engine.checks import Check, Checked, run_checks, structure
from workspace.engine.duckdb import DuckDBEngine

__all__ = ["Check", "Checked", "DuckDBEngine", "run_checks", "structure"]
