"""How single values look. Only here do units become signs and separators; data stay numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from workspace.display.view import Column

MISSING = "–"  # noqa: RUF001 - the dash that stands for "none" in tables
NAMELESS = "(none)"

SHOWN = ("", "count", "percent", "seconds")
"""Units that the values show by themselves, or that go without saying."""

_TIMES = {"year": "%Y", "month": "%Y-%m", "hour": "%Y-%m-%d %H:%M"}


def formatter(column: Column, values: Sequence[Any] = ()) -> Callable[[Any], str]:
    """Make the function that formats a column's values; all values together decide about decimals.

    Examples:
        >>> from workspace.display.view import Column
        >>> formatter(Column(name="gbv", kind="value", unit="EUR"), [1234567.5, 2.0])(1234567.5)
        '1,234,568'
        >>> formatter(Column(name="share", kind="value", unit="percent"))(0.1234)
        '12.3 %'
        >>> formatter(Column(name="time_to_book", kind="value", unit="seconds"))(5400)
        '1 h 30 min'
    """
    if column.kind == "time":
        return lambda value: format_time(value, column.grain)
    if column.kind == "category":
        return lambda value: NAMELESS if value is None else str(value)
    if column.unit == "seconds":
        return lambda value: MISSING if value is None else duration(value)
    digits = decimals(column, values)
    if column.unit == "percent":
        return lambda value: MISSING if value is None else f"{value * 100:z,.{digits}f} %"
    return lambda value: MISSING if value is None else f"{value:z,.{digits}f}"


def duration(seconds: float) -> str:
    """Write a length of time in its two largest units.

    Examples:
        >>> duration(42.5), duration(754), duration(-200_000)
        ('42.5 s', '12 min 34 s', '-2 d 7 h')
    """
    sign, whole = "-" if seconds < 0 else "", round(abs(seconds))
    if whole < 60:
        return f"{sign}{abs(seconds):.1f} s"
    for length, name, below, rest in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= length:
            more = whole % length // below
            return f"{sign}{whole // length} {name}" + (f" {more} {rest}" if more else "")
    raise ValueError(seconds)


def decimals(column: Column, values: Sequence[Any]) -> int:
    """Decide how many decimals a column of values shows."""
    numbers = [abs(value) for value in values if value is not None]
    if column.unit == "percent":
        return 1
    if column.unit == "count" or (numbers and all(isinstance(number, int) for number in numbers)):
        return 0
    if column.unit or not numbers:
        return 0 if numbers and max(numbers) >= 1000 else 2
    return max(0, 4 - len(str(int(max(numbers)))))


def format_time(value: date | datetime | None, grain: str) -> str:
    """Label a period by its start.

    Examples:
        >>> from datetime import date
        >>> format_time(date(2026, 7, 1), "quarter")
        '2026 Q3'
    """
    if value is None:
        return NAMELESS
    if grain == "quarter":
        return f"{value.year} Q{(value.month + 2) // 3}"
    return value.strftime(_TIMES.get(grain, "%Y-%m-%d"))


def excel_format(column: Column, values: Sequence[Any]) -> str:
    """Write the number format that makes Excel show a column as we do."""
    if column.kind == "time":
        return {"year": "yyyy", "month": "yyyy-mm", "hour": "yyyy-mm-dd hh:mm"}.get(column.grain, "yyyy-mm-dd")
    if column.kind == "category":
        return "@"
    digits = decimals(column, values)
    tail = "." + "0" * digits if digits else ""
    signs = {"percent": f"0{tail} %", "seconds": '#,##0 "s"'}
    return signs.get(column.unit, f"#,##0{tail}")


def heading(column: Column) -> str:
    """Write a column's heading with its unit, where the values do not show it."""
    shown = column.kind == "value" and column.unit not in SHOWN
    return f"{column.heading}, {column.unit}" if shown else column.heading


def plain(value: Any) -> Any:
    """Make a value one that JSON and Excel know."""
    return float(value) if isinstance(value, Decimal) else value
