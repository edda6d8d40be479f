"""`ads.restatements`: how much a platform changed what it first told of a day, and when it last did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
from ibis import _

from workspace.ads.unions import WANTS
from workspace.ads.versions import KEY
from workspace.lake import View, made_of
from workspace.lake.views import OPEN_END

if TYPE_CHECKING:
    from workspace.lake import Reads

METRICS = ("spend", "impressions", "clicks", "conversions", "conversion_value")
"""What is followed from version to version."""

_KEPT = ("platform", "campaign_id", "ad_group_id", "ad_id", "currency")


def _rows(reads: Reads) -> ibis.Table:
    versions = reads.table("ads.performance_versions")
    ends = ibis.literal(OPEN_END, type=versions.recorded_to.type())
    # One version of a row is its newest, one its first: the largest of that one is that one.
    per_row = ibis.window(group_by=KEY)
    ranked = versions.mutate(_newest=_.version == _.version.max().over(per_row))
    found = ranked.group_by(KEY).aggregate(
        **{name: ranked[name].max(where=_._newest) for name in _KEPT},
        first_recorded_at=_.recorded_from.min(),
        _changed_at=_.recorded_from.max(),
        _ended_at=_.recorded_to.max(),
        versions=_.count(),
        **{f"{name}_first": ranked[name].max(where=_.version == 1) for name in METRICS},
        **{f"_{name}": ranked[name].max(where=_._newest) for name in METRICS},
    )
    deleted = found._ended_at < ends
    last = ibis.ifelse(deleted, found._ended_at, found._changed_at)
    shown = found.mutate(last_changed_at=last, deleted=deleted)
    return shown.select(
        *KEY,
        *_KEPT,
        "first_recorded_at",
        "last_changed_at",
        "versions",
        days_to_final=_.last_changed_at.date().delta(_.day, unit="day"),
        deleted=_.deleted,
        **{
            shown_as: expression
            for name in METRICS
            for shown_as, expression in (
                (f"{name}_first", shown[f"{name}_first"]),
                (name, ibis.ifelse(shown.deleted, ibis.null(shown[f"_{name}"].type()), shown[f"_{name}"])),
            )
        },
    )


RESTATEMENTS = View(
    name="ads.restatements",
    inputs=made_of("ads.performance_versions"),
    rows=_rows,
    key=KEY,
    wants=WANTS,
)
"""One row for each row of `ads.performance` that there ever was. What a platform no longer tells of is `deleted`: its
numbers are NULL, and it last changed when it went."""
