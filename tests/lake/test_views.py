"""Live rows and history equal a row-by-row replay, however much is folded and wherever the cut is."""

from __future__ import annotations

import tempfile
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake.changes import TABLE, Change, expected_live, expected_versions, log_rows, new_log, transactions
from workspace.lake import duck, views
from workspace.lake.fold import fold
from workspace.lake.parts import open_parts
from workspace.lake.pins import Versions

if TYPE_CHECKING:
    from workspace.lake import Lake


def read(lake: Lake, versions: Versions) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    parts = open_parts(partial(duck.register, duck.connect()), lake.layout, TABLE, versions)
    live = views.live(parts).select("a", "b", "value").to_pyarrow().to_pylist()
    history = views.versions(parts).select("a", "b", "value", "valid_from", "valid_to").to_pyarrow().to_pylist()
    return (
        sorted(tuple(row.values()) for row in live),
        sorted((tuple(row.values()) for row in history), key=lambda row: (row[0], row[1], row[3])),
    )


def pinned(lake: Lake, cut: int) -> Versions:
    from workspace.lake import delta

    uri = lake.layout.uri
    kinds = ("current", "closed", "log")
    current, closed, log = (delta.open_table(uri(kind, TABLE)).version() for kind in kinds)  # type: ignore[arg-type]
    return Versions(log=log, current=current, closed=closed, cut=cut)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    done=transactions(most=12),
    choices=st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=12, max_size=12),
)
def test_views_equal_a_replay_whatever_was_folded(
    done: list[list[Change]], choices: list[tuple[bool, bool, bool]]
) -> None:
    with tempfile.TemporaryDirectory() as root:
        lake, log = new_log(f"{root}/lake")
        changes = list(chain.from_iterable(done))
        releases: list[tuple[int, Versions]] = []
        for transaction, (released, folded, forced) in zip(done, choices, strict=False):
            position = transaction[-1].position
            log.append(log_rows(log, transaction), position=position)
            if released:
                releases.append((position, pinned(lake, position)))
            if releases and folded:
                fold(lake.layout, TABLE, to=releases[-1][0], force=forced)
        for cut, versions in [*releases, (done[-1][-1].position, Versions())]:
            live, history = read(lake, versions)
            assert live == expected_live(changes, cut)
            assert history == expected_versions(changes, cut)
