"""How the catalog looks: one HTML document that loads nothing, searchable and printable."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from workspace.display.theme import ACCENT, FONT, GREY, INK, LINE
from workspace.reports.drawings import lineage_svg, sparkline

if TYPE_CHECKING:
    from workspace.reports.catalog import Catalog, Entry, Trend

_STYLE = f"""
* {{box-sizing: border-box}}
body {{font: 15px/1.5 {FONT}; color: {INK}; background: white; margin: 0 auto; max-width: 1080px;
  padding: 40px 32px 56px}}
header {{border-bottom: 2px solid {ACCENT}; padding-bottom: 16px; margin-bottom: 20px}}
h1 {{font-size: 30px; line-height: 1.2; margin: 0}}
input {{font: inherit; color: inherit; width: 100%; padding: 9px 14px; border: 1px solid {LINE}; border-radius: 8px}}
input:focus {{outline: 2px solid {ACCENT}; outline-offset: -1px; border-color: transparent}}
#found {{color: {GREY}; font-size: 13px; margin: 6px 2px 0}}
main {{display: flex; flex-direction: column}}
article {{border-bottom: 1px solid {LINE}; padding: 22px 0; scroll-margin-top: 12px}}
article[hidden] {{display: none}}
.top {{display: flex; gap: 24px; justify-content: space-between; align-items: flex-start}}
h2 {{font-size: 19px; line-height: 1.3; margin: 0; overflow-wrap: anywhere}}
h2 a {{color: inherit; text-decoration: none}}
h2 a:hover {{color: {ACCENT}}}
.meaning {{margin: 2px 0 4px}}
.facts {{color: {GREY}; font-size: 13px; margin: 0}}
.trend {{flex: none; text-align: right; font-size: 12px; color: {GREY}; max-width: 190px}}
.trend b {{display: block; color: {INK}; font-size: 19px; font-weight: 600; font-variant-numeric: tabular-nums}}
.trend b small {{font-size: 12px; font-weight: 400; color: {GREY}; margin-left: 3px}}
.trend svg {{display: block; margin-left: auto}}
code, pre {{font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace}}
.formula {{display: block; background: #f6f8fa; border-radius: 6px; padding: 7px 11px; margin: 12px 0;
  overflow-wrap: anywhere}}
.drawing {{overflow-x: auto; margin: 14px 0 10px}}
.lineage {{display: block; font-family: {FONT}}}
dl {{display: grid; grid-template-columns: 76px 1fr; gap: 5px 12px; font-size: 13px; margin: 0}}
dt {{color: {GREY}}}
dd {{margin: 0; overflow-wrap: anywhere}}
dd span {{display: inline-block; margin-right: 12px}}
details {{margin-top: 8px; font-size: 13px}}
summary {{cursor: pointer; color: {GREY}}}
pre {{background: #f6f8fa; border-radius: 6px; padding: 10px 12px; overflow-x: auto; margin: 6px 0 0}}
@media (max-width: 640px) {{
  body {{padding: 20px 16px 40px}}
  .top {{flex-direction: column; gap: 8px}}
  .trend {{text-align: left; max-width: none}}
  .trend svg {{margin-left: 0}}
  dl {{grid-template-columns: 1fr; gap: 0}}
  dd {{margin-bottom: 6px}}
}}
@media print {{body {{padding: 0; max-width: none}} article {{break-inside: avoid}} input, #found {{display: none}}}}
"""

# What is found in a name comes first, then what is found in the words, then the rest.
_SCRIPT = """
const box = document.getElementById("search"), told = document.getElementById("found");
const entries = [...document.querySelectorAll("article")];
function search() {
  const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let count = 0;
  for (const entry of entries) {
    const {name, meaning, rest} = entry.dataset, all = [name, meaning, rest].join(" ");
    entry.hidden = !words.every(word => all.includes(word));
    entry.style.order = words.every(word => name.includes(word)) ? 0
      : words.every(word => (name + " " + meaning).includes(word)) ? 1 : 2;
    count += !entry.hidden;
  }
  told.textContent = count === entries.length ? "" : count ? count + " of " + entries.length : "Nothing is called so.";
}
box.addEventListener("input", search);
search();
"""


def page(catalog: Catalog) -> str:
    """Write the catalog as an HTML document."""
    count = len(catalog.entries)
    origin = f"release {catalog.release} · as of {catalog.as_of}" if catalog.release else "no release yet"
    entries = "".join(map(_entry, catalog.entries))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Metrics</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head><body>'
        f"<header><h1>Metrics</h1><div>{count} defined · {escape(origin)} · days begin in {escape(catalog.timezone)}"
        "</div></header>"
        '<input id="search" type="search" autocomplete="off" aria-label="Search" '
        'placeholder="Search by name, meaning, owner, table or dimension"><p id="found" role="status"></p>'
        f"<main>{entries}</main><script>{_SCRIPT}</script></body></html>\n"
    )


def _entry(entry: Entry) -> str:
    d = entry.definition
    facts = [f"{label} {escape(value)}" for label, value in (("unit", d.unit), ("owner", d.owner)) if value]
    facts.append(f"definition <code>{escape(d.id)}</code>")
    rows = "".join(
        f"<dt>{label}</dt><dd>{''.join(f'<span>{escape(value)}</span>' for value in values) or 'nothing'}</dd>"
        for label, values in (("Split by", entry.splits), ("Used in", entry.used_in))
    )
    return (
        f'<article id="{escape(d.name)}" {_words(entry)}><div class="top"><div>'
        f'<h2><a href="#{escape(d.name)}">{escape(d.name)}</a></h2>'
        f'<p class="meaning">{escape(d.description)}</p><p class="facts">{" · ".join(facts)}</p></div>'
        f"{_trend(entry.trend, d.unit)}</div>"
        f'<code class="formula">{escape(d.formula)}</code><div class="drawing">{lineage_svg(entry.lineage)}</div>'
        f"<dl>{rows}</dl><details><summary>The whole definition</summary><pre>{escape(d.text)}</pre></details>"
        "</article>"
    )


def _trend(trend: Trend, unit: str) -> str:
    if trend.missing:
        return f'<div class="trend">{escape(trend.missing)}</div>'
    shown = "" if unit in ("", "count", "percent") else f"<small>{escape(unit)}</small>"
    days = f"{trend.points[0][0]} to {trend.points[-1][0]}"
    drawing = sparkline(trend.points, f"by {trend.grain}, {days}, at last {trend.last}")
    when = f"{'week of ' if trend.grain == 'week' else ''}{trend.points[-1][0]}"
    return f'<div class="trend"><b>{escape(trend.last)}{shown}</b>{drawing}{when}</div>'


def _words(entry: Entry) -> str:
    """Write down what a search looks at, in lower case."""
    d = entry.definition
    rest = [d.owner, d.unit, d.id, *entry.lineage.measures, *entry.lineage.tables.values(), *entry.splits]
    words = {
        "name": f"{d.name} {d.name.replace('_', ' ')}",
        "meaning": f"{d.description} {d.owner}",
        "rest": " ".join([*rest, *entry.used_in]),
    }
    return " ".join(f'data-{name}="{escape(text.lower())}"' for name, text in words.items())
