"""`dbt_ad_reporting.*`: performance in the columns of the public dbt package of that name, for reports made for it.

Names are those that an account, campaign, ad group or ad has now, as there. What a platform tells of a campaign
or a group only is in the reports down to that level. Money is in the currency of the account, which these columns do
not tell: use `ads.performance` where there are several.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from ibis import _

from workspace.ads.unions import WANTS
from workspace.lake import View, made_of

if TYPE_CHECKING:
    import ibis

    from workspace.lake import Reads

NAMESPACE = "dbt_ad_reporting"

Level = Literal["account", "campaign", "ad_group", "ad"]

_PARENTS: dict[Level, tuple[Level, ...]] = {
    "account": ("account",),
    "campaign": ("account", "campaign"),
    "ad_group": ("account", "campaign", "ad_group"),
    "ad": ("account", "campaign", "ad_group", "ad"),
}
_KEY = ("source_relation", "date_day", "platform")
_SUMS = ("clicks", "impressions", "spend", "conversions", "conversions_value")
_COUNTS = ("clicks", "impressions")
_SCHEME = r"^(?:[A-Za-z][A-Za-z0-9+.-]*://)?"
_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")


def _report(level: Level, reads: Reads) -> ibis.Table:
    rows = reads.table("ads.performance")
    if level in ("ad_group", "ad"):
        rows = rows.filter(_[f"{level}_id"].notnull())
    ids = [f"{parent}_id" for parent in _PARENTS[level]]
    found = (
        rows.rename(source_relation="source", date_day="day", conversions_value="conversion_value")
        .group_by([*_KEY, *ids])
        .aggregate(**{name: _[name].sum().cast(f"decimal(38, {0 if name in _COUNTS else 6})") for name in _SUMS})
        .cast(dict.fromkeys(_COUNTS, "int64"))
    )
    for parent in _PARENTS[level]:
        found = _named(found, reads, parent)
    shown = [column for parent in _PARENTS[level] for column in (f"{parent}_id", f"{parent}_name")]
    return found.select(*_KEY, *shown, *_SUMS)


def _named(found: ibis.Table, reads: Reads, parent: Level) -> ibis.Table:
    keys = ["account_id"] if parent == "account" else ["account_id", f"{parent}_id"]
    names = reads.table(f"ads.{parent}s").select(
        _source="source", **{f"_{key}": key for key in keys}, **{f"{parent}_name": "name"}
    )
    same = [found.source_relation == names._source, *(found[key] == names[f"_{key}"] for key in keys)]
    return found.left_join(names, same).drop("_source", *(f"_{key}" for key in keys))


def _by_url(reads: Reads) -> ibis.Table:
    rows = reads.table(f"{NAMESPACE}.ad_reporting__ad_report")
    urls = reads.table("ads.ads").select(_source="source", _account="account_id", _ad="ad_id", _url="url")
    same = [rows.source_relation == urls._source, rows.account_id == urls._account, rows.ad_id == urls._ad]
    found = rows.inner_join(urls, same).filter(_._url.notnull())
    parts = {
        "base_url": r"^([^?]*)",
        "url_host": rf"{_SCHEME}([^/?#]*)",
        "url_path": rf"{_SCHEME}[^/?#]*([^?#]*)",
        **{name: rf"[?&]{name}=([^&#]*)" for name in _UTM},
    }
    told = {name: _._url.re_extract(pattern, 1).nullif("") for name, pattern in parts.items()}
    shown = [column for column in rows.columns if column not in _SUMS]
    return found.select(*shown, **told, **{name: _[name] for name in _SUMS})


def _view(level: Level) -> View:
    return View(
        name=f"{NAMESPACE}.ad_reporting__{level}_report",
        inputs=made_of("ads.performance", *(f"ads.{parent}s" for parent in _PARENTS[level])),
        rows=partial(_report, level),
        key=(*_KEY, *(f"{parent}_id" for parent in _PARENTS[level])),
        wants=WANTS,
    )


REPORTS = (
    *(_view(level) for level in _PARENTS),
    View(
        name=f"{NAMESPACE}.ad_reporting__url_report",
        inputs=made_of(f"{NAMESPACE}.ad_reporting__ad_report", "ads.ads"),
        rows=_by_url,
        key=(*_KEY, *(f"{parent}_id" for parent in _PARENTS["ad"])),
        wants=WANTS,
    ),
)
"""The reports by account, campaign, ad group, ad and URL."""
