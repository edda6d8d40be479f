"""`ads.completeness`: how much of a day's final numbers platforms had told so many days later."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
from ibis import _

from workspace.ads.restatements import METRICS
from workspace.ads.unions import WANTS
from workspace.lake import View, made_of
from workspace.lake.views import OPEN_END

if TYPE_CHECKING:
    from workspace.lake import Reads

OLDEST = 30
"""The last age, in days, that is told of."""

_SUM = "decimal(38, 6)"
_SIDES = {f"{side}_{name}": name for side in ("known", "final") for name in METRICS}
_GROUP = ("platform", "currency", "age")


def _rows(reads: Reads) -> ibis.Table:
    aged = _aged(reads)
    parts = [
        # What a version says was known from the age at which it was recorded up to that of the next.
        _spread(aged.filter(_._begins < _._ends), "_begins", "_ends", "known"),
        _spread(aged.filter(_._newest), "_read", "_over", "final"),
        _spread(aged.filter(_._first), "_read", "_over", "days"),
    ]
    sums = (
        ibis.union(*parts)
        .group_by(_GROUP)
        .aggregate(
            days=_.days.count(),
            **{name: _[name].sum().cast(_SUM) for name in _SIDES},
        )
    )
    return ibis.union(*(_of(sums, metric) for metric in METRICS))


def _aged(reads: Reads) -> ibis.Table:
    """Give the versions of days that were all ages old when the release was made, with the ages they were known at.

    Ages end at midnight (UTC): what was recorded on the day itself, or before it where clocks are ahead, has age 0.
    """
    last = (reads.as_of - timedelta(days=OLDEST + 1)).date()
    versions = reads.table("ads.performance_versions").filter(_.day <= ibis.literal(last))
    of_day = ibis.window(group_by=["source", "account_id", "day"])
    in_day = ibis.window(
        group_by=["source", "account_id", "day"],
        order_by=["recorded_from", "level", "entity_id", "placement", "version"],
    )
    ages = versions.mutate(
        _begins=_age(versions.recorded_from, versions.day),
        _ends=ibis.least(_age(versions.recorded_to, versions.day), ibis.literal(OLDEST + 1, type="int64")),
        _over=ibis.literal(OLDEST + 1, type="int64"),
        _newest=_.recorded_to == ibis.literal(OPEN_END, type=versions.recorded_to.type()),
        _first=ibis.row_number().over(in_day) == 0,
    )
    return ages.mutate(_read=ages._begins.min().over(of_day)).filter(_._read <= OLDEST)


def _age(moment: ibis.Value, day: ibis.Value) -> ibis.Value:
    return ibis.greatest(moment.date().delta(day, unit="day"), 0).cast("int64")


def _spread(rows: ibis.Table, begin: str, end: str, side: str) -> ibis.Table:
    """Give a row for each age from one on to before another, in the columns that all parts have."""
    values = {
        column: rows[name] if column.startswith(side) else ibis.null(rows[name].type())
        for column, name in _SIDES.items()
    }
    days = ibis.literal(1, type="int64") if side == "days" else ibis.null("int64")
    ages = ibis.range(rows[begin], rows[end], 1).unnest()
    return rows.select("platform", "currency", age=ages, days=days, **values)


def _of(sums: ibis.Table, metric: str) -> ibis.Table:
    known, final = sums[f"known_{metric}"], sums[f"final_{metric}"]
    nothing = ibis.literal(0).cast(_SUM)
    # What was not there yet, or is gone, is 0; what a platform does not tell at all stays unknown.
    told = sums.select(
        "platform",
        "currency",
        metric=ibis.literal(metric),
        age=sums.age,
        days=sums.days,
        known=ibis.ifelse(final.notnull(), known.coalesce(nothing), known),
        final=ibis.ifelse(known.notnull(), final.coalesce(nothing), final),
    )
    return told.mutate(share=_.known.cast("float64") / _.final.cast("float64").nullif(0))


COMPLETENESS = View(
    name="ads.completeness",
    inputs=made_of("ads.performance_versions"),
    rows=_rows,
    key=("platform", "currency", "metric", "age"),
    wants=WANTS,
)
"""One row a platform, currency, metric and age of 0 to 30 days.

Of days that were 30 days over when the release was made, so that what counts as final had the same time to settle;
and for each age only of the account's days that had been read by then, so that a source which began to be read late
does not look incomplete: `days` says how many days of accounts that were.
"""
