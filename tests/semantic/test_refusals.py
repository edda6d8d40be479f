"""A question that has no answer, or whose answer would be wrong, is refused; the refusal says what to do."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from ibis import _

from semantic.shop import DATASETS, Brands, Customers, Lines, Orders, Products, Stock
from workspace.errors import SemanticError
from workspace.semantic import Dataset, Model, dim, funnel, key, measure, metric, ratio, ref, retention, time


def refusal(question: Any) -> str:
    with pytest.raises(SemanticError) as refused:
        question()
    return str(refused.value)


class TestQuestions:
    def test_the_other_side_has_many_rows(self, m: Any) -> None:
        assert refusal(lambda: m.orders.by(m.product.colour)) == (
            "orders cannot be split or filtered by product.colour: one row of Orders has many rows of Lines "
            "(Lines.order leads to Orders), and each may have another product.colour.\n"
            "What to do: Ask for a metric of Lines instead, which splits cleanly: "
            "revenue, lines, cheapest, dearest, typical, fees; "
            "or add overlap=True, and each row of Orders counts once for every product.colour that it has."
        )

    def test_a_filter_is_refused_for_the_metric_that_cannot_have_it(self, m: Any) -> None:
        asked = refusal(lambda: m(m.revenue, m.basket, where=m.product.colour == "red"))
        assert asked.startswith("basket cannot be split or filtered by product.colour")

    def test_no_path_at_all(self, m: Any) -> None:
        assert refusal(lambda: m.in_stock.by(m.country)) == (
            "in_stock has no path to country.\nWhat to do: It can be split by: brand.tier, product.colour."
        )

    def test_more_than_one_path(self) -> None:
        class Trips(Dataset, table="trips"):
            start = ref(Customers, _.start_id)
            goal = ref(Customers, _.goal_id)
            went = time(_.went_at, default=True)
            trips = measure(_.count())

        m = Model(Trips, Customers, timezone="UTC").bind(None)  # type: ignore[arg-type]  # nothing is read
        assert refusal(lambda: m.trips.by(m.country)) == (
            "For trips, country could mean goal.country or start.country.\n"
            "What to do: Write out which one, e.g. m.goal.country."
        )
        assert "could mean" in refusal(lambda: m.trips.by(m.customer.country))

    def test_one_word_with_two_meanings(self) -> None:
        class Visits(Dataset, table="visits"):
            country = dim(_.country)
            came = time(_.came_at, default=True)
            visits = measure(_.count())

        m = Model(Visits, Customers, timezone="UTC").bind(None)  # type: ignore[arg-type]  # nothing is read
        assert refusal(lambda: m(m.visits, m.new_customers, by=m.country)) == (
            "country means different things here: Visits.country for visits, Customers.country for new_customers.\n"
            "What to do: Write out which one, or ask one question for each metric."
        )

    @pytest.mark.parametrize(
        ("ask", "said"),
        [
            (lambda m: m.revenu, "There is no 'revenu' here.\nWhat to do: Did you mean revenue?"),
            (lambda m: m.product.color, "product has no 'color'.\nWhat to do: Did you mean colour?"),
            (lambda m: m.placed.moth, "placed has no 'moth'.\nWhat to do: Did you mean month?"),
            (lambda m: m.orders.by(m.placed), "placed is a time; by what grain?"),
            (lambda m: m.orders.by("month"), "'month' is nothing to group by."),
            (lambda m: m.orders.by(m.revenue), "revenue is nothing to group by."),
            (lambda m: m.orders.by(where=m.status), "status: Orders.status is not a condition."),
            (lambda m: m.orders.by(m.month, m.month), "The question has month twice."),
            (lambda m: m(by=m.month), "No metric is asked for."),
            (lambda m: m("revenue"), "'revenue' is not a metric."),
            (lambda m: m(m.revenue.by(m.month)), "revenue by month is a question of its own, not a metric."),
            (lambda m: m.orders.by(m.status).value(), "orders by status is more than one number."),
            (lambda m: m.orders.by(m.line), "orders cannot be split or filtered by line"),
            (lambda m: m.revenue.by(m.line).to_arrow(), "A row of Lines has no single key to group by."),
            (lambda m: m.in_stock.by(m.hour).to_arrow(), "A date has no hours."),
            (lambda m: m.orders.by(last="12 fortnights"), "last='12 fortnights' is not a number of days"),
            (lambda m: m.orders.by(between=("2026-06-01", "2026-06-01")), "holds no day"),
            (lambda m: m.orders.by(between=("june", "july")), "is not a pair of days"),
            (lambda m: m.orders.by(last="1 day", between=("2026-06-01", "2026-07-01")), "Both last= and between="),
            (lambda m: m.status > None, "status > None is never true."),
            (lambda m: (m.status == "a") and (m.status == "b"), "has no truth value of its own"),
            (lambda m: (m.status == "a") & "b", "'b' is not a condition."),
        ],
    )
    def test_slips(self, m: Any, ask: Any, said: str) -> None:
        assert said in refusal(lambda: ask(m))

    def test_a_column_that_the_table_lacks(self, m: Any) -> None:
        class Orders2(Dataset, table="shop.orders"):
            placed = time(_.placed_at, default=True)
            tips = measure(_.statuss.nunique())

        typo = Model(Orders2, timezone="UTC").bind(m._reader)
        assert refusal(typo.tips.value) == (
            "shop.orders has no column 'statuss', which Orders2 uses.\nWhat to do: Did you mean status?"
        )


class TestModels:
    @pytest.mark.parametrize(
        ("datasets", "said"),
        [
            ((Orders,), "Orders.buyer refers to Customers, which is not in this model."),
            ((Orders, Customers, Customers), "Two of the datasets Customers, Customers, Orders have one name."),
            ((Lines, Orders, Customers, Products, Brands, Stock), None),
        ],
    )
    def test_references(self, datasets: tuple[Any, ...], said: str | None) -> None:
        if said is None:
            Model(*datasets, timezone="UTC")
        else:
            assert said in refusal(lambda: Model(*datasets, timezone="UTC"))

    def test_a_circle(self) -> None:
        class Hens(Dataset, table="hens"):
            hen = key(_.id)
            egg = ref("Eggs", _.egg_id)

        class Eggs(Dataset, table="eggs"):
            egg = key(_.id)
            hen = ref(Hens, _.hen_id)

        said = refusal(lambda: Model(Hens, Eggs, timezone="UTC"))
        assert "The references go in a circle: " in said

    def test_two_metrics_of_one_name(self) -> None:
        said = refusal(lambda: Model(Orders, Customers, timezone="UTC", orders=ratio(Orders.returned, Orders.orders)))
        assert said.startswith("The metric orders is defined twice: Orders.orders and the ratio orders.")

    def test_a_metric_named_like_a_dimension(self) -> None:
        said = refusal(lambda: Model(Orders, Customers, timezone="UTC", status=ratio(Orders.returned, Orders.orders)))
        assert said.startswith("status is both a metric and a member of a dataset")

    def test_a_ratio_of_what_is_elsewhere(self) -> None:
        said = refusal(lambda: Model(Customers, timezone="UTC", x=ratio(Orders.returned, Customers.new_customers)))
        assert said.startswith("The metric x uses Orders.returned, which is not in this model.")

    def test_what_has_no_time_cannot_be_asked_by_time(self) -> None:
        class Things(Dataset, table="things"):
            kind = dim(_.kind)
            things = measure(_.count())

        m = Model(Things, timezone="UTC").bind(None)  # type: ignore[arg-type]  # nothing is read
        m.things.by(m.kind)
        said = "things has no time: Things declares no default time to ask for it by."
        assert refusal(lambda: m.things.by(m.month)).startswith(said)
        assert refusal(lambda: m.things.by(between=("2026-01-01", "2026-02-01"))).startswith(said)
        assert refusal(lambda: m.things.by(where=m.month == "2026-01-01")).startswith(said)
        assert refusal(lambda: m.things.trailing("7 days").by(m.kind)).startswith("things_trailing_7_days has no time")

    def test_a_level_needs_a_time(self) -> None:
        class Shelves(Dataset, table="shelves"):
            product = ref(Products, _.product_id)
            pieces = measure(_.pieces.sum(), snapshot="last", over=product)

        said = refusal(lambda: Model(Shelves, Products, Brands, timezone="UTC"))
        assert said.startswith("Shelves.pieces is a level over time, but Shelves has no default time.")

    def test_a_reference_needs_the_whole_key(self) -> None:
        class Notes(Dataset, table="notes"):
            line = ref(Lines, _.order_id)

        said = refusal(lambda: Model(Notes, Lines, Orders, Customers, Products, Brands, timezone="UTC"))
        assert said.startswith("Notes.line does not give the whole key of Lines (order_id, number).")

    def test_a_dataset_that_is_referred_to_decides_by_itself_which_rows_it_has(self) -> None:
        class Notes(Dataset, table="notes"):
            line = ref(Lines, _.order_id, _.number)

        said = refusal(lambda: Model(Notes, Lines, Orders, Customers, Products, Brands, timezone="UTC"))
        assert said.startswith("Lines is referred to, so its where= may only use its own columns.")

    @pytest.mark.parametrize(
        ("declare", "said"),
        [
            (lambda: Model(timezone="Europe/Belin"), "timezone='Europe/Belin' is not in the time zone database."),
            (lambda: Model(timezone="UTC", week="monday"), "week='monday' is not a weekday."),
            (lambda: Model(timezone="UTC", x=Orders.orders), "is not a metric"),
            (lambda: key(_.a + 1), "is not made of plain columns"),
            (lambda: dim(_.a.isin({"x", "y"})), "has no stable text"),
            (lambda: measure(_.a.sum(), snapshot="last"), "gives only one of snapshot= and over="),
            (lambda: type("D", (Dataset,), {"month": dim(_.a)}, table="d"), "'month' is a word of the language."),
        ],
    )
    def test_slips(self, declare: Any, said: str) -> None:
        assert said in refusal(declare)

    def test_a_measure_is_no_value_of_a_row(self) -> None:
        class Orders3(Dataset, table="shop.orders"):
            placed = time(_.placed_at, default=True)
            number = measure(_.count())
            twice = measure(_.number * 2)

        said = refusal(lambda: Model(Orders3, timezone="UTC"))
        assert said.startswith("Orders3.number is a measure and cannot be used as a value of a row.")


class TestSlipsOfDeclarations:
    @pytest.mark.parametrize(
        ("declare", "said"),
        [
            (lambda: dim("status"), "'status' is no expression over a row."),
            (lambda: measure(5), "5 is no expression over a row."),
            (lambda: ref(Orders, _.a, before="latest"), "before='latest' says nothing."),  # type: ignore[arg-type]
            (lambda: ref(Orders, _.a, missing=5), "missing=5 is no share of rows."),
            (lambda: ref(Orders, _.a, valid="yesterday"), "valid='yesterday' says no version."),
            (lambda: measure(_.a.sum(), snapshot="latest", over=Stock.product), "snapshot='latest' says nothing."),  # type: ignore[arg-type]
            (lambda: type("D", (Orders,), {}, table="d"), "D is made of Orders, but datasets inherit nothing."),
            (lambda: type("D", (Dataset,), {"a": key(_.a), "b": key(_.b)}, table="d"), "D has two keys."),
            (lambda: type("D", (Dataset,), {"path": dim(_.a)}, table="d"), "'path' is a word of the language."),
            (lambda: Model("Orders", timezone="UTC"), "'Orders' is no dataset."),  # type: ignore[arg-type]
            (lambda: funnel(Orders.orders, by="order"), "A funnel has at least two steps."),
            (lambda: funnel(Orders.orders, Orders.returned, by="order", within="1 month"), "is not of one length."),
            (lambda: retention(Orders.orders, Orders.orders, by="buyer", after=-1), "after=-1 lies before"),
            (lambda: Orders.orders.trailing("some days"), "'some days' is not a stretch of time."),
            (lambda: Orders.orders + "1", "'1' is neither a metric nor a number."),  # type: ignore[operator]
            (lambda: metric(Orders.orders, "Orders"), "metric('orders', ...) is not made of metrics."),
        ],
    )
    def test_slips(self, declare: Any, said: str) -> None:
        assert said in refusal(declare)

    @pytest.mark.parametrize(
        ("made", "said"),
        [
            (lambda: funnel(Orders.orders, Orders.returned, by="nobody"), "cannot be followed by nobody"),
            (lambda: Lines.revenue.trailing("7 days") / Orders.orders, "different grains of time"),
            (lambda: Lines.revenue.trailing("7 days").to_date("month"), "would be counted twice along time"),
            (Stock.in_stock.all_time, "would add up Stock.in_stock over time"),
            (lambda: funnel(Orders.orders, ratio(Orders.orders, Orders.orders), by="buyer"), "made of other metrics"),
        ],
    )
    def test_metrics_whose_parts_do_not_fit(self, made: Any, said: str) -> None:
        assert said in refusal(lambda: Model(*DATASETS, timezone="UTC", calendar=None, odd=made()))


def test_dates_may_be_dates(m: Any) -> None:
    assert m.orders.by(where=m.day == date(2026, 6, 20)).value() == 2
    assert m.orders.by(between=(date(2026, 6, 1), date(2026, 6, 11))).value() == 2
