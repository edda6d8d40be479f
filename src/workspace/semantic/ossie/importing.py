"""From an Ossie document to declarations in Python."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from workspace.errors import SemanticError
from workspace.semantic.ossie.names import InexpressibleError, digest, extension, named, read
from workspace.semantic.ossie.python import is_safe
from workspace.semantic.ossie.statements import aggregate, bare, is_aggregate, parse
from workspace.semantic.ossie.tables import Tables, call, expression, usable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workspace.semantic.ossie.tables import Table

_SIGNS: dict[type[exp.Binary], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}
_WORDS = ("Dataset", "Model", "dim", "fact", "funnel", "key", "measure", "metric", "ref", "retention", "time")


def from_ossie(text: str) -> str:
    """Write an Ossie document as declarations in Python, to look through and keep.

    What cannot be declared is left out, and listed in comments at the top. Nothing of the document is executed, and
    only names, constants, comparisons and calls on columns are written into expressions.

    Args:
        text: The document, as YAML.

    Returns:
        A module that defines `model`.

    Raises:
        SemanticError: It is no document that can be read.

    Examples:
        >>> document = '''
        ... version: 0.2.0.dev0
        ... name: shop
        ... datasets:
        ... - name: orders
        ...   source: db.shop.orders
        ...   primary_key: [id]
        ...   fields:
        ...   - {name: placed, datatype: Date, expression: {dialects: [{dialect: ANSI_SQL, expression: placed}]}}
        ... metrics:
        ... - {name: revenue, expression: {dialects: [{dialect: ANSI_SQL, expression: SUM(orders.amount)}]}}
        ... '''
        >>> print(from_ossie(document).partition("class ")[2])
        orders(Dataset, table='shop.orders'):
            orders_key = key(_.id)
            placed = time(_.placed, default=True)
            revenue = measure(_.amount.sum())
        <BLANKLINE>
        <BLANKLINE>
        model = Model(
            orders,
            timezone='UTC',
        )
        <BLANKLINE>
    """
    return _Importer(read(text)).module()


class _Importer:
    """Reads a document, and keeps in mind what it could not take over."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._said = extension(document)
        self._notes: list[str] = []
        self._tables = Tables(document, self._notes)
        self._measures: dict[tuple[str, str], str] = {}
        self._made: dict[str, str] = {}
        members = {name for table in self._tables.by_name.values() for name in table.members}
        self._taken = members | {column for t in self._tables.by_name.values() for column in _columns(t)}

    def module(self) -> str:
        found = {**dict(named(self._document.get("metrics"), "metrics")), **self._kept()}
        for name, entry in found.items():
            try:
                self._metric(name, entry, extension(entry) or entry)
            except InexpressibleError as reason:
                self._notes.append(f"metric {name} is not imported: {reason}")
        if "timezone" not in self._said:
            self._notes.append("the document says no time zone: days begin in UTC until you say otherwise")
        written = self._written()
        try:
            ast.parse(written)
        except SyntaxError as error:
            msg = f"The document cannot be written as Python: {error}."
            raise SemanticError(msg, cure="Look for odd names in it.") from None
        return written

    def _kept(self) -> dict[str, dict[str, Any]]:
        kept = self._said.get("metrics")
        return {str(name): dict(entry) for name, entry in kept.items()} if isinstance(kept, dict) else {}

    def _metric(self, name: str, entry: Mapping[str, Any], said: Mapping[str, Any]) -> None:
        words = {"unit": said.get("unit"), "owner": said.get("owner")}
        description = str(entry.get("description") or "")
        known = "expression" not in entry or said.get("of") == digest(expression(entry)[0])
        names = {"_", "funnel", "retention", *(table.name for table in self._tables.by_name.values())}
        if known and said.get("dataset") in self._tables.by_name and is_safe(said.get("expr"), {"_"}):
            more = {**words, "snapshot": said.get("snapshot")}
            self._measure((str(said["dataset"]), str(said["expr"])), usable(name), description, more, said.get("over"))
        elif known and is_safe(said.get("made"), names):
            self._made[usable(name)] = _described(str(said["made"]), description, words)
        elif "expression" in entry:
            self._read(self._named(name), *expression(entry), description, words)
        else:
            raise InexpressibleError("it was not declared outside of its module")

    def _named(self, name: str) -> str:
        """Find a name that means nothing else: a metric's means one thing everywhere."""
        chosen = usable(name)
        while chosen in self._taken:
            chosen += "_metric"
        if chosen != name:
            self._notes.append(f"metric {name} is called {chosen} here")
        return chosen

    def _read(self, name: str, sql: str, dialect: str, description: str, words: Mapping[str, Any]) -> None:
        node = bare(parse(sql, dialect))
        if is_aggregate(node):
            self._measure(self._aggregate(node), name, description, words)
        else:
            before = dict(self._measures)
            try:
                made = self._combined(node, name)
            except InexpressibleError:
                self._forget(before)
                raise
            self._made[name] = _described(made, description, words)

    def _combined(self, node: exp.Expr, name: str) -> str:
        """Write a calculation over aggregates, each of which becomes a measure of its own."""
        node = bare(node)
        if is_aggregate(node):
            asked = self._aggregate(node)
            if asked not in self._measures:
                self._measure(asked, f"{name}_part_{len(self._measures) + 1}", f"Part of {name}", {})
            return f"{self._tables.by_name[asked[0]].name}.{self._measures[asked]}"
        for kind, sign in _SIGNS.items():
            if isinstance(node, kind):
                return f"({self._combined(node.left, name)} {sign} {self._combined(node.right, name)})"
        if isinstance(node, exp.Literal) and not node.is_string:
            return str(node.this)
        raise InexpressibleError(f"{node.sql()} is no calculation over aggregates")

    def _aggregate(self, node: exp.Expr) -> tuple[str, str]:
        home = self._home(node)
        return home, aggregate(node, lambda column: self._path(home, column))

    def _home(self, node: exp.Expr) -> str:
        """Find the dataset whose rows are aggregated: the one from which all others are reached."""
        used = {self._dataset_of(column) for column in node.find_all(exp.Column)}
        used |= set(self._tables.by_name) if not used and len(self._tables.by_name) == 1 else set()
        homes = [each for each in used if all(any(self._tables.ways(each, other)) or each == other for other in used)]
        if len(homes) != 1:
            raise InexpressibleError(f"no one dataset of {', '.join(sorted(used)) or 'it'} leads to the others")
        if not self._tables.by_name[homes[0]].time:
            raise InexpressibleError(f"{homes[0]} has no time, which every metric needs here")
        return homes[0]

    def _dataset_of(self, column: exp.Column) -> str:
        if column.table in self._tables.by_name:
            return str(column.table)
        if not column.table and len(self._tables.by_name) == 1:
            return next(iter(self._tables.by_name))
        raise InexpressibleError(f"{column.sql()} names no dataset")

    def _path(self, home: str, column: exp.Column) -> str:
        there = self._dataset_of(column)
        ways = list(self._tables.ways(home, there))
        if len(ways) != 1:
            raise InexpressibleError(f"{there} is reached from {home} by several relationships")
        last = self._tables.by_name[there].column(column.name)
        return "".join(["_", *(f".{ref}" for ref in ways[0]), last.removeprefix("_")])

    def _measure(
        self, asked: tuple[str, str], name: str, description: str, words: Mapping[str, Any], over: Any = None
    ) -> None:
        """Declare a measure: an aggregate of a dataset's rows."""
        home, expr = asked
        table = self._tables.by_name[home]
        if over is not None and over not in table.refs:
            raise InexpressibleError(f"{over} is no reference of {home}")
        given = [expr, *([repr(description)] if description else [])]
        text = call("measure", *given, **words)
        table.members[name] = f"{text[:-1]}, over={over})" if over is not None else text
        self._taken.add(name)
        self._measures.setdefault(asked, name)

    def _forget(self, before: dict[tuple[str, str], str]) -> None:
        """Take back the parts of a metric that turned out to have no words here."""
        for (home, _), name in self._measures.items() - before.items():
            del self._tables.by_name[home].members[name]
        self._measures = before

    def _written(self) -> str:
        classes = [self._class(table) for table in self._tables.by_name.values()]
        given = [table.name for table in self._tables.by_name.values()]
        given.append(f"timezone={str(self._said.get('timezone', 'UTC'))!r}")
        if "week" in self._said:
            given.append(f"week={str(self._said['week'])!r}")
        if self._said.get("calendar") in self._tables.by_name:
            given.append(f"calendar={self._tables.by_name[self._said['calendar']].name}")
        given += [f"{name}={text}" for name, text in self._made.items()]
        body = "".join(f"{text}\n\n\n" for text in classes)
        body += "model = Model(\n" + "".join(f"    {each},\n" for each in given) + ")\n"
        words = [word for word in _WORDS if re.search(rf"\b{word}\(", body) or word == "Dataset"]
        head = [repr(f"Imported from the Ossie document {self._document.get('name', '')}."), ""]
        head += [f"# Note: {' '.join(note.split())}" for note in self._notes]
        head += ["", "from ibis import _", "", f"from workspace.semantic import {', '.join(words)}"]
        return "\n".join(head) + "\n\n\n" + body

    def _class(self, table: Table) -> str:
        given = [f"table={self._source(table)!r}"]
        if table.said.get("history"):
            given.append("history=True")
        if is_safe(table.said.get("where"), {"_"}):
            given.append(f"where={table.said['where']}")
        lines = [f"class {table.name}(Dataset, {', '.join(given)}):"]
        if table.entry.get("description"):
            lines += [f"    {str(table.entry['description'])!r}", ""]
        lines += [f"    {name} = {text}" for name, text in table.members.items()] or ["    pass"]
        return "\n".join(lines)

    def _source(self, table: Table) -> str:
        source = str(table.entry.get("source", ""))
        if re.search(r"\s", source):
            self._notes.append(f"the source of {table.name} is a query; make a table of it, and name that")
            return table.name
        # Events by name have dots of their own there: clickstream.events:com.bookmyevent/purchase/1.
        named, colon, event = source.partition(":")
        return ".".join(named.split(".")[-2:]) + colon + event


def _columns(table: Table) -> set[str]:
    """List the columns that a document names for a dataset."""
    fields = (name for name, _ in named(table.entry.get("fields"), "fields"))
    return {*fields, *table.key}


def _described(made: str, description: str, words: Mapping[str, Any]) -> str:
    return call("metric", made, repr(description), **words)
