"""The nouns of the language: a dataset and what may be said about its rows.

A declaration is a class that reads like a glossary entry. Expressions are Ibis deferred ones (`from ibis import _`)
over the dataset's own columns and members; a reference is followed with a dot, however far it goes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ibis.common.deferred import Deferred

from workspace.errors import SemanticError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

GRAINS = ("hour", "day", "week", "month", "quarter", "year")
RESERVED = frozenset({*GRAINS, "column", "grain", "isin", "isnull", "like", "model", "notnull", "path", "steps"})

_PATH = re.compile(r"_((?:\.[A-Za-z]\w*)+)")


@dataclass(eq=False, kw_only=True)
class Member:
    """One named thing in a dataset; `dataset` and `name` are filled in by the class statement."""

    description: str = ""
    name: str = field(default="", init=False)
    dataset: str = field(default="", init=False)

    def __set_name__(self, owner: type, name: str) -> None:
        """Learn the name under which a dataset declares this."""
        if self.name:
            msg = f"{owner.__name__}.{name} is the same object as {self.dataset}.{self.name}."
            raise SemanticError(msg, cure="Write the declaration out in both places.")
        self.name, self.dataset = name, owner.__name__


@dataclass(eq=False, kw_only=True)
class Key(Member):
    """The columns that identify a row."""

    columns: tuple[str, ...]


@dataclass(eq=False, kw_only=True)
class Dim(Member):
    """Something to group and filter by."""

    expr: Any


@dataclass(eq=False, kw_only=True)
class Fact(Member):
    """A value of a row, to calculate with."""

    expr: Any
    unit: str = ""


@dataclass(eq=False, kw_only=True)
class Time(Member):
    """When something happened. In expressions it reads as the wall clock of the reporting time zone."""

    expr: Any
    default: bool = False


@dataclass(eq=False, kw_only=True)
class Ref(Member):
    """At most one row of another dataset for each row of this one."""

    target: type[Dataset] | str
    exprs: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)
    valid: Literal["event", "now"] | date | None = None
    before: Literal["earliest", "null"] = "earliest"
    missing: float | None = 0.0

    @property
    def target_name(self) -> str:
        """The name of the dataset that is meant."""
        return self.target if isinstance(self.target, str) else self.target.__name__


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What a dataset's class statement said."""

    name: str
    table: str
    history: bool
    where: Any
    doc: str
    members: Mapping[str, Member]

    def of(self, kind: type[Any]) -> list[Any]:
        """List the members of a kind, in the order of their declaration."""
        return [member for member in self.members.values() if isinstance(member, kind)]

    @property
    def key(self) -> Key | None:
        """The declared key, if there is one."""
        return next(iter(self.of(Key)), None)

    @property
    def time(self) -> Time | None:
        """The default time, if there is one."""
        return next((member for member in self.of(Time) if member.default), None)


class Dataset:
    """Rows of one table, and the words for them. Subclass it; it is never instantiated.

    Args:
        table: The table, `<source>.<table>`.
        history: Whether references read the version that was valid at event time.
        where: Which rows exist at all, as a deferred expression.

    Examples:
        >>> from ibis import _
        >>> from workspace.semantic import Dataset, key, measure, time
        >>> class Orders(Dataset, table="shop.orders", where=_.status != "draft"):
        ...     "One row an order."
        ...     order = key(_.id)
        ...     placed = time(_.created_at, default=True)
        ...     revenue = measure(_.amount.sum(), "What was ordered", unit="EUR", owner="finance")
        >>> Orders.revenue.description
        'What was ordered'
    """

    __dataset__: ClassVar[Spec]

    def __init_subclass__(cls, *, table: str, history: bool = False, where: Any = None) -> None:
        """Gather the members that the class statement declares."""
        if cls.__mro__[1] is not Dataset:
            msg = f"{cls.__name__} is made of {cls.__mro__[1].__name__}, but datasets inherit nothing."
            raise SemanticError(msg, cure="Derive it from Dataset, and declare what it has.")
        members = {name: value for name, value in vars(cls).items() if isinstance(value, Member)}
        if len([member for member in members.values() if isinstance(member, Key)]) > 1:
            raise SemanticError(f"{cls.__name__} has two keys.", cure="Declare one: key(_.a, _.b) has two columns.")
        for name in sorted(RESERVED & members.keys()):
            msg = f"{cls.__name__}.{name}: {name!r} is a word of the language."
            raise SemanticError(msg, cure="Choose another name for this member.")
        if where is not None:
            text_of(where)
        doc = (cls.__doc__ or "").strip()
        cls.__dataset__ = Spec(name=cls.__name__, table=table, history=history, where=where, doc=doc, members=members)


