"""Every metric of a release, and the words to ask with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workspace import display
from workspace.errors import SemanticError, did_you_mean
from workspace.semantic.answers.answer import Answer, Between, Where, many
from workspace.semantic.answers.showing import stamp
from workspace.semantic.compile.question import Question
from workspace.semantic.language.names import UnknownNameError, heads
from workspace.semantic.language.words import Field

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workspace.semantic.compile.join import Reader
    from workspace.semantic.language.words import By
    from workspace.semantic.model import Model


class Metrics:
    """Every metric of a model at one release, and the words to ask with.

    `m.gbv` is a metric, `m.month` the default time of whatever is asked, `m.listing.city` a path. Call it for several
    metrics at once: `m(m.gbv, m.take_rate, by=[m.month], where=[m.event_type == "wedding"], last="12 weeks")`.
    """

    def __init__(self, model: Model, reader: Reader) -> None:
        self._model = model
        self._reader = reader

    def __call__(
        self,
        *metrics: Answer,
        by: By | Iterable[By] = (),
        where: Where = None,
        last: str | None = None,
        between: Between = None,
        overlap: bool = False,
        fill: bool = False,
        top: int | None = None,
    ) -> Answer:
        """Ask for several metrics together; each is calculated as if it were alone.

        Args:
            metrics: Metrics, e.g. `m.gbv`.
            by: Paths to group by.
            where: Conditions that all must hold.
            last: So many whole periods before the release's `as_of`, e.g. "12 weeks".
            between: The first day, and the first day after, in the reporting time zone.
            overlap: Let a row count once for each of the many values that a path leads to.
            fill: Show the periods in which nothing happened.
            top: Show so many groups, the largest by the first metric, and all others as "(rest)".
        """
        if not metrics:
            raise SemanticError("No metric is asked for.", cure="Write m(m.<metric>, ...).")
        for metric in metrics:
            if not isinstance(metric, Answer):
                raise SemanticError(f"{metric!r} is not a metric.", cure=did_you_mean(str(metric), self._model.metrics))
        question = Question(metrics=tuple(answer.bare() for answer in metrics))
        return Answer(self._model, self._reader, question).by(
            *many(by), where=where, last=last, between=between, overlap=overlap, fill=fill, top=top
        )

    @property
    def timezone(self) -> str:
        """The reporting time zone: where days, weeks and months begin."""
        return self._model.calendar.timezone

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._model.metrics:
            return Answer(self._model, self._reader, Question(metrics=(self._model.metrics[name],)))
        if name in self._model.grains:
            return Field(self._model, (), name)
        if name in heads(self._model):
            return Field(self._model, (name,))
        raise UnknownNameError(f"There is no {name!r} here.", cure=did_you_mean(name, dir(self)))

    def __dir__(self) -> list[str]:
        return sorted({*self._model.metrics, *self._model.grains, *heads(self._model)})

    def __repr__(self) -> str:
        return display.text(self._view(), limit=len(self._model.metrics))

    def _repr_html_(self) -> str:
        return display.html_table(self._view(), limit=len(self._model.metrics))

    def _view(self) -> display.View:
        found = [self._model.definition(name) for name in sorted(self._model.metrics)]
        columns = {
            "metric": [d.name for d in found],
            "meaning": [d.description for d in found],
            "unit": [d.unit for d in found],
            "owner": [d.owner for d in found],
            "definition": [d.id for d in found],
        }
        release = self._reader.release
        return display.View(
            title=f"{len(found)} metrics",
            columns=tuple(display.Column(name=name, kind="category") for name in columns),
            rows=display.tabled(columns),
            count=len(found),
            caption=f"release {release.name} · as of {stamp(release.as_of)}",
        )
