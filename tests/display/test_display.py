"""How results look: formats, tables, charts, workbooks."""

from __future__ import annotations

import importlib
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import altair as alt
import nbformat
import pandas as pd
import pyarrow as pa
import pytest

from workspace import display
from workspace.display import Column, View
from workspace.display.formats import excel_format, formatter
from workspace.display.theme import ACCENT, bundle
from workspace.errors import WorkspaceError

if TYPE_CHECKING:
    from pathlib import Path

load_workbook: Any = importlib.import_module("openpyxl").load_workbook  # it brings no types

MONTH = Column(name="month", kind="time", grain="month")
CITY = Column(name="home_city", kind="category")
VALUE = Column(name="gbv", kind="value", unit="EUR")
CREATED = datetime(2026, 7, 1, tzinfo=UTC)


def view(columns: tuple[Column, ...], **values: list[Any]) -> View:
    rows = pa.table(values)
    total = {"gbv": 3000.0}
    return View(title="A <question>", columns=columns, rows=rows, count=rows.num_rows, total=total, caption="source")


MONTHS = [date(2026, month, 1) for month in range(1, 7)]
OVER_TIME = view((MONTH, VALUE), month=MONTHS, gbv=[1.0, 5.5, 3.0, None, 2000.0, 7.0])
BY_CITY = view((CITY, VALUE), home_city=["Köln", "<b>", None], gbv=[2000.0, 999.5, None])


@pytest.mark.parametrize(
    ("column", "values", "shown"),
    [
        (VALUE, [1234567.891], "1,234,568"),
        (VALUE, [83.126], "83.13"),
        (VALUE, [-1234.5], "-1,234"),
        (Column(name="n", kind="value", unit="count"), [1234], "1,234"),
        (Column(name="n", kind="value"), [1234], "1,234"),
        (Column(name="n", kind="value"), [1.23456], "1.235"),
        (Column(name="share", kind="value", unit="percent"), [0.123], "12.3 %"),
        (VALUE, [None], "–"),  # noqa: RUF001
        (CITY, [None], "(none)"),
        (CITY, [7], "7"),
        (Column(name="t", kind="time", grain="hour"), [datetime(2026, 10, 25, 2)], "2026-10-25 02:00"),  # noqa: DTZ001
        (Column(name="t", kind="time", grain="week"), [date(2026, 10, 19)], "2026-10-19"),
        (Column(name="t", kind="time", grain="quarter"), [date(2026, 10, 1)], "2026 Q4"),
        (Column(name="t", kind="time", grain="year"), [date(2026, 1, 1)], "2026"),
        (MONTH, [None], "(none)"),
    ],
)
def test_formats(column: Column, values: list[Any], shown: str) -> None:
    assert formatter(column, values)(values[0]) == shown


def test_excel_shows_the_same() -> None:
    assert excel_format(VALUE, [1234.5]) == "#,##0"
    assert excel_format(VALUE, [12.5]) == "#,##0.00"
    assert excel_format(Column(name="s", kind="value", unit="percent"), [0.1]) == "0.0 %"


def test_text_aligns_numbers() -> None:
    assert display.text(BY_CITY).splitlines() == [
        "A <question>",
        "home city  gbv, EUR",
        "-------------------",
        "Köln          2,000",
        "<b>           1,000",
        "(none)            –",  # noqa: RUF001
        "-------------------",
        "total         3,000",
        "source",
    ]


def test_text_is_cut() -> None:
    lines = display.text(OVER_TIME, limit=2).splitlines()
    assert len([line for line in lines if line.startswith("2026")]) == 2
    assert "first 2 of 6 rows" in lines


def test_html_escapes_what_it_shows() -> None:
    page = display.html_table(BY_CITY)
    assert "&lt;b&gt;" in page
    assert "A &lt;question&gt;" in page
    assert "<b>" not in page


class TestCharts:
    def test_time_becomes_lines_and_categories_become_bars(self) -> None:
        assert "mark-line" in display.svg(OVER_TIME)
        assert "mark-rect" in display.svg(BY_CITY)

    def test_many_series_are_reduced_to_the_largest(self) -> None:
        names = [f"city {n}" for n in range(9)]
        many = view((MONTH, CITY, VALUE), month=[MONTHS[0], MONTHS[1]] * 9, home_city=names * 2, gbv=[*range(18)])
        drawn = display.svg(many)
        assert "5 largest of 9" in drawn
        assert "city 8" in drawn
        assert "city 0" not in drawn

    def test_nothing_to_draw(self) -> None:
        assert display.svg(view((VALUE,), gbv=[1.0])) == ""
        assert display.svg(view((CITY, MONTH, CITY, VALUE), home_city=["a", "b"], month=MONTHS[:2], gbv=[1, 2])) == ""
        assert "<svg" in display.svg(view((MONTH, VALUE), month=MONTHS[:2], gbv=pa.array([None, None], pa.float64())))

    def test_the_same_bytes_twice(self) -> None:
        assert display.svg(OVER_TIME) == display.svg(OVER_TIME)

    def test_a_notebook_gets_our_charts_once_enabled(self) -> None:
        renderer, theme = alt.renderers.active, alt.theme.active
        try:
            display.enable()
            chart = alt.Chart(pd.DataFrame({"a": [1]})).mark_bar().encode(x="a:Q")
            assert "image/svg+xml" in chart._repr_mimebundle_()
            assert ACCENT in str(chart.to_dict()["config"])
        finally:
            alt.renderers.enable(renderer)
            alt.theme.enable(theme)

    def test_the_bundle_is_valid_in_a_notebook(self) -> None:
        chart = display.chart(OVER_TIME)
        assert chart is not None
        data = bundle(chart.to_dict())
        assert set(data) == {"application/vnd.vegalite.v5+json", "image/svg+xml", "text/plain"}
        assert data["application/vnd.vegalite.v5+json"]["$schema"].endswith("v5.json")
        make: Any = nbformat.v4
        cell = make.new_code_cell(outputs=[make.new_output("display_data", data=data)])
        nbformat.validate(make.new_notebook(cells=[cell]))


class TestWorkbooks:
    def test_values_keep_their_types(self, tmp_path: Path) -> None:
        path = display.write_xlsx(tmp_path / "a.xlsx", {"Values": OVER_TIME}, [], created=CREATED)
        sheet = load_workbook(path)["Values"]
        assert sheet["A5"].value == datetime(2026, 1, 1)  # noqa: DTZ001 - a cell has no zone
        assert sheet["A5"].number_format == "yyyy-mm"
        assert sheet["B6"].value == 5.5
        assert sheet["B8"].value is None

    def test_odd_values(self, tmp_path: Path) -> None:
        quarter = Column(name="quarter", kind="time", grain="quarter")
        odd = view((quarter, CITY, VALUE), quarter=[MONTHS[0], None], home_city=[None, 7], gbv=[1.0, 2.0])
        path = display.write_xlsx(tmp_path / "a.xlsx", {"Values": odd}, [{"metric": "gbv"}], created=CREATED)
        sheet = load_workbook(path)["Values"]
        assert [cell.value for cell in sheet[5]] == ["2026 Q1", "(none)", 1]
        assert [cell.value for cell in sheet[6]] == ["(none)", "7", 2]

    def test_a_missing_library_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
        with pytest.raises(WorkspaceError, match="pip install"):
            display.write_xlsx(tmp_path / "a.xlsx", {"Values": OVER_TIME}, [], created=CREATED)
        assert display.svg(OVER_TIME) == ""
