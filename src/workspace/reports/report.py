"""A report: sections that a notebook collects and shows, written as one HTML page and one workbook."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from workspace.display import write_xlsx
from workspace.reports.charts import compared, trended
from workspace.reports.page import notebook_html, page

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workspace.display import View
    from workspace.front import Workspace
    from workspace.reports.compare import Figure


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of a report; a notebook shows it as the page does.

    Attributes:
        title: Its heading.
        prose: A sentence that says what to look for.
        view: A table, if there is one.
        figures: Metrics with their changes, if there are any.
        drawing: A chart, as SVG.
        drawn_only: Whether the chart stands for the table, which is then only in the workbook.
    """

    title: str
    prose: str
    view: View | None = None
    figures: tuple[Figure, ...] = ()
    drawing: str = ""
    drawn_only: bool = False

    def _repr_html_(self) -> str:
        return notebook_html(self)


@dataclass(kw_only=True)
class Report:
    """What a report notebook builds up, cell by cell.

    Attributes:
        name: Of its files, e.g. `weekly_business`.
        title: Its heading.
        subtitle: The period that it covers.
        workspace: The release that it reads.
        metrics: The names of the metrics that it shows; their definitions stand at its foot.
        sections: So far.
    """

    name: str
    title: str
    subtitle: str
    workspace: Workspace
    metrics: list[str]
    sections: list[Section] = field(default_factory=list)

    def show_trend(self, title: str, prose: str, view: View) -> Section:
        """Add what `trend` gives: the line says it, the workbook has the numbers."""
        return self._add(Section(title=title, prose=prose, view=view, drawing=trended(view), drawn_only=True))

    def show_split(self, title: str, prose: str, view: View) -> Section:
        """Add what `split` gives: a table, and bars that are held against earlier weeks."""
        return self._add(Section(title=title, prose=prose, view=view, drawing=compared(view)))

    def show_table(
        self, title: str, prose: str, view: View, *, drawing: Callable[[View], str] | None = None
    ) -> Section:
        """Add a table, or with a way to draw it the drawing alone; the workbook has the numbers."""
        drawn = drawing(view) if drawing else ""
        return self._add(Section(title=title, prose=prose, view=view, drawing=drawn, drawn_only=bool(drawn)))

    def show_figures(self, title: str, prose: str, figures: list[Figure]) -> Section:
        """Add metrics with their changes."""
        return self._add(Section(title=title, prose=prose, figures=tuple(figures)))

    def save(self, label: str) -> list[Path]:
        """Write the HTML page and the workbook, beside those of earlier periods.

        Args:
            label: The period, e.g. `2026-W43`.

        Returns:
            Both paths.
        """
        folder = self.workspace.settings.var / "reports" / self.name
        folder.mkdir(parents=True, exist_ok=True)
        html = folder / f"{label}.html"
        html.write_text(page(self), encoding="utf-8")
        views = {s.title: replace(s.view, caption=self.origin) for s in self.sections if s.view is not None}
        book = write_xlsx(folder / f"{label}.xlsx", views, self.definitions, created=self.workspace.release.as_of)
        return [html, book]

    @property
    def definitions(self) -> list[dict[str, str]]:
        """What each metric means, for the page's foot and the workbook's last sheet."""
        m = self.workspace.metrics
        return m(*(getattr(m, name) for name in self.metrics)).glossary

    @property
    def origin(self) -> str:
        """Where the numbers come from, in a sentence."""
        release = self.workspace.release
        sources = ", ".join(
            f"{s.source} up to {s.reached:%Y-%m-%d %H:%M}{' (late)' if s.late else ''}" for s in release.sources
        )
        return f"Release {release.name}, as of {release.as_of:%Y-%m-%d %H:%M} UTC. Sources: {sources}."

    def _add(self, section: Section) -> Section:
        self.sections.append(section)
        return section
