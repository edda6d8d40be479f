"""Metrics as the Python that declares them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from workspace.semantic.language.declare import text_of
from workspace.semantic.language.metric import Arithmetic, Filtered, Funnel, Measure, Retention, Share, Timed
from workspace.semantic.language.words import Condition
from workspace.semantic.ossie.names import InexpressibleError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workspace.semantic.language.metric import Metric

_SAFE = (
    ast.Expression,
    ast.Name,
    ast.Load,
    ast.Attribute,
    ast.Call,
    ast.keyword,
    ast.Constant,
    ast.List,
    ast.Tuple,
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.Subscript,
    ast.operator,
    ast.unaryop,
    ast.cmpop,
)


def source(made: Metric | float) -> str:  # noqa: PLR0911 - one line for each kind
    """Write a metric as an expression over measures, each `<dataset>.<name>`.

    Raises:
        InexpressibleError: It holds what only exists where it was declared.
    """
    match made:
        case Measure():
            return f"{made.dataset}.{made.name}"
        case Arithmetic():
            return f"({source(made.left)} {made.sign} {source(made.right)})"
        case Filtered():
            return f"{source(made.base)}.where({', '.join(map(_condition, made.conditions))})"
        case Timed():
            return f"{source(made.base)}{_moved(made)}"
        case Share(within=()):
            return f"{source(made.base)}.share()"
        case Funnel() if made.reached is None:
            return f"funnel({', '.join(map(source, made.steps))}, by={made.by!r}{_within(made)})"
        case Retention():
            sides = f"{source(made.first)}, {source(made.back)}"
            return f"retention({sides}, by={made.by!r}, grain={made.grain!r}, after={made.after})"
        case int() | float():
            return repr(made)
    raise InexpressibleError(f"{getattr(made, 'name', made)} has no declaration of its own")


def _within(made: Funnel) -> str:
    return f", within={made.within.text!r}" if made.within else ""


def _condition(given: Any) -> str:
    if isinstance(given, Condition):
        raise InexpressibleError("its condition is one of a question")
    return text_of(given)


def _moved(made: Timed) -> str:
    text = ""
    if made.stretch is not None:
        given = {"trailing": made.stretch.span and made.stretch.span.text, "to_date": made.stretch.grain}
        text += f".{made.stretch.kind}({'' if made.stretch.kind == 'all_time' else repr(given[made.stretch.kind])})"
    return text if made.back is None else f"{text}.ago({made.back.text!r})"


def is_safe(text: Any, names: Iterable[str]) -> bool:
    """Tell whether a text is an expression over these names that only follows, calls and compares.

    What comes from a document is written into declarations that somebody will run.

    Examples:
        >>> is_safe("_.amount.sum(where=(_.status == 'paid'))", {"_"})
        True
        >>> is_safe("__import__('os').system('true')", {"_"}) or is_safe("_.__class__", {"_"}) or is_safe("a; b", {"_"})
        False
    """
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, TypeError, ValueError):
        return False
    allowed = frozenset(names)
    return all(
        isinstance(node, _SAFE)
        and not (isinstance(node, ast.Name) and node.id not in allowed)
        and not (isinstance(node, ast.Attribute) and node.attr.startswith("_"))
        for node in ast.walk(tree)
    )
