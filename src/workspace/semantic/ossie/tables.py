"""The datasets of a document that is being imported: their members, and the ways between them."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workspace.errors import SemanticError
from workspace.semantic.language.declare import RESERVED
from workspace.semantic.ossie.names import DIALECTS, InexpressibleError, digest, extension, named
from workspace.semantic.ossie.python import is_safe
from workspace.semantic.ossie.statements import parse, python

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlglot import exp

_TEMPORAL = ("Date", "DateTime", "DateTimeTz")
_DECLARED = {"dim": ("expr", "description"), "fact": ("expr", "description", "unit")}
_DECLARED |= {"time": ("expr", "description", "default")}


@dataclass(kw_only=True)
class Table:
    """A dataset as it will be declared.

    Attributes:
        name: Of its class.
        entry: What the document says about it.
        said: What our own extension says about it.
        members: The declarations, by name.
        renamed: What a field is called here, where its own name cannot be used.
        refs: The datasets that its references lead to, by the reference's name.
        time: The name of its default time; empty if it has none.
    """

    name: str
    entry: Mapping[str, Any]
    said: Mapping[str, Any]
    members: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    time: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of its primary key."""
        return tuple(map(str, self.entry.get("primary_key") or ()))

    def column(self, name: str) -> str:
        """Write one of its fields or columns as a path."""
        known = self.renamed.get(name, name)
        return f"_.{known}" if known.isidentifier() and not keyword.iskeyword(known) else f"_[{known!r}]"


