"""Tables as text and as HTML: numbers to the right, the total at the foot, the source underneath."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from workspace.display.formats import SHOWN, formatter, heading
from workspace.display.theme import ACCENT, FONT, GREY, INK, LINE

if TYPE_CHECKING:
    from workspace.display.view import Column, View

LIMIT = 20

_CLASS = {"value": ' class="ws-n"', "time": "", "category": ""}

# Notebooks bring table styles of their own, which only "!important" outranks.
STYLE = f"""
.ws-view {{font-family: {FONT}; color: {INK}; font-size: 13px; line-height: 1.4; margin: 4px 0 12px}}
.ws-view .ws-title {{font-size: 15px; font-weight: 600; margin-bottom: 6px}}
.ws-view .ws-body {{display: flex; flex-wrap: wrap; gap: 12px 40px; align-items: flex-start}}
.ws-view table {{border-collapse: collapse !important; border: 0 !important; margin: 0 !important;
  font-size: 13px !important; font-variant-numeric: tabular-nums}}
.ws-view tr {{background: none !important; border: 0 !important}}
.ws-view th, .ws-view td {{padding: 3px 18px 3px 0 !important; border: 0 !important;
  text-align: left !important; white-space: nowrap}}
.ws-view th.ws-n, .ws-view td.ws-n {{text-align: right !important; padding: 3px 0 3px 18px !important}}
.ws-view thead th {{font-weight: 600; border-bottom: 1px solid {INK} !important}}
.ws-view tbody td {{border-bottom: 1px solid {LINE} !important}}
.ws-view tfoot td {{font-weight: 600; border-top: 1px solid {INK} !important}}
.ws-view .ws-big {{font-size: 30px; font-weight: 600; color: {ACCENT}; line-height: 1.2}}
.ws-view .ws-big small {{font-size: 14px; font-weight: 400; color: {GREY}; margin-left: 6px}}
.ws-view .ws-caption {{color: {GREY}; font-size: 11px; margin-top: 6px}}
.ws-view .ws-note {{font-size: 12px; margin-top: 8px; border-left: 3px solid {ACCENT}; padding-left: 8px}}
""".strip()


def text(view: View, *, limit: int = LIMIT) -> str:
    """Write a view as plain text.

    Args:
        view: What to show.
        limit: How many rows at most.
    """
    lines = [view.title]
    if view.count == 0:
        lines.append("No rows: nothing fulfils these conditions.")
    else:
        grid, total = _grid(view, limit)
        table = [[heading(column) for column in view.columns], *grid, *([total] if total else [])]
        widths = [max(len(row[i]) for row in table) for i in range(len(view.columns))]
        written = [_line(view.columns, row, widths) for row in table]
        rule = "-" * max(map(len, written))
        lines += [written[0], rule, *written[1 : len(grid) + 1], *([rule, written[-1]] if total else [])]
    lines += [*_cut(view, limit), *(f"! {note}" for note in view.notes), view.caption]
    return "\n".join(line.rstrip() for line in lines if line)


def html_table(view: View, *, limit: int = LIMIT, chart: str = "") -> str:
    """Write a view as HTML that looks the same in JupyterLab, in a report and in a browser, without scripts.

    Args:
        view: What to show.
        limit: How many rows at most.
        chart: A drawing to show beside the table, as SVG.
    """
    parts = [f'<div class="ws-title">{html.escape(view.title)}</div>']
    if view.count == 0:
        parts.append("<div>No rows: nothing fulfils these conditions.</div>")
    elif view.count == 1 and all(column.kind == "value" for column in view.columns):
        parts.append(_numbers(view))
    else:
        drawing = f'<div class="ws-chart">{chart}</div>' if chart else ""
        parts.append(f'<div class="ws-body">{_table(view, limit)}{drawing}</div>')
    parts += [f'<div class="ws-caption">{html.escape(line)}</div>' for line in _cut(view, limit)]
    parts += [f'<div class="ws-note">{html.escape(note)}</div>' for note in view.notes]
    parts.append(f'<div class="ws-caption">{html.escape(view.caption)}</div>')
    return f'<style>{STYLE}</style>\n<div class="ws-view">{"".join(parts)}</div>'


def _grid(view: View, limit: int) -> tuple[list[list[str]], list[str]]:
    """Format the rows that are shown, and the total."""
    formats = [formatter(column, view.values(column)) for column in view.columns]
    values = [view.values(column)[:limit] for column in view.columns]
    grid = [[show(value) for show, value in zip(formats, row, strict=True)] for row in zip(*values, strict=True)]
    total = view.total
    if total is None or view.count < 2:
        return grid, []
    foot = [show(total[c.name]) if c.name in total else "" for show, c in zip(formats, view.columns, strict=True)]
    return grid, ["total" if i == 0 and not cell else cell for i, cell in enumerate(foot)]


def _line(columns: tuple[Column, ...], cells: list[str], widths: list[int]) -> str:
    return "  ".join(
        cell.rjust(width) if column.kind == "value" else cell.ljust(width)
        for column, cell, width in zip(columns, cells, widths, strict=True)
    )


def _table(view: View, limit: int) -> str:
    grid, total = _grid(view, limit)
    head = _row("th", view.columns, [heading(column) for column in view.columns])
    body = "".join(_row("td", view.columns, cells) for cells in grid)
    foot = f"<tfoot>{_row('td', view.columns, total)}</tfoot>" if total else ""
    return f"<table><thead>{head}</thead><tbody>{body}</tbody>{foot}</table>"


def _row(tag: str, columns: tuple[Column, ...], cells: list[str]) -> str:
    written = (
        f"<{tag}{_CLASS[column.kind]}>{html.escape(cell)}</{tag}>" for column, cell in zip(columns, cells, strict=True)
    )
    return f"<tr>{''.join(written)}</tr>"


def _numbers(view: View) -> str:
    shown = []
    for column in view.columns:
        (value,) = view.values(column)
        unit = "" if column.unit in SHOWN else column.unit
        label = " ".join(filter(None, [unit, column.heading if len(view.columns) > 1 else ""]))
        cell = html.escape(formatter(column, [value])(value))
        shown.append(f'<div class="ws-big">{cell}<small>{html.escape(label)}</small></div>')
    return f'<div class="ws-body">{"".join(shown)}</div>'


def _cut(view: View, limit: int) -> list[str]:
    return [f"first {limit} of {view.count:,} rows"] if view.count > limit else []
