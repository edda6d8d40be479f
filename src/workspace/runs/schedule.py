"""`pipeline.toml`: which notebook runs when, after what, with which parameters.

```toml
[steps.ingest_user_db]
notebook = "ingest_postgres.ipynb"      # beside pipeline.toml
after = []                              # steps that come first
parameters = { source = "user_db" }
period = "day"                          # hour, day, week or month; UTC, weeks start on Monday
catch_up = false                        # true: every missing period since `start`, not only the newest
start = 2026-10-01                      # only with catch_up
retries = 2
timeout = "30m"
freshness = "26h"                       # `workspace status` calls it stale when it is further behind
required = true                         # false: when it fails, what comes after goes on without it
by_hand = false                         # true: never due; only `workspace run` and `workspace backfill` do it
```

Everything is checked when the file is read, so that a slip shows before the first kernel starts.
"""

from __future__ import annotations

import graphlib
import re
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from workspace.errors import RunError, did_you_mean
from workspace.runs.parameters import GIVEN, Parameter, Value, check_values, read_parameters
from workspace.runs.periods import GRAINS, Grain, Period, span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FILE = "pipeline.toml"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

# Entry -> the type that TOML must give it, and how to write it.
_ENTRIES: dict[str, tuple[type, str]] = {
    "notebook": (str, 'notebook = "check.ipynb"'),
    "after": (list, 'after = ["ingest_user_db"]'),
    "parameters": (dict, 'parameters = { source = "user_db" }'),
    "period": (str, 'period = "day"'),
    "catch_up": (bool, "catch_up = true"),
    "start": (date, "start = 2026-10-01"),
    "retries": (int, "retries = 2"),
    "timeout": (str, 'timeout = "30m"'),
    "freshness": (str, 'freshness = "26h"'),
    "required": (bool, "required = false"),
    "by_hand": (bool, "by_hand = true"),
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """A notebook with its place in the schedule.

    Attributes:
        name: Its name in `pipeline.toml`.
        notebook: The path of the notebook.
        after: The steps that come first.
        parameters: The values that the schedule sets.
        declared: What the notebook's parameters cell declares.
        period: How long an interval each execution covers.
        catch_up: Whether every missing period since `start` is due, or only the newest.
        start: The first moment to catch up from.
        retries: How often a failed attempt is repeated within one run.
        timeout: How long one attempt may take.
        freshness: How far its newest finished period may lie behind the business clock.
        required: Whether its failure blocks the steps after it.
        by_hand: Whether it is never due, and done only when someone asks.
    """

    name: str
    notebook: Path
    after: tuple[str, ...] = ()
    parameters: Mapping[str, Value] = field(default_factory=dict)
    declared: Mapping[str, Parameter] = field(default_factory=dict)
    period: Grain = "day"
    catch_up: bool = False
    start: datetime | None = None
    retries: int = 0
    timeout: timedelta = timedelta(hours=1)
    freshness: timedelta | None = None
    required: bool = True
    by_hand: bool = False

    def periods(self, as_of: datetime) -> tuple[Period, ...]:
        """List the periods that should be done at a moment, oldest first."""
        if self.by_hand:
            return ()
        newest = Period.newest(as_of, self.period)
        if not (self.catch_up and self.start):
            return (newest,)
        return tuple(span(Period.containing(self.start, self.period), newest))


@dataclass(frozen=True)
class Schedule:
    """All steps of a `pipeline.toml`, each after those that it needs."""

    path: Path
    steps: Mapping[str, Step]

    def step(self, name: str) -> Step:
        """Look a step up.

        Raises:
            RunError: There is none of this name.
        """
        try:
            return self.steps[name]
        except KeyError:
            raise RunError(f"{self.path} has no step {name!r}.", cure=did_you_mean(name, self.steps)) from None

    def where(self, name: str) -> str:
        """Tell where a step is written, for an error."""
        return _where(self.path, name)

    def tick(self, now: datetime) -> Period:
        """Tell which period a tick at this moment stands for; its end is the tick's `as_of`.

        It is the newest day that is over, or the newest hour where any step is hourly.
        """
        hourly = any(step.period == "hour" for step in self.steps.values())
        return Period.newest(now, "hour" if hourly else "day")

    def downstream(self, name: str) -> tuple[str, ...]:
        """List the steps that come after one, directly or not."""
        found = {name}
        for step in self.steps.values():  # in topological order
            if found.intersection(step.after):
                found.add(step.name)
        return tuple(step for step in self.steps if step in found and step != name)


def load_schedule(pipelines: Path) -> Schedule:
    """Read and check `pipeline.toml`.

    Args:
        pipelines: The folder of the file and of its notebooks.

    Raises:
        RunError: The file or one of its notebooks is missing or wrong; the message names file and step.
    """
    path = pipelines / FILE
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(
            f"There is no {path}.", cure="Set `pipelines` in workspace.toml to the folder that has it."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise RunError(f"{path} is not valid TOML: {error}.", cure="Mend that line.") from None
    for name in raw:
        if name != "steps":
            raise RunError(f"{path} has an unknown section [{name}].", cure="Steps are written [steps.<name>].")
    entries = raw.get("steps", {})
    steps = {name: _step(path, name, entry) for name, entry in entries.items()}
    for step in steps.values():
        for upstream in step.after:
            if upstream not in steps:
                raise RunError(
                    f"{_where(path, step.name)} comes after {upstream!r}, which is no step.",
                    cure=did_you_mean(upstream, steps),
                )
    return Schedule(path, {name: steps[name] for name in _ordered(path, steps.values())})


def _ordered(path: Path, steps: Iterable[Step]) -> tuple[str, ...]:
    try:
        return tuple(graphlib.TopologicalSorter({step.name: step.after for step in steps}).static_order())
    except graphlib.CycleError as error:
        cycle = " -> ".join(error.args[1])
        raise RunError(
            f"{path}: the steps go round in a circle: {cycle}.", cure="Take one `after` out of the circle."
        ) from None


def _where(path: Path, name: str) -> str:
    return f"{path} [steps.{name}]"


def _step(path: Path, name: str, entry: object) -> Step:
    where = _where(path, name)
    if not re.fullmatch(r"\w+", name):
        raise RunError(f"{where}: a step's name has letters, digits and underscores only.", cure="Rename it.")
    if not isinstance(entry, dict):
        raise RunError(f"{path}: steps.{name} is not a table.", cure=f"Write [steps.{name}].")
    for key, value in entry.items():
        _check_entry(where, key, value)
    if "notebook" not in entry:
        raise RunError(f"{where} names no notebook.", cure='Add notebook = "<name>.ipynb".')
    notebook = path.parent / entry["notebook"]
    if not notebook.is_file():
        there = [str(file.relative_to(path.parent)) for file in path.parent.rglob("*.ipynb")]
        raise RunError(f"{where}: there is no {notebook}.", cure=did_you_mean(entry["notebook"], there))
    declared = read_parameters(notebook)
    _check_given(where, entry.get("parameters", {}), declared)
    return Step(
        name=name,
        notebook=notebook,
        after=tuple(entry.get("after", ())),
        parameters=check_values(entry.get("parameters", {}), declared, where),
        declared=declared,
        period=entry.get("period", "day"),
        catch_up=entry.get("catch_up", False),
        start=_start(where, entry),
        retries=entry.get("retries", 0),
        timeout=_duration(where, "timeout", entry.get("timeout", "1h")),
        freshness=_duration(where, "freshness", entry["freshness"]) if "freshness" in entry else None,
        required=entry.get("required", True),
        by_hand=entry.get("by_hand", False),
    )


def _check_entry(where: str, key: str, value: Any) -> None:
    if key not in _ENTRIES:
        raise RunError(f"{where} has an unknown entry {key!r}.", cure=did_you_mean(key, _ENTRIES))
    kind, example = _ENTRIES[key]
    right = isinstance(value, kind)
    if kind is int:
        right = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    elif kind is list:
        right = isinstance(value, list) and all(isinstance(item, str) for item in value)
    if not right:
        raise RunError(f"{where}: {key} = {value!r} is not as it should be.", cure=f"Write e.g. {example}.")
    if key == "period" and value not in GRAINS:
        raise RunError(f"{where}: there is no period {value!r}.", cure=did_you_mean(value, GRAINS))


def _check_given(where: str, parameters: Mapping[str, Any], declared: Mapping[str, Parameter]) -> None:
    for name in GIVEN:
        if name in parameters:
            raise RunError(f"{where}: {name} is set by the runner.", cure=f"Take {name} out of its parameters.")
        if name in declared and declared[name].type != "str":
            raise RunError(
                f"{where}: the notebook declares {name} as {declared[name].type}.", cure=f"Write {name}: str."
            )


def _start(where: str, entry: Mapping[str, Any]) -> datetime | None:
    start: date | None = entry.get("start")
    if entry.get("catch_up", False) != (start is not None):
        raise RunError(f"{where}: `start` and `catch_up = true` need each other.", cure="Set both or neither.")
    if start is None or isinstance(start, datetime):
        return start.replace(tzinfo=start.tzinfo or UTC) if isinstance(start, datetime) else None
    return datetime(start.year, start.month, start.day, tzinfo=UTC)


def _duration(where: str, key: str, text: str) -> timedelta:
    match = re.fullmatch(r"(\d+)([smhd])", text)
    if not match or not int(match[1]):
        raise RunError(
            f"{where}: {key} = {text!r} is no length of time.", cure='Write a number and s, m, h or d: "30m".'
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
