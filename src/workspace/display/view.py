"""A result as it is shown: the same everywhere, in text, in HTML, in a chart, in Excel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a result.

    Attributes:
        name: Of the column in `View.rows`.
        kind: Whether it is time, a category, or a measured value.
        label: Its heading.
        unit: Of a value: "EUR" or another currency, "percent" (of a share between 0 and 1), "count", or empty.
        grain: Of a time: "hour" to "year".
    """

    name: str
    kind: Literal["time", "category", "value"]
    label: str = ""
    unit: str = ""
    grain: str = ""

    @property
    def heading(self) -> str:
        """The label, or the name made readable."""
        return self.label or self.name.replace("_", " ")


def tabled(columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Make the rows of a view from plain columns. One whose values are of several types becomes text.

    Examples:
        >>> tabled({"by": ["city", "day"], "group": ["Berlin", 3]}).column("group").to_pylist()
        ['Berlin', '3']
    """
    # Imported where it is used: it is a third of what the import of metrics would cost.
    import pyarrow as pa

    arrays = {}
    for name, values in columns.items():
        try:
            arrays[name] = pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            arrays[name] = pa.array([None if value is None else str(value) for value in values])
    return pa.table(arrays)


@dataclass(frozen=True, kw_only=True)
class View:
    """A table, with what is needed to read it.

    Attributes:
        title: What the table answers.
        columns: In their order.
        rows: The first rows, at least as many as are shown.
        count: How many rows there are in all.
        total: The values over all rows, calculated and not summed; None where there is nothing to total.
        caption: Where it comes from: release, as of, definitions.
        notes: What a reader must know to trust it.
    """

    title: str
    columns: tuple[Column, ...]
    rows: pa.Table
    count: int
    total: Mapping[str, Any] | None = None
    caption: str = ""
    notes: tuple[str, ...] = ()

    def of(self, kind: str) -> list[Column]:
        """List the columns of a kind."""
        return [column for column in self.columns if column.kind == kind]

    def values(self, column: Column) -> list[Any]:
        """Read a column's values."""
        values: list[Any] = self.rows.column(column.name).to_pylist()
        return values
