"""Report notebooks: what they compare, and how it becomes a page and a workbook; the catalog; saved questions."""

from workspace.reports.catalog import write_catalog
from workspace.reports.charts import completed, ranged
from workspace.reports.compare import Figure, figures, passage, split, trend
from workspace.reports.report import Report, Section
from workspace.reports.restated import completeness, previous, restated
from workspace.reports.returns import returns, side_by_side
from workspace.reports.saved import load_questions, save
from workspace.reports.weeks import A_YEAR, FOUR_WEEKS, Week

__all__ = [
    "A_YEAR",
    "FOUR_WEEKS",
    "Figure",
    "Report",
    "Section",
    "Week",
    "completed",
    "completeness",
    "figures",
    "load_questions",
    "passage",
    "previous",
    "ranged",
    "restated",
    "returns",
    "save",
    "side_by_side",
    "split",
    "trend",
    "write_catalog",
]
