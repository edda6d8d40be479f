"""The chart that fits a result: time becomes lines, categories become bars."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from workspace.display.formats import NAMELESS, decimals, formatter, heading, plain
from workspace.display.theme import ACCENT, GREY, INK, SERIES, config, to_svg

if TYPE_CHECKING:
    import altair as alt

    from workspace.display.view import Column, View

BARS = 15
LINES = len(SERIES)
PANELS = 3
TICKS = 6
WIDTH = 460

_AXIS = {"hour": "%b %d %H:%M", "day": "%b %d", "week": "%b %d", "month": "%b %Y", "quarter": "%b %Y", "year": "%Y"}


def chart(view: View) -> alt.Chart | alt.LayerChart | alt.VConcatChart | None:
    """Draw a view, if a drawing says more than the table.

    Lines for one time (and at most one category), bars for one category; one panel a metric, at most three.

    Args:
        view: What to draw.

    Returns:
        An Altair chart, or None: nothing fits, too few points, or Altair is not installed.
    """
    times, categories, values = (view.of(kind) for kind in ("time", "category", "value"))
    if view.count < 2 or not values or importlib.util.find_spec("altair") is None:
        return None
    import altair as alt

    if len(times) == 1 and len(categories) <= 1:
        height = 200 if len(values) == 1 else 120
        panels = [_lines(alt, view, categories, value).properties(height=height) for value in values[:PANELS]]
    elif not times and len(categories) == 1:
        panels = [_bars(alt, view, categories[0], value) for value in values[:PANELS]]
    else:
        return None
    whole = panels[0] if len(panels) == 1 else alt.vconcat(*panels, spacing=18)
    drawn: alt.Chart | alt.LayerChart | alt.VConcatChart = whole.configure(**config())
    return drawn


def svg(view: View) -> str:
    """Draw a view as SVG; empty where there is nothing to draw or nothing to draw with."""
    drawn = chart(view)
    return "" if drawn is None or importlib.util.find_spec("vl_convert") is None else to_svg(drawn.to_dict())


def _lines(alt: Any, view: View, categories: list[Column], value: Column) -> Any:
    (time,) = view.of("time")
    every = _records(view, time, categories, value)
    names = _largest(every)
    records = [record for record in every if record["series"] in names]
    ends = [max((r for r in records if r["series"] == name), key=lambda r: r["time"]) for name in names]
    show = formatter(value, view.values(value))
    for end in ends:
        end["label"] = f"{end['series']}  {show(end['value'])}" if categories else show(end["value"])
    # Dates are moments in UTC to Vega: any other scale would move them by the reader's time zone.
    axis = alt.Axis(format=_AXIS[time.grain], values=_ticks(records), labelFlush=False)
    x = alt.X("time:T", title=None, scale=alt.Scale(type="utc"), axis=axis)
    y = alt.Y("value:Q", title=None, axis=alt.Axis(format=_d3(view, value)))
    colour = alt.Color("series:N", legend=None, scale=alt.Scale(domain=names, range=list(SERIES)[: len(names)]))
    base = alt.Chart(alt.Data(values=records)).encode(x=x, y=y, color=colour)
    last = alt.Chart(alt.Data(values=_spread(ends, records))).encode(x=x, color=colour)
    layers = base.mark_line() + last.mark_point(filled=True, size=36, opacity=1).encode(y=y)
    layers += last.mark_text(align="left", dx=8, fontSize=11).encode(y=alt.Y("at:Q"), text="label:N")
    count = len({record["series"] for record in every})
    more = f", {LINES} largest of {count}" if count > LINES else ""
    title = f"{heading(value)} by {' and '.join(column.heading for column in [time, *categories])}{more}"
    return layers.properties(width=WIDTH, title=title)


def _ticks(records: list[dict[str, Any]]) -> list[str]:
    """Label some of the periods that are there; others, such as a week's Sunday, would only puzzle."""
    moments = sorted({record["time"] for record in records})
    return moments[:: -(-len(moments) // TICKS) or 1]


def _bars(alt: Any, view: View, category: Column, value: Column) -> Any:
    show = formatter(value, view.values(value))
    pairs = zip(view.values(category), view.values(value), strict=True)
    records = [
        {"category": NAMELESS if name is None else str(name), "value": plain(number), "label": show(number)}
        for name, number in list(pairs)[:BARS]
    ]
    y = alt.Y("category:N", sort=None, title=None, axis=alt.Axis(domain=False, ticks=False, grid=False, labelColor=INK))
    x = alt.X("value:Q", title=None, axis=None)
    base = alt.Chart(alt.Data(values=records)).encode(x=x, y=y)
    more = f", first {BARS} of {view.count}" if view.count > BARS else ""
    labels = base.mark_text(align="left", dx=5, fontSize=11, color=GREY).encode(text="label:N")
    title = f"{heading(value)} by {category.heading}{more}"
    drawn = base.mark_bar(color=ACCENT, height={"band": 0.72}) + labels
    return drawn.properties(width=WIDTH, height=alt.Step(22), title=title)


def _records(view: View, time: Column, categories: list[Column], value: Column) -> list[dict[str, Any]]:
    """List the points that can be drawn: those with a time and a value."""
    times = view.values(time)
    names = view.values(categories[0]) if categories else [value.name] * len(times)
    rows = zip(times, names, view.values(value), strict=True)
    return [
        {
            "time": f"{when:%Y-%m-%dT%H:%M:%SZ}",
            "series": NAMELESS if name is None else str(name),
            "value": plain(number),
        }
        for when, name, number in rows
        if when is not None and number is not None
    ]


def _largest(records: list[dict[str, Any]]) -> list[str]:
    sums: dict[str, float] = {}
    for record in records:
        sums[record["series"]] = sums.get(record["series"], 0) + abs(record["value"])
    return sorted(sums, key=lambda name: (-sums[name], name))[:LINES]


def _spread(ends: list[dict[str, Any]], records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the labels at the lines' ends from covering each other."""
    heights = [record["value"] for record in records]
    step = (max(0, *heights) - min(0, *heights)) * 0.08 if heights else 0
    lowest = None
    for end in sorted(ends, key=lambda e: e["value"]):
        end["at"] = end["value"] if lowest is None else max(end["value"], lowest + step)
        lowest = end["at"]
    return ends


def _d3(view: View, value: Column) -> str:
    """Write the axis format in d3's language."""
    if value.unit == "percent":
        return ".0%"
    top = max((abs(number) for number in view.values(value) if number is not None), default=0)
    return "~s" if top >= 10_000 else f",.{decimals(value, view.values(value)) if top < 10 else 0}f"
