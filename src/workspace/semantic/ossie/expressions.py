"""From the expressions of a declaration to SQL, for what both can say."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ibis.common import deferred

from workspace.semantic.language.declare import Dim, Fact, Key, Ref, Spec, Time, path_of
from workspace.semantic.ossie.names import InexpressibleError

if TYPE_CHECKING:
    from workspace.semantic.model import Model

_BINARY = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.eq: "=",
    operator.ne: "<>",
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
    operator.and_: "AND",
    operator.or_: "OR",
}
_AGGREGATES = {"sum": "SUM", "mean": "AVG", "min": "MIN", "max": "MAX"}
_FUNCTIONS = {"lower": "LOWER", "upper": "UPPER", "abs": "ABS", "round": "ROUND", "length": "LENGTH"}
_FUNCTIONS |= {"fill_null": "COALESCE", "coalesce": "COALESCE", "nullif": "NULLIF", "strip": "TRIM"}
_PARTS = {"year": "YEAR", "month": "MONTH", "day": "DAY", "hour": "HOUR", "quarter": "QUARTER"}
_TYPES = {"float64": "DOUBLE PRECISION", "int64": "BIGINT", "string": "VARCHAR", "date": "DATE", "boolean": "BOOLEAN"}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class _Row:
    """A row that a path has led to."""

    spec: Spec


@dataclass
class Writer:
    """Writes expressions over one dataset's rows as SQL.

    Attributes:
        model: Where references lead.
        home: The dataset.
        qualified: Whether columns carry the name of their dataset, as in metrics; a field is within its dataset.
        condition: SQL that decides which rows an aggregate counts; empty for all.
        columns: The columns that were used and are no members, by dataset.
        own: Members that are being written; inside their own definition their names mean the column.
        start: The dataset whose rows are aggregated, where it is not `home`.
    """

    model: Model
    home: Spec
    qualified: bool
    condition: str = ""
    columns: dict[str, set[str]] = field(default_factory=dict)
    own: frozenset[tuple[str, str]] = frozenset()
    start: Spec | None = None

    def write(self, expr: Any) -> str:
        """Write an expression.

        Raises:
            InexpressibleError: SQL over the format's datasets cannot say it.
        """
        written = self._value(getattr(expr, "_resolver", expr))
        if isinstance(written, _Row):
            raise InexpressibleError("a whole row is no value")
        return str(written)

    def _value(self, node: Any) -> Any:  # noqa: PLR0911 - one line for each kind
        match node:
            case deferred.Just() | deferred.JustUnhashable():
                return literal(node.value)
            case deferred.Variable():
                return _Row(self.home)
            case deferred.Attr(name=deferred.Just(value=str(name)), obj=obj):
                return self._attribute(obj, name)
            case deferred.Item(indexer=deferred.Just(value=str(name)), obj=obj):
                return self._attribute(obj, name)
            case deferred.UnaryOperator(func=func, arg=arg):
                sign = "NOT " if func in (operator.invert, operator.not_) else "-"
                return f"{sign}({self._text(arg)})"
            case deferred.BinaryOperator(func=func, left=left, right=right):
                return self._binary(func, self._text(left), self._text(right))
            case deferred.Call(func=deferred.Attr(name=deferred.Just(value=str(name)), obj=obj)):
                return self._call(obj, name, list(node.args), dict(node.kwargs))
            case deferred.Sequence(values=values):
                return f"({', '.join(self._text(value) for value in values)})"
        raise InexpressibleError(f"{node!r} has no SQL here")

    def _text(self, node: Any) -> str:
        written = self._value(node)
        if isinstance(written, _Row):
            raise InexpressibleError(f"{node!r} is a whole row")
        return str(written)

    def _binary(self, func: Any, left: str, right: str) -> str:
        if func is operator.truediv:
            return f"(CAST({left} AS DOUBLE PRECISION) / {right})"  # not the integer division of some databases
        if func not in _BINARY:
            raise InexpressibleError(f"{getattr(func, '__name__', func)} has no SQL here")
        return f"({left} {_BINARY[func]} {right})"

    def _attribute(self, obj: Any, name: str) -> Any:
        row = self._value(obj)
        if not isinstance(row, _Row):
            raise InexpressibleError(f"{name} of a value has no SQL here")
        spec = row.spec
        member = None if (spec.name, name) in self.own else spec.members.get(name)
        match member:
            case Ref():
                return self._follow(member)
            case Dim() | Fact() | Time():
                return self._member(spec, name, member)
            case Key() if len(member.columns) == 1:
                name = member.columns[0]
        return self._column(spec, name)

    def _follow(self, ref: Ref) -> _Row:
        if not self.qualified:
            raise InexpressibleError("it reads another dataset")
        target, start = self.model.target(ref), self.start or self.home
        if relation(self.model, ref) is None:
            raise InexpressibleError(f"{ref.dataset}.{ref.name} is no relationship of plain columns")
        if target.history:
            raise InexpressibleError(f"it reads {target.name} as it was then")
        ways = [walk for walk in self.model.walks(start) if self.model.end(start, walk) is target]
        if len(ways) > 1:
            raise InexpressibleError(f"{target.name} is reached by several relationships")
        return _Row(target)

    def _member(self, spec: Spec, name: str, member: Dim | Fact | Time) -> str:
        """Write a member: by its field's name where it is a field, by what it stands for elsewhere."""
        if self.qualified and field_sql(self.model, spec, member) is not None:
            return f"{identifier(spec.name)}.{identifier(name)}"
        # Its expression is over its own dataset's row, which need not be the one where all began.
        own, start = self.own | {(spec.name, name)}, self.start or self.home
        inner = Writer(self.model, spec, self.qualified, columns=self.columns, own=own, start=start)
        return inner.write(member.expr)

    def _column(self, spec: Spec, name: str) -> str:
        self.columns.setdefault(spec.name, set()).add(name)
        return f"{identifier(spec.name)}.{identifier(name)}" if self.qualified else identifier(name)

    def _call(self, obj: Any, name: str, args: list[Any], kwargs: dict[str, Any]) -> str:
        if name in ("count", "nunique", "median", *_AGGREGATES):
            where = kwargs.pop("where", None)
            if name == "count" and args:
                where = args.pop(0)
            if not args and not kwargs:
                return self._aggregate(obj, name, where)
        if kwargs or name in _AGGREGATES:
            raise InexpressibleError(f"{name} with further arguments has no SQL here")
        return self._scalar(self._text(obj), name, args)

    def _scalar(self, value: str, name: str, args: list[Any]) -> str:
        match name:
            case "isnull":
                written = f"({value} IS NULL)"
            case "notnull":
                written = f"({value} IS NOT NULL)"
            case "isin":
                written = f"({value} IN {self._text(args[0])})"
            case "notin":
                written = f"({value} NOT IN {self._text(args[0])})"
            case "cast":
                written = f"CAST({value} AS {sql_type(getattr(args[0], 'value', None))})"
            case "date":
                written = f"CAST({value} AS DATE)"
            case _ if name in _PARTS:
                written = f"EXTRACT({_PARTS[name]} FROM {value})"
            case _ if name in _FUNCTIONS:
                written = f"{_FUNCTIONS[name]}({', '.join([value, *map(self._text, args)])})"
            case _:
                raise InexpressibleError(f"{name}() has no SQL here")
        return written

    def _aggregate(self, obj: Any, name: str, where: Any) -> str:
        conditions = [text for text in (self.condition, self._text(where) if where is not None else "") if text]
        value = self._value(obj)
        if isinstance(value, _Row):
            if name != "count":
                raise InexpressibleError(f"{name} of a whole row")
            # Which dataset's rows are counted must be said; a key is never missing.
            key = value.spec.key
            if key is None:
                raise InexpressibleError(f"{value.spec.name} has no key to count")
            value = self._column(value.spec, key.columns[0])
        if conditions:
            value = f"CASE WHEN {' AND '.join(conditions)} THEN {value} END"
        if name == "median":
            return f"PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY {value})"
        if name in ("count", "nunique"):
            return f"COUNT({'DISTINCT ' if name == 'nunique' else ''}{value})"
        return f"{_AGGREGATES[name]}({value})"


