"""A model: datasets and metrics that belong together, checked as a whole."""

from __future__ import annotations

import graphlib
from typing import TYPE_CHECKING, Any

from workspace.errors import SemanticError, did_you_mean
from workspace.semantic.answers.ask import Metrics
from workspace.semantic.compile.events import steps_of
from workspace.semantic.compile.paths import timely
from workspace.semantic.compile.plan import leaves, plan
from workspace.semantic.compile.rows import Trace
from workspace.semantic.definition import Definition, define
from workspace.semantic.language.calendar import Calendar
from workspace.semantic.language.declare import GRAINS, Dataset, Dim, Fact, Ref, Spec, Time
from workspace.semantic.language.metric import Funnel, Made, Measure, Metric, Retention, parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from workspace.semantic.compile.join import Reader


class Model:
    """Datasets with their references resolved, and every metric by its name.

    Args:
        datasets: `Dataset` classes, in any order.
        timezone: The reporting time zone, e.g. "Europe/Berlin".
        week: The day on which weeks start: "mon" to "sun".
        calendar: The dataset of the model's own periods: one row a day, whose key is the day and whose dimensions
            are the periods (fiscal years, 4-4-5 months, seasons) that `m.month` and the like then have beside them.
        metrics: Metrics made of others, by name.

    Raises:
        SemanticError: Two metrics have one name, a reference leads nowhere or in a circle or misses its target's key,
            or a measure's dataset has no default time.

    Examples:
        >>> from ibis import _
        >>> from workspace.semantic import Dataset, key, measure, ratio, time
        >>> class Orders(Dataset, table="shop.orders"):
        ...     order = key(_.id)
        ...     placed = time(_.created_at, default=True)
        ...     revenue = measure(_.amount.sum(), unit="EUR")
        ...     orders = measure(_.count(), unit="count")
        >>> model = Model(Orders, timezone="Europe/Berlin", basket=ratio(Orders.revenue, Orders.orders, unit="EUR"))
        >>> sorted(model.metrics)
        ['basket', 'orders', 'revenue']
        >>> model.definition("basket").formula
        'Orders.revenue / Orders.orders'
    """

    def __init__(
        self,
        *datasets: type[Dataset],
        timezone: str,
        week: str = "mon",
        calendar: type[Dataset] | None = None,
        **metrics: Metric,
    ) -> None:
        for cls in datasets:
            if not hasattr(cls, "__dataset__"):
                raise SemanticError(f"{cls!r} is no dataset.", cure="List classes derived from Dataset.")
        self.calendar = Calendar(timezone=timezone, week=week)
        self.specs: dict[str, Spec] = {cls.__dataset__.name: cls.__dataset__ for cls in datasets}
        self.metrics: Mapping[str, Metric] = dict(_metrics(self.specs, metrics))
        if len(self.specs) < len(datasets):
            msg = f"Two of the datasets {', '.join(sorted(cls.__name__ for cls in datasets))} have one name."
            raise SemanticError(msg, cure="Rename one of them.")
        self.grains: dict[str, str | None] = {**dict.fromkeys(GRAINS), **_own_grains(self.specs, calendar)}
        self._walks: dict[str, tuple[tuple[Ref, ...], ...]] = {}
        _check(self)

    def bind(self, reader: Reader) -> Metrics:
        """Connect the model with a release, so that metrics can be asked for.

        Args:
            reader: Anything with `table(name)`, `history(name)` and `release` (`name`, `as_of`).
        """
        return Metrics(self, reader)

    def definition(self, name: str) -> Definition:
        """Look up what a metric means, with the id that stands for everything it reaches.

        Raises:
            SemanticError: There is no such metric.
        """
        if name not in self.metrics:
            raise SemanticError(f"There is no metric {name!r}.", cure=did_you_mean(name, self.metrics))
        return define(self, self.metrics[name])

    def target(self, ref: Ref) -> Spec:
        """Find the dataset that a reference leads to."""
        return self.specs[ref.target_name]

    def key_exprs(self, ref: Ref) -> list[Any]:
        """Order a reference's values like the columns of its target's key."""
        key = self.target(ref).key
        return [ref.named[column] for column in key.columns] if ref.named and key else list(ref.exprs)

    def walks(self, home: Spec) -> tuple[tuple[Ref, ...], ...]:
        """List every chain of references that starts at a dataset, the empty one first."""
        if home.name not in self._walks:
            self._walks[home.name] = tuple(self._walk(home))
        return self._walks[home.name]

    def _walk(self, spec: Spec) -> Iterator[tuple[Ref, ...]]:
        yield ()
        for ref in spec.of(Ref):
            for rest in self.walks(self.target(ref)):
                yield (ref, *rest)

    def end(self, home: Spec, walk: tuple[Ref, ...]) -> Spec:
        """Find the dataset at the end of a chain."""
        return self.target(walk[-1]) if walk else home


def _own_grains(specs: Mapping[str, Spec], calendar: type[Dataset] | None) -> dict[str, str]:
    if calendar is None:
        return {}
    spec = specs.get(calendar.__name__)
    if spec is None or spec.key is None or len(spec.key.columns) != 1:
        msg = f"calendar={calendar.__name__} is no dataset of this model with one day as its key."
        raise SemanticError(
            msg, cure="Declare calendar_day = key(_.<column of dates>) in it, and list it among the datasets."
        )
    return {dim.name: spec.name for dim in spec.of(Dim)}


