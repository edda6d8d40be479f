"""Promises of a business, kept and broken, on tills that a test fills."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis import _

from semantic.shop import Release
from workspace.engine import Checked, run_checks
from workspace.errors import SemanticError
from workspace.semantic import Dataset, Model, agree, dim, key, measure, none, ref, rules, time

MONEY = pa.decimal128(18, 2)
DAY = pa.scalar(1, pa.timestamp("us", "UTC")).as_py()


class Bills(Dataset, table="till.bills"):
    bill = key(_.id)
    written = time(_.day, default=True)
    kind = dim(_.kind)
    billed = measure(_.total.sum(), "What is billed", unit="EUR", owner="finance")
    bills = measure(_.count(), "Bills", unit="count", owner="finance")


class Coins(Dataset, table="till.coins"):
    coin = key(_.bill_id, _.number)
    bill = ref(Bills, _.bill_id)
    given = time(_.day, default=True)
    place = dim(_.number)
    paid = measure(_.amount.sum(), "What is paid", unit="EUR", owner="finance")
    bad = measure(_.count(where=_.amount < 0), "Coins that are worth less than nothing", unit="count", owner="finance")


MODEL = Model(Bills, Coins, timezone="UTC")
PAID = agree(Coins.paid, Bills.billed, "What is billed is paid.", by="bill")


class Till:
    """A reader of bills (id, kind, total) and coins (bill, amount)."""

    release = Release()

    def __init__(self, bills: list[tuple[Any, str, str]], coins: list[tuple[Any, str]]) -> None:
        self.backend = ibis.duckdb.connect()
        amounts = pa.array([Decimal(total) for _id, _kind, total in bills], MONEY)
        ids, kinds = pa.array([b[0] for b in bills], pa.int64()), pa.array([b[1] for b in bills], pa.string())
        days = pa.array([DAY] * len(bills), pa.timestamp("us", "UTC"))
        self.backend.create_table("till.bills", pa.table({"id": ids, "kind": kinds, "total": amounts, "day": days}))
        owners, values = pa.array([c[0] for c in coins], pa.int64()), [Decimal(c[1]) for c in coins]
        numbers, days = pa.array(range(len(coins)), pa.int64()), pa.array([DAY] * len(coins), days.type)
        given = {"bill_id": owners, "number": numbers, "amount": pa.array(values, MONEY), "day": days}
        self.backend.create_table("till.coins", pa.table(given))

    def at(self, release: str) -> Till:
        raise NotImplementedError(release)

    def table(self, name: str) -> Any:
        return self.backend.table(name)

    history = table


def asked(till: Till, **named: Any) -> Checked:
    (found,) = run_checks(till, rules(MODEL, **named))
    return found


def test_two_metrics_agree_for_every_one() -> None:
    sound = Till([(1, "a", "0.30"), (2, "b", "0")], [(1, "0.10"), (1, "0.20")])
    assert asked(sound, paid=PAID).verdict == "holds"
    broken = Till([(1, "a", "0.30"), (2, "b", "5"), (3, "a", "1")], [(1, "0.10"), (1, "0.21"), (3, "1"), (9, "7")])
    assert asked(broken, paid=PAID).text == (
        "paid: 3 of 4 rows (75 %). What is billed is paid. "
        "Such as: bill 1, paid 0.31, billed 0.3; bill 2, paid None, billed 5.0; bill 9, paid 7.0, billed None"
    )


def test_some_rows_only() -> None:
    till = Till([(1, "a", "1"), (2, "b", "5")], [(1, "1")])
    some = agree(Coins.paid, Bills.billed, "Paid.", by="bill", where=_.bill.kind.isin(["a", "c"]))
    assert asked(till, paid=some).verdict == "holds"
    other = agree(Coins.paid, Bills.billed, "Paid.", by="bill", where=_.bill.kind != "a", severity="warning")
    found = asked(till, paid=other)
    assert (found.verdict, found.violations, found.rows) == ("warning", 1, 1)


def test_nothing_may_be_there() -> None:
    till = Till([(1, "a", "1"), (2, "a", "1")], [(1, "-1"), (1, "-2"), (2, "1")])
    each = none(Coins.bad, "All coins are good.", by="bill")
    assert asked(till, good=each).text == "good: 1 of 2 rows (50 %). All coins are good. Such as: bill 1, bad 2"
    whole = none(Coins.bad, "All coins are good.")
    assert asked(till, good=whole).text == "good: 1 rows. All coins are good. Such as: 2"
    assert asked(Till([], []), good=whole).verdict == "holds"
    assert asked(Till([], []), good=none(Coins.paid, "Nothing is paid.")).verdict == "holds"


cents = st.decimals(min_value=-(10**9), max_value=10**9, places=2)


@settings(max_examples=25, deadline=None)
@given(parts=st.lists(cents, min_size=1, max_size=5), off=st.sampled_from(["0", "0.01", "-0.01"]))
def test_amounts_are_compared_to_the_cent(parts: list[Decimal], off: str) -> None:
    till = Till([(1, "a", str(sum(parts) + Decimal(off)))], [(1, str(part)) for part in parts])
    assert asked(till, paid=PAID).violations == (off != "0")


class Strangers(Dataset, table="till.strangers"):
    stranger = key(_.id)
    came = time(_.day, default=True)
    strangers = measure(_.count(), "Strangers", unit="count")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (none(Coins.bad, "", by="bil"), "The rule sound holds by='bil', which is the key of no dataset."),
        (
            none(Coins.bad, "", by="coin"),
            "The rule sound holds by='coin', whose key has several columns: bill_id, number.",
        ),
        (
            none(Strangers.strangers, "", by="bill"),
            "The rule sound uses strangers, which is not a metric of this model.",
        ),
        (none(Coins.bad, "", where=_.bill.colour == "red"), "bill has no 'colour'."),
        (none(Bills.bills, "", where=_.coin.place == 1), "bills cannot be split or filtered by coin.place"),
    ],
)
def test_rules_that_cannot_be_asked(rule: Any, said: str) -> None:
    with pytest.raises(SemanticError) as refused:
        rules(MODEL, sound=rule)
    assert str(refused.value).startswith(said)
    assert "What to do: " in str(refused.value)
