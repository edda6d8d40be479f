"""Running notebooks on a schedule: what is due, in which order, once, with a record of every attempt."""

from workspace.runs.crew import Event, Progress
from workspace.runs.leases import Lease
from workspace.runs.ledger import Attempt, Ledger, Run
from workspace.runs.periods import Period
from workspace.runs.plan import changed, due
from workspace.runs.schedule import Schedule, Step, load_schedule
from workspace.runs.single import execute_notebook
from workspace.runs.tick import Tick, backfill, has_source, run, tick

__all__ = [
    "Attempt",
    "Event",
    "Lease",
    "Ledger",
    "Period",
    "Progress",
    "Run",
    "Schedule",
    "Step",
    "Tick",
    "backfill",
    "changed",
    "due",
    "execute_notebook",
    "has_source",
    "load_schedule",
    "run",
    "tick",
]