class Tables:
    """Every dataset of a document.

    Args:
        document: The document.
        notes: Where to say what is not taken over.

    Raises:
        SemanticError: An entry has no name, or two have one.
    """

    def __init__(self, document: Mapping[str, Any], notes: list[str]) -> None:
        self._notes = notes
        self.by_name: dict[str, Table] = {}
        for name, entry in named(document["datasets"], "datasets"):
            if name in self.by_name:
                raise SemanticError(f"Two datasets are called {name}.", cure="Rename one of them.")
            self.by_name[name] = Table(name=usable(name), entry=entry, said=extension(entry))
        for table in self.by_name.values():
            self._declare_key(table)
        for name, entry in named(document.get("relationships"), "relationships"):
            self._noting(f"relationship {name}", self._relate, name, entry)
        for table in self.by_name.values():
            self._declare_members(table)
        for table in self.by_name.values():
            self._find_time(table)

    def ways(self, start: str, end: str, passed: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        """List every chain of references from one dataset to another."""
        if start == end:
            yield ()
            return
        for ref, target in self.by_name[start].refs.items():
            if target not in passed:
                yield from ((ref, *rest) for rest in self.ways(target, end, (*passed, start)))

    def _noting(self, what: str, how: Any, *given: Any) -> None:
        try:
            how(*given)
        except InexpressibleError as reason:
            self._notes.append(f"{what} is not imported: {reason}")

    def _declare_key(self, table: Table) -> None:
        if table.key:
            columns = ", ".join(table.column(column) for column in table.key)
            name = usable(str(table.said.get("key") or f"{table.entry['name']}_key"))
            table.members[name] = call("key", columns, description=table.said.get("key_description"))

    def _relate(self, name: str, entry: Mapping[str, Any]) -> None:
        said = extension(entry)
        table, target = self.by_name.get(str(entry.get("from"))), self.by_name.get(str(entry.get("to")))
        if table is None or target is None:
            raise InexpressibleError("one of its datasets is not in the document")
        pairs = dict(zip(entry.get("to_columns") or (), entry.get("from_columns") or (), strict=False))
        if not target.key or set(pairs) != set(target.key):
            raise InexpressibleError(f"it does not lead to the primary key of {target.name}")
        short = usable(str(said.get("name") or target.entry["name"]))
        columns = {field["name"] for field in table.entry.get("fields") or () if "name" in field}
        taken = table.members.keys() | set(map(str, pairs.values())) | columns
        chosen = short if said or short not in taken else usable(name)
        values = ", ".join(table.column(pairs[column]) for column in target.key)
        self._refer(table, chosen, str(target.entry["name"]), [values], said)

    def _refer(self, table: Table, name: str, target: str, values: list[str], said: Mapping[str, Any]) -> None:
        options = {key: said.get(key) for key in ("valid", "before", "missing", "description")}
        table.members[name] = call("ref", repr(self.by_name[target].name), *values, **options)
        table.refs[name] = target

    def _declare_members(self, table: Table) -> None:
        for name, entry in named(table.entry.get("fields"), "fields"):
            self._noting(f"{table.name}.{name}", self._declare_field, table, name, entry)
        for name, said in (table.said.get("members") or {}).items():
            self._noting(f"{table.name}.{name}", self._declare_own, table, usable(name), said)

    def _declare_field(self, table: Table, name: str, entry: Mapping[str, Any]) -> None:
        said = extension(entry)
        if said.get("kind") == "column":
            return  # no member: only a column that a metric uses
        kind = _kind(entry)
        chosen = usable(name)
        if chosen != name:
            table.renamed[name] = chosen
            self._notes.append(f"{table.name}.{name} is called {chosen} here")
        known = {key: said.get(key) for key in _DECLARED[kind] if key in said} | {
            "description": entry.get("description")
        }
        expr = self._field_python(entry, said, name)
        table.members[chosen] = _member(table, chosen, kind, known | {"expr": expr})

    def _field_python(self, entry: Mapping[str, Any], said: Mapping[str, Any], name: str) -> str:
        sql, dialect = expression(entry)
        expr = said.get("expr")
        if said.get("of") == digest(sql) and is_safe(expr, {"_"}):
            return str(expr)

        def column(node: exp.Column) -> str:
            # Within a field's own definition its name means the column; another's may be a field.
            plain = node.name
            return f"_.{plain}" if plain.isidentifier() and not keyword.iskeyword(plain) else f"_[{plain!r}]"

        written = python(parse(sql, dialect), column)
        if "_" not in re.findall(r"\b_\b", written):
            raise InexpressibleError(f"{name} reads no column")
        return written

    def _declare_own(self, table: Table, name: str, said: Mapping[str, Any]) -> None:
        """Take over what only our own extension says."""
        kind = said.get("kind")
        if kind == "ref":
            values = [*(said.get("exprs") or ()), *(said.get("named") or {}).values()]
            names = [*([""] * len(said.get("exprs") or ())), *(said.get("named") or {})]
            if not all(is_safe(value, {"_"}) for value in values) or str(said.get("target")) not in self.by_name:
                raise InexpressibleError("its extension is no reference")
            if not all(given.isidentifier() for given in names if given):
                raise InexpressibleError("its extension is no reference")
            given = [f"{name}={value}" if name else value for name, value in zip(names, values, strict=True)]
            self._refer(table, name, str(said["target"]), given, said)
        elif kind in _DECLARED and is_safe(said.get("expr"), {"_"}):
            table.members[name] = _member(table, name, kind, said)
        else:
            raise InexpressibleError("its extension is no declaration")

    def _find_time(self, table: Table) -> None:
        """Choose the default time, without which no metric can be asked: one of its own, else that of a reference.

        What was declared here has said its own already, or has none.
        """
        if table.time or table.said or not table.members:
            return
        for name, text in table.members.items():
            if text.startswith("time("):
                table.members[name] = f"{text[:-1]}, default=True)"
                table.time = name
                return
        for ref, target in table.refs.items():
            times = [name for name, text in self.by_name[target].members.items() if text.startswith("time(")]
            if times:
                table.time = f"{ref}_{times[0]}"
                table.members[table.time] = f"time(_.{ref}.{times[0]}, default=True)"
                self._notes.append(f"{table.name} happens at its {ref}.{times[0]}, for want of a time of its own")
                return


def _member(table: Table, name: str, kind: str, said: Mapping[str, Any]) -> str:
    options = {key: said.get(key) for key in _DECLARED[kind] if key not in ("expr", "description")}
    if options.get("default"):
        table.time = name
    words = [repr(str(said["description"]))] if said.get("description") else []
    return call(kind, str(said["expr"]), *words, **options)


def _kind(entry: Mapping[str, Any]) -> str:
    """Tell what a field is: a time is something with which a calendar can begin, not any word for a period."""
    dimension, datatype = entry.get("dimension"), entry.get("datatype")
    if dimension is None:
        return "time" if datatype in _TEMPORAL else "fact"
    is_time = dimension.get("is_time", datatype in _TEMPORAL)
    return "time" if is_time and datatype in (None, *_TEMPORAL) else "dim"


def expression(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Give an entry's SQL and its dialect, the most general that there is.

    Raises:
        InexpressibleError: It has none that is read here.
    """
    found = (entry.get("expression") or {}).get("dialects") or ()
    texts = {each.get("dialect", "ANSI_SQL"): str(each.get("expression", "")) for each in found}
    for dialect, name in DIALECTS.items():
        if texts.get(dialect):
            return texts[dialect], name
    raise InexpressibleError(f"it has no SQL, only {', '.join(texts) or 'nothing'}")


def usable(name: str) -> str:
    """Make a name one that can be declared."""
    plain = re.sub(r"\W", "_", name)
    plain = f"_{plain}" if plain[:1].isdigit() else plain
    plain = plain.lstrip("_") or "unnamed"
    return f"{plain}_" if keyword.iskeyword(plain) or plain in RESERVED or plain[:1].isdigit() else plain


def call(_function: str, *given: str, **options: Any) -> str:
    """Write a call; options without a value are left out."""
    named = [f"{name}={value!r}" for name, value in options.items() if value not in (None, "", False, 0.0)]
    return f"{_function}({', '.join([*given, *named])})"
