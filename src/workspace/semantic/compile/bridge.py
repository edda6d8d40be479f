"""To-many paths: from a row to the many rows of another dataset that belong to it, each of their values once.

A bridge is a table of (row, value) pairs without repetition. Joined to the rows, it makes each of them count once for
each value; as a condition it keeps the rows of which at least one of the many fulfils it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from workspace.errors import SemanticError
from workspace.semantic.compile.join import joined
from workspace.semantic.compile.paths import locate, value_at
from workspace.semantic.compile.rows import Place, Trace
from workspace.semantic.language.names import find

if TYPE_CHECKING:
    from workspace.semantic.compile.join import Reader
    from workspace.semantic.language.declare import Ref, Spec
    from workspace.semantic.language.words import Condition, Field
    from workspace.semantic.model import Model


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a to-many path goes: from home up to an anchor, from there down to the many, which refer back to it.

    Attributes:
        up: The references from home to the anchor; none if home is the anchor.
        many: The dataset of which many rows belong to one of the anchor.
        back: The references from there to the anchor.
    """

    up: tuple[Ref, ...]
    many: Spec
    back: tuple[Ref, ...]

    @property
    def text(self) -> str:
        """The way as names."""
        return ".".join([self.many.name, *(ref.name for ref in self.back)])

    @property
    def name(self) -> str:
        """What stands for it in the names of columns."""
        return "__".join(["many", self.many.name, *(ref.name for ref in (*self.back, *self.up))])


def way(model: Model, home: Spec, path: Field, metric: str) -> Way | None:
    """Find the shortest to-many way to what a path means; None if there is none.

    Raises:
        SemanticError: Several ways are equally short.
    """
    found: list[Way] = []
    for up in model.walks(home):
        anchor = model.end(home, up)
        for many in model.specs.values():
            backs = [walk for walk in model.walks(many) if walk and model.end(many, walk) is anchor]
            if anchor.key is not None and many is not home and len(find(model, many, path.steps)) == 1:
                found += [Way(up=up, many=many, back=walk) for walk in backs]
    least = min((len(w.up) + len(w.back) for w in found), default=0)
    shortest = [w for w in found if len(w.up) + len(w.back) == least]
    if len(shortest) > 1:
        ways = sorted(w.text for w in shortest)
        msg = f"For {metric}, {path.path} could be reached by {', '.join(ways[:-1])} or {ways[-1]}."
        named = next((w.many.key.name for w in shortest if w.many.key is not None), None)
        cure = f"Begin with the dataset that is meant, e.g. m.{named}.{path.path}." if named else "Rename one of them."
        raise SemanticError(msg, cure=cure)
    return shortest[0] if shortest else None


@dataclass(kw_only=True)
class Bridge:
    """The table of one way: what a question groups by on the other side, and what must hold there."""

    model: Model
    reader: Reader
    way: Way
    metric: str
    fields: dict[str, Field] = field(default_factory=dict)
    conditions: list[Condition] = field(default_factory=list)
    repeats: bool = True

    @property
    def name(self) -> str:
        """What its columns begin with."""
        return self.way.name

    @property
    def how(self) -> Literal["left", "inner", "semi"]:
        """A condition takes away the rows that nothing fulfils; a value alone leaves those that have none."""
        if not self.fields:
            return "semi"
        return "inner" if self.conditions else "left"

    def on(self, home: Place) -> list[Any]:
        """Read the anchor's key from the home row."""
        if self.way.up:
            place = home
            for ref in self.way.up[:-1]:
                place = place.follow(ref)
            return place.keys_of(self.way.up[-1])
        key = home.spec.key
        return [home.scope.column(home, column) for column in key.columns] if key else []

    def table(self) -> Any:
        """Give each anchor's values, without repetition."""
        trace = Trace(self.model)
        self._columns(trace.home(self.way.many))
        for condition in self._kept():
            condition(trace.home(self.way.many))
        scope = joined(self.model, self.reader, self.way.many, trace.needs)
        scope.keep(condition(scope.home(self.way.many)) for condition in self._kept())
        return scope.table.select(**self._columns(scope.home(self.way.many))).distinct()

    def _columns(self, many: Place) -> dict[str, Any]:
        place = many
        for ref in self.way.back[:-1]:
            place = place.follow(ref)
        keys = {f"{self.name}__key{i}": key for i, key in enumerate(place.keys_of(self.way.back[-1]))}
        return keys | {f"{self.name}__{column}": self._read(many, path) for column, path in self.fields.items()}

    def _kept(self) -> list[Any]:
        where = self.way.many.where
        own = [] if where is None else [lambda place: place.resolve(where)]
        return own + [self._asker(condition) for condition in self.conditions]

    def _asker(self, condition: Condition) -> Any:
        return lambda place: condition.build(lambda path: self._read(place, path))

    def _read(self, many: Place, path: Field) -> Any:
        return value_at(many, locate(self.model, many.spec, path, self.metric), path.grain)