def _metrics(specs: Mapping[str, Spec], ratios: Mapping[str, Metric]) -> Iterator[tuple[str, Metric]]:
    """Name every metric once."""
    seen: dict[str, str] = {}
    named: list[tuple[str, str, Metric]] = [
        (measure.name, f"{spec.name}.{measure.name}", measure)
        for spec in specs.values()
        for measure in spec.of(Measure)
    ]
    for name, ratio in ratios.items():
        if not isinstance(ratio, Made):
            given = f"the measure {ratio.dataset}.{ratio.name}" if isinstance(ratio, Measure) else repr(ratio)
            msg = f"{name}={given} is not a metric made of others."
            cure = "Models take metric(...), ratio(...), funnel(...) and the like; measures belong into their dataset."
            raise SemanticError(msg, cure=cure)
        ratio.name = name
        named.append((name, f"the ratio {name}", ratio))
    for name, place, metric in named:
        if name in seen:
            msg = f"The metric {name} is defined twice: {seen[name]} and {place}."
            raise SemanticError(msg, cure="Rename one of them: a metric's name means one thing everywhere.")
        seen[name] = place
        yield name, metric


def _check(model: Model) -> None:
    """Refuse a model in which some question could not be answered, or only wrongly."""
    for spec in model.specs.values():
        for ref in spec.of(Ref):
            _check_target(model, spec, ref)
    _check_circles(model)
    words = {name for spec in model.specs.values() for name, m in spec.members.items() if not isinstance(m, Measure)}
    for name in sorted(words & model.metrics.keys()):
        msg = f"{name} is both a metric and a member of a dataset, so m.{name} would mean two things."
        raise SemanticError(msg, cure="Rename one of them.")
    for spec in model.specs.values():
        _check_spec(model, spec)
    for metric in model.metrics.values():
        for part in parts(metric):
            if model.specs.get(part.dataset) is None or model.specs[part.dataset].members.get(part.name) is not part:
                msg = f"The metric {metric.name} uses {part.dataset}.{part.name}, which is not in this model."
                raise SemanticError(msg, cure=f"Add {part.dataset} to the model.")
        _check_metric(model, metric)


def _check_metric(model: Model, metric: Metric) -> None:
    """Refuse a metric whose parts do not fit together, so that it is not found out when somebody asks."""
    for leaf in leaves(plan(metric)):
        if not leaf.shape.plain:
            timely(model.specs[leaf.measure.dataset], metric.name)
    if isinstance(metric, Funnel):
        steps_of(model, metric.steps, metric.by, metric.name)
    elif isinstance(metric, Retention):
        steps_of(model, (metric.first, metric.back), metric.by, metric.name)


def _check_target(model: Model, spec: Spec, ref: Ref) -> None:
    where = f"{spec.name}.{ref.name}"
    target = model.specs.get(ref.target_name)
    if target is None:
        msg = f"{where} refers to {ref.target_name}, which is not in this model."
        raise SemanticError(msg, cure=did_you_mean(ref.target_name, model.specs))
    if target.key is None:
        msg = f"{where} refers to {target.name}, which has no key, so that more than one row could match."
        raise SemanticError(msg, cure=f"Declare a key(...) in {target.name}.")
    complete = set(ref.named) == set(target.key.columns) if ref.named else len(ref.exprs) == len(target.key.columns)
    if not complete or (ref.named and ref.exprs):
        msg = f"{where} does not give the whole key of {target.name} ({', '.join(target.key.columns)})."
        raise SemanticError(msg, cure="Give one value for each column of the key, in its order or by name.")
    if ref.valid == "event" and spec.time is None:
        msg = f'{where} says valid="event", but {spec.name} has no default time.'
        raise SemanticError(msg, cure=f"Declare time(..., default=True) in {spec.name}.")


def _check_circles(model: Model) -> None:
    graph = {spec.name: {ref.target_name for ref in spec.of(Ref)} for spec in model.specs.values()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        msg = f"The references go in a circle: {circle}."
        raise SemanticError(msg, cure="Remove one of these references; ask along the others.") from None


def _check_spec(model: Model, spec: Spec) -> None:
    if len([t for t in spec.of(Time) if t.default]) > 1:
        raise SemanticError(f"{spec.name} has two default times.", cure="Leave default=True at one of them.")
    for member in (*spec.of(Dim), *spec.of(Fact), *spec.of(Time), *spec.of(Measure)):
        Trace(model).home(spec).inside(member.name).resolve(member.expr)
    for measure in spec.of(Measure):
        if measure.over is not None and spec.time is None:
            msg = f"{spec.name}.{measure.name} is a level over time, but {spec.name} has no default time."
            raise SemanticError(msg, cure=f"Declare time(..., default=True) in {spec.name}.")
        if measure.over is not None and spec.members.get(measure.over.name) is not measure.over:
            msg = f"{spec.name}.{measure.name} has over={measure.over.name}, which is no reference of {spec.name}."
            raise SemanticError(msg, cure="Name a ref of the same dataset.")
    if spec.where is None or not any(ref.target_name == spec.name for s in model.specs.values() for ref in s.of(Ref)):
        return
    trace = Trace(model)
    trace.home(spec).resolve(spec.where)
    if trace.needs.joins:
        msg = f"{spec.name} is referred to, so its where= may only use its own columns."
        raise SemanticError(msg, cure=f"Move the condition on other datasets out of {spec.name}.")
