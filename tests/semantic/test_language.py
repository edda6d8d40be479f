"""How questions are asked, from simple to less simple. The shop is declared in `shop.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ibis import _

from semantic.shop import DATASETS, MODEL, Brands, Orders, Shop, at, small_shop
from workspace.semantic import Dataset, Model, funnel, measure, ref, time

if TYPE_CHECKING:
    from workspace.semantic import Answer


def rows(answer: Answer) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in answer.to_arrow().to_pylist()]


def labels(answer: Answer) -> list[tuple[Any, ...]]:
    """Rows with dates as text."""
    return [tuple(str(v) if hasattr(v, "year") else v for v in row) for row in rows(answer)]


def test_a_metric_alone_is_its_total(m: Any) -> None:
    assert m.revenue.value() == 43
    assert m.orders.value() == 4


def test_by_a_dimension_of_its_own_rows(m: Any) -> None:
    assert rows(m.orders.by(m.status)) == [("done", 3), ("returned", 1)]


def test_by_a_dimension_of_what_rows_belong_to(m: Any) -> None:
    assert rows(m.orders.by(m.buyer.country)) == [("DE", 2), ("FR", 1), (None, 1)]


def test_a_path_may_leave_out_its_beginning_while_only_one_way_leads_there(m: Any) -> None:
    assert rows(m.revenue.by(m.order.buyer.country)) == rows(m.revenue.by(m.country))


def test_an_entity_is_its_key(m: Any) -> None:
    assert rows(m.revenue.by(m.product)) == [(10, 31), (None, 7), (20, 5)]


def test_several_metrics_of_several_datasets(m: Any) -> None:
    answer = m(m.revenue, m.orders, m.basket, m.new_customers, m.in_stock, by=m.month)
    assert labels(answer) == [("2026-05-01", None, 0, None, 1, 15), ("2026-06-01", 43, 4, 43 / 4, 2, 4)]


def test_a_month_is_that_of_the_reporting_time_zone(m: Any) -> None:
    assert labels(m.orders.by(m.day))[0] == ("2026-06-01", 1)


def test_times_by_name_and_the_default_time(m: Any) -> None:
    assert labels(m.revenue.by(m.placed.week)) == labels(m.revenue.by(m.week))
    assert m.revenue.by(m.placed.week).to_arrow().column_names == ["placed_week", "revenue"]


@pytest.mark.parametrize(
    ("condition", "revenue"),
    [
        (lambda m: m.country == "DE", 35),
        (lambda m: m.country != "DE", 8),  # what has no country is not in Germany
        (lambda m: ~(m.country == "DE"), 8),
        (lambda m: m.country == None, 7),  # noqa: E711 - the language's way to ask for what is missing
        (lambda m: m.country.isnull(), 7),
        (lambda m: m.country != None, 36),  # noqa: E711
        (lambda m: m.country.isin(["FR", None]), 8),
        (lambda m: (m.country == "FR") | (m.status == "returned"), 21),
        (lambda m: (m.country == "DE") & (m.status == "returned"), 20),
        (lambda m: m.product.brand.tier == "gold", 20),
        (lambda m: m.day >= "2026-06-20", 27),
        (lambda m: m.country == m.product.colour, None),
    ],
)
def test_conditions(m: Any, condition: Any, revenue: float | None) -> None:
    assert m.revenue.by(where=condition(m)).value() == revenue


def test_several_conditions_must_all_hold(m: Any) -> None:
    assert m(m.revenue, where=[m.country == "DE", m.status == "done"]).value() == 15


def test_the_last_whole_periods(m: Any) -> None:
    assert m.revenue.by(last="1 month").value() == 43  # as of July 1st, 2 o'clock: June is over
    assert m.revenue.by(last="1 week").value() is None
    assert m.revenue.by(last="2 weeks").value() == 27  # from Monday, June 15th


def test_between_two_days_the_second_outside(m: Any) -> None:
    assert m.revenue.by(between=("2026-06-01", "2026-06-20")).value() == 16


def test_total_is_calculated_and_not_summed(m: Any) -> None:
    by_status = m(m.buyers, m.basket, by=m.status)
    assert rows(by_status) == [("done", 2, 23 / 3), ("returned", 1, 20)]
    assert rows(by_status.total()) == [(2, 43 / 4)]


def test_categories_come_from_the_largest_and_time_goes_forward(m: Any) -> None:
    assert [row[0] for row in rows(m.revenue.by(m.product.colour))] == ["red", None, "blue"]
    assert labels(m.revenue.by(m.status, m.month)) == [("done", "2026-06-01", 23), ("returned", "2026-06-01", 20)]


class TestHistory:
    def test_a_dimension_is_read_as_it_was_when_it_happened(self, m: Any) -> None:
        assert dict(rows(m.revenue.by(m.product.brand.tier))) == {"basic": 16, "gold": 20, None: 7}

    def test_rows_older_than_history_use_its_earliest_version_and_the_answer_says_so(self, m: Any) -> None:
        assert m.revenue.by(m.product.brand.tier).notes == [
            "history of shop.products begins 2026-06-01; 20 % of rows use the earliest known value",
            "history of shop.brands begins 2026-06-01; 20 % of rows use the earliest known value",
        ]
        assert "! history of shop.brands begins" in repr(m.revenue.by(m.product.brand.tier))

    def test_what_needs_no_history_says_nothing(self, m: Any) -> None:
        assert m.revenue.by(m.status).notes == []

    def test_a_product_that_changed_hands_belongs_to_the_brand_of_the_time(self) -> None:
        shop = small_shop()
        shop.rows["shop.products"] = [(10, 2, "red", at(1), at(15)), (10, 1, "red", at(15), at(30, month=7))]
        m = MODEL.bind(Shop(shop.rows))
        assert dict(rows(m.revenue.by(m.product.brand))) == {2: 11, 1: 20, None: 12}

    def test_a_version_begins_with_its_first_moment_and_ends_before_its_last(self) -> None:
        shop = small_shop()
        shop.rows["shop.orders"] = [(1, 1, "done", at(15)), (2, 1, "done", at(16))]
        shop.rows["shop.brands"] = [(1, "basic", None, at(1), at(15)), (1, "gold", None, at(15), at(16))]
        m = MODEL.bind(Shop(shop.rows))
        assert dict(rows(m.lines.by(m.product.brand.tier, where=m.product == 10))) == {"gold": 1, None: 1}

    @pytest.mark.parametrize(
        ("how", "tiers"),
        [
            ({}, {"basic": 1, "gold": 1}),
            ({"before": "null"}, {None: 1, "gold": 1}),  # the first sale is older than the history
            ({"valid": "now"}, {"gold": 2}),
        ],
    )
    def test_which_version_a_reference_means(self, how: dict[str, Any], tiers: dict[str | None, int]) -> None:
        class Sales(Dataset, table="shop.orders"):
            brand = ref(Brands, _.customer_id, **how)
            sold = time(_.placed_at, default=True)
            sales = measure(_.count())

        shop = small_shop()
        shop.rows["shop.orders"] = [(1, 1, "done", at(30, month=5)), (2, 1, "done", at(20))]
        m = Model(Sales, Brands, timezone="UTC").bind(Shop(shop.rows))
        assert dict(rows(m.sales.by(m.tier))) == tiers
        assert bool(m.sales.by(m.tier).notes) == (how == {})

    def test_after_its_end_nothing_is_known(self) -> None:
        shop = small_shop()
        shop.rows["shop.brands"] = [(1, "basic", None, at(1), at(12)), (2, "basic", None, at(1), at(2, month=8))]
        m = MODEL.bind(Shop(shop.rows))
        assert dict(rows(m.revenue.by(m.product.brand.tier))) == {"basic": 16, None: 27}


class TestSnapshots:
    """A level is not summed over time: each product's last count in the period is what was there."""

    def test_total_is_the_last_of_each(self, m: Any) -> None:
        assert m.in_stock.value() == 4 + 6

    def test_by_period_each_ones_last_within_it(self, m: Any) -> None:
        assert labels(m.in_stock.by(m.month)) == [("2026-05-01", 15), ("2026-06-01", 4)]
        assert labels(m.in_stock.by(m.counted.month)) == [("2026-05-01", 15), ("2026-06-01", 4)]

    def test_groups_add_up_to_the_total(self, m: Any) -> None:
        assert rows(m.in_stock.by(m.product.colour)) == [("blue", 6), ("red", 4)]

    def test_days_choose_among_counts_and_other_conditions_among_the_last_ones(self, m: Any) -> None:
        assert m.in_stock.by(between=("2026-05-01", "2026-06-01")).value() == 15
        assert m.in_stock.by(where=m.day < "2026-06-01").value() == 15
        assert m.in_stock.by(where=m.product.colour == "red").value() == 4


