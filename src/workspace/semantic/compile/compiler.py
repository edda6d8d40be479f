"""From a question to one Ibis expression.

Each home dataset is joined, filtered and aggregated on its own; the small results are stacked and grouped once more,
which no NULL and no missing match can break.
"""

from __future__ import annotations

import dataclasses
from functools import reduce
from typing import TYPE_CHECKING, Any

import ibis

from workspace.semantic.compile import timed
from workspace.semantic.compile.along import rows_of
from workspace.semantic.compile.branch import Branch, Part
from workspace.semantic.compile.plan import Calculation, Leaf, Node, leaves, plan
from workspace.semantic.compile.question import Question, check
from workspace.semantic.compile.reading import Reading
from workspace.semantic.compile.shown import filled, ordered

if TYPE_CHECKING:
    from collections.abc import Callable

    from workspace.semantic.compile.join import Reader
    from workspace.semantic.language.metric import Metric
    from workspace.semantic.language.words import By
    from workspace.semantic.model import Model

Slots = dict[str, Leaf]
"""The leaves of a question, by the name of the column that holds each."""


class Compiler:
    """Builds the answers to a model's questions at a release."""

    def __init__(self, model: Model, reader: Reader) -> None:
        self.model = model
        self.reader = reader

    def answer(self, question: Question) -> Any:
        """Build the answer: what it is grouped by, then the metrics, in a fixed order of rows.

        Raises:
            SemanticError: The question has no answer, or its answer would be wrong.
        """
        return ordered(self.model, self.reader, question, self.unordered(question).table)

    def unordered(self, question: Question) -> Part:
        """Build the answer, in no order: to go on calculating with."""
        check(self.model, question)
        plans = {metric.name: plan(metric) for metric in question.measured}
        slots = _slots(plans)
        part = self._leveled(question, slots)
        table = part.table
        columns = {leaf.key: table[slot] for slot, leaf in slots.items()}
        values = {name: _value(node, columns) for name, node in plans.items()}
        keys = {field.column: table[field.column] for field in question.by}
        found = table.select(**keys, **values)
        for condition in question.having:
            found = found.filter(condition.build(_reader_of(found)).fill_null(False))  # noqa: FBT003
        counts, sums = (
            frozenset(n for n, node in plans.items() if isinstance(node, Leaf) and _slot(slots, node) in kind)
            for kind in (part.counts, part.sums)
        )
        if question.fill:
            found = filled(
                self.model, question, found, sums, end=self.model.calendar.unknown(self.reader.release.as_of)
            )
        return Part(table=found.select(*keys, *(m.name for m in question.metrics)), counts=counts, sums=sums)

    def branches(
        self, question: Question, slots: Slots | None = None, fields: tuple[By, ...] | None = None
    ) -> list[Branch]:
        """Split a question by home dataset, and by what chooses other rows of it."""
        slots = slots if slots is not None else _slots({m.name: plan(m) for m in question.measured})
        fields = question.by if fields is None else fields
        groups: dict[Any, Slots] = {}
        for slot, leaf in slots.items():
            groups.setdefault(self._place(question, fields, leaf), {})[slot] = leaf
        return [self._branch(question, fields, part) for found in groups.values() for part in _apart(found)]

    def _place(self, question: Question, fields: tuple[By, ...], leaf: Leaf) -> Any:
        """Tell which leaves may share their rows."""
        measure = leaf.measure
        level = (measure.snapshot, measure.over, leaf.key[1]) if measure.over is not None else ()
        home = self.model.specs[measure.dataset]
        reading = self._reading(question, fields, home, leaf.metric)
        shape = () if reading.own_times(fields) else (leaf.shape,)
        return home.name, level, shape

    def _branch(self, question: Question, fields: tuple[By, ...], slots: Slots) -> Branch:
        first = next(iter(slots.values()))
        home = self.model.specs[first.measure.dataset]
        reading = self._reading(question, fields, home, first.metric)
        calendar, window = self.model.calendar, question.window
        if reading.own_times(fields):
            window = rows_of({leaf.shape for leaf in slots.values()}, window, calendar)
        else:
            today = calendar.today(self.reader.release.as_of)
            window = timed.counted_days(first.shape, window, calendar, today)
        return Branch(
            model=self.model,
            reader=self.reader,
            question=question,
            home=home,
            leaves=slots,
            window=window,
            reading=reading,
        )

    def _reading(self, question: Question, fields: tuple[By, ...], home: Any, metric: str) -> Reading:
        largest = dataclasses.replace(
            question,
            metrics=question.metrics[:1],
            by=tuple(f for f in question.by if not f.grain),
            top=None,
            fill=False,
        )
        return Reading(
            self.model,
            self.reader,
            home,
            metric=metric,
            question=question,
            fields=fields,
            ask=self.unordered,
            top=None if question.top is None else lambda: self.answer(largest).limit(question.top),
        )

    def _leveled(self, question: Question, slots: Slots) -> Part:
        """Put numbers of fewer groups, as the totals of shares, beside those of all groups."""
        levels: dict[tuple[str, ...], tuple[tuple[By, ...], Slots]] = {}
        for slot, leaf in slots.items():
            fields = (
                question.by if leaf.within is None else tuple(f for f in question.by if f.column in (leaf.level or ()))
            )
            levels.setdefault(tuple(f.column for f in fields), (fields, {}))[1][slot] = leaf
        main = tuple(field.column for field in question.by)
        tables = {level: self._stacked(question, fields, found) for level, (fields, found) in levels.items()}
        first = tables.pop(main)
        table = first.table
        for level, other in tables.items():
            right = other.table.rename({f"{column}__whole": column for column in level})
            same = [table[column].identical_to(right[f"{column}__whole"]) for column in level]
            table = table.left_join(right, same) if same else table.cross_join(right)
        return dataclasses.replace(first, table=table)

    def _stacked(self, question: Question, fields: tuple[By, ...], slots: Slots) -> Part:
        """Put the branches' small tables on top of each other, and group what belongs together."""
        parts = [part for branch in self.branches(question, slots, fields) for part in branch.parts()]
        if len(parts) == 1:
            return parts[0]
        return _stack([field.column for field in fields], parts)


