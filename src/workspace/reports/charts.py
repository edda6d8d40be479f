"""What a comparison looks like: a bar for this week, a tick for each week that it is held against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from workspace.display import config, formatter, to_svg

if TYPE_CHECKING:
    from workspace.display import View

WIDTH = 620
BARS = 15
_COLOURS = ["#0f6e84", "#d08a2c", "#7a5ea8", "#5b8c4a"]


def compared(view: View) -> str:
    """Draw a split as SVG: bars for this week, ticks for the two weeks that it is held against.

    Args:
        view: As `split` gives it.
    """
    rows = view.rows.slice(0, BARS).to_pylist()
    if not any(row[key] for row in rows for key in ("v0", "v1", "v2")):
        return ""
    older = {column.name: column.heading for column in view.columns if column.name in ("v1", "v2")}
    bars = [{"name": _name(r["name"]), "value": r["v0"] or 0} for r in rows]
    ticks = [
        {"name": _name(r["name"]), "value": r[key], "period": period}
        for r in rows
        for key, period in older.items()
        if r[key] is not None
    ]
    y = alt.Y(
        "name:N", sort=None, title=None, axis=alt.Axis(domain=False, ticks=False, grid=False, labelColor="#24292f")
    )
    x = alt.X("value:Q", title=None, axis=None)
    period = alt.Color(
        "period:N",
        scale=alt.Scale(domain=list(older.values()), range=["#24292f", "#d08a2c"]),
        legend=alt.Legend(orient="top", direction="horizontal", symbolType="square", symbolSize=70, offset=2),
    )
    base = _chart(bars).encode(x=x, y=y)
    drawn = base.mark_bar(color="#0f6e84", opacity=0.85, height={"band": 0.72})
    drawn += _chart(ticks).mark_tick(thickness=2.5, bandSize=15, opacity=1).encode(x=x, y=y, color=period)
    return to_svg(drawn.properties(width=WIDTH, height=alt.Step(23)).configure(**config()).to_dict())


def trended(view: View) -> str:
    """Draw a trend as SVG: this year's line, and a year before's behind it.

    Args:
        view: As `trend` gives it.
    """
    rows = [{**r, "week": r["week"].isoformat()} for r in view.rows.to_pylist()]
    known = [r for r in rows if r["value"] is not None]
    if not known:
        return ""
    show = formatter(view.columns[2], [r["value"] for r in known])
    ends = [
        {**max(same, key=lambda r: r["week"])}
        for name in ("this year", "a year before")
        if (same := [r for r in known if r["year"] == name])
    ]
    for end in ends:
        end["label"] = f"{end['year']}  {show(end['value'])}"
    colour = alt.Color(
        "year:N", legend=None, scale=alt.Scale(domain=["this year", "a year before"], range=["#0f6e84", "#8b93a1"])
    )
    # Dates are moments in UTC to Vega: any other scale would move them by the reader's time zone.
    # Ticks stand on the weeks' own Mondays; Vega's would stand on Sundays.
    axis = alt.Axis(format="%b %d", values=sorted({r["week"] for r in rows})[::-2][::-1])
    x = alt.X("week:T", title=None, scale=alt.Scale(type="utc"), axis=axis)
    share = view.columns[2].unit == "percent"
    y = alt.Y("value:Q", title=None, axis=alt.Axis(format="~%" if share else "~s"))
    base = _chart(rows).encode(x=x, y=y, color=colour)
    last = _chart(ends).encode(x=x, y=y, color=colour)
    # A week without a value breaks the line; points keep what stands alone between two such weeks.
    drawn = base.mark_line(strokeWidth=2.5, point={"size": 12}, invalid="break-paths-filter-domains") + last.mark_point(
        filled=True, size=40, opacity=1
    )
    drawn += last.mark_text(align="left", dx=9, fontSize=12).encode(text="label:N")
    return to_svg(drawn.properties(width=WIDTH + 120, height=230).configure(**config()).to_dict())


def ranged(view: View) -> str:
    """Draw values with the intervals in which they lie as SVG, group by group; a value without one is a diamond.

    Args:
        view: As `returns` gives it.
    """
    rows = [{**row, "sure": row["low"] is None} for row in view.rows.to_pylist() if row["value"] is not None]
    if not rows:
        return ""
    rules = list(dict.fromkeys(row["rule"] for row in rows))
    axis = alt.Axis(grid=False, domain=False, ticks=False, labelColor="#24292f")
    y = alt.Y("rule:N", sort=rules, title=None, axis=axis)
    colour = alt.Color("sure:N", legend=None, scale=alt.Scale(domain=[False, True], range=["#0f6e84", "#d08a2c"]))
    base = _chart(rows).encode(y=y, color=colour)
    # All data are the whole drawing's: a layer with its own would show all groups in each.
    base.data = alt.Undefined
    ends = {"x": alt.X("low:Q", title=None), "x2": "high:Q"}
    shape = alt.Shape("sure:N", legend=None, scale=alt.Scale(domain=[False, True], range=["circle", "diamond"]))
    drawn = base.transform_filter("!datum.sure").mark_rule(strokeWidth=2).encode(**ends)
    drawn += base.mark_point(filled=True, size=55, opacity=1).encode(x=alt.X("value:Q", title=None), shape=shape)
    drawn.data = _chart(rows).data
    label = alt.Row(
        "group:N",
        title=None,
        header=alt.Header(labelOrient="top", labelAnchor="start", labelFontSize=12, labelPadding=2),
    )
    drawn = drawn.properties(width=WIDTH - 160, height=alt.Step(17)).facet(row=label)
    return to_svg(drawn.configure(**config()).to_dict())


def completed(view: View) -> str:
    """Draw how much of the final numbers was known after how many days as SVG.

    Args:
        view: As `completeness` gives it.
    """
    rows = view.rows.to_pylist()
    if not rows:
        return ""
    names = sorted({row["platform"] for row in rows})
    x = alt.X("age:Q", title="days after the day", axis=alt.Axis(tickMinStep=1))
    y = alt.Y("share:Q", title=None, axis=alt.Axis(format="~%"), scale=alt.Scale(zero=False))
    colour = alt.Color(
        "platform:N",
        scale=alt.Scale(domain=names, range=_COLOURS),
        legend=alt.Legend(orient="top", direction="horizontal", offset=2),
    )
    base = _chart(rows).encode(x=x, y=y, color=colour)
    drawn = base.mark_line(interpolate="step-after", strokeWidth=2)
    return to_svg(drawn.properties(width=WIDTH, height=220).configure(**config()).to_dict())


def _chart(values: list[dict[str, Any]]) -> Any:
    return alt.Chart(alt.Data(values=values))  # type: ignore[no-untyped-call] # Altair writes this class by a program


def _name(value: str | None) -> str:
    return "(none)" if value is None else value
