"""The answer to a question: lazy until it is looked at."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import ibis

from workspace import display
from workspace.errors import SemanticError
from workspace.semantic.answers.algebra import Algebra
from workspace.semantic.answers.compare import Comparison, diff, why
from workspace.semantic.answers.lineage import explanation, lineage, rows_behind
from workspace.semantic.answers.notes import notes
from workspace.semantic.answers.showing import stamp, view_of
from workspace.semantic.compile.compiler import Compiler
from workspace.semantic.compile.join import Archive
from workspace.semantic.compile.question import Question, check
from workspace.semantic.definition import define
from workspace.semantic.language import calendar
from workspace.semantic.language.dialect import readable
from workspace.semantic.language.words import Condition, Field, Per

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

    from workspace.semantic.compile.join import Reader
    from workspace.semantic.definition import Definition
    from workspace.semantic.language.calendar import Window
    from workspace.semantic.language.metric import Metric
    from workspace.semantic.language.words import By
    from workspace.semantic.model import Model

SHOWN = 1000  # rows that a repr fetches; what a chart can use

Where = Condition | Iterable[Condition] | None
Between = tuple["str | date", "str | date"] | None


class Answer(Algebra):
    """One or more metrics, grouped and filtered. Nothing is read until it is shown or converted."""

    def __init__(self, model: Model, reader: Reader, question: Question) -> None:
        self._model = model
        self._reader = reader
        self.question = question
        # What `m.gbv?` shows.
        self.__doc__ = self.describe()

    def by(
        self,
        *fields: By,
        where: Where = None,
        last: str | None = None,
        between: Between = None,
        overlap: bool = False,
        fill: bool = False,
        top: int | None = None,
    ) -> Answer:
        """Group, and choose rows.

        Args:
            fields: Paths to group by, e.g. `m.month`, `m.listing.city`.
            where: Conditions that all must hold: of rows (`m.status == "paid"`), or of groups (`m.bookings > 100`).
            last: So many whole periods before the release's `as_of`, e.g. "12 weeks".
            between: The first day, and the first day after, in the reporting time zone.
            overlap: Let a row count once for each of the many values that a path leads to; groups then add up to more
                than the total.
            fill: Show the periods in which nothing happened.
            top: Show so many groups, the largest by the first metric, and all others as "(rest)".

        Raises:
            SemanticError: The question has no answer, or its answer would be wrong.
        """
        for field in fields:
            if not isinstance(field, Field | Per):
                raise SemanticError(f"{_shown(field)} is nothing to group by.", cure="Name a path, e.g. m.month.")
        conditions = many(where)
        for condition in conditions:
            if not isinstance(condition, Condition):
                msg = f"{_shown(condition)} is not a condition."
                raise SemanticError(msg, cure='Compare a path, e.g. m.<dimension> == "value".')
        asked = self.question
        question = dataclasses.replace(
            asked,
            by=asked.by + fields,
            where=asked.where + tuple(c for c in conditions if not c.of_groups),
            having=asked.having + tuple(c for c in conditions if c.of_groups),
            window=window_of(self._model, self._reader, last, between) or asked.window,
            overlap=overlap or asked.overlap,
            fill=fill or asked.fill,
            top=asked.top if top is None else top,
        )
        check(self._model, question)
        return Answer(self._model, self._reader, question)

    def made(self, metric: Metric) -> Self:
        """Ask for a metric that was made of this one."""
        return type(self)(self._model, self._reader, Question(metrics=(metric,)))

    def bare(self) -> Metric:
        """Give the one metric that this asks for, and nothing else.

        Raises:
            SemanticError: It is grouped, filtered, or several.
        """
        asked = self.question
        if len(asked.metrics) > 1 or asked != Question(metrics=asked.metrics):
            msg = f"{asked.text} is a question of its own, not a metric."
            raise SemanticError(msg, cure="Calculate with metrics first, then ask by=, where= and last= once for all.")
        return asked.metrics[0]

    def ask(self, question: Question) -> Answer:
        """Ask another question of the same model and release."""
        return Answer(self._model, self._reader, question)

    @property
    def model(self) -> Model:
        """The model whose words are used."""
        return self._model

    @property
    def reader(self) -> Reader:
        """What the tables are read from."""
        return self._reader

    @property
    def release(self) -> str:
        """The name of the release that is asked."""
        return self._reader.release.name

    @property
    def view(self) -> display.View:
        """The answer as it is shown."""
        return self._fetched

    @property
    def caption(self) -> str:
        """Where the answer comes from: release, and the definition of each metric."""
        release = self._reader.release
        ids = ", ".join(f"{d.name} {d.id}" for d in self.definitions)
        return f"release {release.name} · as of {stamp(release.as_of)} · {ids}"

    def period(self, last: str | None, between: Between) -> Window | None:
        """Read a choice of days."""
        return window_of(self._model, self._reader, last, between)

    def to_ibis(self) -> Any:
        """Return the answer as an Ibis table, to go on calculating with."""
        return self._expression

    def to_sql(self) -> str:
        """Return SQL that answers the question, written to be read: what is run converts time zones in a faster way."""
        return str(ibis.to_sql(readable(self._expression)))

    def to_arrow(self) -> pa.Table:
        """Read the answer."""
        return self._expression.to_pyarrow()

    def to_pandas(self) -> pd.DataFrame:
        """Read the answer as a data frame; periods are timestamps of their first day."""
        frame: pd.DataFrame = self.to_arrow().to_pandas(date_as_object=False)
        return frame

    @property
    def glossary(self) -> list[dict[str, str]]:
        """What each metric means and of which release it is asked, for the foot of a page or a sheet of a workbook."""
        release = self._reader.release
        return [
            {
                "metric": d.name,
                "description": d.description,
                "formula": d.formula,
                "unit": d.unit,
                "owner": d.owner,
                "definition": d.id,
                "release": release.name,
                "as of": stamp(release.as_of),
            }
            for d in self.definitions
        ]

    def to_excel(self, path: str | Path) -> Path:
        """Write a workbook: the values, a chart, and a sheet that says what they mean.

        Args:
            path: The file to write.

        Returns:
            The path.
        """
        view = view_of(self, self.to_arrow())
        created = self._reader.release.as_of
        return display.write_xlsx(path, {"Values": view}, self.glossary, created=created)

    def total(self) -> Answer:
        """Ask the same without groups. The total is calculated from the rows, never summed from groups.

        Raises:
            SemanticError: There is no one total: conditions chose among groups, or a share is one within something.
        """
        asked = self.question
        whole = dataclasses.replace(asked, by=(), top=None, fill=False)
        if asked.having:
            msg = f"{asked.text} keeps some groups only, so it has no total of all rows."
            raise SemanticError(
                msg, cure="Choose rows instead, e.g. by a metric per entity: m.<metric>.per(m.<entity>) > 3."
            )
        check(self._model, whole)
        return Answer(self._model, self._reader, whole)

    def value(self) -> Any:
        """Read the one number of a metric without groups.

        Raises:
            SemanticError: There is more than one.
        """
        if self.question.by or len(self.question.metrics) > 1:
            msg = f"{self.question.text} is more than one number."
            raise SemanticError(msg, cure="Use to_pandas(), or total().value() of one metric.")
        return self.to_arrow().column(0)[0].as_py()

    def chart(self) -> Any:
        """Draw the answer as an Altair chart, to change or to show larger; None where no chart fits."""
        return display.chart(self._fetched)

    def rows(self, *conditions: Condition) -> Any:
        """List the rows behind the numbers, as an Ibis table: key, time, what is grouped by, what is calculated with.

        Args:
            conditions: Of which groups, e.g. `m.listing.city == "Berlin"`.

        Raises:
            SemanticError: The metrics are counted in different datasets; ask for the rows of one of them.
        """
        return rows_behind(self._model, self._reader, self.by(where=conditions).question)

    def explain(self) -> str:
        """Say how the answer is calculated: datasets, conditions, groups, and the SQL that is run."""
        return explanation(self._model, self._reader, self.question) + "\n\n" + self.to_sql()

    def tree(self) -> str:
        """Draw what each metric is made of, down to columns and tables."""
        return "\n".join(lineage(self._model, metric) for metric in self.question.metrics)

    def why(self, before: Between, after: Between, *fields: By) -> Comparison:
        """Say which groups moved a metric from one period to another, and whether by their size or by their rate.

        Args:
            before: The first day of the earlier period, and the first day after it.
            after: The same of the later period.
            fields: What to split by, one at a time; every dimension that splits the metric, if none is given.

        Raises:
            SemanticError: There is more than one metric, or one that is neither a sum nor a ratio of sums.
        """
        return why(self, before, after, fields)

    def diff(self, release: str) -> Comparison:
        """Compare with the same question at another release: what was known then.

        Args:
            release: The other release's name.
        """
        return diff(self, release)

    def at(self, release: str) -> Answer:
        """Ask the same of another release.

        Raises:
            SemanticError: What is read from knows one release only.
            ReleaseError: There is none of this name.
        """
        if not isinstance(self._reader, Archive):
            msg = f"Release {self.release} was opened alone, so {release} cannot be asked."
            raise SemanticError(msg, cure="Ask through connect().metrics.")
        return Answer(self._model, self._reader.at(release), self.question)

    @property
    def definitions(self) -> list[Definition]:
        """What each metric means."""
        return [define(self._model, metric) for metric in self.question.metrics]

    def describe(self) -> str:
        """Say what each metric means: in words, as a formula, and whose word it is."""
        written = []
        for d in self.definitions:
            facts = [f"{name}: {value}" for name, value in (("unit", d.unit), ("owner", d.owner)) if value]
            lines = [f"{d.name}: {d.description}" if d.description else d.name, d.formula]
            written.append("\n  ".join([*lines, ", ".join([*facts, f"definition {d.id}"])]))
        return "\n".join(written)

    @property
    def notes(self) -> list[str]:
        """What a reader must know to trust the answer: rows that are older than a history that they refer to."""
        return self._notes

    @property
    def details(self) -> dict[str, Any]:
        """All that the answer depends on: question, release, SQL, and every definition in full."""
        release = self._reader.release
        return {
            "question": self.question.text,
            "release": release.name,
            "as_of": release.as_of.isoformat(),
            "timezone": self._model.calendar.timezone,
            "notes": self.notes,
            "definitions": {d.name: d.text for d in self.definitions},
            "sql": self.to_sql(),
        }

    def __repr__(self) -> str:
        return display.text(self._fetched)

    def _repr_html_(self) -> str:
        return display.html_table(self._fetched, chart=display.svg(self._fetched))

    @cached_property
    def _expression(self) -> Any:
        return Compiler(self._model, self._reader).answer(self.question)

    @cached_property
    def _notes(self) -> list[str]:
        return notes(self._model, self._reader, self.question)

    @cached_property
    def _fetched(self) -> display.View:
        rows = self._expression.limit(SHOWN + 1).to_pyarrow()
        whole = rows.num_rows <= SHOWN
        return view_of(self, rows.slice(0, SHOWN), None if whole else self._expression.count().to_pyarrow().as_py())


def window_of(model: Model, reader: Reader, last: str | None, between: Between) -> calendar.Window | None:
    """Read `last=` or `between=`.

    Raises:
        SemanticError: Both are given, or one says no period.
    """
    if last is not None and between is not None:
        raise SemanticError("Both last= and between= are given.", cure="Choose one of them.")
    if last is not None:
        return calendar.last(last, reader.release.as_of, model.calendar)
    return calendar.between(between) if between is not None else None


def many(given: Any) -> tuple[Any, ...]:
    """Take one thing, several or none."""
    if given is None:
        return ()
    return tuple(given) if isinstance(given, list | tuple) else (given,)


def _shown(given: Any) -> str:
    return given.question.text if isinstance(given, Answer) else repr(given)
