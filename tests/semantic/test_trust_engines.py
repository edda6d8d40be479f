"""What is wrong with the data is told in the same words by every engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis
from deltalake import write_deltalake

from semantic.shop import FOREVER, MODEL, SCHEMAS, Lines, Orders, Shop, at, connection, small_shop
from workspace.engine import run_checks
from workspace.engine.spark import reach
from workspace.semantic import agree, rules
from workspace.semantic.trust import derived

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pyarrow as pa

FAULTS: dict[str, list[tuple[Any, ...]]] = {
    "shop.customers": [(1, "DE", at(1)), (None, "FR", at(2))],
    "shop.brands": [
        (2, "gold", None, at(3), FOREVER),
        (3, "a", None, at(1), at(9)),
        (3, "a", None, at(11), FOREVER),
    ],
    "shop.products": [(30, 3, "red", at(1), at(20)), (40, 99, "red", at(1), FOREVER)],
    "shop.orders": [(9, 99, "done", at(25))],
    "shop.lines": [(9, 1, 30, None), (99, 1, 10, None)],
}


@dataclass
class Tables:
    """What checks ask, over tables of any engine."""

    tables: Mapping[str, Any]

    def history(self, name: str) -> Any:
        return self.tables[name]

    def table(self, name: str) -> Any:
        rows = self.tables[name]
        if "valid_to" not in rows.columns:
            return rows
        return rows.filter(rows.valid_to == ibis.literal(FOREVER)).drop("valid_from", "valid_to")


def test_checks_find_the_same(server_url: Callable[[str], str], tmp_path: Path) -> None:
    rows = small_shop().rows
    Shop({name: [*rows.get(name, []), *FAULTS.get(name, [])] for name in SCHEMAS})
    tables: dict[str, pa.Table] = {name: connection().table(name).to_pyarrow() for name in SCHEMAS}
    backend, duck, spark = reach(server_url("sail")), ibis.duckdb.connect(), {}
    duck.raw_sql("SET TimeZone = 'UTC'")
    for name, table in tables.items():
        write_deltalake(tmp_path / name, table)
        spark[name] = backend.open_delta(name.replace(".", "_"), str(tmp_path / name), 0)
    here = Tables({name: duck.create_table(name, table) for name, table in tables.items()})
    one_line = agree(Lines.lines, Orders.orders, "An order has one line.", by="order")
    asked = [*derived.checks(MODEL), *rules(MODEL, one_line=one_line)]
    found = [
        [checked.text for checked in run_checks(reader, asked) if checked.verdict != "holds"]
        for reader in (here, Tables(spark))
    ]
    assert found[0] == found[1]
    names = ("Customers", "Brands", "Products.brand", "Orders.buyer", "Lines.order", "Lines.product", "one_line")
    assert [text.partition(":")[0] for text in found[0]] == list(names)
