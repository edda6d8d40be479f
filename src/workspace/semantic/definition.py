"""What a metric means, as text, and eight digits that stand for it.

The text holds all that the number depends on: formula, datasets, references, conditions, facts, the time zone. Words
for people (description, owner) are left out, so that explaining something better does not make it another metric.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workspace.semantic.compile.events import steps_of
from workspace.semantic.compile.paths import locate, value_at
from workspace.semantic.compile.rows import Trace
from workspace.semantic.language.declare import Dim, Fact, Key, Member, Ref, Spec, Time, text_of
from workspace.semantic.language.metric import (
    Arithmetic,
    Filtered,
    Funnel,
    Measure,
    Metric,
    Retention,
    Share,
    Timed,
    made_of,
    parts,
    said,
)
from workspace.semantic.language.periods import Shape, Span
from workspace.semantic.language.words import Condition, Per

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workspace.semantic.compile.rows import Place
    from workspace.semantic.model import Model


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One metric's meaning.

    Attributes:
        name: The metric.
        id: Eight hexadecimal digits of the text's SHA-256.
        text: The canonical text: equal text, equal numbers at the same release.
        formula: The metric's own line of it.
        description: What it means, in its owner's words.
        unit: Of the value.
        owner: Who decides about it.
    """

    name: str
    id: str
    text: str
    formula: str
    description: str
    unit: str
    owner: str


def define(model: Model, metric: Metric) -> Definition:
    """Write down a metric and everything that it reaches, in an order that no declaration decides."""
    trace = Trace(model)
    for measure in parts(metric):
        home = trace.home(model.specs[measure.dataset])
        trace.reach(home.spec, measure.name)
        if home.spec.time is not None:
            home.event_moment()
        home.resolve(measure.expr)
        if measure.over is not None:
            trace.reach(home.spec, measure.over.name)
            home.keys_of(measure.over)
        if home.spec.where is not None:
            home.resolve(home.spec.where)
    for each in _within(metric):
        _reach(model, trace, each)
    for name in sorted(trace.needs.specs):
        spec = model.specs[name]
        if spec.where is not None:
            trace.home(spec).resolve(spec.where)
    calendar = model.calendar
    lines = [f"metric {metric.name} = {formula(metric)}", f"  unit {metric.unit or '-'}"]
    for name in sorted(trace.needs.specs):
        spec = model.specs[name]
        lines += _dataset(spec, sorted(m for s, m in trace.needs.members if s == name))
    lines.append(f"reporting time zone {calendar.timezone}, weeks from {calendar.week}")
    text = "\n".join(lines)
    return Definition(
        name=metric.name,
        id=hashlib.sha256(text.encode()).hexdigest()[:8],
        text=text,
        formula=lines[0].partition(" = ")[2],
        description=metric.description,
        unit=metric.unit,
        owner=metric.owner,
    )


def _within(metric: Metric) -> Iterator[Metric]:
    yield metric
    for part in made_of(metric):
        yield from _within(part)


def _reach(model: Model, trace: Trace, metric: Metric) -> None:
    """Note what the conditions of a metric, and the entity that its steps share, lead to."""
    if isinstance(metric, Filtered):
        for measure in parts(metric):
            home = trace.home(model.specs[measure.dataset])
            for condition in metric.conditions:
                _read(model, home, condition, metric.name)
    elif isinstance(metric, Funnel | Retention):
        steps = metric.steps if isinstance(metric, Funnel) else (metric.first, metric.back)
        for step in steps_of(model, steps, metric.by, metric.name):
            step.read_who(trace.home(model.specs[step.measure.dataset]))


def _read(model: Model, home: Place, condition: Any, metric: str) -> None:
    if not isinstance(condition, Condition):
        home.resolve(condition)
        return
    for field in condition.fields:
        path = field.entity if isinstance(field, Per) else field
        value_at(home, locate(model, home.spec, path, metric), path.grain)


def formula(metric: Metric) -> str:  # noqa: PLR0911 - one line for each kind
    """Write a metric's own formula."""
    match metric:
        case Measure():
            return f"{metric.dataset}: {text_of(metric.expr)}"
        case Arithmetic():
            return f"{_operand(metric.left)} {metric.sign} {_operand(metric.right)}"
        case Filtered():
            return f"{_operand(metric.base)} where {' and '.join(said(c) for c in metric.conditions)}"
        case Timed():
            return f"{_operand(metric.base)} {Shape((metric.back,) if metric.back else (), metric.stretch).text}"
        case Share():
            within = f" within {', '.join(field.path for field in metric.within)}" if metric.within else ""
            return f"{_operand(metric.base)} as a share of its total{within}"
        case Funnel():
            steps = " -> ".join(_operand(step) for step in metric.steps)
            reached = "" if metric.reached is None else f", reached step {metric.reached + 1}"
            return f"{steps} by {metric.by}{f' within {metric.within.text}' if metric.within else ''}{reached}"
        case Retention():
            after = Span(metric.after, metric.grain).text
            return f"{_operand(metric.first)}, back as {_operand(metric.back)} after {after}, by {metric.by}"
    raise TypeError(metric)


def _operand(part: Metric | float) -> str:
    if not isinstance(part, Metric):
        return f"{part:g}"
    return f"{part.dataset}.{part.name}" if isinstance(part, Measure) else f"({formula(part)})"


def _dataset(spec: Spec, members: list[str]) -> list[str]:
    head = f"dataset {spec.name} = {spec.table}{' with history' if spec.history else ''}"
    if spec.where is not None:
        head += f" where {text_of(spec.where)}"
    names = sorted({*members, *(key.name for key in spec.of(Key)), *(t.name for t in spec.of(Time) if t.default)})
    return [head, *(f"  {name} = {_member(spec.members[name])}" for name in names)]


def _member(member: Member) -> str:
    match member:
        case Key():
            return f"key({', '.join(member.columns)})"
        case Dim() | Fact() | Time():
            return f"{type(member).__name__.lower()}({text_of(member.expr)})"
        case Measure():
            extra = f", {member.snapshot} of each {member.over.name}" if member.over is not None else ""
            return f"measure({text_of(member.expr)}{extra})"
        case Ref():
            values = [text_of(expr) for expr in member.exprs]
            values += [f"{name}={text_of(expr)}" for name, expr in sorted(member.named.items())]
            valid = f"valid={member.valid or 'inherited'}, before={member.before}"
            return f"ref({member.target_name}, {', '.join(values)}, {valid})"
    raise TypeError(member)