def relation(model: Model, ref: Ref) -> list[str] | None:
    """Give the columns that a reference consists of; None if one of its values is more than a column."""
    paths = [path_of(expr) for expr in model.key_exprs(ref)]
    members = model.specs[ref.dataset].members
    columns = [path[0] for path in paths if path is not None and len(path) == 1 and path[0] not in members]
    return columns if len(columns) == len(paths) else None


def field_sql(model: Model, spec: Spec, member: Dim | Fact | Time) -> str | None:
    """Write a member as a field of its dataset; None if it reads another dataset or has no SQL."""
    try:
        return Writer(model, spec, qualified=False, own=frozenset({(spec.name, member.name)})).write(member.expr)
    except InexpressibleError:
        return None


def literal(value: Any) -> str:  # noqa: PLR0911 - one line for each kind
    """Write a constant.

    Raises:
        InexpressibleError: SQL has none such.
    """
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float() | Decimal():
            return str(value)
        case str():
            return "'" + value.replace("'", "''") + "'"
        case datetime():
            return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
        case date():
            return f"DATE '{value.isoformat()}'"
        case list() | tuple():
            return f"({', '.join(map(literal, value))})"
    raise InexpressibleError(f"{value!r} has no SQL here")


def sql_type(kind: Any) -> str:
    """Name a type in SQL.

    Raises:
        InexpressibleError: It is none that every database has.
    """
    found = re.fullmatch(r"decimal\((\d+), ?(\d+)\)", str(kind))
    if found:
        return f"DECIMAL({found[1]}, {found[2]})"
    if str(kind) not in _TYPES:
        raise InexpressibleError(f"the type {kind} has no name here")
    return _TYPES[str(kind)]


def identifier(name: str) -> str:
    """Quote a name where SQL needs it."""
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'
