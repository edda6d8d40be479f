"""Each check finds the one fault that it is there for, and nothing in sound data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workspace.metrics import checks

if TYPE_CHECKING:
    from metrics.company import Company

FAULTS = {
    "bookings_have_rates": "delete from \"fx.rates\" where currency = 'USD'",
    "items_sum_to_total": "update \"inventory_db.bookings\" set total_amount = 289.99 where id = 'b1'",
    "paid_in_full": 'delete from "inventory_db.payments" where id = 4',
    "refunded_in_full": 'update "inventory_db.payments" set amount = -219.99 where id = 3',
    "items_have_bookings": "delete from \"inventory_db.bookings\" where id = 'b3'",
    "items_have_listings": 'delete from "inventory_db.listings" where id = 20',
}


@pytest.mark.parametrize("check", checks, ids=lambda check: check.name)
def test_finds_its_fault(company: Company, check: object) -> None:
    from workspace.engine import Check

    assert isinstance(check, Check)
    assert check.violations(company).count().to_pyarrow().as_py() == 0
    company.connection.raw_sql(FAULTS[check.name])
    assert check.violations(company).count().to_pyarrow().as_py() == 1
