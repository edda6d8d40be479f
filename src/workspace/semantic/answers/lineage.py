"""Behind a number: what it is made of, how it is calculated, and the rows that it counts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from workspace.errors import SemanticError
from workspace.semantic.compile.compiler import Compiler
from workspace.semantic.compile.plan import Entered, Returned
from workspace.semantic.compile.rows import Trace
from workspace.semantic.definition import formula
from workspace.semantic.language.metric import Measure, made_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workspace.semantic.compile.branch import Branch
    from workspace.semantic.compile.join import Joined, Reader
    from workspace.semantic.compile.question import Question
    from workspace.semantic.compile.rows import Needs
    from workspace.semantic.language.metric import Metric
    from workspace.semantic.model import Model


def lineage(model: Model, metric: Metric) -> str:
    """Draw what a metric is made of, down to tables."""
    return "\n".join([f"{metric.name} = {formula(metric)}", *_below(model, metric)])


def _below(model: Model, metric: Metric) -> Iterator[str]:
    parts = list(dict.fromkeys(made_of(metric)))
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        yield f"{'└─' if last else '├─'} {part.name} = {formula(part)}"
        yield from (f"{'   ' if last else '│  '}{line}" for line in _below(model, part))
    if isinstance(metric, Measure):
        tables = _tables(model, metric)
        for i, table in enumerate(tables):
            yield f"{'└─' if i == len(tables) - 1 else '├─'} {table}"


def _tables(model: Model, measure: Measure) -> list[str]:
    """List the tables that a measure reads, its own first, with the columns that it needs of each."""
    spec = model.specs[measure.dataset]
    trace = Trace(model)
    home = trace.home(spec)
    home.resolve(measure.expr)
    if spec.time is not None:
        home.event_moment()
    if spec.where is not None:
        home.resolve(spec.where)
    found = []
    for chain, columns in trace.needs.columns.items():
        target = model.target(trace.needs.joins[chain].ref) if chain else spec
        way = f" by {'.'.join(chain)}" if chain else ""
        found.append(f"{target.table}{way}: {', '.join(sorted(columns)) or 'its rows'}")
    return found


def explanation(model: Model, reader: Reader, question: Question) -> str:
    """Say in words how a question is answered."""
    lines = [question.text]
    branches = Compiler(model, reader).branches(question)
    for branch in branches:
        lines += [f"  from {branch.home.name} ({branch.home.table}):", *(f"    {line}" for line in _told(branch))]
    if len(branches) > 1:
        lines.append("  Each is aggregated on its own; the results are stacked and grouped once more.")
    return "\n".join(lines)


def _told(branch: Branch) -> Iterator[str]:
    for leaf in branch.leaves.values():
        conditions = [getattr(c, "text", None) or repr(c) for c in leaf.conditions]
        where = f", where {' and '.join(conditions)}" if conditions else ""
        days = f", {leaf.shape.text}" if not leaf.shape.plain else ""
        yield f"{leaf.measure.name} = {formula(leaf.measure)}{where}{days}"
    if branch.home.where is not None:
        yield f"only rows with {branch.home.where!r}"
    for condition in branch.question.where:
        yield f"only rows with {condition.text}" + (" in one of the many" if branch.reading.far(condition) else "")
    if branch.window is not None:
        yield f"only days {branch.window.text}"
    if branch.reading.fields:
        yield f"grouped by {', '.join(field.path for field in branch.reading.fields)}"


def rows_behind(model: Model, reader: Reader, question: Question) -> Any:
    """List the rows that a question counts.

    Raises:
        SemanticError: Its metrics are counted in different datasets, or it chooses among groups.
    """
    if question.having or question.top is not None:
        msg = f"{question.text} chooses among groups, and rows belong to all of them."
        raise SemanticError(msg, cure="Ask for the rows of one group: .rows(m.<dimension> == <value>).")
    branches = Compiler(model, reader).branches(question)
    homes = list(dict.fromkeys(branch.home.name for branch in branches))
    if len(branches) > 1:
        names = list(dict.fromkeys(leaf.measure.name for branch in branches for leaf in branch.leaves.values()))
        msg = f"{question.text} is calculated from several sets of rows, of {' and '.join(homes)}."
        raise SemanticError(msg, cure=f"Ask for the rows of one part: m.{names[0]}.by(...).rows().")
    (branch,) = branches
    scope = branch.rows(keyed=True)
    key = branch.home.key.columns if branch.home.key is not None else ()
    time = branch.home.time
    moment = [scope.home(branch.home).read(time.name)] if time is not None else []
    scope.table = scope.table.order_by([*moment, *(scope.table[column] for column in key)])
    home = scope.home(branch.home)
    shown = {field.column: branch.reading.value(home, field) for field in question.by}
    mine = {column: scope.table[column] for column in key}
    others = {
        ".".join((*chain, column)): scope.column(replace(home, chain=chain), column)
        for chain, columns in scope.needs.columns.items()
        for column in sorted(columns)
        if column not in _keys(model, chain, scope.needs)
    }
    mine |= _marks(branch, scope)
    return scope.table.select(**{**others, **mine, **shown}).select(*dict.fromkeys([*mine, *shown, *others]))


def _marks(branch: Branch, scope: Joined) -> dict[str, Any]:
    """Tell of each row what it led to, if the metric is a funnel or a retention."""
    found: dict[str, Any] = {}
    for leaf in branch.leaves.values():
        mark = branch.mark(leaf)
        if isinstance(leaf.source, Entered):
            numbers = range(1, len(leaf.source.funnel.steps))
            found |= {f"reached_step_{n + 1}": scope.table[f"{mark}__{n}"] for n in numbers if leaf.source.step}
        elif isinstance(leaf.source, Returned) and leaf.source.back:
            found |= {"was_back": scope.table[f"{mark}__first"] & scope.table[f"{mark}__back__there"].notnull()}
    return found


def _keys(model: Model, chain: tuple[str, ...], needs: Needs) -> tuple[str, ...]:
    """List the columns of a reference's target that its row has under another name already."""
    spec = model.target(needs.joins[chain].ref) if chain else None
    return spec.key.columns if spec is not None and spec.key is not None else ()
