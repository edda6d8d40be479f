"""`ads.performance_versions`: every number that a platform ever told of a day, and from when to when it told it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
from ibis import _

from workspace.ads.unions import KEYS, WANTS
from workspace.lake import View, made_of

if TYPE_CHECKING:
    from workspace.lake import Reads

KEY = ("source", *KEYS["performance"])
"""What one performance row is of."""


def _rows(reads: Reads) -> ibis.Table:
    versions = reads.history("ads.performance").rename(recorded_from="valid_from", recorded_to="valid_to")
    earlier = ibis.window(group_by=KEY, order_by="recorded_from")
    return versions.mutate(version=ibis.row_number().over(earlier) + 1).mutate(version=_.version.cast("int64"))


VERSIONS = View(
    name="ads.performance_versions",
    inputs=made_of("ads.performance"),
    rows=_rows,
    key=(*KEY, "version"),
    wants=WANTS,
)
"""One row a version. A row that a platform no longer tells of ends; if it comes back, it is the next version."""
