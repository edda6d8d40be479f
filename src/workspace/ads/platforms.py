"""`ads.platforms`: which source is of which platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

from workspace.ads.unions import WANTS
from workspace.lake import View, made_of

if TYPE_CHECKING:
    from workspace.lake import Reads

_TOLD_BY = ("ads.accounts", "ads.performance", "ads.pulls")


def _rows(reads: Reads) -> ibis.Table:
    # An account may be empty, and one may be read no more: whichever table knows.
    told = [reads.table(name).select("platform", "source") for name in _TOLD_BY]
    return ibis.union(*told, distinct=True)


PLATFORMS = View(name="ads.platforms", inputs=made_of(*_TOLD_BY), rows=_rows, key=("source",), wants=WANTS)
"""One row a source, once anything was read of it."""
