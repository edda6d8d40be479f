"""Running notebooks on a schedule: what is due, in which order, once, with a record of every attempt."""

from workspace.runs.crew import Event, Progress
from workspace.runs.ledger import Attempt, Ledger, Run
from workspace.runs.periods import Period
from workspace.runs.plan import changed, due
from workspace.runs.schedule import Schedule, Step, load_schedule
from workspace.runs.tick import Tick, backfill, run, tick

__all__ = [
    "Attempt",
    "Event",
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
    "load_schedule",
    "run",
    "tick",
]
