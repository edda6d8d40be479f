"""What must be said beside a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workspace.semantic.compile.compiler import Compiler
from workspace.semantic.compile.reading import to_many

if TYPE_CHECKING:
    from workspace.semantic.compile.join import Reader
    from workspace.semantic.compile.question import Question
    from workspace.semantic.model import Model


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


def _early(model: Model, reader: Reader, table: str, share: float) -> str:
    begin = model.calendar.wall(reader.history(table).valid_from.min()).cast("date").to_pyarrow().as_py()
    percent = f"{share:.0%}" if share >= 0.01 else "less than 1%"
    return f"history of {table} begins {begin}; {percent.replace('%', ' %')} of rows use the earliest known value"
