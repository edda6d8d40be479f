"""A module of 200 metrics, imported in a new process, against importing Ibis alone.

Aim: at most 0.3 s beyond Ibis.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import cpu_seconds

DATASETS, MEASURES, ROUNDS, AIM = 20, 8, 7, 0.3

HEAD = """from ibis import _
from workspace.semantic import Dataset, Model, dim, key, measure, ratio, ref, time
"""
DATASET = """
class Facts{n}(Dataset, table="shop.facts{n}", where=_.status != "draft"):
    "One row a fact."

    fact{n} = key(_.id)
    {ref}
    happened{n} = time(_.happened_at, default=True)
    status{n} = dim(_.status, "What became of it")
"""
MEASURE = (
    '    sum{n}_{i} = measure(_.amount.sum(where=_.status == "{i}"), "What it is worth", unit="EUR", owner="finance")\n'
)
MODEL = """
MODEL = Model({datasets}, timezone="Europe/Berlin", {derived})
assert len(MODEL.metrics) == 200
"""


def module() -> str:
    """Write a module: each dataset refers to the next, and has two metrics made of its measures."""
    text = HEAD
    for n in reversed(range(DATASETS)):
        ref = f"next{n} = ref(Facts{n + 1}, _.next_id)" if n + 1 < DATASETS else ""
        text += DATASET.format(n=n, ref=ref) + "".join(MEASURE.format(n=n, i=i) for i in range(MEASURES))
    datasets = ", ".join(f"Facts{n}" for n in range(DATASETS))
    ratios = [f"ratio{n}=ratio(Facts{n}.sum{n}_0, Facts{n}.sum{n}_1)" for n in range(DATASETS)]
    trailing = [f'trailing{n}=Facts{n}.sum{n}_0.trailing("28 days")' for n in range(DATASETS)]
    return text + MODEL.format(datasets=datasets, derived=", ".join(ratios + trailing))


def main() -> None:
    with tempfile.TemporaryDirectory() as root:
        (Path(root) / "many_metrics.py").write_text(module())
        taken: dict[str, list[float]] = {"ibis": [], "many_metrics": []}
        for turn in range(ROUNDS + 1):
            for name, seconds in taken.items():
                command = [sys.executable, "-c", f"import {name}"]
                spent = cpu_seconds(lambda command=command: subprocess.run(command, cwd=root, check=True))  # type: ignore[misc]  # mypy knows no such lambda
                if turn:  # the first compiles
                    seconds.append(spent)
    alone, with_metrics = (statistics.median(seconds) for seconds in taken.values())
    beyond = with_metrics - alone
    verdict = "within" if beyond <= AIM else "MISSES"
    print(
        f"importing 200 metrics: {with_metrics:.2f} CPU s against {alone:.2f} of Ibis alone = "
        f"{with_metrics / alone:.2f}, {beyond:.2f} s beyond it ({verdict} the aim of {AIM})"
    )


if __name__ == "__main__":
    main()
