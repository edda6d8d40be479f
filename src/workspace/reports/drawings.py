"""Small drawings as SVG, laid out here: where a metric comes from, and how it has been going."""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from workspace.display.theme import ACCENT, GREY, INK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from workspace.semantic.origins import Lineage

_ROW, _BOX, _GAP, _LETTER, _INSET = 26, 20, 34, 6.4, 8
_WIDTH, _HEIGHT, _MARGIN = 132, 36, 4

_THREAD = "#cbd2da"  # between the theme's lines and its grey: thin lines need more than borders

_Edges = list[tuple[str, str]]


def lineage_svg(lineage: Lineage) -> str:
    """Draw a metric, its measures, their datasets and tables as columns, each connected with what it reads.

    A metric that is a measure stands for itself.
    """
    itself = [name for name in lineage.measures if name.partition(".")[2] == lineage.metric]
    roots = {name: lineage.metric if name in itself else name for name in lineage.measures}
    columns = [[lineage.metric], [root for name, root in roots.items() if name not in itself]]
    # In the order in which they are read, so that few lines cross.
    datasets = list(dict.fromkeys(found for reached in lineage.measures.values() for found in reached))
    columns += [datasets, list(dict.fromkeys(lineage.tables[found] for found in datasets))]
    edges: _Edges = [(f"0{lineage.metric}", f"1{root}") for name, root in roots.items() if name not in itself]
    for name, reached in lineage.measures.items():
        level = 0 if name in itself else 1
        edges += [(f"{level}{roots[name]}", f"2{dataset}") for dataset in reached]
    edges += [(f"2{dataset}", f"3{table}") for dataset, table in lineage.tables.items()]
    return _graph(columns, edges, f"{lineage.metric} comes from {', '.join(sorted(set(lineage.tables.values())))}")


def _graph(columns: list[list[str]], edges: _Edges, title: str) -> str:
    height = max(map(len, columns)) * _ROW
    x = 0.0
    boxes: dict[str, tuple[float, float, float]] = {}
    for level, names in enumerate(columns):
        if not names:
            continue
        width = max(map(len, names)) * _LETTER + 2 * _INSET
        top = (height - len(names) * _ROW) / 2 + _ROW / 2
        boxes |= {f"{level}{name}": (x, top + i * _ROW, width) for i, name in enumerate(names)}
        x += width + _GAP
    lines = "".join(_edge(boxes[a], boxes[b]) for a, b in edges)
    drawn = "".join(_node(key[1:], box, strong=key[0] == "0") for key, box in boxes.items())
    whole = x - _GAP
    return (
        f'<svg class="lineage" viewBox="-1 0 {whole + 2:.0f} {height}" width="{whole + 2:.0f}" height="{height}" '
        f'role="img" aria-label="{escape(title)}">{lines}{drawn}</svg>'
    )


def _edge(a: tuple[float, float, float], b: tuple[float, float, float]) -> str:
    x1, y1, x2, y2 = a[0] + a[2], a[1], b[0], b[1]
    middle = (x1 + x2) / 2
    path = f"M{x1:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    return f'<path d="{path}" fill="none" stroke="{_THREAD}" stroke-width="1.5"/>'


def _node(name: str, box: tuple[float, float, float], *, strong: bool) -> str:
    x, y, width = box
    fill, stroke, ink = (ACCENT, ACCENT, "white") if strong else ("white", _THREAD, INK)
    return (
        f'<rect x="{x:.1f}" y="{y - _BOX / 2:.1f}" width="{width:.1f}" height="{_BOX}" rx="5" fill="{fill}" '
        f'stroke="{stroke}"/><text x="{x + width / 2:.1f}" y="{y + 3.5:.1f}" text-anchor="middle" font-size="11" '
        f'fill="{ink}">{escape(name)}</text>'
    )


def sparkline(points: Sequence[tuple[date, float]], title: str) -> str:
    """Draw a line through a few values by their days, with a dot at the last; empty for fewer than two.

    Args:
        points: Days, in order, and values.
        title: What a screen reader says instead.
    """
    if len(points) < 2:
        return ""
    days, values = [day for day, _ in points], [value for _, value in points]
    low, high = min(values), max(values)
    span = (days[-1] - days[0]).days
    places = [
        (
            _MARGIN + (day - days[0]).days / span * (_WIDTH - 2 * _MARGIN),
            # A line that never moves lies in the middle.
            _MARGIN + (1 - ((value - low) / (high - low) if high > low else 0.5)) * (_HEIGHT - 2 * _MARGIN),
        )
        for day, value in points
    ]
    line = "".join(f'<path d="M{a[0]:.1f} {a[1]:.1f}L{b[0]:.1f} {b[1]:.1f}"/>' for a, b in pairwise(places))
    x, y = places[-1]
    return (
        f'<svg class="spark" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f'aria-label="{escape(title)}"><g fill="none" stroke="{GREY}" stroke-width="1.5">{line}</g>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{ACCENT}"/></svg>'
    )
