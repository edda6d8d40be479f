"""Questions about ten million rows in the language of metrics, against SQL written by hand on the same files.

Aims: each at most 1.3 times the CPU, the median of all at most 1.1; building a question, without asking it, costs at
most 20 ms. Both sides give the same rows, which is asserted first.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import semantic_sql as sql
from measure import cpu_seconds, ratio, report
from semantic_data import MODEL, Files, connect, write

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

EACH, MEDIAN, BUILD = 1.3, 1.1, 0.02
YEAR = ("2025-11-01", "2026-11-01")

QUESTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "one table": (sql.SINGLE, lambda m: m(m.gbv, m.lines, by=[m.kind])),
    "over a reference": (sql.TO_ONE, lambda m: m(m.stay, m.visits, by=[m.visitor.country])),
    "over two references": (sql.TWO_STEPS, lambda m: m.gbv.by(m.booker.country)),
    "by month": (sql.MONTHS, lambda m: m(m.gbv, m.lines, by=[m.month])),
    "two facts": (sql.TWO_FACTS, lambda m: m(m.gbv, m.visits, by=[m.month])),
    "distinct": (sql.DISTINCT, lambda m: m.visitors.by(m.month)),
    "versions at event time": (sql.VERSIONS, lambda m: m(m.commission, m.gbv, by=[m.listing.tier])),
    "to many": (sql.TO_MANY, lambda m: m.bookings.by(m.kind, overlap=True)),
    "trailing 28 days": (sql.TRAILING, lambda m: m.gbv.trailing("28 days").by(m.day, between=YEAR)),
    "a year ago": (sql.AGO, lambda m: m(m.gbv, m.gbv.ago("1 year"), by=[m.month], between=YEAR)),
    "funnel": (sql.FUNNEL, lambda m: m.conversion.by(m.device)),
}


def assert_same(ours: pa.Table, reference: pa.Table) -> None:
    """Compare all rows in any order; what was calculated may differ in the last digits."""
    if ours.column_names != reference.column_names or ours.num_rows != reference.num_rows:
        msg = f"{ours.column_names} x {ours.num_rows} against {reference.column_names} x {reference.num_rows}"
        raise AssertionError(msg)
    both = (sorted((tuple(row.values()) for row in table.to_pylist()), key=repr) for table in (ours, reference))
    for row, other in zip(*both, strict=True):
        for value, expected in zip(row, other, strict=True):
            close = isinstance(value, float) and abs(value - expected) <= 1e-9 * abs(expected)
            if value != expected and not close:
                msg = f"{row} against {other}"
                raise AssertionError(msg)


def building(m: Any, question: Callable[[Any], Any]) -> float:
    """Give the CPU time that a question takes to become an Ibis expression."""
    return statistics.median(cpu_seconds(lambda: question(m).to_ibis()) for _ in range(9))


def main() -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        write(folder)
        m, connection = MODEL.bind(Files(folder)), connect(folder)
        found = []
        for name, (by_hand, question) in QUESTIONS.items():
            assert_same(question(m).to_arrow(), connection.sql(by_hand).to_arrow_table())
            ours, theirs = ratio(
                lambda question=question: question(m).to_arrow(),  # type: ignore[misc]  # mypy knows no such lambda
                lambda by_hand=by_hand: connection.sql(by_hand).to_arrow_table(),  # type: ignore[misc]
                rounds=5,
            )
            report(name, ours, theirs, unit="CPU s", aim=EACH)
            found.append(ours / theirs)
        report("the median of all", statistics.median(found), 1, unit="", aim=MEDIAN)
        slowest = max(building(m, question) for _, question in QUESTIONS.values())
        report("building the slowest question", slowest, BUILD, unit="CPU s", aim=1)


if __name__ == "__main__":
    main()
