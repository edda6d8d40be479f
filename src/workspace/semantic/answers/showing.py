"""An answer as it is shown: columns that know their unit, the total, and where it all comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workspace import display
from workspace.errors import SemanticError
from workspace.semantic.answers.notes import unmet
from workspace.semantic.language.declare import GRAINS

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa

    from workspace.semantic.answers.answer import Answer
    from workspace.semantic.language.words import By


def view_of(answer: Answer, rows: pa.Table, count: int | None = None) -> display.View:
    """Describe how an answer is shown.

    Args:
        answer: The answer.
        rows: Its first rows.
        count: How many rows there are in all, if not those.
    """
    number = rows.num_rows if count is None else count
    question = answer.question
    # Nothing counted is nothing found: "no rows" says more than a dash.
    empty = not question.by and all(value in (None, 0) for row in rows.to_pylist() for value in row.values())
    count = 0 if empty and (question.where or question.window) else number
    values = (display.Column(name=metric.name, kind="value", unit=metric.unit) for metric in question.metrics)
    return display.View(
        title=question.text,
        columns=(*map(_by_column, question.by), *values),
        rows=rows,
        count=count,
        total=_total(answer) if question.by and number > 1 else None,
        caption=answer.caption,
        notes=(*answer.notes, *(() if count else unmet(answer))),
    )


def stamp(moment: datetime) -> str:
    """Write a moment as it stands in captions."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _total(answer: Answer) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = answer.total().to_arrow().to_pylist()[0]
    except SemanticError:
        # The groups are the answer; that they have no total is said where one is asked for.
        return None
    return found


def _by_column(field: By) -> display.Column:
    label = field.path.replace(".", " ")
    if field.grain in GRAINS:
        return display.Column(name=field.column, kind="time", label=label, grain=field.grain or "")
    return display.Column(name=field.column, kind="category", label=label.replace("_", " "))
