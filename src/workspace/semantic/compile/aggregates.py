"""Aggregates taken apart: which rows they count, and how their parts add up to them again."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import ibis.expr.operations as ops

if TYPE_CHECKING:
    from collections.abc import Sequence

_COUNTS = (ops.Count, ops.CountStar, ops.CountDistinct, ops.CountDistinctStar)
_SUMS = (ops.Sum, ops.Count, ops.CountStar)
_ENDS = (ops.Min, ops.Max)


def is_count(value: Any) -> bool:
    """Tell whether nothing to aggregate makes it 0 rather than missing."""
    return isinstance(value.op(), _COUNTS)


def is_sum(value: Any) -> bool:
    """Tell whether it is a sum or a count, for which a period in which nothing happened is 0."""
    return isinstance(value.op(), (*_COUNTS, ops.Sum))


def is_additive(value: Any) -> bool:
    """Tell whether groups of rows add up to the whole."""
    return isinstance(value.op(), _SUMS)


def portable(value: Any) -> Any:
    """Write an aggregate so that every engine gives the same: averages and quantiles are of doubles."""

    def rewrite(node: Any) -> Any:
        arg = node.arg.to_expr()
        where = None if node.where is None else node.where.to_expr()
        if isinstance(node, ops.Mean):
            return arg.sum(where=where).cast("float64") / arg.count(where=where).cast("float64").nullif(0)
        if arg.type().is_floating():
            return None
        return node.copy(arg=arg.cast("float64").op()).to_expr()

    kinds = (ops.Mean, ops.Median, ops.Quantile)
    found = {node: rewrite(node) for node in value.op().find(kinds, filter=ops.Value)}
    return _replace(value, {node: made for node, made in found.items() if made is not None})


def restrict(value: Any, conditions: Sequence[Any]) -> Any:
    """Let an aggregate count only the rows for which all conditions hold."""
    if not conditions:
        return value
    kept = reduce(lambda a, b: a & b, conditions)
    found = {}
    for node in _reductions(value):
        own = node.where if getattr(node, "where", None) is None else node.where.to_expr()
        found[node] = node.copy(where=(kept if own is None else own & kept).op()).to_expr()
    return _replace(value, found)


def adds_up(value: Any) -> bool:
    """Tell whether it can be calculated from the same aggregates of parts of the rows."""
    return all(isinstance(node, (*_SUMS, *_ENDS)) for node in _reductions(value))


def pieces(value: Any, name: str) -> dict[str, Any]:
    """Name the aggregates that a value is calculated from."""
    return {f"{name}__{i}": node.to_expr() for i, node in enumerate(_reductions(value))}


def whole(value: Any, name: str, table: Any) -> Any:
    """Calculate a value from a table of its pieces."""
    found = {}
    for i, node in enumerate(_reductions(value)):
        piece = table[f"{name}__{i}"]
        if isinstance(node, _SUMS):
            merged = piece.sum()
            found[node] = merged if isinstance(node, ops.Sum) else merged.fill_null(0)
        else:
            found[node] = piece.min() if isinstance(node, ops.Min) else piece.max()
    return _replace(value, found)


def _replace(value: Any, found: dict[Any, Any]) -> Any:
    if not found:
        return value
    made = {node: expr.op() for node, expr in found.items()}
    return value.op().replace(made, filter=ops.Value).to_expr().name(value.get_name())


def _reductions(value: Any) -> list[Any]:
    """List the aggregates in a value, and none of those that its rows were made with."""
    found: list[Any] = value.op().find(ops.Reduction, filter=ops.Value)
    return found
