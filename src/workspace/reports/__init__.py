"""Report notebooks: what they compare, and how it becomes a page and a workbook; the catalog; saved questions."""

from workspace.reports.catalog import write_catalog
from workspace.reports.compare import Figure, figures, passage, split, trend
from workspace.reports.report import Report, Section
from workspace.reports.saved import load_questions, save
from workspace.reports.weeks import A_YEAR, FOUR_WEEKS, Week

__all__ = [
    "A_YEAR",
    "FOUR_WEEKS",
    "Figure",
    "Report",
    "Section",
    "Week",
    "figures",
    "load_questions",
    "passage",
    "save",
    "split",
    "trend",
    "write_catalog",
]
