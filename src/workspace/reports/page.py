"""A report as one HTML file: readable without a network, printable, and dated."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from workspace.display import STYLE, Column, formatter, html_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workspace.reports.compare import Figure
    from workspace.reports.report import Report, Section

_TILES = """
:root {--accent: #0f6e84; --ink: #24292f; --grey: #6b7280; --line: #e5e7eb}
.tiles {display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: 12px}
.tile {border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px}
.tile .name {color: var(--grey); font-size: 13px}
.tile .value {font-size: 25px; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums}
.tile .value small {font-size: 13px; font-weight: 400; color: var(--grey); margin-left: 4px}
.tile .change {font-size: 12px; white-space: nowrap; color: var(--grey); font-variant-numeric: tabular-nums}
"""

_STYLE = """
* {box-sizing: border-box}
body {font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
  color: var(--ink); margin: 0 auto; max-width: 1080px; padding: 40px 32px 56px; background: white}
h1 {font-size: 30px; line-height: 1.2; margin: 0}
h2 {font-size: 19px; margin: 44px 0 2px}
p {margin: 2px 0 14px; color: var(--grey); max-width: 70ch}
header {border-bottom: 2px solid var(--accent); padding-bottom: 16px; margin-bottom: 24px}
.section svg {max-width: 100%; height: auto}
.tile b {color: var(--ink); font-weight: 600}
footer {margin-top: 56px; border-top: 1px solid var(--line); padding-top: 12px; font-size: 12.5px; color: var(--grey)}
footer table {border-collapse: collapse; width: 100%; margin-top: 8px}
footer th, footer td {text-align: left; vertical-align: top; padding: 4px 12px 4px 0;
  border-bottom: 1px solid var(--line)}
footer code {font-size: 12px; overflow-wrap: anywhere}
@media print {body {padding: 0; max-width: none} .section, .tile {break-inside: avoid}}
"""


def page(report: Report) -> str:
    """Write a report as an HTML document that loads nothing."""
    sections = "".join(section_html(section) for section in report.sections)
    return (
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(report.title)}: {escape(report.subtitle)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_TILES}{_STYLE}{STYLE}</style></head><body>'
        f"<header><h1>{escape(report.title)}</h1><div>{escape(report.subtitle)}</div></header>"
        f"{sections}{_foot(report)}</body></html>\n"
    )


def section_html(section: Section) -> str:
    """Write one section: a heading, a sentence, and what there is to see."""
    parts = [f"<h2>{escape(section.title)}</h2>", f"<p>{escape(section.prose)}</p>"]
    if section.figures:
        parts.append(f'<div class="tiles">{"".join(map(_tile, section.figures))}</div>')
    if section.drawing:
        parts.append(f'<div class="drawing">{section.drawing}</div>')
    if section.view is not None and not section.drawn_only:
        parts.append(html_table(replace(section.view, title="")))
    return f'<section class="section">{"".join(parts)}</section>'


def notebook_html(section: Section) -> str:
    """Write one section for a notebook, which has a page style of its own."""
    return f"<style>{_TILES}</style>{section_html(section)}"


def _tile(figure: Figure) -> str:
    column = Column(name=figure.name, kind="value", unit=figure.unit)
    show = formatter(column, [value for value in figure.values if value is not None])
    unit = figure.unit if figure.unit not in ("", "count", "percent", "seconds") else ""
    against = ("week before", figure.older.words)
    changes = "".join(
        f'<div class="change">{_change(change)} {words}</div>'
        for change, words in zip(figure.changes, against, strict=True)
    )
    return (
        f'<div class="tile" title="{escape(figure.description)}"><div class="name">{escape(column.heading)}</div>'
        f'<div class="value">{escape(show(figure.values[0]))}<small>{escape(unit)}</small></div>{changes}</div>'
    )


def _change(share: float | None) -> str:
    if share is None:
        return "no value"
    # No colours: whether more is better differs from metric to metric.
    arrow = "▲" if share > 0 else "▼" if share < 0 else ""
    return f"<b>{arrow} {abs(share) * 100:,.1f} %</b> vs"


def _foot(report: Report) -> str:
    entries: Sequence[Mapping[str, str]] = report.definitions
    rows = "".join(
        f"<tr><td>{escape(e['metric'])}</td><td>{escape(e['description'])}</td><td><code>{escape(e['formula'])}</code></td>"
        f"<td>{escape(e['unit'])}</td><td>{escape(e['owner'])}</td><td><code>{escape(e['definition'])}</code></td></tr>"
        for e in entries
    )
    heads = ("Metric", "What it means", "Formula", "Unit", "Owner", "Definition")
    head = "".join(f"<th>{name}</th>" for name in heads)
    return f"<footer>{escape(report.origin)}<table><tr>{head}</tr>{rows}</table></footer>"
