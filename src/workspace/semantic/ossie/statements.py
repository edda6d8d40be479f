"""From SQL to the expressions of a declaration, for what both can say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from workspace.semantic.ossie.names import InexpressibleError

if TYPE_CHECKING:
    from collections.abc import Callable

_BINARY: dict[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.EQ: "==",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.And: "&",
    exp.Or: "|",
    exp.DPipe: "+",
}
_METHODS: dict[type[exp.Expr], str] = {
    exp.Lower: "lower",
    exp.Upper: "upper",
    exp.Abs: "abs",
    exp.Trim: "strip",
    exp.Length: "length",
}
_AGGREGATES: dict[type[exp.Expr], str] = {
    exp.Sum: "sum",
    exp.Avg: "mean",
    exp.Min: "min",
    exp.Max: "max",
    exp.Median: "median",
}
_TYPES = {
    exp.DataType.Type.DOUBLE: "float64",
    exp.DataType.Type.FLOAT: "float64",
    exp.DataType.Type.BIGINT: "int64",
    exp.DataType.Type.INT: "int64",
    exp.DataType.Type.VARCHAR: "string",
    exp.DataType.Type.TEXT: "string",
    exp.DataType.Type.DATE: "date",
    exp.DataType.Type.BOOLEAN: "boolean",
}


def parse(sql: str, dialect: str) -> exp.Expr:
    """Read an expression.

    Raises:
        InexpressibleError: It is none.
    """
    try:
        found = sqlglot.parse_one(sql, dialect=dialect or None)
    except SqlglotError as error:
        raise InexpressibleError(f"its SQL cannot be read: {str(error).splitlines()[0]}") from None
    return found


def is_aggregate(node: exp.Expr) -> bool:
    """Tell whether an expression is one aggregate and nothing around it."""
    return isinstance(node, (exp.Count, exp.WithinGroup, *_AGGREGATES))


def bare(node: exp.Expr) -> exp.Expr:
    """Take off what changes no number here: parentheses, a cast to floats, a zero that becomes NULL."""
    while isinstance(node, exp.Paren) or _is_dressed(node):
        node = node.this
    return node


def _is_dressed(node: exp.Expr) -> bool:
    floats = isinstance(node, exp.Cast) and _TYPES.get(node.to.this) == "float64"
    guarded = isinstance(node, exp.Nullif) and node.expression.sql() == "0"
    return (floats or guarded) and node.this.find(exp.AggFunc) is not None


def aggregate(node: exp.Expr, column: Callable[[exp.Column], str]) -> str:
    """Write an aggregate as Python over `_`, with what a CASE around its value says as `where=`.

    Args:
        node: The aggregate.
        column: Writes a column as a path over `_`.

    Raises:
        InexpressibleError: There is no such aggregate here.
    """
    if isinstance(node, exp.WithinGroup):
        return _percentile(node, column)
    value, distinct = node.this, False
    if isinstance(value, exp.Distinct):
        if len(value.expressions) != 1:
            raise InexpressibleError("it counts distinct combinations")
        value, distinct = value.expressions[0], True
    where = ""
    if isinstance(value, exp.Case) and value.this is None and len(value.args["ifs"]) == 1 and not _else(value):
        branch = value.args["ifs"][0]
        where, value = f"where={python(branch.this, column)}", branch.args["true"]
    if isinstance(node, exp.Count) and not distinct:
        if isinstance(value, exp.Star | exp.Literal):
            return f"_.count({where})"
        # Every row with a value; a row's own key always has one.
        return f"{python(value, column)}.count({where})"
    name = "nunique" if isinstance(node, exp.Count) else _AGGREGATES[type(node)]
    return f"{python(value, column)}.{name}({where})"


def _else(case: exp.Case) -> bool:
    default = case.args.get("default")
    return default is not None and not isinstance(default, exp.Null)


def _percentile(node: exp.WithinGroup, column: Callable[[exp.Column], str]) -> str:
    share, order = node.this, node.expression
    if not isinstance(share, exp.PercentileCont) or not isinstance(order, exp.Order) or len(order.expressions) != 1:
        raise InexpressibleError(f"{node.sql()} has no name here")
    value = order.expressions[0].this
    how = "median()" if share.this.sql() == "0.5" else f"quantile({share.this.sql()})"
    return f"{python(value, column)}.{how}"


def python(node: Any, column: Callable[[exp.Column], str]) -> str:
    """Write a scalar expression as Python over `_`.

    Raises:
        InexpressibleError: There is no such expression here.
    """
    match node:
        case exp.Paren():
            return python(node.this, column)
        case exp.Column():
            return column(node)
        case exp.Literal() | exp.Boolean() | exp.Null() | exp.Neg(this=exp.Literal()):
            return repr(_constant(node))
        case exp.Not() | exp.Neg():
            return _unary(node, column)
    if not isinstance(node, exp.Expr):
        raise InexpressibleError(f"{node!r} has no words here")
    done = _operation(node, column)
    value = "" if isinstance(node, exp.Binary) and not isinstance(node, exp.Is) else python(node.this, column)
    return f"{value}{done}"


def _unary(node: exp.Unary, column: Callable[[exp.Column], str]) -> str:
    inner = node.this
    if isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null):
        return f"{python(inner.this, column)}.notnull()"
    return f"{'~' if isinstance(node, exp.Not) else '-'}({python(inner, column)})"


def _operation(node: Any, column: Callable[[exp.Column], str]) -> str:  # noqa: PLR0911 - one line for each kind
    """Write what is done with a value; of two sides, both."""
    match node:
        case exp.Is(expression=exp.Null()):
            return ".isnull()"
        case exp.In(expressions=values) if values:
            return f".isin({[_constant(each) for each in values]!r})"
        case exp.Between():
            return f".between({python(node.args['low'], column)}, {python(node.args['high'], column)})"
        case exp.Coalesce(expressions=[other]):
            return f".fill_null({python(other, column)})"
        case exp.Nullif():
            return f".nullif({python(node.expression, column)})"
        case exp.Cast():
            return f".cast({_type(node.to)!r})"
    if type(node) in _METHODS:
        return f".{_METHODS[type(node)]}()"
    if type(node) in _BINARY:
        return f"({python(node.left, column)} {_BINARY[type(node)]} {python(node.right, column)})"
    raise InexpressibleError(f"{node.sql()} has no words here")


def _constant(node: exp.Expr) -> Any:
    match node:
        case exp.Literal(is_string=True):
            return node.this
        case exp.Literal():
            return int(node.this) if re.fullmatch(r"\d+", node.this) else float(node.this)
        case exp.Neg(this=exp.Literal() as inner):
            return -_constant(inner)
        case exp.Boolean():
            return bool(node.this)
        case exp.Null():
            return None
    raise InexpressibleError(f"{node.sql()} is no constant")


def _type(kind: exp.DataType) -> str:
    if kind.this == exp.DataType.Type.DECIMAL and len(kind.expressions) == 2:
        return f"decimal({', '.join(part.sql() for part in kind.expressions)})"
    if kind.this not in _TYPES:
        raise InexpressibleError(f"the type {kind.sql()} has no name here")
    return _TYPES[kind.this]
