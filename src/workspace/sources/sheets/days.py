"""Days and months as people type them, in English and in German, and when they cannot be told."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from workspace.sources.sheets.numbers import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MONTHS = (
    *("jan january januar jänner", "feb february februar feber", "mar march mär märz mrz maerz", "apr april"),
    *("may mai", "jun june juni", "jul july juli", "aug august", "sep sept september", "oct october okt oktober"),
    *("nov november", "dec december dez dezember"),
)
_NAMED = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names.split()}
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ]00:00(?::00)?)?")
_DOTS = re.compile(r"(\d{1,2})\. ?(\d{1,2})\. ?(\d{4})")
_SLASHES = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})")
_DAY_FIRST = re.compile(r"(\d{1,2})\.?[ -]+([^\W\d]+)\.?[ ,-]+(\d{4})")
_MONTH_FIRST = re.compile(r"([^\W\d]+)\.? +(\d{1,2})(?:st|nd|rd|th)?,? +(\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})")
_YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{4})")
_NAMED_MONTH = re.compile(r"([^\W\d]+)\.?[ ,/-]*(?:(\d{4})|['\u2019]?(\d{2}))")


def day(text: str) -> date:
    """Read a day: `2026-03-01`, `1.3.2026`, `1 March 2026`, `1. März 2026`, `Mar 1, 2026`, `13/04/2026`.

    Raises:
        UnreadableError: It is no day, or might be one of two, as `03/04/2026` is.
    """
    plain = " ".join(text.split())
    for kind in (_iso, _slashed, _named):
        found = list(kind(plain))
        if len(set(found)) > 1:
            raise UnreadableError(f"might be {' or '.join(map(str, found))}; write {found[0]}")
        if found:
            return found[0]
    raise UnreadableError("is not a day")


def month(text: str) -> date:
    """Read a month as its first day: `2026-03`, `3/2026`, `March 2026`, `Mär 26`, or any day of it.

    Raises:
        UnreadableError: It is no month, or might be one of two, as `03/26` is.
    """
    plain = " ".join(text.split())
    if found := _YEAR_FIRST.fullmatch(plain):
        return _first(found[1], int(found[2]))
    if found := _YEAR_LAST.fullmatch(plain):
        return _first(found[2], int(found[1]))
    if (found := _NAMED_MONTH.fullmatch(plain)) and (number := _NAMED.get(found[1].casefold())):
        return _first(found[2] or f"20{found[3]}", number)
    if plain.rstrip(".").casefold() in _NAMED:
        raise UnreadableError("names no year")
    if slashed := list(_slashed(plain)):
        return _same_month(slashed)
    try:
        return day(plain).replace(day=1)
    except UnreadableError:
        raise UnreadableError("is not a month") from None


def _same_month(found: list[date]) -> date:
    firsts = {each.replace(day=1) for each in found}
    if len(firsts) > 1:
        raise UnreadableError(f"might be {' or '.join(f'{each:%Y-%m}' for each in sorted(firsts))}")
    return firsts.pop()


def _iso(text: str) -> Iterator[date]:
    if found := _ISO.fullmatch(text):
        yield from _made(found[1], found[2], found[3])
    if found := _DOTS.fullmatch(text):
        yield from _made(found[3], found[2], found[1])


def _slashed(text: str) -> Iterator[date]:
    if found := _SLASHES.fullmatch(text):
        yield from _made(found[3], found[2], found[1])
        yield from _made(found[3], found[1], found[2])


def _named(text: str) -> Iterator[date]:
    for pattern, name, number in ((_DAY_FIRST, 2, 1), (_MONTH_FIRST, 1, 2)):
        if (found := pattern.fullmatch(text)) and (month_ := _NAMED.get(found[name].casefold())):
            yield from _made(found[3], month_, found[number])


def _made(year: str | int, month_: str | int, number: str | int) -> Iterator[date]:
    try:
        yield date(int(year), int(month_), int(number))
    except ValueError:
        return


def _first(year: str, number: int) -> date:
    if not 1 <= number <= 12 or int(year) == 0:
        raise UnreadableError("is not a month")
    return date(int(year), number, 1)
