"""What a model's declarations promise of the data, as checks: keys, references, columns and types.

What follows from a table's own primary key is the business of `workspace.engine.structure`.
"""

from __future__ import annotations

import copy
import dataclasses
from functools import partial
from typing import TYPE_CHECKING, Any

import ibis

from workspace.engine.checks import Check, overlaps, repeated
from workspace.semantic.compile.join import Joined, joined
from workspace.semantic.compile.rows import Trace
from workspace.semantic.language.calendar import OPEN_START
from workspace.semantic.language.declare import Key, Ref, Spec, path_of
from workspace.semantic.trust.schema import problems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from workspace.semantic.compile.join import Reader
    from workspace.semantic.compile.rows import Place
    from workspace.semantic.model import Model


def checks(model: Model, keys: Mapping[str, tuple[str, ...]] | None = None) -> list[Check]:
    """Give the checks that follow from a model.

    For each dataset: that its columns are there and its expressions fit their types; that its key is unique and never
    NULL, so that references to it lead to one row at most, or to one version at a time; and that each of its references
    leads to a row, or to a version that was valid then. References between tables of two sources only warn: what one
    system deletes, another may keep for good.

    Args:
        model: The declarations.
        keys: The primary keys that `structure` checks, by table: a dataset with the same key is not checked again,
            and one whose table is not among them only warns, as one without the source that it comes from does.
    """
    known = keys or {}
    whole = _unconditional(model)
    found = []
    absent = {spec.name for spec in model.specs.values() if keys is not None and spec.table not in keys}
    for spec in model.specs.values():
        if spec.name in absent:
            found.append(_absent(spec))
            continue
        found.append(_schema(model, spec))
        if spec.key is not None and set(known.get(spec.table, ())) != set(spec.key.columns):
            found.append(_key(whole, spec, spec.key))
        there = (ref for ref in spec.of(Ref) if model.target(ref).name not in absent)
        found += [_reference(whole, spec, ref) for ref in there if ref.missing is not None]
    return found


def _absent(spec: Spec) -> Check:
    return Check(
        name=f"{spec.name}: table",
        description=f"{spec.table} is part of the release; without it, nothing that rests on {spec.name} can be asked.",
        severity="warning",
        violations=lambda _: ibis.memtable({"table": [spec.table]}),
        shown={"table": ()},
    )


@dataclasses.dataclass(frozen=True)
class _Whole:
    """A model whose datasets have all rows of their tables, and the conditions that it really has.

    A reference to a row that exists leads somewhere, even to one that the metrics leave out.
    """

    model: Model
    where: Mapping[str, Any]


def _unconditional(model: Model) -> _Whole:
    bare = copy.copy(model)
    bare.specs = {name: dataclasses.replace(spec, where=None) for name, spec in model.specs.items()}
    return _Whole(bare, {name: spec.where for name, spec in model.specs.items()})


def _schema(model: Model, spec: Spec) -> Check:
    return Check(
        name=f"{spec.name}: schema",
        description=f"{spec.table} has the columns that {spec.name} uses, in types that fit.",
        severity="error",
        violations=lambda reader: problems(model, reader, spec),
        shown={"problem": ()},
    )


def _key(whole: _Whole, spec: Spec, key: Key) -> Check:
    rows = "versions that are valid at the same time" if spec.history else "rows"
    return Check(
        name=f"{spec.name}: key",
        description=f"({', '.join(key.columns)}) is never NULL, and no two {rows} of {spec.name} have the same.",
        severity="error",
        violations=partial(_ambiguous, whole, spec, key),
        among=partial(_reachable, whole, spec, key),
        shown={column: (column,) for column in key.columns},
    )


def _ambiguous(whole: _Whole, spec: Spec, key: Key, reader: Reader) -> ibis.Table:
    rows = _reachable(whole, spec, key, reader)
    if not spec.history:
        return repeated(rows, key.columns)
    unknown = rows.filter(ibis.or_(*(rows[column].isnull() for column in key.columns)))
    return overlaps(rows, key.columns).select(key.columns).union(unknown.select(key.columns))


