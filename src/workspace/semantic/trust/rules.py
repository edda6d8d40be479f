"""Promises of a business about its own data, in the words of its metrics: no joins, no SQL.

Two kinds are enough for most: something that must not be there (`none`), and two ways to count one thing that must come
to the same (`agree`). `rules` names them and makes checks of them, as `Model` does with metrics.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from workspace.errors import SemanticError, did_you_mean
from workspace.semantic.answers.ask import Metrics
from workspace.semantic.compile.question import check as answerable

if TYPE_CHECKING:
    import ibis

    from workspace.engine.checks import Check
    from workspace.semantic.compile.join import Reader
    from workspace.semantic.language.metric import Metric
    from workspace.semantic.model import Model

Severity = Literal["error", "warning"]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What must hold for every row of an entity, or on the whole.

    Attributes:
        metrics: One that must be nothing, or two that must be equal.
        description: What holds, in a sentence.
        by: The entity for whose every row it holds: the name of its key. Empty: on the whole.
        where: Of which rows, as a deferred condition in the words of a question.
        severity: Whether a release that breaks it is rejected, or the break shown.
    """

    metrics: tuple[Metric, ...]
    description: str
    by: str
    where: Any
    severity: Severity


def none(metric: Metric, description: str, *, by: str = "", where: Any = None, severity: Severity = "error") -> Rule:
    """Promise that a metric is 0, or that nothing is there to measure, for every row of an entity.

    Args:
        metric: What must be nothing.
        description: What holds, in a sentence.
        by: The name of the entity's key, e.g. "booking", so that it can be said which ones break it; if it is not
            given, it is the total that must be nothing.
        where: Of which rows: a deferred condition in the words of a question, e.g. `_.booking.status == "refunded"`.
        severity: "error" rejects the release, "warning" is shown.
    """
    return Rule(metrics=(metric,), description=description, by=by, where=where, severity=severity)


def agree(
    left: Metric, right: Metric, description: str, *, by: str, where: Any = None, severity: Severity = "error"
) -> Rule:
    """Promise that two metrics are equal for every row of an entity. Where nothing is there to measure, that is 0.

    Compare counts and sums of decimals: these agree to the cent, up to 90 trillion, and sums of floats do not.

    Args:
        left: One of them.
        right: The other.
        description: What holds, in a sentence.
        by: The name of the entity's key, e.g. "booking"; both metrics must have a path to it.
        where: Of which rows, for both: a deferred condition in the words of a question.
        severity: "error" rejects the release, "warning" is shown.
    """
    return Rule(metrics=(left, right), description=description, by=by, where=where, severity=severity)


def rules(model: Model, **named: Rule) -> list[Check]:
    """Make checks of a business's promises.

    Args:
        model: Where their metrics are defined.
        named: The promises, each under the name that the audit shows.

    Raises:
        SemanticError: A promise uses what the model does not have, or a metric has no path to its entity.

    Examples:
        >>> from ibis import _
        >>> from workspace.semantic import Dataset, Model, key, measure, time
        >>> class Orders(Dataset, table="shop.orders"):
        ...     order = key(_.id)
        ...     placed = time(_.created_at, default=True)
        ...     unpriced = measure(_.count(where=_.amount.isnull()), "Orders without an amount", unit="count")
        >>> model = Model(Orders, timezone="Europe/Berlin")
        >>> [check.name for check in rules(model, orders_have_amounts=none(Orders.unpriced, "Has one.", by="order"))]
        ['orders_have_amounts']
    """
    return [_check(model, name, rule) for name, rule in named.items()]


def _check(model: Model, name: str, rule: Rule) -> Check:
    for metric in rule.metrics:
        if model.metrics.get(metric.name) is not metric:
            msg = f"The rule {name} uses {metric.name}, which is not a metric of this model."
            raise SemanticError(msg, cure=did_you_mean(metric.name, model.metrics))
    columns = _key(model, name, rule.by) if rule.by else ()
    answerable(model, _asked(Metrics(model, None), rule).question)  # type: ignore[arg-type]  # nothing is read yet
    # The engines come with it, which declarations do not need.
    from workspace.engine.checks import Check

    return Check(
        name=name,
        description=rule.description,
        severity=rule.severity,
        violations=partial(_violations, model, rule),
        among=(lambda reader: _asked(model.bind(reader), rule).to_ibis()) if rule.by else None,
        shown={**({rule.by: columns} if rule.by else {}), **{metric.name: () for metric in rule.metrics}},
    )


def _key(model: Model, name: str, by: str) -> tuple[str, ...]:
    entities = {spec.key.name: spec.key.columns for spec in model.specs.values() if spec.key is not None}
    if by not in entities:
        msg = f"The rule {name} holds by={by!r}, which is the key of no dataset."
        raise SemanticError(msg, cure=did_you_mean(by, entities))
    if len(entities[by]) > 1:
        msg = f"The rule {name} holds by={by!r}, whose key has several columns: {', '.join(entities[by])}."
        raise SemanticError(msg, cure="Name an entity whose key is one column.")
    return entities[by]


def _asked(m: Metrics, rule: Rule) -> Any:
    where = [] if rule.where is None else [rule.where.resolve(m)]
    by = [getattr(m, rule.by)] if rule.by else []
    return m(*(getattr(m, metric.name) for metric in rule.metrics), by=by, where=where)


def _violations(model: Model, rule: Rule, reader: Reader) -> ibis.Table:
    found = _asked(model.bind(reader), rule).to_ibis()
    left, *right = (found[metric.name].fill_null(0) for metric in rule.metrics)
    return found.filter(left != (right[0] if right else 0))
