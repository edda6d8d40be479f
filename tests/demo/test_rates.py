"""Exchange rates: as published by a day, and as they may go on."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from workspace.demo.rates import FILE, Rates, known, publish

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_holds_what_was_published_when_the_day_began(tmp_path: Path) -> None:
    publish(tmp_path, date(2026, 10, 3))  # a Saturday
    lines = (tmp_path / FILE).read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("Date,USD,JPY")
    assert lines[1].startswith("2026-10-02,")
    assert lines[-1].startswith("1999-01-04,")
    assert lines[1].count(",") == lines[0].count(",")
    publish(tmp_path, date(2026, 10, 2))
    assert (tmp_path / FILE).read_text(encoding="utf-8").splitlines()[1].startswith("2026-10-01,")


def test_a_rate_holds_until_the_next() -> None:
    rates = Rates(date(2026, 11, 1))
    friday, saturday = date(2026, 10, 30).toordinal(), date(2026, 10, 31).toordinal()
    assert rates.of("USD", friday) == rates.of("USD", saturday) == Decimal("1.1172")
    assert rates.of("EUR", saturday) == 1
    assert Rates(date(2026, 10, 30)).of("USD", friday) == Decimal("1.113")  # not published yet


def test_after_the_last_real_day_rates_walk_on_the_same_way_each_time() -> None:
    _, lines = known(date(2027, 12, 27))
    days = [date.fromisoformat(line[:10]) for line in lines]
    late = [day for day in days if day > date(2027, 6, 1)]
    assert late[-1] == date(2027, 12, 24)
    assert all(day.weekday() < 5 for day in late)
    assert max(b - a for a, b in pairwise(late)) <= timedelta(days=4)
    assert known(date(2027, 12, 27))[1] == lines
    assert known(date(2027, 7, 1))[1] == [line for line in lines if line < "2027-07-01"]
    assert 0.5 < Rates(date(2027, 12, 27)).of("USD", late[-1].toordinal()) < 2
