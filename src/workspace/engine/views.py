"""The views of a release: which of them it has, what they are made of, and what they inherit."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from workspace.lake import Column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import ibis

    from workspace.lake import Reads, View


class Views:
    """Views over one release.

    Args:
        reads: The release that they are made for.
        given: Gives the views that there may be. Asked once, and only when a name is none of a table.
    """

    def __init__(self, reads: Reads, given: Callable[[], Iterable[View]]) -> None:
        self._reads = reads
        self._given = given
        self._inputs: dict[str, Sequence[str]] = {}

    @cached_property
    def known(self) -> dict[str, View]:
        """Every view by name, whether this release has it or not; a table of the release goes before one."""
        return {view.name: view for view in self._given() if view.name not in self._reads.captured}

    @property
    def names(self) -> list[str]:
        """The views that this release has."""
        return sorted(name for name in self.known if not self.missing(name))

    def find(self, name: str) -> View | None:
        """Give a view of this release by name; none if the name is that of a table, or of nothing it has."""
        if name in self._reads.captured or name not in self.known or self.missing(name):
            return None
        return self.known[name]

    def missing(self, name: str) -> str:
        """Say what a view is made of that the release lacks; nothing if it lacks nothing."""
        view = self.known[name]
        inputs = self.inputs(name)
        if not inputs:
            return view.wants
        absent = [one for one in inputs if one not in self._reads.captured]
        reasons = [self.missing(one) if one in self.known else one for one in absent]
        lacking = list(dict.fromkeys(reason for reason in reasons if reason))
        return " and ".join(lacking)

    def inputs(self, name: str) -> Sequence[str]:
        """Name the tables and views that a view is made of."""
        if name not in self._inputs:
            self._inputs[name] = self.known[name].inputs(self._reads)
        return self._inputs[name]

    def origins(self, name: str) -> set[str]:
        """Name the tables at the bottom: those that a view is made of in the end; a table is its own."""
        if name in self._reads.captured or name not in self.known:
            return {name}
        return {origin for one in self.inputs(name) for origin in self.origins(one)}

    def columns(self, view: View, rows: ibis.Table) -> tuple[Column, ...]:
        """Give a view's columns; what is personal in its inputs is so in it.

        Args:
            view: Which one.
            rows: Its live rows.
        """
        inherited = {c.name for one in self.inputs(view.name) for c in self._reads.columns(one) if c.personal}
        marked = inherited | view.personal
        place = {name: number for number, name in enumerate(view.key, 1)}
        return tuple(
            Column(
                name=field.name,
                type=field.type,
                source_type=view.name,
                key=place.get(field.name, 0),
                personal=field.name in marked,
            )
            for field in rows.schema().to_pyarrow()
        )


def none() -> tuple[View, ...]:
    """Give no views."""
    return ()
