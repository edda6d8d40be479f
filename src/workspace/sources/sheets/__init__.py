"""Tables that people keep in Excel workbooks: plans, targets, budgets."""

from __future__ import annotations

from workspace.sources.sheets.run import ingest, look

__all__ = ["ingest", "look"]
