"""From a model to an Ossie document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from workspace.semantic.language.declare import Dim, Fact, Key, Ref, Spec, Time, text_of
from workspace.semantic.language.metric import Arithmetic, Filtered, Measure, Metric
from workspace.semantic.language.words import Condition
from workspace.semantic.ossie.expressions import Writer, field_sql, identifier, relation
from workspace.semantic.ossie.names import ANSI, VENDOR, VERSION, InexpressibleError, digest
from workspace.semantic.ossie.python import source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workspace.semantic.model import Model


def to_ossie(model: Model, name: str = "metrics") -> str:
    """Write a model as an Ossie document (YAML).

    Args:
        model: What to write.
        name: What the document calls the model.

    Returns:
        The document. What it cannot say is listed in it; `notes_of` gives that list.

    Examples:
        >>> from ibis import _
        >>> from workspace.semantic import Dataset, Model, key, measure, time
        >>> class Orders(Dataset, table="shop.orders"):
        ...     order = key(_.id)
        ...     placed = time(_.created_at, default=True)
        ...     revenue = measure(_.amount.sum(), "What was ordered", unit="EUR")
        >>> text = to_ossie(Model(Orders, timezone="Europe/Berlin"))
        >>> "expression: SUM(Orders.amount)" in text
        True
    """
    document = _Exporter(model).document(name)
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110))


class _Exporter:
    """Gathers a document, and what it leaves unsaid."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._notes: list[str] = []
        self._columns: dict[str, set[str]] = {}

    def document(self, name: str) -> dict[str, Any]:
        # Metrics first: the columns that they use become fields of their datasets.
        kept: dict[str, Any] = {}
        metrics = []
        for each, metric in self._model.metrics.items():
            try:
                metrics.append(self._metric(each, metric))
            except InexpressibleError as reason:
                self._notes.append(f"metric {each} is in the extension only: {reason}")
                kept[each] = self._declared(each, metric)
        datasets = [self._dataset(spec) for spec in self._model.specs.values()]
        relationships = [found for spec in self._model.specs.values() for found in self._relationships(spec)]
        calendar = self._model.calendar
        said = {"timezone": calendar.timezone, "week": calendar.week, "metrics": kept, "notes": self._notes}
        own = {spec for spec in self._model.grains.values() if spec}
        if own:
            said["calendar"] = min(own)
        return {
            "version": VERSION,
            "name": name,
            "datasets": datasets,
            **({"relationships": relationships} if relationships else {}),
            **({"metrics": metrics} if metrics else {}),
            "custom_extensions": _extension(said),
        }

    def _metric(self, name: str, metric: Metric) -> dict[str, Any]:
        sql = self._sql(metric)
        said = self._declared(name, metric)
        entry: dict[str, Any] = {"name": name, "expression": _expression(sql)}
        if "description" in said:
            entry["description"] = said.pop("description")
        return entry | {"custom_extensions": _extension(said | {"of": digest(sql)})}

    def _declared(self, name: str, metric: Metric) -> dict[str, Any]:
        """Say how a metric is declared here, as far as that can be said outside of its module."""
        said: dict[str, Any] = {"description": metric.description, "unit": metric.unit, "owner": metric.owner}
        if isinstance(metric, Measure):
            said |= {"dataset": metric.dataset, "expr": text_of(metric.expr)}
            said |= {"snapshot": metric.snapshot, "over": metric.over.name if metric.over else None}
        else:
            try:
                said["made"] = source(metric)
            except InexpressibleError as reason:
                self._notes.append(f"metric {name} is lost: {reason}")
        return {key: value for key, value in said.items() if value not in ("", None)}

    def _sql(self, metric: Metric | float, conditions: tuple[Any, ...] = ()) -> str:
        match metric:
            case Measure():
                return self._measure(metric, conditions)
            case Arithmetic(sign=sign, left=left, right=right):
                a, b = self._sql(left, conditions), self._sql(right, conditions)
                return f"CAST({a} AS DOUBLE PRECISION) / NULLIF({b}, 0)" if sign == "/" else f"({a} {sign} {b})"
            case Filtered(base=base, conditions=more):
                if any(isinstance(condition, Condition) for condition in more):
                    raise InexpressibleError("its condition is one of a question")
                return self._sql(base, (*conditions, *more))
            case int() | float():
                return str(metric)
        raise InexpressibleError(f"{type(metric).__name__.lower()} has no SQL over one group of rows")

    def _measure(self, measure: Measure, conditions: tuple[Any, ...]) -> str:
        if measure.snapshot is not None:
            raise InexpressibleError("it counts each one's last snapshots only")
        spec = self._model.specs[measure.dataset]
        given = [spec.where, *conditions] if spec.where is not None else list(conditions)
        columns: dict[str, set[str]] = {}
        known = " AND ".join(Writer(self._model, spec, qualified=True, columns=columns).write(each) for each in given)
        written = Writer(self._model, spec, qualified=True, condition=known, columns=columns).write(measure.expr)
        for dataset, used in columns.items():
            self._columns.setdefault(dataset, set()).update(used)
        return written

    def _dataset(self, spec: Spec) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        fields = []
        for member in spec.members.values():
            if isinstance(member, Dim | Fact | Time):
                sql = field_sql(self._model, spec, member)
                if sql is None:
                    self._notes.append(f"{spec.name}.{member.name} is in the extension only: it reads another dataset")
                    kept[member.name] = {"kind": type(member).__name__.lower(), **_member(member)}
                else:
                    fields.append(_field(member, sql))
        fields += [
            {"name": column, "expression": _expression(identifier(column)), "custom_extensions": _extension(_COLUMN)}
            for column in sorted(self._columns.get(spec.name, set()) - spec.members.keys())
        ]
        said = {name: found for name, found in _dataset_extra(spec).items() if found not in ("", None, False)}
        if spec.history:
            self._notes.append(f"{spec.name} has history; the document shows its rows of now")
        if spec.where is not None:
            self._notes.append(f"{spec.name} has only rows where {text_of(spec.where)}; its metrics say so themselves")
        refs = {ref.name: _ref(ref) for ref in spec.of(Ref) if relation(self._model, ref) is None}
        for name in refs:
            self._notes.append(f"{spec.name}.{name} is in the extension only: its values are no plain columns")
        if kept | refs:
            said["members"] = kept | refs
        entry: dict[str, Any] = {"name": spec.name, "source": spec.table}
        if spec.key is not None:
            entry["primary_key"] = list(spec.key.columns)
        if spec.doc:
            entry["description"] = spec.doc
        return entry | {"fields": fields, **({"custom_extensions": _extension(said)} if said else {})}

    def _relationships(self, spec: Spec) -> Iterator[dict[str, Any]]:
        for ref in spec.of(Ref):
            columns = relation(self._model, ref)
            key = self._model.target(ref).key
            if columns is not None and key is not None:
                yield {
                    "name": f"{spec.name}_{ref.name}",
                    "from": spec.name,
                    "to": ref.target_name,
                    "from_columns": columns,
                    "to_columns": list(key.columns),
                    "custom_extensions": _extension({"kind": "ref", "name": ref.name, **_options(ref)}),
                }


