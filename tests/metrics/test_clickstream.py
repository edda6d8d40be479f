"""Visits split and followed: channels, users that are known from their login on, cohorts; bots are out everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from workspace.errors import SemanticError
from workspace.metrics import model
from workspace.semantic.trust import derived

if TYPE_CHECKING:
    from metrics.company import Company


def read(answer: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in answer.to_arrow().to_pylist()]


def test_by_channel(m: Any) -> None:
    answer = m(m.sessions, m.conversion_rate, m.purchase_value, m.touchpoints, by=m.session.channel)
    assert read(answer) == [
        ("Direct", 1, 0, None, 0),
        ("Email", 1, 1, 50, 1),
        ("Organic Search", 1, 0, None, 0),
        ("Paid Search", 1, 1, 200, 1),
    ]


def test_the_way_to_a_purchase_step_by_step(m: Any) -> None:
    assert read(m(*m.visit_to_purchase.steps())) == [(4, 3, 1, 1, 1, 1)]


def test_a_user_has_the_visits_before_the_first_login(m: Any) -> None:
    answer = m.sessions.by(m.user.city)
    assert read(answer) == [("Paris", 2), ("Berlin", 1), (None, 1)]
    assert answer.notes == [
        "history of clickstream.identities begins 2026-10-01; 75 % of rows use the earliest known value"
    ]


def test_a_visit_belongs_to_the_day_on_which_it_began_in_berlin(m: Any) -> None:
    assert [f"{day:%m-%d}" for day, _ in read(m.sessions.by(m.day))] == ["10-01", "10-10", "10-12", "10-20"]


def test_cohorts_of_visitors(m: Any) -> None:
    after = [m.visitors_back.after(weeks) for weeks in (0, 1, 2)]
    assert [row[1:] for row in read(m(*after, by=m.first_seen.week))] == [(1, 0, 0), (1, 1, 0), (1, None, None)]


def test_bots_are_seen_among_events_only(m: Any) -> None:
    assert read(m.events.by(m.bot)) == [(False, 20), (True, 2)]
    assert m.searches.value() == 3


def test_a_purchase_finds_its_booking(m: Any) -> None:
    assert read(m.purchases.by(m.booking.status)) == [("confirmed", 1), ("refunded", 1)]


def test_bookings_by_channel_count_once_for_each(m: Any) -> None:
    with pytest.raises(SemanticError, match="one row of Bookings has many rows of Purchases"):
        m.bookings.by(m.session.channel)
    assert read(m.bookings.by(m.session.channel, overlap=True)) == [("Email", 1), ("Paid Search", 1), (None, 1)]


def test_without_a_clickstream_its_datasets_only_warn(company: Company, m: Any) -> None:
    for name in company.connection.list_tables():
        if name.startswith(("clickstream.", "marketing.touchpoints")):
            company.connection.drop_table(name)
    keys = dict.fromkeys(company.connection.list_tables(), ())
    absent = [check for check in derived.checks(model, keys) if check.name.endswith(": table")]
    assert {check.severity for check in absent} == {"warning"}
    assert len(absent) == 11
    assert m.bookings.value() == 3
