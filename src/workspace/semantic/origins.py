"""Origins: what a metric is made of, down to the tables, and what it can be split by."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workspace.errors import SemanticError
from workspace.semantic.compile.question import Question, check
from workspace.semantic.language.declare import Dim, Spec
from workspace.semantic.language.metric import parts
from workspace.semantic.language.names import find

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from workspace.semantic.answers.ask import Metrics
    from workspace.semantic.language.declare import Ref
    from workspace.semantic.model import Model

_DATASET = re.compile(r"^dataset (\w+) =", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """Where a metric's numbers come from.

    Attributes:
        metric: Its name.
        measures: The measures that it is made of, each `<dataset>.<name>`, with the datasets which it reads: its own
            first, then those that it refers to.
        tables: The table of every dataset.
    """

    metric: str
    measures: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, str]


def lineage(model: Model, name: str) -> Lineage:
    """Follow a metric to its tables.

    Raises:
        SemanticError: There is no such metric.
    """
    whole = _datasets(model, name)
    measures = {}
    for part in parts(model.metrics[name]):
        reached = [found for found in _datasets(model, part.name) if found != part.dataset]
        measures[f"{part.dataset}.{part.name}"] = (part.dataset, *reached)
    # What no measure reads is there for the metric's own conditions, whoever's rows they choose.
    known = {found for reached in measures.values() for found in reached}
    further = tuple(found for found in whole if found not in known)
    measures = {measure: (*reached, *further) for measure, reached in measures.items()}
    tables = {found: model.specs[found].table for found in sorted(known | set(further))}
    return Lineage(metric=name, measures=measures, tables=tables)


def splits(m: Metrics, model: Model, name: str) -> list[str]:
    """List the dimensions by which a metric can be split and filtered, each by the shortest path that means it.

    Args:
        m: The model, bound to anything: nothing is read.
        model: The same model.
        name: The metric.

    Raises:
        SemanticError: There is no such metric.

    Examples:
        >>> from ibis import _
        >>> from workspace.semantic import Dataset, Model, dim, key, measure, ref, time
        >>> class People(Dataset, table="shop.people"):
        ...     person = key(_.id)
        ...     country = dim(_.country)
        >>> class Orders(Dataset, table="shop.orders"):
        ...     buyer = ref(People, _.person_id)
        ...     payer = ref(People, _.payer_id)
        ...     placed = time(_.created_at, default=True)
        ...     status = dim(_.status)
        ...     orders = measure(_.count(), unit="count")
        >>> model = Model(People, Orders, timezone="Europe/Berlin")
        >>> splits(model.bind(reader=None), model, "orders")
        ['buyer.country', 'payer.country', 'status']
    """
    model.definition(name)
    homes = dict.fromkeys(part.dataset for part in parts(model.metrics[name]))
    found = (_shortest(m, model, name, way) for home in homes for way in _ways(model, model.specs[home]))
    return sorted({path for path in found if path})


_Way = tuple[Spec, tuple["Ref", ...], Dim]


def _ways(model: Model, home: Spec) -> Iterator[_Way]:
    for walk in model.walks(home):
        for member in model.end(home, walk).of(Dim):
            yield home, walk, member


def _shortest(m: Metrics, model: Model, name: str, way: _Way) -> str:
    """Find the shortest end of a path that still means it, and that every part of the metric understands."""
    home, walk, member = way
    steps = (*(ref.name for ref in walk), member.name)
    for start in reversed(range(len(steps))):
        ends = find(model, home, steps[start:])
        if len(ends) == 1 and ends[0].walk == walk and ends[0].member is member:
            try:
                field: Any = functools.reduce(getattr, steps[start:], m)
                check(model, Question(metrics=(model.metrics[name],), by=(field,)))
            except SemanticError:
                continue
            return ".".join(steps[start:])
    return ""


def _datasets(model: Model, name: str) -> list[str]:
    """List the datasets that a definition reaches: its text names each on a line of its own."""
    return [found for found in _DATASET.findall(model.definition(name).text) if found in model.specs]
