"""Whether a dataset's declarations fit the tables that a release has: columns and types, without reading a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa

from workspace.engine.checks import UNASKABLE
from workspace.errors import did_you_mean
from workspace.semantic.declare import Dim, Fact, Key, Member, Ref, Spec, Time
from workspace.semantic.join import joined
from workspace.semantic.metric import Measure
from workspace.semantic.rows import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workspace.semantic.join import Reader
    from workspace.semantic.model import Model
    from workspace.semantic.rows import Place

Use = Callable[["Place"], Any]
"""Something that is said about a dataset, as a function of its row."""


def problems(model: Model, reader: Reader, spec: Spec) -> ibis.Table:
    """Give what does not fit, a row each."""
    found = list(_problems(model, reader, spec))
    return ibis.memtable(pa.table({"problem": pa.array(found, pa.string())}))


def _problems(model: Model, reader: Reader, spec: Spec) -> Iterator[str]:
    columns = set(reader.table(spec.table).columns)
    missing: dict[str, str] = {}
    sound: dict[str, Use] = {}
    for name, use in _uses(spec):
        trace = Trace(model)
        try:
            use(trace.home(spec))
        except UNASKABLE as error:
            yield f"{spec.name}.{name}: {error}"
            continue
        lacks = sorted(trace.needs.columns[()] - columns)
        missing |= dict.fromkeys(lacks, name)
        if not lacks:
            sound[name] = use
    for column, name in missing.items():
        yield f"there is no column {column!r}, which {spec.name}.{name} uses. {did_you_mean(column, columns)}".rstrip()
    yield from _misfits(model, reader, spec, sound)


def _misfits(model: Model, reader: Reader, spec: Spec, uses: dict[str, Use]) -> Iterator[str]:
    """Build every expression over the real tables, and look at its type: all at once, or apart if one prevents it."""
    try:
        values = _values(model, reader, spec, uses)
    except UNASKABLE:
        values = {}
    for name, use in uses.items():
        try:
            value = values[name] if values else _values(model, reader, spec, {name: use})[name]
            said = _wrong(model, reader, spec.members.get(name), value)
        except UNASKABLE as error:
            said = str(error)
        if said:
            yield f"{spec.name}.{name}: {said}"


def _values(model: Model, reader: Reader, spec: Spec, uses: dict[str, Use]) -> dict[str, Any]:
    trace = Trace(model)
    for use in uses.values():
        use(trace.home(spec))
    home = joined(model, reader, spec, trace.needs).home(spec)
    return {name: use(home) for name, use in uses.items()}


def _uses(spec: Spec) -> Iterator[tuple[str, Use]]:
    """Give what is said about a dataset, each as a function of its row."""
    for name, member in spec.members.items():
        yield name, _use(member)
    if spec.where is not None:
        yield "where", lambda home: home.resolve(spec.where)


def _use(member: Member) -> Use:
    match member:
        case Key():
            return lambda home: [home.scope.column(home, column) for column in member.columns]
        case Time():
            return lambda home: home.raw(member)
        case Ref():
            return lambda home: home.keys_of(member)
        case Dim() | Fact():
            return lambda home: home.inside(member.name).resolve(member.expr)
        case Measure():
            return lambda home: home.resolve(member.expr)
    raise TypeError(member)


def _wrong(model: Model, reader: Reader, member: Member | None, value: Any) -> str:
    """Say what is wrong with a value's type; empty if nothing is."""
    match member:
        case None:
            return "" if value.type().is_boolean() else f"a condition is true or false, and this is {value.type()}."
        case Time():
            kind = value.type()
            return "" if kind.is_timestamp() or kind.is_date() else f"a time is a timestamp or a date, not {kind}."
        case Measure():
            return "" if value.op().shape.is_scalar() else "it gives a value a row; a measure aggregates rows."
        case Ref():
            return _wrong_reference(model, reader, member, value)
    return ""


def _wrong_reference(model: Model, reader: Reader, ref: Ref, values: list[Any]) -> str:
    target = model.target(ref)
    there = reader.table(target.table)
    for column, value in zip(target.key.columns if target.key else (), values, strict=True):
        if column in there.columns and _family(there[column].type()) != _family(value.type()):
            kinds = f"{value.type()}, but {target.name}.{column} is {there[column].type()}"
            return f"its value is {kinds}, which are never equal. Cast one of them."
    return ""


def _family(kind: Any) -> str:
    """Say with which types a type can be equal."""
    if kind.is_numeric():
        return "number"
    return "text" if kind.is_string() or kind.is_uuid() else str(type(kind).__name__)
