"""What must be said beside a number."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pyarrow as pa

from workspace.errors import SemanticError
from workspace.semantic.compile.compiler import Compiler
from workspace.semantic.compile.question import Question
from workspace.semantic.compile.reading import to_many

if TYPE_CHECKING:
    from workspace.semantic.answers.answer import Answer
    from workspace.semantic.compile.join import Reader
    from workspace.semantic.language.words import Condition
    from workspace.semantic.model import Model

_NAMED = 10
"""How many values of a path fit into a note."""


def notes(model: Model, reader: Reader, question: Question) -> list[str]:
    """Say which rows use the earliest known version of a history, and which count more than once.

    Returns:
        One sentence each.
    """
    said: dict[str, None] = {}
    for branch in Compiler(model, reader).branches(question):
        if many := [field.path for field in question.by if to_many(model, branch.home, field)]:
            said[f"each row of {branch.home.name} counts once for every {' and '.join(many)} that it has"] = None
        scope = branch.rows()
        older = scope.older()
        if not older:
            continue
        counts = {f"older{i}": condition.sum() for i, condition in enumerate(older.values())}
        found = scope.table.aggregate(rows=scope.table.count(), **counts).to_pyarrow().to_pylist()[0]
        for i, table in enumerate(older):
            if found[f"older{i}"]:
                said[_early(model, reader, table, found[f"older{i}"] / found["rows"])] = None
    return list(said)


def unmet(answer: Answer) -> list[str]:
    """Say of an answer without rows which of its conditions nothing fulfils at any time, and which values there are.

    Returns:
        One sentence for each of them that is about one path to text, if that has few values.
    """
    return [said for condition in answer.question.where if (said := _unmet(answer, condition))]


def _unmet(answer: Answer, condition: Condition) -> str:
    field = condition.fields[0]
    if len({each.path for each in condition.fields}) > 1:
        return ""
    plain = Question(metrics=answer.question.metrics, by=(field,), overlap=True)
    try:
        if _some(answer.ask(dataclasses.replace(plain, where=(condition,))), 1).num_rows:
            return ""
        values = _some(answer.ask(plain), _NAMED + 1).column(field.column)
    except SemanticError:  # not every condition is on what an answer can be split by
        return ""
    if not pa.types.is_string(values.type):
        return ""
    known = sorted(value for value in values.to_pylist() if value is not None)
    return f"{field.path} is one of {', '.join(known)}" if 0 < len(known) <= _NAMED else ""


def _some(answer: Answer, rows: int) -> pa.Table:
    """Read so many rows: a path may lead to millions of values."""
    return answer.to_ibis().limit(rows).to_pyarrow()


def _early(model: Model, reader: Reader, table: str, share: float) -> str:
    begin = model.calendar.wall(reader.history(table).valid_from.min()).cast("date").to_pyarrow().as_py()
    percent = f"{share:.0%}" if share >= 0.01 else "less than 1%"
    return f"history of {table} begins {begin}; {percent.replace('%', ' %')} of rows use the earliest known value"
