"""Days and months in English and German; what might be two of them is refused."""

from __future__ import annotations

from datetime import date

import pytest

from workspace.sources.sheets.days import day, month
from workspace.sources.sheets.numbers import UnreadableError


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01",
        "2026-03-01T00:00:00",
        "01.03.2026",
        "1.3.2026",
        "1. 3. 2026",
        "1 March 2026",
        "1. März 2026",
        "1 Mrz 2026",
        "March 1, 2026",
        "Mar 1st 2026",
        "1-Mar-2026",
    ],
)
def test_a_day_is_read(text: str) -> None:
    assert day(text) == date(2026, 3, 1)


def test_slashes_are_read_where_only_one_order_is_possible() -> None:
    assert day("13/04/2026") == day("04/13/2026") == date(2026, 4, 13)
    assert day("03/03/2026") == date(2026, 3, 3)
    with pytest.raises(UnreadableError, match="might be 2026-04-03 or 2026-03-04"):
        day("03/04/2026")


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-02-30", "31.4.2026", "2026", "46082", "1 Foo 2026", "2026-03-01 12:30"]
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError, match="is not a day"):
        day(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03",
        "2026/3",
        "03/2026",
        "3.2026",
        "März 2026",
        "MÄRZ 2026",
        "Mrz. 26",
        "March 2026",
        "Mar-26",
        "Mar '26",
        "2026-03-31",
        "31.03.2026",
        "31/03/2026",
        "March 5, 2026",
        "03/03/2026",
    ],
)
def test_a_month_is_read_as_its_first_day(text: str) -> None:
    assert month(text) == date(2026, 3, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("March", "names no year"),
        ("Okt.", "names no year"),
        ("03/26", "is not a month"),
        ("2026-13", "is not a month"),
        ("5/0000", "is not a month"),
        ("0000-05", "is not a month"),
        ("Mai 0000", "is not a month"),
        ("03/04/2026", "might be 2026-03 or 2026-04"),
        ("Q1 2026", "is not a month"),
    ],
)
def test_what_is_no_month_is_refused(text: str, message: str) -> None:
    with pytest.raises(UnreadableError, match=message):
        month(text)


def test_every_month_has_its_names_in_both_languages() -> None:
    english = "January February March April May June July August September October November December"
    german = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
    for names in (english, german):
        for number, name in enumerate(names.split(), start=1):
            assert month(f"{name} 2026") == month(f"{name[:3]} 2026") == date(2026, number, 1)