def _reader_of(table: Any) -> Callable[[Metric], Any]:
    return lambda metric: table[metric.name]


def _slots(plans: dict[str, Node]) -> Slots:
    """Name each leaf once: after its measure, and with a number where a measure is needed in several ways."""
    found: dict[Any, Leaf] = {}
    for node in plans.values():
        for leaf in leaves(node):
            found.setdefault(leaf.key, leaf)
    slots: Slots = {}
    for leaf in found.values():
        name, number = leaf.measure.name, 1
        while name in slots:
            number += 1
            name = f"{leaf.measure.name}__{number}"
        slots[name] = leaf
    return slots


def _apart(slots: Slots) -> list[Slots]:
    """Part leaves of other rows if days differ too: one's rows would show groups in which the other has none."""
    if len({leaf.shape for leaf in slots.values()}) == 1:
        return [slots]
    groups: dict[Any, Slots] = {}
    for slot, leaf in slots.items():
        groups.setdefault(leaf.key[1], {})[slot] = leaf
    return list(groups.values())


def _slot(slots: Slots, leaf: Leaf) -> str:
    return next(name for name, other in slots.items() if other.key == leaf.key)


def _stack(keys: list[str], parts: list[Part]) -> Part:
    # DuckDB knows better than Ibis how many decimals a product has; a union of the two types would round it.
    tables = [
        part.table.mutate(**{n: _exit(part.table[n]) for n in part.table.columns if n not in keys}) for part in parts
    ]
    types = {name: dtype for table in tables for name, dtype in table.schema().items()}
    padded = [
        table.select(
            **{name: table[name] if name in table.columns else ibis.null(dtype) for name, dtype in types.items()}
        )
        for table in tables
    ]
    union = reduce(lambda a, b: a.union(b, distinct=False), padded)
    counts = {name for part in parts for name in part.counts}
    values = {
        name: union[name].max().fill_null(0) if name in counts else union[name].max()
        for name in types
        if name not in keys
    }
    table = union.group_by(keys).aggregate(**values) if keys else union.aggregate(**values)
    return Part(table=table, counts=frozenset(counts), sums=frozenset(name for part in parts for name in part.sums))


def _value(node: Node, columns: dict[Any, Any]) -> Any:
    """Calculate a metric from its leaves."""
    if isinstance(node, Leaf):
        return _exit(columns[node.key])
    if not isinstance(node, Calculation):
        return ibis.literal(node)
    left, right = (_value(side, columns).cast("float64") for side in (node.left, node.right))
    match node.sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    return left / right.nullif(0)


def _exit(value: Any) -> Any:
    """Let amounts leave as float64: their sums were exact."""
    return value.cast("float64") if value.type().is_decimal() else value
