"""What an answer can be turned into, and how it looks."""

from __future__ import annotations

import importlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

from semantic.shop import MODEL, small_shop

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

load_workbook: Any = importlib.import_module("openpyxl").load_workbook  # it brings no types

CAPTION = "release 2026-06-30 · as of 2026-07-01 00:00 UTC · "


def ids(*names: str) -> str:
    return CAPTION + ", ".join(f"{name} {MODEL.definition(name).id}" for name in names)


def test_text(m: Any) -> None:
    assert repr(m(m.orders, m.basket, m.return_rate, by=m.country)) == "\n".join(
        [
            "orders, basket, return_rate by country",
            "country  orders  basket, EUR  return rate",
            "-----------------------------------------",
            "DE            2        17.50       50.0 %",
            "FR            1         1.00        0.0 %",
            "(none)        1         7.00        0.0 %",
            "-----------------------------------------",
            "total         4        10.75       25.0 %",
            ids("orders", "basket", "return_rate"),
        ]
    )


def test_nothing_found_is_said(m: Any) -> None:
    nothing = "No rows: nothing fulfils these conditions."
    assert nothing in repr(m.revenue.by(m.month, where=m.country == "XX"))
    assert nothing in repr(m.orders.by(where=m.country == "XX"))
    assert nothing in m.orders.by(m.month, where=m.country == "XX")._repr_html_()


def test_what_nothing_can_fulfil_is_said_with_the_values_that_there_are(m: Any) -> None:
    said = "! country is one of DE, FR"
    assert said in repr(m.revenue.by(m.month, where=m.country == "XX"))
    assert said in repr(m.orders.by(where=(m.country == "XX") | (m.country == "YY")))
    assert said in repr(m.orders.by(where=[m.country == "XX", m.orders > 0]))
    assert said[2:] in m.orders.by(m.month, where=m.country == "XX")._repr_html_()
    never = repr(m.orders.by(m.month, where=m.country == "DE", between=("1990-01-01", "1990-02-01")))
    assert "No rows" in never
    assert "is one of" not in never, "the condition is fulfilled, in another time"


def test_a_long_answer_is_cut_and_says_so(m: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspace.semantic.answers.answer.SHOWN", 2)
    answer = m.orders.by(m.order)
    assert answer._fetched.rows.num_rows == 2
    assert answer._fetched.count == 4
    assert "total" in repr(answer)


def test_html_is_the_same_in_two_processes_worth_of_objects(m: Any) -> None:
    first = m.revenue.by(m.day, m.country)._repr_html_()
    again = MODEL.bind(small_shop()).revenue.by(m.day, m.country)._repr_html_()
    assert first == again
    assert "<svg" in first
    assert "http" not in first.replace("http://www.w3.org", "")


def test_the_catalogue(m: Any) -> None:
    assert "basket" in repr(m)
    assert "Revenue an order" in m._repr_html_()


def test_frames(m: Any) -> None:
    frame = m.revenue.by(m.month).to_pandas()
    assert list(frame.columns) == ["month", "revenue"]
    assert str(frame["month"].dtype).startswith("datetime64")
    assert str(frame["revenue"].dtype) == "float64"


def test_going_on_in_ibis_and_sql(m: Any) -> None:
    table = m.revenue.by(m.country).to_ibis()
    assert table.filter(table.country.notnull()).revenue.sum().to_pyarrow().as_py() == 36
    sql = m.revenue.by(m.country).to_sql()
    assert sql.startswith("SELECT")
    assert table.get_backend().raw_sql(sql).fetchall() == [("DE", 35), (None, 7), ("FR", 1)]


def test_only_what_is_needed_is_joined(m: Any) -> None:
    assert "shop.products" not in m.revenue.by(m.country).to_sql()
    assert "shop.customers" not in m.orders.by(m.status, m.month).to_sql()


def test_details(m: Any) -> None:
    details = m.revenue.by(m.product.colour, last="1 month").details
    assert details["question"] == "revenue by product.colour, 2026-06-01 to 2026-06-30"
    assert details["as_of"] == "2026-07-01T00:00:00+00:00"
    assert details["definitions"]["revenue"] == MODEL.definition("revenue").text
    assert details["notes"] == m.revenue.by(m.product.colour).notes


def test_charts(m: Any) -> None:
    assert m.orders.by(m.day).chart() is not None
    assert m.orders.by(m.country).chart() is not None
    assert m.orders.by(m.country, m.status).chart() is None
    assert m.orders.chart() is None


def test_excel(m: Any, tmp_path: Path) -> None:
    path = m(m.revenue, m.typical, by=m.day).to_excel(tmp_path / "board.xlsx")
    book = load_workbook(path)
    assert book.sheetnames == ["Values", "Definitions"]
    values = book["Values"]
    assert values["A2"].value == ids("revenue", "typical")
    assert [cell.value for cell in values[4]] == ["day", "revenue, EUR", "typical, EUR"]
    assert [cell.value for cell in values[5]] == [datetime(2026, 6, 1), 1, 1]  # noqa: DTZ001 - a cell has no zone
    assert [cell.value for cell in values[8]] == ["total", 43, 8.6]
    assert len(values._charts) == 1
    definitions = list(book["Definitions"].values)
    assert definitions[1] == (
        "revenue",
        "What was ordered",
        "Lines: _.amount.sum()",
        "EUR",
        "finance",
        MODEL.definition("revenue").id,
        "2026-06-30",
        "2026-07-01 00:00 UTC",
    )


def test_excel_is_the_same_twice(m: Any, tmp_path: Path) -> None:
    paths = [m.revenue.by(m.day).to_excel(tmp_path / f"{i}.xlsx") for i in range(2)]
    assert paths[0].read_bytes() == paths[1].read_bytes()
