"""Each promise of the business finds the one fault that it is there for, and nothing in sound data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workspace.engine import Check, run_checks
from workspace.metrics import checks, model
from workspace.semantic.trust import derived

if TYPE_CHECKING:
    from metrics.company import Company

# What is done to the data, how many rows are found, and which.
FAULTS = {
    "bookings_have_rates": (
        "delete from \"fx.rates\" where currency = 'USD'",
        "1 of 3 rows (33 %)",
        "booking b2, unconverted_items 1",
    ),
    "items_sum_to_total": (
        "update \"inventory_db.bookings\" set total_amount = 289.99 where id = 'b1'",
        "1 of 3 rows (33 %)",
        "booking b1, listed_amount 300.0, undiscounted_amount 299.99",
    ),
    "paid_in_full": (
        'delete from "inventory_db.payments" where id = 4',
        "1 of 2 rows (50 %)",
        "booking b3, paid_amount None, billed_amount 50.0",
    ),
    "refunded_in_full": (
        'update "inventory_db.payments" set amount = -219.99 where id = 3',
        "1 of 1 rows (100 %)",
        "booking b2, paid_amount 0.01",
    ),
    "Items.booking: reference": (
        "delete from \"inventory_db.bookings\" where id = 'b3'",
        "1 of 4 rows (25 %)",
        "booking_id b3, line_no 1",
    ),
    "Items.listing: reference": (
        'delete from "inventory_db.listings" where id = 20',
        "1 of 4 rows (25 %)",
        "booking_id b1, line_no 2, listing_id 20",
    ),
}
PROMISED = {check.name: check for check in [*derived.checks(model), *checks]}


def test_every_promise_of_the_business_has_its_fault() -> None:
    assert {check.name for check in checks} <= FAULTS.keys()


@pytest.mark.parametrize("name", FAULTS)
def test_finds_its_fault(company: Company, name: str) -> None:
    fault, count, example = FAULTS[name]
    check: Check = PROMISED[name]
    assert [checked.text for checked in run_checks(company, [check]) if checked.verdict != "holds"] == []
    company.connection.raw_sql(fault)
    (found,) = run_checks(company, [check])
    assert found.text == f"{name}: {count}. {check.description} Such as: {example}"
    assert found.verdict == ("warning" if name == "refunded_in_full" else "failed")


def test_sound_data_break_nothing(company: Company) -> None:
    assert [checked.text for checked in run_checks(company, PROMISED.values()) if checked.verdict != "holds"] == []
