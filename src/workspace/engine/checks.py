"""Checks on an unpublished release: expressions that give the rows which should not be there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Literal, Protocol

import ibis
from ibis import _

from workspace.lake import duck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


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
        violations: Gives the rows that break it.
    """

    name: str
    description: str
    severity: Literal["error", "warning"]
    violations: Callable[[Reader], ibis.Table]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """The outcome of one check.

    Attributes:
        check: What was checked.
        violations: How many rows break it.
    """

    check: Check
    violations: int

    @property
    def failed(self) -> bool:
        """Whether it forbids publication."""
        return self.violations > 0 and self.check.severity == "error"


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The outcome of all checks on one candidate.

    Attributes:
        release: The candidate's name.
        done: One entry a check, in order.
    """

    release: str
    done: tuple[Checked, ...]

    @property
    def failed(self) -> tuple[Checked, ...]:
        """The checks that forbid publication."""
        return tuple(checked for checked in self.done if checked.failed)

    @property
    def warnings(self) -> tuple[Checked, ...]:
        """The checks that found something which does not forbid publication."""
        return tuple(c for c in self.done if c.violations and not c.failed)

    def __repr__(self) -> str:
        found = [*self.failed, *self.warnings]
        lines = [f"  {c.check.severity}: {c.check.name}: {c.violations:,} rows" for c in found]
        return "\n".join([f"{self.release}: {len(self.done)} checks, {len(self.failed)} failed", *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(c.check.name)}</td><td>{escape(c.check.description)}</td>"
            f"<td style='text-align:right'>{c.violations:,}</td><td>{_verdict(c)}</td></tr>"
            for c in self.done
        )
        head = "<tr><th>Check</th><th>What holds</th><th>Rows against it</th><th></th></tr>"
        return f"<p><b>{escape(self.release)}</b>: {len(self.done)} checks</p><table>{head}{rows}</table>"


def structure(keys: Mapping[str, tuple[str, ...]]) -> list[Check]:
    """Give the checks that follow from every table's primary key.

    Args:
        keys: The key's columns by table.
    """
    found = []
    for name, columns in keys.items():
        found.append(
            Check(
                name=f"{name}: key",
                description=f"({', '.join(columns)}) is never NULL and never twice among the live rows.",
                severity="error",
                violations=partial(_bad_keys, name, columns),
            )
        )
        found.append(
            Check(
                name=f"{name}: history",
                description="No two versions of a key are valid at the same time.",
                severity="error",
                violations=partial(_overlaps, name, columns),
            )
        )
    return found


def run_checks(reader: Reader, checks: Iterable[Check]) -> list[Checked]:
    """Run checks in order."""
    return [Checked(check=check, violations=duck.count(check.violations(reader))) for check in checks]


def _bad_keys(name: str, keys: tuple[str, ...], reader: Reader) -> ibis.Table:
    rows = reader.table(name)
    counted = rows.group_by(keys).aggregate(copies=_.count())
    return counted.filter(ibis.or_(_.copies > 1, *(counted[key].isnull() for key in keys)))


def _overlaps(name: str, keys: tuple[str, ...], reader: Reader) -> ibis.Table:
    rows = reader.history(name)
    window = ibis.window(group_by=keys, order_by=["valid_from", "valid_to"])
    return rows.mutate(next_from=_.valid_from.lead().over(window)).filter(_.next_from < _.valid_to)


def _verdict(checked: Checked) -> str:
    if not checked.violations:
        return "holds"
    return "failed" if checked.failed else "warning"
