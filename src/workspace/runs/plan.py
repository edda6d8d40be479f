"""What is to be done: which periods of which steps, with which parameters, by which code."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from typing import TYPE_CHECKING

from workspace.runs.ledger import Job
from workspace.runs.parameters import read_cells

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from datetime import datetime

    from workspace.runs.parameters import Value
    from workspace.runs.periods import Period
    from workspace.runs.schedule import Schedule, Step

Plan = dict[str, list[Job]]


def due(schedule: Schedule, as_of: datetime, done: Container[tuple[str, str]]) -> Plan:
    """List what should be done at `as_of` and is not, by step, oldest period first."""
    prints = fingerprints(schedule)
    plan = {
        step.name: [
            Job(step=step.name, period=period.label, parameters=step.parameters, fingerprint=prints[step.name])
            for period in step.periods(as_of)
            if (step.name, period.label) not in done
        ]
        for step in schedule.steps.values()
    }
    return {step: jobs for step, jobs in plan.items() if jobs}


def changed(schedule: Schedule, as_of: datetime, done: Mapping[tuple[str, str], str]) -> list[tuple[str, str]]:
    """List the newest periods that were done by other code, parameters or upstreams than there are now."""
    prints = fingerprints(schedule)
    newest = [(step.name, period.label) for step in schedule.steps.values() for period in step.periods(as_of)[-1:]]
    return [pair for pair in newest if done.get(pair, prints[pair[0]]) != prints[pair[0]]]


def jobs_for(schedule: Schedule, step: Step, periods: Sequence[Period], parameters: Mapping[str, Value]) -> list[Job]:
    """Make the jobs of one step for given periods, with parameters that may differ from the schedule's."""
    fingerprint = fingerprints(schedule, {step.name: parameters})[step.name]
    return [
        Job(step=step.name, period=period.label, parameters=parameters, fingerprint=fingerprint) for period in periods
    ]


def fingerprints(schedule: Schedule, overrides: Mapping[str, Mapping[str, Value]] | None = None) -> dict[str, str]:
    """Digest, for each step, all that its result depends on but data.

    That is the notebook's code, the parameters, the version of this package, and the same of its upstreams.
    Prose and outputs do not count.
    """
    found: dict[str, str] = {}
    for step in schedule.steps.values():  # in topological order
        content = {
            "code": [cell["source"] for cell in read_cells(step.notebook) if cell["cell_type"] == "code"],
            "parameters": dict((overrides or {}).get(step.name, step.parameters)),
            "package": version("bookmyevent-workspace"),
            "after": sorted(found[upstream] for upstream in step.after),
        }
        found[step.name] = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
    return found
