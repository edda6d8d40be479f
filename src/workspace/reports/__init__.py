"""Report notebooks: what they compare, and how it becomes a page and a workbook."""

from workspace.reports.compare import Figure, figures, split, trend
from workspace.reports.report import Report, Section
from workspace.reports.weeks import Week

__all__ = ["Figure", "Report", "Section", "Week", "figures", "split", "trend"]
