"""Checks on an unpublished release: expressions that give the rows which should not be there."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

import ibis
from ibis import _
from ibis.common.annotations import ValidationError
from ibis.common.exceptions import IbisError, TableNotFound

from workspace.errors import WorkspaceError
from workspace.lake import duck

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

SHOWN = 3
"""How many of the rows that break a check are shown."""


UNASKABLE = (WorkspaceError, IbisError, TableNotFound, ValidationError, AttributeError, TypeError, ValueError)
"""What is raised where a check asks for what the tables do not have. A fault of the machine is not among them."""


class Reader(Protocol):
    """What a check may ask: the live rows and the history of a table."""

    def table(self, name: str) -> ibis.Table:
        """Give a table's live rows."""

    def history(self, name: str) -> ibis.Table:
        """Give every version of a table's rows."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """Something that must hold in every release.

    Attributes:
        name: What it is called, e.g. `inventory_db.bookings: key`.
        description: What holds, in a sentence.
        severity: An error rejects the release; a warning is shown.
        violations: Gives the rows that break it, of whatever reads the release: at least a `Reader`.
        among: Gives the rows that it speaks about, if a share of them can be told.
        allowed: The largest share of those that may break it.
        shown: The columns of `violations` by which people find a row, each with the columns of the source's tables
            that it comes from: examples show none that comes from a personal one.
    """

    name: str
    description: str
    severity: Literal["error", "warning"]
    violations: Callable[[Any], ibis.Table]
    among: Callable[[Any], ibis.Table] | None = None
    allowed: float = 0.0
    shown: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """The outcome of one check.

    Attributes:
        check: What was checked.
        violations: How many rows break it.
        rows: Of how many, if any do and that can be told.
        examples: Some of those rows, as text without personal data.
        problem: Why it could not be asked at all; empty if it could.
    """

    check: Check
    violations: int
    rows: int | None = None
    examples: tuple[str, ...] = ()
    problem: str = ""

    @property
    def share(self) -> float | None:
        """Which part of the rows breaks it, if any does and that can be told."""
        return self.violations / self.rows if self.rows else None

    @property
    def broken(self) -> bool:
        """Whether more rows break it than may, or nobody can tell."""
        if self.problem or self.share is None:
            return bool(self.problem or self.violations)
        return self.share > self.check.allowed

    @property
    def failed(self) -> bool:
        """Whether it forbids publication. What cannot be asked always does."""
        return self.broken and (self.check.severity == "error" or bool(self.problem))

    @property
    def verdict(self) -> str:
        """The outcome in a word."""
        if self.broken:
            return "failed" if self.failed else "warning"
        return "tolerated" if self.violations else "holds"

    @property
    def text(self) -> str:
        """What was found, in a line."""
        if self.problem:
            return f"{self.check.name}: cannot be asked. {self.problem}"
        of, share = ("", "") if self.share is None else (f" of {self.rows:,}", f" ({_percent(self.share)})")
        such = f" Such as: {'; '.join(self.examples)}" if self.examples else ""
        return f"{self.check.name}: {self.violations:,}{of} rows{share}. {self.check.description}{such}"


def structure(
    keys: Mapping[str, tuple[str, ...]], deleted: Callable[[str], ibis.Table], *, unchanging: Collection[str] = ()
) -> list[Check]:
    """Give the checks that follow from every table's primary key.

    Args:
        keys: The key's columns by table; none where a table has no key.
        deleted: Gives the deletions of a table: the key's columns, and the moment as `deleted_at`.
        unchanging: The tables whose rows have no versions.
    """
    found = []
    for name, columns in keys.items():
        if not columns:
            continue
        shown = {column: (column,) for column in columns}
        found.append(
            Check(
                name=f"{name}: key",
                description=f"({', '.join(columns)}) is never NULL and never twice among the live rows.",
                severity="error",
                violations=partial(_bad_keys, name, columns),
                among=partial(_live, name),
                shown=shown,
            )
        )
        if name in unchanging:
            continue
        found.append(
            Check(
                name=f"{name}: history",
                description="Of each key, one version is valid at a time, with a gap only where it was deleted.",
                severity="error",
                violations=partial(_misfits, name, columns, deleted),
                among=partial(_versions, name),
                shown={**shown, "valid_from": (), "valid_to": (), "next_from": ()},
            )
        )
    return found


def run_checks(reader: Reader, checks: Iterable[Check], *, personal: Collection[str] = ()) -> list[Checked]:
    """Run checks in order.

    Args:
        reader: What they ask.
        checks: Which ones.
        personal: Columns of the source that no example may show.
    """
    return [_run(reader, check, personal) for check in checks]


def overlaps(versions: ibis.Table, keys: Iterable[str]) -> ibis.Table:
    """Give the versions that the next one of their key begins before the end of, with its begin as `next_from`."""
    return _followed(versions, keys).filter(_.next_from < _.valid_to)


def repeated(rows: ibis.Table, keys: Iterable[str]) -> ibis.Table:
    """Give the keys that are there more than once, or NULL in a part, with how often as `copies`."""
    counted = rows.group_by(list(keys)).aggregate(copies=_.count())
    return counted.filter(ibis.or_(_.copies > 1, *(counted[key].isnull() for key in keys)))


def _percent(share: float) -> str:
    return f"{share * 100:.2g} %" if share < 0.01 else f"{share:.0%}".replace("%", " %")


def _run(reader: Reader, check: Check, personal: Collection[str]) -> Checked:
    try:
        rows = check.violations(reader)
        count = duck.count(rows)
    except UNASKABLE as error:
        return Checked(check=check, violations=0, problem=" ".join(str(error).split()))
    if not count:
        return Checked(check=check, violations=0)
    of = None if check.among is None else duck.count(check.among(reader))
    return Checked(check=check, violations=count, rows=of, examples=_examples(rows, check, personal))


def _examples(rows: ibis.Table, check: Check, personal: Collection[str]) -> tuple[str, ...]:
    columns = [name for name, sources in check.shown.items() if not set(sources) & set(personal)]
    if not columns:
        return ()
    found = rows.select(columns).order_by(columns).limit(SHOWN).to_pyarrow().to_pylist()
    if len(columns) == 1:
        return tuple(str(value) for row in found for value in row.values())
    return tuple(", ".join(f"{name} {value}" for name, value in row.items()) for row in found)


def _live(name: str, reader: Reader) -> ibis.Table:
    return reader.table(name)


def _versions(name: str, reader: Reader) -> ibis.Table:
    return reader.history(name)


def _bad_keys(name: str, keys: tuple[str, ...], reader: Reader) -> ibis.Table:
    return repeated(reader.table(name), keys)


def _misfits(name: str, keys: tuple[str, ...], deleted: Callable[[str], ibis.Table], reader: Reader) -> ibis.Table:
    odd = _followed(reader.history(name), keys).filter(_.next_from != _.valid_to)
    ends = deleted(name)
    # Only a gap can match a deletion, so that every overlap stays.
    excused = [*(odd[key] == ends[key] for key in keys), odd.next_from > odd.valid_to, odd.valid_to == ends.deleted_at]
    return odd.anti_join(ends, excused)


def _followed(versions: ibis.Table, keys: Iterable[str]) -> ibis.Table:
    """Give each version's key and bounds, with the begin of its key's next one."""
    bounds = versions.select(*keys, "valid_from", "valid_to")
    window = ibis.window(group_by=list(keys), order_by=["valid_from", "valid_to"])
    return bounds.mutate(next_from=_.valid_from.lead().over(window))
