"""What the benchmarks share: CPU time of a piece of work, and a ratio said in one line."""

from __future__ import annotations

import resource
import statistics
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def cpu_seconds(work: Callable[[], object]) -> float:
    """Give the CPU time of this process and its ended children, all threads, that `work` takes."""

    def used() -> float:
        both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(usage.ru_utime + usage.ru_stime for usage in both)

    before = used()
    work()
    return used() - before


def ratio(ours: Callable[[], object], reference: Callable[[], object], *, rounds: int = 7) -> tuple[float, float]:
    """Run both in turns and give the medians of their CPU seconds; the first round of each warms up."""
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds + 1):
        for seconds, work in zip(taken, (ours, reference), strict=True):
            spent = cpu_seconds(work)
            if turn:
                seconds.append(spent)
    return statistics.median(taken[0]), statistics.median(taken[1])


def report(claim: str, ours: float, reference: float, *, unit: str, aim: float) -> None:
    """Print a claim with both figures, their ratio and the aim."""
    found = ours / reference
    verdict = "within" if found <= aim else "MISSES"
    print(f"{claim}: {ours:.3f} {unit} against {reference:.3f} {unit} = {found:.2f} ({verdict} the aim of {aim})")


def size_of(folder: str | Path) -> int:
    """Sum the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
