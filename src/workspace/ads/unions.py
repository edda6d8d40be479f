"""`ads.*`: what every advertising platform told, as one table each, over all sources that a release has."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import ibis

from workspace.lake import View

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from workspace.lake import Reads

NAMESPACE = "ads"

WANTS = "the tables of an advertising source (kind = 'ads')"
"""What a release needs to have any of these views."""

KEYS = {
    "accounts": ("account_id",),
    "campaigns": ("account_id", "campaign_id"),
    "ad_groups": ("account_id", "ad_group_id"),
    "ads": ("account_id", "ad_id"),
    "performance": ("account_id", "level", "entity_id", "placement", "day"),
    "conversions": ("account_id", "level", "entity_id", "placement", "day", "action"),
    "click_views": ("account_id", "click_id"),
    "pulls": ("account_id", "kind", "first_day", "last_day", "pulled_at"),
}
"""The tables of an advertising source, each with its key there."""

# A source of another kind may have tables of some of these names, but not with the keys of these three.
_TOLD_BY = ("performance", "conversions", "pulls")


def sources(reads: Reads) -> list[str]:
    """Name the advertising sources of a release: what a source is, its tables tell."""
    names = sorted(name.partition(".")[0] for name in reads.captured if name.endswith(f".{_TOLD_BY[0]}"))
    return [name for name in names if all(_is(reads, name, table) for table in _TOLD_BY)]


def has(reads: Reads, table: str) -> bool:
    """Tell whether any advertising source of a release has a table; not all tell of clicks."""
    return bool(_inputs(table, reads))


def _is(reads: Reads, source: str, table: str) -> bool:
    name = f"{source}.{table}"
    if name not in reads.captured:
        return False
    return {column.name for column in reads.columns(name) if column.key} == set(KEYS[table])


def _inputs(table: str, reads: Reads) -> list[str]:
    return [name for source in sources(reads) if (name := f"{source}.{table}") in reads.captured]


def _united(table: str, read: Callable[[Reads, str], ibis.Table], reads: Reads) -> ibis.Table:
    """Put the rows of all sources under each other; a column that one of them lacks is NULL in its rows."""
    found = {name: read(reads, name) for name in _inputs(table, reads)}
    kinds = {column: kind for rows in found.values() for column, kind in rows.schema().items()}
    each = [_widened(rows, name.partition(".")[0], kinds) for name, rows in found.items()]
    return ibis.union(*each) if len(each) > 1 else each[0]


def _widened(rows: ibis.Table, source: str, kinds: dict[str, ibis.DataType]) -> ibis.Table:
    columns = {name: rows[name].cast(kind) if name in rows.columns else ibis.null(kind) for name, kind in kinds.items()}
    return rows.select(source=ibis.literal(source), **columns)


def _live(reads: Reads, name: str) -> ibis.Table:
    return reads.table(name)


def _every(reads: Reads, name: str) -> ibis.Table:
    return reads.history(name)


def _deleted(reads: Reads, name: str) -> ibis.Table:
    return reads.deleted(name)


def _union(table: str, key: Sequence[str]) -> View:
    return View(
        name=f"{NAMESPACE}.{table}",
        inputs=partial(_inputs, table),
        rows=partial(_united, table, _live),
        versions=partial(_united, table, _every),
        ends=partial(_united, table, _deleted),
        key=("source", *key),
        wants=WANTS,
    )


UNIONS = tuple(_union(table, key) for table, key in KEYS.items())
"""`ads.accounts`, `ads.campaigns`, `ads.ad_groups`, `ads.ads`, `ads.performance`, `ads.conversions`, `ads.click_views`
and `ads.pulls`: the columns of the sources' tables, and `source` before them. Each has the history of its tables."""
