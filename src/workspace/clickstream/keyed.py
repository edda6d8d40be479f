"""Tables whose rows are made from all rows of their input that share a key: made anew for the keys that changed.

What changed is found by comparing two Delta versions of an input, the one that the table was made from and the newest:
first which days have other files, then which of their rows differ in what the table reads. For the keys of these rows
the table's rows are made from scratch, out of all that the input has of them; they replace what the table has of them,
in those days only in which that makes a difference. So a table is always what a build from nothing would make of its
inputs, however they came to be as they are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workspace.lake.periods import State, changed_days, day_sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from deltalake import DeltaTable

    from workspace.clickstream.work import Work
    from workspace.lake import Column
    from workspace.lake.periods import PeriodTable


@dataclass(frozen=True, kw_only=True)
class Input:
    """What a table reads of another.

    Attributes:
        table: The other's name, by which its rows are known to the table's SQL.
        rows: A query over `{table}` for the rows and columns read; `day` is the input's own.
        key: The column of `rows` by which they are found again, and `column`, what it is called in the other table.
        touched: A query over `changed` (rows of `rows` that are new or gone) for the keys, as the table's column names
            them, whose rows are to be made anew; also over `known`, the rows of `rows` that have a key of `changed`.
        wanted: A query over `touched` for the values of `key` that these rows are made from; also over `of_touched`,
            the rows of `rows` that are of a key in `touched`.
        among: The column of the other table that has the keys of `touched`, if `wanted` needs `of_touched`.
    """

    table: str
    rows: str
    key: str
    column: str
    touched: str
    wanted: str
    among: str = ""

    @classmethod
    def by(cls, table: str, rows: str, key: str, column: str = "") -> Input:
        """Describe an input whose rows name the table's key themselves."""
        touched, wanted = f"SELECT DISTINCT {key} FROM changed", f"SELECT {key} FROM touched"
        return cls(table=table, rows=rows, key=key, column=column or key, touched=touched, wanted=wanted)

    def read(self, source: str) -> str:
        """Give the rows that are read, as a relation."""
        return f"({self.rows.format(table=source)})"


@dataclass(frozen=True, kw_only=True)
class Keyed:
    """A table whose rows are made by key.

    Attributes:
        name: Without its source.
        group: The column whose values are the keys; several rows may have the same.
        columns: All but `day`.
        inputs: What it is made from.
        sql: The query that makes its rows, over relations that have the inputs' names.
    """

    name: str
    group: str
    columns: tuple[Column, ...]
    inputs: tuple[Input, ...]
    sql: str


def logic_of(*texts: object) -> int:
    """Give a number for rules, written as texts, that is another when they say anything else."""
    said = "\n".join(" ".join(str(text).split()) for text in texts)
    return int.from_bytes(hashlib.sha256(said.encode()).digest()[:7])


def bring(work: Work, keyed: Keyed, table: PeriodTable, inputs: Mapping[str, PeriodTable], state: State) -> int:
    """Bring a table to the newest versions of its inputs.

    Args:
        work: Where to calculate.
        keyed: What it is.
        table: Where it is.
        inputs: The tables that it is made from, by name.
        state: What it is derived from after this; its inputs are filled in.

    Returns:
        How many rows were written.

    Raises:
        LakeError: Another process derived the same table meanwhile.
    """
    versions = {each.table: inputs[each.table].table.version() for each in keyed.inputs}
    target = State(batch=state.batch, as_of=state.as_of, logic=table.logic, inputs=versions)
    if table.state == target:
        return 0
    if table.state is None:
        for each in keyed.inputs:
            work.view(each.table, f"SELECT * FROM {each.read(day_sql(inputs[each.table].table))}")
        return table.replace((), work.stream(keyed.sql), target)
    _find_touched(work, keyed, table.state, inputs)
    if not work.any("touched"):
        return table.replace((), None, target)
    _make_fresh(work, keyed, inputs)
    days = _differing(work, keyed, table)
    if not days:
        return table.replace((), None, target)
    rows = f"""
        SELECT * FROM {day_sql(table.table, days)} WHERE {keyed.group} NOT IN (SELECT {keyed.group} FROM touched)
        UNION ALL BY NAME SELECT * FROM fresh WHERE day IN (SELECT day FROM differing)
    """
    return table.replace(days, work.stream(rows), target)


def _find_touched(work: Work, keyed: Keyed, state: State, inputs: Mapping[str, PeriodTable]) -> None:
    work.table("touched", f"SELECT NULL::VARCHAR AS {keyed.group} WHERE false")
    for each in keyed.inputs:
        of = inputs[each.table]
        old, new = of.at(state.inputs[each.table]), of.table
        days = changed_days(old, new)
        if not days:
            continue
        before, after = (f"SELECT * FROM {each.read(day_sql(version, days))}" for version in (old, new))
        work.table("changed", f"({before} EXCEPT {after}) UNION ALL ({after} EXCEPT {before})")
        if each.among:
            found = _found(work, each, new, each.column, f"SELECT {each.key} FROM changed")
            work.table("known", f"SELECT * FROM {found} WHERE {each.key} IN (SELECT {each.key} FROM changed)")
        work.extend("touched", each.touched)
    work.table("touched", "SELECT DISTINCT * FROM touched")


def _make_fresh(work: Work, keyed: Keyed, inputs: Mapping[str, PeriodTable]) -> None:
    touched = f"SELECT {keyed.group} FROM touched"
    for each in keyed.inputs:
        newest = inputs[each.table].table
        if each.among:
            found = _found(work, each, newest, each.among, touched)
            work.table("of_touched", f"SELECT * FROM {found} WHERE {keyed.group} IN ({touched})")
        work.table("wanted", each.wanted)
        wanted = f"SELECT {each.key} FROM wanted"
        found = _found(work, each, newest, each.column, wanted)
        work.table(each.table, f"SELECT * FROM {found} WHERE {each.key} IN ({wanted})")
    work.table("fresh", f"SELECT * FROM ({keyed.sql}) WHERE {keyed.group} IN ({touched})")


def _found(work: Work, each: Input, newest: DeltaTable, column: str, values: str) -> str:
    """Give the rows of the days that have any of some values: one column is read of all days, the rest of these."""
    days = work.days(f"SELECT DISTINCT day FROM {day_sql(newest)} WHERE {column} IN ({values})")
    return each.read(day_sql(newest, days))


def _differing(work: Work, keyed: Keyed, table: PeriodTable) -> set[date]:
    """Find the days in which the rows of the touched keys are not what the table has."""
    of_touched = f"{keyed.group} IN (SELECT {keyed.group} FROM touched)"
    days = work.days(f"SELECT DISTINCT day FROM {day_sql(table.table)} WHERE {of_touched}")
    work.table("stale", f"SELECT * FROM {day_sql(table.table, days)} WHERE {of_touched}")
    names = ", ".join(table.names)
    stale, fresh = (f"SELECT {names} FROM {relation}" for relation in ("stale", "fresh"))
    work.table(
        "differing",
        f"SELECT DISTINCT day FROM (({fresh} EXCEPT {stale}) UNION ALL ({stale} EXCEPT {fresh}))",
    )
    return work.days("SELECT day FROM differing")
