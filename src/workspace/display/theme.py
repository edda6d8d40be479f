"""Colours, type, and how Altair draws: calm, with one accent."""

from __future__ import annotations

from typing import Any

ACCENT = "#0f6e84"
INK = "#24292f"
GREY = "#6b7280"
LINE = "#e5e7eb"
SERIES = (ACCENT, "#d08a2c", "#7a5ea8", "#5b8c4a", "#b4546a")
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

_VEGA_FONT = "Helvetica, Arial, sans-serif"


def enable() -> None:
    """Let every Altair chart in this process look like ours, and show without a network.

    JupyterLab gets an interactive chart; an exported page, a PDF or a repository view gets the same chart as SVG.
    """
    import altair as alt

    alt.theme.register("workspace", enable=True)(lambda: alt.theme.ThemeConfig(config=config()))
    alt.renderers.register("workspace", bundle)
    alt.renderers.enable("workspace")


def config() -> Any:
    """Write the Vega-Lite configuration."""
    text = {
        "labelColor": GREY,
        "titleColor": GREY,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
    }
    return {
        "font": _VEGA_FONT,
        "background": "white",
        "view": {"stroke": None},
        "axis": {**text, "grid": False, "domainColor": LINE, "tickColor": LINE, "labelPadding": 4},
        "axisY": {"grid": True, "gridColor": LINE, "domain": False, "ticks": False, "tickCount": 4},
        "title": {"anchor": "start", "color": INK, "fontSize": 12, "fontWeight": 600, "offset": 8},
        "line": {"strokeWidth": 2, "color": ACCENT},
        "bar": {"color": ACCENT},
        "range": {"category": list(SERIES)},
        "legend": {**text, "title": None},
    }


def bundle(spec: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Render a chart for notebooks as a bundle of representations; the same chart gives the same bytes."""
    # JupyterLab brings Vega-Lite 5, and only keys that end in "+json" may hold an object.
    schema = {"$schema": "https://vega.github.io/schema/vega-lite/v5.json"}
    return {
        "application/vnd.vegalite.v5+json": spec | schema,
        "image/svg+xml": to_svg(spec),
        "text/plain": "<chart>",
    }


def to_svg(spec: dict[str, Any]) -> str:
    """Draw a Vega-Lite specification as SVG."""
    import vl_convert

    # Not the version of the specification's own schema: Altair's newest is not among the converter's.
    drawing: str = vl_convert.vegalite_to_svg(spec)
    return drawing