def _reachable(whole: _Whole, spec: Spec, key: Key, reader: Reader) -> ibis.Table:
    """Give the key, and the bounds of versions, of the rows to which a reference can lead.

    Nothing refers to a dataset whose condition needs other datasets, so there it is all rows.
    """
    rows = reader.history(spec.table) if spec.history else reader.table(spec.table)
    where = whole.where[spec.name]
    if where is not None and _is_plain(whole, spec):
        rows = rows.filter(Joined(whole.model, rows).home(spec).resolve(where))
    return rows.select(*key.columns, *(("valid_from", "valid_to") if spec.history else ()))


def _is_plain(whole: _Whole, spec: Spec) -> bool:
    """Tell whether a dataset's condition uses its own columns only, and so can be asked of its versions too."""
    where = whole.where[spec.name]
    if where is None:
        return True
    trace = Trace(whole.model)
    trace.home(spec).resolve(where)
    return not trace.needs.joins


def _scope(whole: _Whole, spec: Spec, reader: Reader, uses: Callable[[Place], Any]) -> Joined:
    """Join what an expression over a dataset's rows needs, and keep those that its condition does not rule out.

    A condition that nobody can decide rules nothing out: it may be the missing row that leaves it open.
    """
    where = whole.where[spec.name]
    trace = Trace(whole.model)
    home = trace.home(spec)
    uses(home)
    if where is not None:
        home.resolve(where)
    scope = joined(whole.model, reader, spec, trace.needs)
    if where is not None:
        scope.keep([scope.home(spec).resolve(where).fill_null(True)])  # noqa: FBT003
    return scope


def _reference(whole: _Whole, spec: Spec, ref: Ref) -> Check:
    target = whole.model.target(ref)
    apart = spec.table.partition(".")[0] != target.table.partition(".")[0]
    followed = _by_version(whole, spec, ref)
    there = f"a version of {target.name} that was valid then" if target.history else f"a row of {target.name}"
    each = "version" if followed else "row"
    most = f", but for {ref.missing * 100:g} % of them at most" if ref.missing else ""
    return Check(
        name=f"{spec.name}.{ref.name}: reference",
        description=f"Every {each} of {spec.name} that names its {ref.name} leads to {there}{most}.",
        severity="warning" if apart else "error",
        violations=partial(_uncovered if followed else _lost, whole, spec, ref),
        among=partial(_naming_versions if followed else _naming, whole, spec, ref),
        allowed=ref.missing or 0.0,
        shown=_sources(whole, spec, ref) | ({"valid_from": ()} if followed else {}),
    )


def _by_version(whole: _Whole, spec: Spec, ref: Ref) -> bool:
    """Tell whether a reference is followed from versions to versions, at the time of someone else's event."""
    both = spec.history and whole.model.target(ref).history and ref.valid is None and spec.key is not None
    own = all(len(path_of(expr) or ()) == 1 for expr in whole.model.key_exprs(ref))
    return both and own and _is_plain(whole, spec)


def _sources(whole: _Whole, spec: Spec, ref: Ref) -> dict[str, set[str]]:
    """Name the columns by which people find a row and what it refers to, and where they come from."""
    found = {column: {column} for column in (spec.key.columns if spec.key else ())}
    for name, expr in zip(_names(whole, ref), whole.model.key_exprs(ref), strict=True):
        trace = Trace(whole.model)
        trace.home(spec).inside(ref.name).resolve(expr)
        found[name] = set().union(*trace.needs.columns.values())
    return found


def _names(whole: _Whole, ref: Ref) -> list[str]:
    """Name a reference's values: as the columns that they are, else after the target's key."""
    key = whole.model.target(ref).key
    columns = key.columns if key else ()
    paths = [path_of(expr) for expr in whole.model.key_exprs(ref)]
    return [
        path[0] if path and len(path) == 1 else f"{ref.name}_{column}"
        for path, column in zip(paths, columns, strict=True)
    ]


