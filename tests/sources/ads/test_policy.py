"""Which days are asked for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from workspace.sources.ads.policy import Read, audit_due, clicks_due, due, fitting, span, today, windows

DAY = timedelta(days=1)
NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)
UNTIL = date(2026, 11, 5)
SINCE = date(2026, 9, 1)


def read(*pulls: tuple[str, date, date, datetime]) -> Read:
    names = ("kind", "first_day", "last_day", "pulled_at")
    return Read.of({"rows": 0} | dict(zip(names, pull, strict=True)) for pull in pulls)


def asked(known: Read, now: datetime = NOW, touched: set[date] | None = None, lookback: int = 14) -> list[date]:
    until = today("UTC", now)
    return due(known, since=SINCE, until=until, lookback=lookback, now=now, touched=touched)


def test_all_is_asked_for_at_first() -> None:
    assert asked(Read()) == list(span(SINCE, UNTIL))


def test_the_same_day_only_the_latest_days_are_asked_for_again() -> None:
    known = read(("ad", SINCE, UNTIL, NOW))
    assert asked(known, NOW + timedelta(hours=3)) == [UNTIL - 2 * DAY, UNTIL - DAY, UNTIL]


def test_the_next_day_all_that_may_change_is_asked_for() -> None:
    known = read(("ad", SINCE, UNTIL, NOW))
    # The fifteenth day back was read while its window was open: once more, now that it has closed.
    assert asked(known, NOW + DAY) == list(span(UNTIL - 15 * DAY, UNTIL + DAY))


def test_what_closed_while_nobody_looked_is_asked_for_once_more() -> None:
    known = read(("ad", SINCE, UNTIL, NOW))
    later = NOW + 40 * DAY
    days = asked(known, later)
    assert days[0] == UNTIL - 15 * DAY
    again = read(("ad", SINCE, UNTIL, NOW), ("ad", days[0], days[-1], later))
    assert asked(again, later + DAY)[0] == later.date() - 15 * DAY


def test_a_gap_is_asked_for_however_old() -> None:
    known = read(("ad", SINCE, date(2026, 9, 10), NOW), ("ad", date(2026, 9, 12), UNTIL, NOW))
    assert asked(known)[0] == date(2026, 9, 11)


def test_a_platform_that_tells_what_it_touched_is_believed_for_a_week() -> None:
    known = read(("ad", SINCE, UNTIL, NOW))
    hot = list(span(UNTIL - DAY, UNTIL + DAY))
    assert asked(known, NOW + DAY, touched={date(2026, 9, 5)}) == [
        date(2026, 9, 5),
        UNTIL - 15 * DAY,
        UNTIL - 14 * DAY,
        *hot,
    ]
    assert set(asked(known, NOW + 7 * DAY, touched=set())) >= set(span(UNTIL - 7 * DAY, UNTIL))


def test_a_run_that_was_cut_off_has_not_finished() -> None:
    known = read(("ad", SINCE, UNTIL, NOW))
    assert known.finished == NOW
    cut_off = read(("ad", SINCE, UNTIL, NOW), ("ad", SINCE, SINCE + 5 * DAY, NOW + DAY))
    assert cut_off.finished == NOW, "what a platform says it has changed is asked for from then on"
    assert Read().finished is None


def test_windows_hold_about_as_many_rows_as_they_should() -> None:
    names = ("kind", "first_day", "last_day", "pulled_at", "rows")
    pulls = [("ad", SINCE, UNTIL, NOW, 0), ("ad", SINCE, SINCE + DAY, NOW + DAY, 6), ("ad", UNTIL, UNTIL, NOW + DAY, 9)]
    assert Read().dense is None
    assert Read.of(dict(zip(names, pull, strict=True)) for pull in pulls).dense == 9
    assert [fitting(100_000, dense, 28) for dense in (0, 50, 50_000, 1_000_000)] == [28, 28, 2, 1]


def test_clicks_are_asked_for_until_a_day_after_theirs() -> None:
    assert clicks_due(Read(), since=SINCE, until=UNTIL, timezone="UTC") == list(span(SINCE, UNTIL))
    known = read(("clicks", SINCE, UNTIL, NOW))
    assert clicks_due(known, since=SINCE, until=UNTIL, timezone="UTC") == [UNTIL - DAY, UNTIL]
    long_ago = date(2026, 1, 1)
    assert len(clicks_due(Read(), since=long_ago, until=UNTIL, timezone="UTC")) == 90, "Google keeps no more"


def test_totals_are_compared_once_a_week() -> None:
    assert audit_due(Read(), NOW)
    known = read(("campaign", SINCE, UNTIL, NOW))
    assert not audit_due(known, NOW + 6 * DAY)
    assert audit_due(known, NOW + 7 * DAY)


def test_today_is_the_accounts_own() -> None:
    just_after = datetime(2026, 11, 1, 0, 30, tzinfo=UTC)
    assert today("Asia/Tokyo", just_after) == date(2026, 11, 1)
    assert today("America/Los_Angeles", just_after) == date(2026, 10, 31)


def test_windows_are_no_longer_than_a_platform_allows() -> None:
    days = list(span(date(2026, 10, 1), date(2026, 10, 31)))
    found = list(windows(days, 7))
    assert max((last - first).days + 1 for first, last in found) == 7
    assert [day for first, last in found for day in span(first, last)] == days