class TestCompletion:
    def test_what_can_be_asked(self, m: Any) -> None:
        assert {"revenue", "basket", "month", "buyer", "country", "product"} <= set(dir(m))

    def test_what_follows_a_reference(self, m: Any) -> None:
        assert {"brand", "colour"} <= set(dir(m.product))
        assert {"day", "week", "month"} <= set(dir(m.placed))

    def test_names_that_are_not_there_are_attributes_that_are_not_there(self, m: Any) -> None:
        assert not hasattr(m, "nonsense")
        assert not hasattr(m.product, "_repr_png_")

    def test_help(self, m: Any) -> None:
        assert m.basket.__doc__ == (
            "basket: Revenue an order\n  Lines.revenue / Orders.orders\n"
            f"  unit: EUR, owner: finance, definition {MODEL.definition('basket').id}"
        )
        assert repr(m.product.brand.tier) == "product.brand.tier: Brands.tier, Partner tier"
        assert repr(m.month) == "month: the default time of each metric"


class TestSameNames:
    """What tells two metrics apart is what they are made of, not what they happen to be called."""

    def test_two_funnels_of_one_name(self) -> None:
        done, back = Orders.orders.where(_.status == "done"), Orders.orders.where(_.status == "returned")
        long, short = (funnel(done, back, by="buyer", within=within) for within in ("30 days", "1 day"))
        assert long.name == short.name
        m = Model(*DATASETS, timezone="UTC", calendar=None, both=long - short, gain=long + 1).bind(small_shop())
        # One of the three orders that were kept was followed by one that came back, ten days later.
        assert m.both.value() == pytest.approx(1 / 3)
        assert m.gain.value() == pytest.approx(4 / 3)

    def test_long_conditions(self, m: Any) -> None:
        some = ["a rather long word that is in no order", "done"]
        first, second = m.orders.where(m.status.isin(some)), m.orders.where(m.status.isin([*some, "returned"]))
        assert rows(m(first, second)) == [(3, 4)]
