"""Where a metric comes from, and what it can be split by."""

from __future__ import annotations

from typing import Any

import pytest

from semantic.shop import MODEL
from workspace.errors import SemanticError
from workspace.semantic.origins import lineage, splits


def test_a_measure_reads_its_own_dataset_first() -> None:
    found = lineage(MODEL, "fees")
    assert found.measures == {"Lines.fees": ("Lines", "Brands", "Orders", "Products")}
    assert found.tables["Brands"] == "shop.brands"


def test_a_ratio_reads_what_both_of_its_sides_read() -> None:
    found = lineage(MODEL, "basket")
    assert found.measures == {"Lines.revenue": ("Lines", "Orders"), "Orders.orders": ("Orders",)}
    assert found.tables == {"Lines": "shop.lines", "Orders": "shop.orders"}


def test_splits_are_what_the_metric_can_really_be_split_by(m: Any) -> None:
    assert splits(m, MODEL, "revenue") == ["colour", "country", "status", "tier"]
    assert splits(m, MODEL, "basket") == ["country", "status"]
    for path in splits(m, MODEL, "revenue"):
        assert m.revenue.by(getattr(m, path)).to_arrow().num_rows


def test_an_unknown_metric_is_named() -> None:
    with pytest.raises(SemanticError, match="no metric 'baskets'"):
        lineage(MODEL, "baskets")
