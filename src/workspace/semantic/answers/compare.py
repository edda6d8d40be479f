"""Two answers held against each other: two releases, or two periods and what moved the number between them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workspace import display
from workspace.errors import SemanticError
from workspace.semantic.compile import aggregates
from workspace.semantic.compile.compiler import Compiler
from workspace.semantic.compile.plan import Leaf, leaves, plan
from workspace.semantic.compile.question import Question
from workspace.semantic.language import calendar
from workspace.semantic.language.declare import Dim
from workspace.semantic.language.metric import Arithmetic, Funnel, Metric
from workspace.semantic.language.names import find
from workspace.semantic.language.words import Field

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    import pyarrow as pa

    from workspace.semantic.answers.answer import Answer
    from workspace.semantic.language.words import By

Group = tuple[Any, ...]
MANY = 50
"""A dimension with more groups than this explains nothing to anybody, unless it is asked for by name."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two answers side by side.

    Attributes:
        view: How it is shown.
    """

    view: display.View

    def to_arrow(self) -> pa.Table:
        """Give the comparison as a table."""
        return self.view.rows

    def to_pandas(self) -> pd.DataFrame:
        """Give the comparison as a data frame."""
        frame: pd.DataFrame = self.view.rows.to_pandas(date_as_object=False)
        return frame

    def __repr__(self) -> str:
        return display.text(self.view)

    def _repr_html_(self) -> str:
        return display.html_table(self.view)


def diff(answer: Answer, release: str) -> Comparison:
    """Compare an answer with the same question at another release."""
    asked = answer.question
    other = answer.at(release)
    keys, names = [field.column for field in asked.by], [metric.name for metric in asked.metrics]
    now, then = (_by_group(each.to_arrow(), keys) for each in (answer, other))
    rows = []
    for group in dict.fromkeys([*now, *then]):
        row = dict(zip(keys, group, strict=True))
        for name in names:
            pair = [known.get(group, {}).get(name) for known in (then, now)]
            row |= {f"{name}_then": pair[0], f"{name}_now": pair[1], f"{name}_change": _less(pair[1], pair[0])}
        rows.append(row)
    moved = sum(any(row[f"{name}_then"] != row[f"{name}_now"] for name in names) for row in rows)
    shown = answer.view
    here = answer.release
    columns = [column for column in shown.columns if column.kind != "value"]
    for column in (column for column in shown.columns if column.kind == "value"):
        labels = {"then": release, "now": here, "change": "change"}
        columns += [
            dataclasses.replace(column, name=f"{column.name}_{what}", label=f"{column.heading} {label}")
            for what, label in labels.items()
        ]
    view = display.View(
        title=f"{asked.text}: release {here} against {release}",
        columns=tuple(columns),
        rows=_table(rows, [column.name for column in columns]),
        count=len(rows),
        caption=shown.caption,
        notes=(
            f"{moved} of {len(rows)} {'row' if len(rows) == 1 else 'rows'} {'differs' if moved == 1 else 'differ'}",
        ),
    )
    return Comparison(view=view)


def why(answer: Answer, before: Any, after: Any, fields: tuple[By, ...]) -> Comparison:
    """Split the change of a metric between two periods among the groups of each dimension.

    A sum changes by what its groups change. A ratio changes because groups have another rate, and because they have
    another weight: with weights w and rates r, group g adds mean(w_g) * change(r_g) by its rate and
    change(w_g) * (mean(r_g) - mean(R)) by the mix, R being the rate of all. The parts add up to the whole change
    exactly (E. M. Kitagawa, Components of a Difference Between Two Rates, JASA 50 (272), 1955).
    """
    asked = answer.question
    if asked.overlap:
        msg = f"{asked.text} counts rows several times, so groups do not add up to its change."
        raise SemanticError(msg, cure="Ask why() without overlap=True.")
    if len(asked.metrics) > 1 or asked.by or asked.having:
        raise SemanticError(f"{asked.text} is more than one number.", cure="Ask why() of one metric without groups.")
    metric = asked.metrics[0]
    windows = [calendar.between(period) for period in (before, after)]
    sides = _sides(answer, metric)
    totals = [dataclasses.replace(asked, window=window) for window in windows]
    values = [answer.ask(question).value() for question in totals]
    if None in values and (len(sides) > 1 or values == [None, None]):
        none = windows[values.index(None)].text
        msg = f"{metric.name} has no value in {none}, so there is no change to explain."
        raise SemanticError(msg, cure="Compare two periods in which something happened.")
    rows: list[dict[str, Any]] = []
    for field in fields or _dimensions(answer, metric):
        known = [_groups(answer, sides, field, window) for window in windows]
        if fields or len({*known[0], *known[1]}) <= MANY:
            rows += [{"by": field.path, **row} for row in _effects(known, ratio=len(sides) > 1)]
    if not rows:
        msg = f"{asked.text} has no dimension of at most {MANY} groups to be explained by."
        raise SemanticError(msg, cure="Name what to split by: why(before, after, m.<dimension>).")
    rows.sort(key=lambda row: (-abs(row["effect"]), row["by"], str(row["group"])))
    names = ["before", "after", "effect", *(["mix", "rate"] if len(sides) > 1 else [])]
    label = fields[0].path.replace(".", " ") if len(fields) == 1 else "group"
    columns = [] if len(fields) == 1 else [display.Column(name="by", kind="category")]
    columns.append(display.Column(name="group", kind="category", label=label))
    columns += [display.Column(name=name, kind="value", unit=metric.unit) for name in names]
    show = display.formatter(columns[-1], [v for v in values if v is not None])
    change = _less(values[1], values[0])
    view = display.View(
        title=f"{asked.text}: {windows[1].text} against {windows[0].text}",
        columns=tuple(columns),
        rows=_table(rows, [column.name for column in columns]),
        count=len(rows),
        caption=answer.caption,
        notes=(
            f"from {show(values[0])} to {show(values[1])}: {show(change)}",
            "the effects of each dimension's groups add up to the whole change",
        ),
    )
    return Comparison(view=view)


def _sides(answer: Answer, metric: Metric) -> list[Metric]:
    """Find the sum, or the two sums, that a metric is calculated from."""
    sides: list[Metric] = [metric]
    if isinstance(metric, Funnel) and metric.reached is None:
        reached = (len(metric.steps) - 1, 0)
        sides = [dataclasses.replace(metric, reached=n, name=f"{metric.name}_{n}") for n in reached]
    elif isinstance(metric, Arithmetic) and metric.sign == "/":
        both = [side for side in (metric.left, metric.right) if isinstance(side, Metric)]
        sides = both if len(both) > 1 else sides
    if not all(_is_sum(answer, side) for side in sides):
        msg = f"{metric.name} is neither a sum nor a ratio of two sums, so groups do not add up to its change."
        raise SemanticError(msg, cure="Ask why() of the sums that it is made of.")
    return sides


def _is_sum(answer: Answer, metric: Metric) -> bool:
    if not isinstance(plan(metric), Leaf):
        return False
    (branch,) = Compiler(answer.model, answer.reader).branches(Question(metrics=(metric,)))
    home = branch.rows().home(branch.home)
    values = [branch.aggregate(home, leaf) for leaf in branch.leaves.values()]
    return branch.first.over is None and all(map(aggregates.is_additive, values))


def _dimensions(answer: Answer, metric: Metric) -> list[Field]:
    """List the dimensions that split a metric, those that are at most two references away."""
    model = answer.model
    home = model.specs[next(iter(_leaf_homes(metric)))]
    found: list[Field] = []
    for walk in model.walks(home):
        for dim in model.end(home, walk).of(Dim) if len(walk) <= 2 else ():
            steps = (*(ref.name for ref in walk), dim.name)
            if all(len(find(model, model.specs[name], steps)) == 1 for name in _leaf_homes(metric)):
                found.append(Field(model, steps))
    return found


def _leaf_homes(metric: Metric) -> list[str]:
    # A funnel and a retention belong to those with whom they begin.
    return list(dict.fromkeys(leaf.measure.dataset for leaf in leaves(plan(metric))))


def _groups(answer: Answer, sides: list[Metric], field: By, window: Any) -> dict[Any, tuple[float, float]]:
    question = dataclasses.replace(answer.question, metrics=tuple(sides), by=(field,), window=window)
    rows = answer.ask(question).to_arrow().to_pylist()
    number = [side.name for side in sides]
    return {row[field.column]: (row[number[0]] or 0, (row[number[-1]] or 0) if len(sides) > 1 else 1) for row in rows}


def _effects(known: list[dict[Any, tuple[float, float]]], *, ratio: bool) -> Iterable[dict[str, Any]]:
    groups = dict.fromkeys([*known[0], *known[1]])
    if not ratio:
        for group in groups:
            pair = [float(k.get(group, (0, 1))[0]) for k in known]
            yield {"group": group, "before": pair[0], "after": pair[1], "effect": pair[1] - pair[0]}
        return
    whole = [(sum(n for n, _ in k.values()), sum(d for _, d in k.values())) for k in known]
    overall = [float(n) / float(d) if d else 0.0 for n, d in whole]
    for group in groups:
        sums = [k.get(group, (0, 0)) for k in known]
        weights = [float(d) / float(w) if w else 0.0 for (_, d), (_, w) in zip(sums, whole, strict=True)]
        rates = [float(n) / float(d) if d else None for n, d in sums]
        # Where a group was not there, it had no rate to change: all that it does is mix.
        filled = [rate if rate is not None else rates[1 - i] or 0.0 for i, rate in enumerate(rates)]
        by_rate = (weights[0] + weights[1]) / 2 * (filled[1] - filled[0])
        mix = (weights[1] - weights[0]) * ((filled[0] + filled[1]) / 2 - (overall[0] + overall[1]) / 2)
        yield {
            "group": group,
            "before": rates[0],
            "after": rates[1],
            "effect": mix + by_rate,
            "mix": mix,
            "rate": by_rate,
        }


def _by_group(table: pa.Table, keys: list[str]) -> dict[Group, dict[str, Any]]:
    return {tuple(row[key] for key in keys): row for row in table.to_pylist()}


def _less(now: Any, then: Any) -> Any:
    return None if now is None or then is None else now - then


def _table(rows: list[dict[str, Any]], names: list[str]) -> pa.Table:
    return display.tabled({name: [row.get(name) for row in rows] for name in names})