def text_of(expr: Any) -> str:
    """Write a deferred expression as text that is the same in every process.

    Raises:
        SemanticError: It is none, or its text would not be stable, as that of a set or a lambda.
    """
    if not isinstance(expr, Deferred):
        msg = f"{expr!r} is no expression over a row."
        raise SemanticError(msg, cure="Begin with `from ibis import _` and write, e.g., _.status.")
    text = repr(expr)
    if " at 0x" in text or "<lambda>" in text or re.search(r"\{'|frozenset\(", text):
        msg = f"The expression {text} has no stable text, so no definition id."
        raise SemanticError(msg, cure="Use lists instead of sets, and Ibis expressions instead of Python functions.")
    return text


def path_of(expr: Any) -> tuple[str, ...] | None:
    """Split an expression that only follows names (`_.booking.created`) into them; None for any other."""
    match = _PATH.fullmatch(repr(expr))
    return tuple(match[1][1:].split(".")) if match else None


def key(*columns: Any, description: str = "") -> Key:
    """Declare what identifies a row; its name is what the row is called elsewhere (`m.listing`).

    Args:
        columns: Plain columns, e.g. `_.booking_id, _.line_no`.
        description: What one row is.
    """
    paths = [path_of(column) for column in columns]
    names = tuple(path[0] for path in paths if path is not None and len(path) == 1)
    if not names or len(names) < len(columns):
        msg = f"key({', '.join(map(repr, columns))}) is not made of plain columns."
        raise SemanticError(msg, cure="Write key(_.column, ...).")
    return Key(columns=names, description=description)


def dim(expr: Any, description: str = "") -> Dim:
    """Declare something to group and filter by."""
    text_of(expr)
    return Dim(expr=expr, description=description)


def fact(expr: Any, description: str = "", *, unit: str = "") -> Fact:
    """Declare a value of a row, to calculate with."""
    text_of(expr)
    return Fact(expr=expr, description=description, unit=unit)


def time(expr: Any, description: str = "", *, default: bool = False) -> Time:
    """Declare when something happened: a column of timestamps (UTC) or dates, or another dataset's time.

    Args:
        expr: E.g. `_.created_at`, or `_.booking.created` to take over a reference's time.
        description: What happened then.
        default: Whether `m.month`, `last=` and event time mean this one.
    """
    text_of(expr)
    return Time(expr=expr, description=description, default=default)


def ref(
    target: type[Dataset] | str,
    *exprs: Any,
    valid: str | date | None = None,
    before: Literal["earliest", "null"] = "earliest",
    missing: float | None = 0.0,
    description: str = "",
    **named: Any,
) -> Ref:
    """Declare the one row of another dataset that a row belongs to.

    Args:
        target: The dataset, or its name if it is declared further down.
        exprs: This dataset's values for the target's key, in the order of the key's columns.
        valid: Which version of a history dataset: that at the time of the row which the path started from (default),
            that at *this* dataset's own default time ("event"), the newest ("now"), or that of a day ("2026-09-01",
            at its beginning in the reporting time zone).
        before: What facts older than the first known version see: that version, or NULL.
        missing: The largest share of rows whose reference may lead nowhere; the checks hold the data to it.
        description: What the relation means.
        named: The same values as `exprs`, by the name of the key's column.
    """
    for expr in (*exprs, *named.values()):
        text_of(expr)
    one_of("before", before, ("earliest", "null"))
    if missing is not None and not 0 <= missing <= 1:
        raise SemanticError(f"missing={missing!r} is no share of rows.", cure="Give a number from 0 to 1, or None.")
    return Ref(
        target=target,
        exprs=exprs,
        named=named,
        valid=_valid(valid),
        before=before,
        missing=missing,
        description=description,
    )


def one_of(name: str, given: str, known: tuple[str, ...]) -> None:
    """Refuse a word that an argument does not know.

    Raises:
        SemanticError: With what was probably meant.
    """
    if given not in known:
        raise SemanticError(f"{name}={given!r} says nothing.", cure=did_you_mean(given, known))


def _valid(given: str | date | None) -> Literal["event", "now"] | date | None:
    if given is None or given in ("event", "now") or isinstance(given, date):
        return given  # type: ignore[return-value]  # the two words are all that is left of str
    try:
        return date.fromisoformat(given)
    except ValueError:
        msg = f"valid={given!r} says no version."
        raise SemanticError(msg, cure='Write "event", "now" or a day such as "2026-09-01".') from None


def exact(expr: Any) -> Any:
    """Round a calculated amount to ten decimals, exactly represented.

    Sums of floats depend on the order of addition, which several threads do not keep; sums of decimals do not.
    """
    return expr.cast("decimal(38, 10)")
