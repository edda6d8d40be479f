"""The definition id stands for all that a number depends on, and for nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ibis import _

from semantic.shop import DATASETS, MODEL, RATIOS, Customers, Orders
from workspace.errors import SemanticError
from workspace.semantic import Dataset, Model, dim, key, measure, ref, time


def test_text_has_everything_that_the_metric_reaches() -> None:
    assert MODEL.definition("return_rate").text == (
        "metric return_rate = Orders.returned / Orders.orders\n"
        "  unit percent\n"
        "dataset Orders = shop.orders where (_.status != 'draft')\n"
        "  order = key(id)\n"
        "  orders = measure(_.count())\n"
        "  placed = time(_.placed_at)\n"
        "  returned = measure(_.count(where=(_.status == 'returned')))\n"
        "  status = dim(_.status)\n"
        "reporting time zone Europe/Berlin, weeks from mon"
    )


def test_order_of_declarations_does_not_matter() -> None:
    turned = Model(
        *reversed(DATASETS), timezone="Europe/Berlin", week="mon", calendar=None, **dict(reversed(RATIOS.items()))
    )
    assert {n: turned.definition(n).id for n in turned.metrics} == {n: MODEL.definition(n).id for n in MODEL.metrics}


def test_every_process_agrees() -> None:
    code = "from semantic.shop import MODEL; print({n: MODEL.definition(n).id for n in sorted(MODEL.metrics)})"
    here = {n: MODEL.definition(n).id for n in sorted(MODEL.metrics)}
    root = Path(__file__).parents[2]
    paths = f"import sys; sys.path[:0] = [{str(root / 'src')!r}, {str(root / 'tests')!r}]\n"
    run = subprocess.run([sys.executable, "-c", paths + code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(here)


def variant(**changed: Any) -> str:
    """Define one metric over a reference, with something changed."""
    given: dict[str, Any] = {"zone": "UTC", "week": "mon", "where": None, "unit": "", "of": _.a, "before": "earliest"}
    given |= {"words": "", "table": "goods"} | changed

    class Goods(Dataset, table=given["table"], history=True):
        good = key(_.id)
        weight = dim(given["of"])
        unused = dim(_.anything)

    class Sales(Dataset, table="sales", where=given["where"]):
        good = ref(Goods, _.good_id, before=given["before"])
        sold = time(_.sold_at, default=True)
        weighed = measure(_.good.weight.sum(), given["words"], unit=given["unit"], owner=given["words"])

    return Model(Goods, Sales, timezone=given["zone"], week=given["week"]).definition("weighed").id


@pytest.mark.parametrize(
    "changed",
    [
        {"zone": "Europe/Berlin"},
        {"week": "sun"},
        {"where": _.x > 0},
        {"unit": "kg"},
        {"of": _.b},
        {"before": "null"},
        {"table": "wares"},
    ],
)
def test_whatever_changes_the_number_changes_the_id(changed: dict[str, Any]) -> None:
    assert variant(**changed) != variant()


def test_words_for_people_do_not_change_the_id() -> None:
    assert variant(words="Explained better") == variant()


def test_other_metrics_do_not_change_the_id() -> None:
    assert Model(Orders, Customers, timezone="Europe/Berlin").definition("orders").id == MODEL.definition("orders").id


def test_unknown() -> None:
    with pytest.raises(SemanticError, match="Did you mean revenue"):
        MODEL.definition("revenu")
