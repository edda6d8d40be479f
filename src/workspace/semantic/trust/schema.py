"""Whether a dataset's declarations fit the tables that a release has: columns and types, without reading a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa

from workspace.engine.checks import UNASKABLE
from workspace.errors import did_you_mean
from workspace.semantic.compile.join import joined
from workspace.semantic.compile.rows import Trace
from workspace.semantic.language.declare import Dim, Fact, Key, Member, Ref, Spec, Time
from workspace.semantic.language.metric import Filtered, Measure, made_of, parts
from workspace.semantic.language.words import Condition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workspace.semantic.compile.join import Reader
    from workspace.semantic.compile.rows import Place
    from workspace.semantic.language.metric import Metric
    from workspace.semantic.model import Model


@dataclass(frozen=True)
class Use:
    """Something that is said about a dataset.

    Attributes:
        place: Where it is said, e.g. `Orders.status`.
        member: What it declares; None for a condition.
        value: What it is, as a function of the dataset's row.
    """

    place: str
    member: Member | None
    value: Callable[[Place], Any]


def problems(model: Model, reader: Reader, spec: Spec) -> ibis.Table:
    """Give what does not fit, a row each."""
    found = [" ".join(said.split()) for said in _problems(model, reader, spec)]
    return ibis.memtable(pa.table({"problem": pa.array(found, pa.string())}))


def _problems(model: Model, reader: Reader, spec: Spec) -> Iterator[str]:
    columns = set(reader.table(spec.table).columns)
    missing: dict[str, str] = {}
    sound: list[Use] = []
    for use in _uses(model, spec):
        trace = Trace(model)
        try:
            use.value(trace.home(spec))
        except UNASKABLE as error:
            yield f"{use.place}: {error}"
            continue
        lacks = sorted(trace.needs.columns[()] - columns)
        missing |= dict.fromkeys(lacks, use.place)
        if not lacks:
            sound.append(use)
    for column, place in missing.items():
        yield f"there is no column {column!r}, which {place} uses. {did_you_mean(column, columns)}"
    yield from _misfits(model, reader, spec, sound)


def _misfits(model: Model, reader: Reader, spec: Spec, uses: list[Use]) -> Iterator[str]:
    """Build every expression over the real tables, and look at its type: all at once, or apart if one prevents it."""
    try:
        values = _values(model, reader, spec, uses)
    except UNASKABLE:
        values = None
    for number, use in enumerate(uses):
        try:
            value = values[number] if values else _values(model, reader, spec, [use])[0]
            said = _wrong(model, reader, use.member, value)
        except UNASKABLE as error:
            said = str(error)
        if said:
            yield f"{use.place}: {said}"


def _values(model: Model, reader: Reader, spec: Spec, uses: list[Use]) -> list[Any]:
    trace = Trace(model)
    for use in uses:
        use.value(trace.home(spec))
    home = joined(model, reader, spec, trace.needs).home(spec)
    return [use.value(home) for use in uses]


def _uses(model: Model, spec: Spec) -> Iterator[Use]:
    """Give what is said about a dataset: its members, its condition, and those of metrics made of its measures."""
    for name, member in spec.members.items():
        yield Use(f"{spec.name}.{name}", member, _use(member))
    if spec.where is not None:
        yield Use(f"{spec.name}.where", None, _resolved(spec.where))
    for name, metric in model.metrics.items():
        for filtered in _filtered(metric):
            if any(part.dataset == spec.name for part in parts(filtered.base)):
                given = (condition for condition in filtered.conditions if not isinstance(condition, Condition))
                yield from (Use(f"the metric {name}", None, _resolved(condition)) for condition in given)


def _filtered(metric: Metric) -> Iterator[Filtered]:
    if isinstance(metric, Filtered):
        yield metric
    for part in made_of(metric):
        yield from _filtered(part)


def _resolved(expr: Any) -> Callable[[Place], Any]:
    return lambda home: home.resolve(expr)


def _use(member: Member) -> Callable[[Place], Any]:
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
            return _resolved(member.expr)
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
