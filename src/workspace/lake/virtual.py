"""Views: tables that nobody writes, made of a release's tables when somebody asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    import ibis

    from workspace.lake.schema import Column


class Reads(Protocol):
    """What a view may ask of the release that it is made for, on whichever engine."""

    @property
    def as_of(self) -> datetime:
        """The exclusive end of what the release sees, in UTC."""

    @property
    def captured(self) -> Collection[str]:
        """The tables of the release that are no views, by name."""

    def table(self, name: str) -> ibis.Table:
        """Give the live rows of a table or of another view."""

    def history(self, name: str) -> ibis.Table:
        """Give every version of the rows of a table or of another view."""

    def deleted(self, name: str) -> ibis.Table:
        """Give every deletion of a row of a table or of another view."""

    def columns(self, name: str) -> tuple[Column, ...]:
        """Give the columns of a table or of another view, with what is known of them."""


@dataclass(frozen=True, kw_only=True)
class View:
    """A table that is an expression over others, in Ibis, so that it is the same on every engine.

    A column that has the name of a personal column of one of its inputs is personal too.

    Attributes:
        name: `<source>.<table>`, as that of any table.
        inputs: Names what it is made of: tables or views. A release that lacks one of them, or to whose tables this
            gives none, lacks the view.
        rows: Makes its live rows.
        versions: Makes every version of its rows, with `valid_from` and `valid_to`, if they have any.
        ends: Makes the deletions of its rows, as the key's columns and `deleted_at`, if it has versions.
        key: The columns of its key.
        kept: Whether to compute its rows takes so much longer than to hold them that an engine should, once it has.
        personal: Columns that hold personal data of an input under another name.
        wants: What a release needs to have it, in words: the end of "made of ...".
    """

    name: str
    inputs: Callable[[Reads], Sequence[str]]
    rows: Callable[[Reads], ibis.Table]
    versions: Callable[[Reads], ibis.Table] | None = None
    ends: Callable[[Reads], ibis.Table] | None = None
    key: tuple[str, ...]
    kept: bool = False
    personal: frozenset[str] = frozenset()
    wants: str = ""


def made_of(*names: str) -> Callable[[Reads], Sequence[str]]:
    """Give the `inputs` of a view that is always made of the same tables."""
    return lambda _: names
