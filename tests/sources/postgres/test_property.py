"""Random schemas and transactions: the log, folded, is the source, and its versions are what a trigger saw."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.postgres.shop import NOW
from workspace.sources.postgres import capture

if TYPE_CHECKING:
    from sources.postgres.shop import Shop

_numbers = itertools.count(1)

# By type: expressions that make a value out of a small number.
TYPES = {
    "integer": "{0}",
    "text": "repeat('ü{0}', {0})",
    "numeric(12,2)": "{0} / 7.0 * (-1) ^ {0}",
    "numeric(30,9)": "({0} + 1) ^ 16 / 3.0",
    "text[]": "array[null, 'x{0}', '']",
    "date": "date '2026-01-01' + {0}",
    "bytea": "sha256('{0}')",
    "numeric": "{0} / 3.0",
}
LONG = "(select string_agg(md5((n * {0})::text), '') from generate_series(1, 80) n)"
KEYS = st.integers(0, 5)


@dataclass(frozen=True)
class Change:
    """One statement on one row."""

    kind: str
    key: int
    other: int
    column: int
    number: int

    def sql(self, table: str, columns: list[str]) -> str:
        name = f"c{self.column % len(columns)}"
        value = "null" if self.number == 0 else columns[self.column % len(columns)].format(self.number)
        if self.kind == "insert":
            values = ", ".join(value.format(self.number + n) for n, value in enumerate(columns))
            return f"insert into {table} values ({self.key}, {values}) on conflict do nothing"
        if self.kind == "move":
            free = f"not exists (select from {table} where id = {self.other})"
            return f"update {table} set id = {self.other} where id = {self.key} and {free}"
        change = {
            "update": f"update {table} set {name} = {value} where id = {self.key}",
            "delete": f"delete from {table} where id = {self.key}",
            "truncate": f"truncate {table}",
        }
        return change[self.kind]


KINDS = st.sampled_from(["insert"] * 5 + ["update"] * 6 + ["move"] * 4 + ["delete"] * 2 + ["truncate"])
CHANGES = st.builds(Change, kind=KINDS, key=KEYS, other=KEYS, column=st.integers(0, 9), number=st.integers(0, 9))


@dataclass(frozen=True)
class Work:
    """A transaction, and whether a run follows it."""

    kept: list[Change]
    undone: list[Change]
    committed: bool
    run: bool


WORKS = st.builds(
    Work,
    kept=st.lists(CHANGES, min_size=1, max_size=5),
    undone=st.lists(CHANGES, max_size=2),
    committed=st.sampled_from([True, True, True, False]),
    run=st.sampled_from([True, False, False]),
)


def make(shop: Shop, table: str, types: list[str], identity: str) -> None:
    """Make a table and a trigger that writes down every version."""
    columns = ", ".join(f"c{n} {kind}" for n, kind in enumerate(types))
    body = f"""
        begin
          if tg_op = 'TRUNCATE' then
            insert into seen.{table} (op, old) select 'T', id from seen.{table}_last order by 2;
            delete from seen.{table}_last; return null; end if;
          if tg_op = 'DELETE' or tg_op = 'UPDATE' and old.id <> new.id then
            insert into seen.{table} (op, old) values ('D', old.id); end if;
          if tg_op <> 'INSERT' then delete from seen.{table}_last where id = old.id; end if;
          if tg_op <> 'DELETE' then insert into seen.{table}_last values (new.id);
            insert into seen.{table} (op, row) values (left(tg_op, 1), new); end if;
          return null;
        end"""
    shop.sql(
        "create schema if not exists seen",
        f"create table {table} (id int primary key, {columns})",
        *(f"alter table {table} alter c{n} set storage external" for n, kind in enumerate(types) if kind == "text"),
        f"alter table {table} replica identity {identity}",
        f"create table seen.{table} (n serial, op text, old int, row {table})",
        f"create table seen.{table}_last (id int)",
        f"create function seen.{table}() returns trigger language plpgsql as $${body}$$",
        f"create trigger r after insert or update or delete on {table} for each row execute function seen.{table}()",
        f"create trigger s before truncate on {table} for each statement execute function seen.{table}()",
    )


def agree(shop: Shop, table: str, types: list[str]) -> None:
    """Fail unless the log, folded, is the source."""
    assert shop.live(table) == shop.source_rows(table, "id", *columns_of(types, "c{}"))


def versions(shop: Shop, table: str, types: list[str], start: int) -> list[tuple[Any, ...]]:
    """Give what the trigger saw, after so many entries, as the log has it."""
    columns = "".join(f", {shown}" for shown in columns_of(types, "(row).c{}"))
    query = f"select op, coalesce((row).id, old){columns} from seen.{table} order by n offset {start}"
    return shop.query(query)


@pytest.mark.parametrize(
    "examples", [pytest.param(10, id="few"), pytest.param(300, id="many", marks=(pytest.mark.soak, pytest.mark.slow))]
)
def test_any_history_is_captured(shop: Shop, monkeypatch: pytest.MonkeyPatch, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(
        types=st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=4),
        identity=st.sampled_from(["default", "default", "full"]),
        before=st.lists(CHANGES, max_size=3),
        works=st.lists(WORKS, min_size=1, max_size=8),
        budget=st.sampled_from([1_000, 1 << 20]),
    )
    def check(types: list[str], identity: str, before: list[Change], works: list[Work], budget: int) -> None:
        monkeypatch.setattr(capture, "BUDGET", budget)
        table = f"t{next(_numbers)}"
        # The first column's long texts are kept out of line.
        columns = [LONG if kind == "text" else TYPES[kind] for kind in types]
        make(shop, table, types, identity)
        object.__setattr__(shop.source, "tables", (f"public.{table}",))
        if before:
            shop.sql(*(change.sql(table, columns) for change in before))
        shop.ingest()
        known = len(versions(shop, table, types, 0))
        agree(shop, table, types)
        for work in works:
            perform(shop, work, table, columns)
            if work.run:
                shop.ingest()
                agree(shop, table, types)
        shop.ingest()
        agree(shop, table, types)
        log = [row for row in shop.log(table, "id", *(f"c{n}" for n in range(len(types)))) if row[0] != "S"]
        assert in_order(log) == in_order(versions(shop, table, types, known))

    check()


def columns_of(types: list[str], name: str) -> list[str]:
    """Name the columns for a query that shows them as the lake holds them."""
    return [name.format(n) + ("::text" if kind == "numeric" else "") for n, kind in enumerate(types)]


def perform(shop: Shop, work: Work, table: str, columns: list[str]) -> None:
    """Run one transaction."""
    with psycopg.connect(shop.dsn) as connection:
        connection.execute("select pg_logical_emit_message(true, 'workspace.clock', %s)", [NOW.isoformat()])
        for change in work.kept:
            connection.execute(change.sql(table, columns).encode())
        connection.execute("savepoint here")
        for change in work.undone:
            connection.execute(change.sql(table, columns).encode())
        connection.execute("rollback to here")
        if not work.committed:
            connection.rollback()


def in_order(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Sort the rows that one truncate ended, which have no order among themselves."""
    done: list[tuple[Any, ...]] = []
    for ended, group in itertools.groupby(rows, key=lambda row: row[0] == "T"):
        part = list(group)
        done += sorted(part) if ended else part
    return done
