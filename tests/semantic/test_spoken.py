"""Questions as plain data say what questions in Python say, or say which entry is wrong."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from workspace.errors import SemanticError
from workspace.semantic.spoken import ask

RED = {"path": "product.colour", "is": "==", "value": "red"}


def same(spoken: Any, asked: Any) -> None:
    assert spoken.question.text == asked.question.text
    assert spoken.to_arrow().to_pylist() == asked.to_arrow().to_pylist()


def test_metrics_paths_and_conditions(m: Any) -> None:
    spoken = ask(m, {"metrics": ["revenue", "lines"], "by": ["month", "product.brand.tier"], "where": [RED]})
    same(spoken, m(m.revenue, m.lines, by=[m.month, m.product.brand.tier], where=[m.product.colour == "red"]))


def test_json_is_read_as_well(m: Any) -> None:
    question = {"metrics": ["orders"], "by": ["placed.week"], "last": "2 weeks"}
    same(ask(m, json.dumps(question)), m.orders.by(m.placed.week, last="2 weeks"))


@pytest.mark.parametrize("bounds", [["2026-06-01", "2026-06-15"], [date(2026, 6, 1), date(2026, 6, 15)]])
def test_a_window_between_two_days(m: Any, bounds: list[Any]) -> None:
    same(ask(m, {"metrics": ["orders"], "between": bounds}), m(m.orders, between=("2026-06-01", "2026-06-15")))


@pytest.mark.parametrize(
    ("sign", "value", "kept"),
    [
        ("==", "done", 3),
        ("!=", "done", 1),
        ("<", "done", 0),
        ("<=", "done", 3),
        (">", "done", 1),
        (">=", "done", 4),
        ("in", ["done", "returned"], 4),
    ],
)
def test_every_comparison(m: Any, sign: str, value: Any, kept: int) -> None:
    assert ask(m, {"metrics": ["orders"], "where": [{"path": "status", "is": sign, "value": value}]}).value() == kept


def test_missing_and_there(m: Any) -> None:
    assert ask(m, {"metrics": ["orders"], "where": [{"path": "buyer.country", "is": "missing"}]}).value() == 1
    assert ask(m, {"metrics": ["orders"], "where": [{"path": "buyer.country", "is": "there"}]}).value() == 3
    none_among = {"path": "buyer.country", "is": "in", "value": ["FR", None]}
    assert ask(m, {"metrics": ["orders"], "where": [none_among]}).value() == 2


def test_times_are_compared_with_days_as_text(m: Any) -> None:
    late = {"path": "placed.day", "is": ">=", "value": "2026-06-20"}
    assert ask(m, {"metrics": ["orders"], "where": [late]}).value() == 2


def test_texts_are_compared_with_patterns(m: Any) -> None:
    alike = {"path": "status", "is": "like", "value": "ret%"}
    assert ask(m, {"metrics": ["orders"], "where": [alike]}).value() == 1


@pytest.mark.parametrize(
    ("operation", "value", "make"),
    [
        ("trailing", "28 days", lambda m: m.revenue.trailing("28 days")),
        ("to_date", "month", lambda m: m.revenue.to_date("month")),
        ("ago", "1 week", lambda m: m.revenue.ago("1 week")),
        ("growth", "1 week", lambda m: m.revenue.growth("1 week")),
        ("all_time", True, lambda m: m.revenue.all_time()),
        ("share", [], lambda m: m.revenue.share()),
        ("share", ["day"], lambda m: m.revenue.share(within=(m.day,))),
        ("where", RED, lambda m: m.revenue.where(m.product.colour == "red")),
    ],
)
def test_a_metric_with_an_operation(m: Any, operation: str, value: Any, make: Any) -> None:
    spoken = ask(m, {"metrics": [{"metric": "revenue", operation: value}], "by": ["day", "product.colour"]})
    same(spoken, m(make(m), by=[m.day, m.product.colour]))


def test_operations_nest(m: Any) -> None:
    nested = {"metric": {"metric": "revenue", "trailing": "7 days"}, "ago": "1 week"}
    same(ask(m, {"metrics": [nested], "by": ["week"]}), m(m.revenue.trailing("7 days").ago("1 week"), by=m.week))


def test_groups_and_entities(m: Any) -> None:
    busy = {"path": "orders", "is": ">", "value": 1}
    same(
        ask(m, {"metrics": ["orders"], "by": ["status"], "where": [busy]}), m(m.orders, by=m.status, where=m.orders > 1)
    )
    loyal = {"path": "orders", "per": "buyer", "is": ">=", "value": 2}
    same(ask(m, {"metrics": ["revenue"], "where": [loyal]}), m(m.revenue, where=m.orders.per(m.buyer) >= 2))
    recent = {"path": "orders", "per": "buyer", "last": "2 weeks"}
    same(ask(m, {"metrics": ["buyers"], "by": [recent]}), m(m.buyers, by=m.orders.per(m.buyer, last="2 weeks")))


def test_top_overlap_and_fill(m: Any) -> None:
    same(ask(m, {"metrics": ["orders"], "by": ["status"], "top": 1}), m(m.orders, by=m.status, top=1))
    spoken = ask(m, {"metrics": ["orders"], "by": ["product.colour"], "overlap": True})
    same(spoken, m(m.orders, by=m.product.colour, overlap=True))
    spoken = ask(m, {"metrics": ["orders"], "by": ["week"], "last": "4 weeks", "fill": True})
    same(spoken, m(m.orders, by=m.week, last="4 weeks", fill=True))


def test_conditions_combine(m: Any) -> None:
    french = {"path": "buyer.country", "is": "==", "value": "FR"}
    returned = {"path": "status", "is": "==", "value": "returned"}
    for joint, direct in (
        ({"any": [french, returned]}, (m.buyer.country == "FR") | (m.status == "returned")),
        ({"all": [french, {"not": returned}]}, (m.buyer.country == "FR") & ~(m.status == "returned")),
        ({"not": {"any": [french, returned]}}, ~((m.buyer.country == "FR") | (m.status == "returned"))),
    ):
        same(ask(m, {"metrics": ["orders"], "where": [joint]}), m(m.orders, where=direct))


@pytest.mark.parametrize(
    ("question", "said", "cure"),
    [
        ("{", "The question is not JSON", "metrics"),
        ("[]", "is no question", "metrics"),
        ({}, "asks for no metric", "metrics"),
        ({"metric": ["orders"]}, "unknown entry 'metric'", "Did you mean metrics"),
        ({"metrics": "orders"}, "metrics is 'orders', not a list", '["orders"]'),
        ({"metrics": ["order"]}, r"metrics[0]: there is no metric 'order'", "Did you mean orders"),
        ({"metrics": ["month"]}, r"metrics[0]: there is no metric 'month'", ""),
        ({"metrics": ["timezone"]}, r"metrics[0]: there is no metric 'timezone'", ""),
        ({"metrics": ["__class__"]}, r"metrics[0]: there is no metric '__class__'", ""),
        ({"metrics": ["orders"], "by": ["stats"]}, "by[0]: 'stats' leads nowhere at 'stats'", "Did you mean status"),
        ({"metrics": ["orders"], "by": ["buyer.nation"]}, "'buyer.nation' leads nowhere at 'nation'", "country"),
        ({"metrics": ["orders"], "by": ["buyer.isin"]}, "'buyer.isin' leads nowhere at 'isin'", ""),
        ({"metrics": ["orders"], "by": ["_model"]}, "'_model' leads nowhere at '_model'", ""),
        ({"metrics": ["orders"], "by": ["orders.to_sql"]}, "'orders.to_sql' leads nowhere at 'to_sql'", ""),
        ({"metrics": ["orders"], "by": ["orders"]}, "is a metric, and nothing to group by", ""),
        ({"metrics": ["orders"], "by": [7]}, "by[0]: 7 is no path", ""),
        ({"metrics": ["orders"], "where": ["status = 1"]}, "where[0]: 'status = 1' is no condition", "path"),
        ({"metrics": ["orders"], "where": [{"path": "status"}]}, "where[0] lacks is", ""),
        ({"metrics": ["orders"], "where": [{"is": "missing"}]}, "where[0] lacks path", ""),
        ({"metrics": ["orders"], "where": [{"path": "status", "is": "=="}]}, "where[0] lacks value", ""),
        ({"metrics": ["orders"], "where": [{"path": "status", "is": "~", "value": 1}]}, "no comparison", "missing"),
        ({"metrics": ["orders"], "where": [{"path": "status", "is": "there", "value": 1}]}, "takes no value", ""),
        ({"metrics": ["orders"], "where": [{"path": "status", "is": "in", "value": "a"}]}, "not a list", ""),
        ({"metrics": ["orders"], "where": [{"path": "status", "is": "==", "value": {}}]}, "{} is no value", ""),
        (
            {"metrics": ["orders"], "where": [{"path": "status", "is": "==", "value": None}]},
            "nothing is == null",
            "missing",
        ),
        ({"metrics": ["orders"], "where": [{"path": "status", "is": "==", "valeu": 1}]}, "'valeu'", "value"),
        ({"metrics": ["orders"], "where": [{"any": []}]}, "where[0].any holds no condition", ""),
        ({"metrics": ["orders"], "where": [{"path": "status", "per": "buyer", "is": "there"}]}, "is no metric", ""),
        ({"metrics": ["orders"], "where": [{"path": "orders", "is": "missing"}]}, "compared with a number", "per"),
        ({"metrics": ["orders"], "where": [{"path": "status", "is": "missing", "last": "1 day"}]}, "no per", "whole"),
        ({"metrics": ["orders"], "by": [{"path": "status"}]}, "by[0] lacks per", "booker"),
        ({"metrics": ["orders"], "by": [{"path": "orders", "per": "buyer", "last": 3}]}, "by[0].last is 3", "weeks"),
        ({"metrics": [{"metric": "orders", "after": 1}]}, "no retention", ""),
        ({"metrics": ["orders"], "last": 12}, "last is 12", "12 weeks"),
        ({"metrics": ["orders"], "last": "12 moons"}, "last='12 moons'", "12 weeks"),
        ({"metrics": ["orders"], "between": ["2026-06-01"]}, "not a pair of days", ""),
        ({"metrics": ["orders"], "top": True}, "top is True", "10"),
        ({"metrics": ["orders"], "top": 0}, "top is 0", "10"),
        ({"metrics": ["orders"], "overlap": "yes"}, "overlap is 'yes'", "true"),
        ({"metrics": [{"metric": "orders"}]}, "metrics[0] is not one metric and one of", "nest"),
        ({"metrics": [{"metric": "orders", "trail": 1}]}, "unknown entry 'trail'", "Did you mean trailing"),
        ({"metrics": [{"metric": "orders", "trailing": 28}]}, "metrics[0].trailing is 28", "28 days"),
        ({"metrics": [{"metric": "orders", "all_time": False}]}, "metrics[0].all_time is False", "true"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(m: Any, question: Any, said: str, cure: str) -> None:
    with pytest.raises(SemanticError) as caught:
        ask(m, question)
    assert said in caught.value.message
    assert cure in caught.value.cure


def test_what_python_refuses_is_refused(m: Any) -> None:
    with pytest.raises(SemanticError, match=r"cannot be split or filtered by product\.colour"):
        ask(m, {"metrics": ["orders"], "by": ["product.colour"]})
