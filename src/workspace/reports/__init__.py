"""Report notebooks: what they compare, and how it becomes a page and a workbook; the catalog; saved questions."""

from workspace.reports.catalog import write_catalog
from workspace.reports.compare import Figure, figures, split, trend
from workspace.reports.report import Report, Section
from workspace.reports.saved import load_questions, save
from workspace.reports.weeks import Week

__all__ = [
    "Figure",
    "Report",
    "Section",
    "Week",
    "figures",
    "load_questions",
    "save",
    "split",
    "trend",
    "write_catalog",
]