_COLUMN = {"kind": "column"}


def _field(member: Dim | Fact | Time, sql: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": member.name, "expression": _expression(sql)}
    if not isinstance(member, Fact):
        entry["dimension"] = {"is_time": isinstance(member, Time)}
    if member.description:
        entry["description"] = member.description
    said = {key: value for key, value in _member(member).items() if key != "description"}
    if said.get("expr") == f"_.{sql}":
        del said["expr"]
    if said:
        entry["custom_extensions"] = _extension(said | ({"of": digest(sql)} if "expr" in said else {}))
    return entry


def _member(member: Dim | Fact | Time) -> dict[str, Any]:
    said: dict[str, Any] = {"expr": text_of(member.expr), "description": member.description}
    if isinstance(member, Time) and member.default:
        said["default"] = True
    if isinstance(member, Fact) and member.unit:
        said["unit"] = member.unit
    return {key: value for key, value in said.items() if value}


def _ref(ref: Ref) -> dict[str, Any]:
    values: dict[str, Any] = {"kind": "ref", "target": ref.target_name, "exprs": [text_of(e) for e in ref.exprs]}
    return values | {"named": {name: text_of(e) for name, e in ref.named.items()}, **_options(ref)}


def _options(ref: Ref) -> dict[str, Any]:
    said = {"valid": ref.valid if ref.valid is None else str(ref.valid), "before": ref.before, "missing": ref.missing}
    said["description"] = ref.description
    return {key: value for key, value in said.items() if value not in (None, "", 0.0, "earliest")}


def _dataset_extra(spec: Spec) -> dict[str, Any]:
    key: Key | None = spec.key
    return {
        "history": spec.history,
        "where": None if spec.where is None else text_of(spec.where),
        "key": key.name if key else None,
        "key_description": key.description if key else None,
    }


def _expression(sql: str) -> dict[str, Any]:
    return {"dialects": [{"dialect": ANSI, "expression": sql}]}


def _extension(said: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"vendor_name": VENDOR, "data": dict(said)}]