def _naming(whole: _Whole, spec: Spec, ref: Ref, reader: Reader) -> Any:
    """Give a dataset's rows for which the reference has a value: their key, the values, and what these led to."""
    target = whole.model.target(ref)
    key = target.key.columns[0] if target.key else ""
    own = spec.key.columns if spec.key else ()
    if target.history and ref.valid is None and spec.time is None:
        # Without a time of its own, a row can only mean what is true now.
        ref = copy.copy(ref)
        ref.valid = "now"

    def read(home: Place) -> dict[str, Any]:
        there = home.follow(ref)
        columns = {column: home.scope.column(home, column) for column in own}
        values = dict(zip(_names(whole, ref), home.keys_of(ref), strict=True))
        # Whose time is not known, as that of a row which got lost itself, can mean no version.
        when = {"__when": there.event.event_moment()} if target.history and there.event is not None else {}
        return {**columns, **values, **when, "__found": there.scope.column(there, key)}

    scope = _scope(whole, spec, reader, read)
    rows = scope.table.select(**read(scope.home(spec)))
    given = [*_names(whole, ref), *({"__when"} & set(rows.columns))]
    return rows.filter(*(rows[name].notnull() for name in given))


def _lost(whole: _Whole, spec: Spec, ref: Ref, reader: Reader) -> Any:
    """Give the rows whose reference leads nowhere."""
    return _naming(whole, spec, ref, reader).filter(ibis._["__found"].isnull())


def _naming_versions(whole: _Whole, spec: Spec, ref: Ref, reader: Reader) -> Any:
    """Give a dataset's versions for which the reference has a value: their key, the values and their bounds."""
    rows = reader.history(spec.table)
    home = Joined(whole.model, rows).home(spec)
    where = whole.where[spec.name]
    kept = [] if where is None else [home.resolve(where).fill_null(True)]  # noqa: FBT003
    values = dict(zip(_names(whole, ref), home.keys_of(ref), strict=True))
    own = {column: rows[column] for column in (spec.key.columns if spec.key else ())}
    given = rows.filter(*kept, *(value.notnull() for value in values.values()))
    return given.select(**{**own, **values}, valid_from=rows.valid_from, valid_to=rows.valid_to)


def _uncovered(whole: _Whole, spec: Spec, ref: Ref, reader: Reader) -> Any:
    """Give the versions during which, at some moment, no version of what they refer to was valid."""
    versions = _naming_versions(whole, spec, ref, reader)
    target = whole.model.target(ref)
    keys = target.key.columns if target.key else ()
    there = reader.history(target.table)
    window = ibis.window(group_by=list(keys), order_by="valid_from")
    first = there.valid_from.min().over(ibis.window(group_by=list(keys)))
    known = ibis.ifelse(
        ibis.and_(there.valid_from == first, ref.before == "earliest"),
        ibis.literal(OPEN_START, there.valid_from.type()),
        there.valid_from,
    )
    next_from = there.valid_from.lead().over(window)
    spans = there.select(
        **{f"__{key}": there[key] for key in keys},
        begins=known,
        ends=there.valid_to,
        breaks=(next_from > there.valid_to).fill_null(True),  # noqa: FBT003
    )
    holes = spans.filter(spans.breaks).view()

    def same(spans: Any) -> list[Any]:
        return [versions[name] == spans[f"__{key}"] for name, key in zip(_names(whole, ref), keys, strict=True)]

    begun = [*same(spans), spans.begins <= versions.valid_from, versions.valid_from < spans.ends]
    broken = [*same(holes), versions.valid_from < holes.ends, holes.ends < versions.valid_to]
    return versions.anti_join(spans, begun).union(versions.semi_join(holes, broken), distinct=True)
