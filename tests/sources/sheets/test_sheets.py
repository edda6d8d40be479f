"""What finance writes arrives: headers are found, merged cells filled, odd cells named, and every version is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from sources.sheets.books import COLUMNS, HEADER, TARGETS, ingest, live, source, write
from workspace.errors import SettingsError, SourceError
from workspace.sources.sheets import look

if TYPE_CHECKING:
    from pathlib import Path

    from openpyxl.worksheet.worksheet import Worksheet

    from workspace.lake import Lake

JAN, FEB, MAR = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
ROWS = [HEADER, (datetime(2026, 1, 1), "Berlin", 1000), (datetime(2026, 2, 1), "Berlin", 1200.5)]  # noqa: DTZ001
TOLD = 'decimal = "," or "." in workspace.toml says which is meant'


def targets(lake: Lake) -> dict[tuple[date, str], Decimal | None]:
    return {(row["month"], row["city"]): row["target"] for row in live(lake)}


def quarantined(lake: Lake) -> list[tuple[list[str], str, dict[str, Any]]]:
    rows = lake.quarantined("sheets").to_pylist()
    return [(json.loads(row["detail"])["cells"], row["reason"], json.loads(row["raw"])) for row in rows]


def test_a_sheet_as_finance_keeps_it(lake: Lake, tmp_path: Path) -> None:
    def merge(sheet: Worksheet) -> None:
        sheet.merge_cells("A1:C1")
        sheet.merge_cells("B5:B6")

    rows = [
        ("Targets 2026 - approved", None, None, None),
        (),
        (),
        ("MONTH", "City", " Target\n(EUR) ", "Remarks"),
        ("Jänner 2026", "München", "1.234,50", "as in the board's paper"),
        ("2026-02", None, "€ 12 500", None),
        (None, None, None, "a remark of its own"),
        (),
        (datetime(2026, 3, 31), "Köln  am Rhein", 99, None),  # noqa: DTZ001
        ("Total", None, "=SUM(C5:C9)", None),
        ("* as discussed in Köln", None, None, None),
    ]
    report = ingest(lake, source(write(tmp_path / "plan.xlsx", ("Targets", rows), then=merge)), 5)
    assert targets(lake) == {
        (JAN, "München"): Decimal("1234.5"),
        (FEB, "München"): Decimal(12500),
        (MAR, "Köln am Rhein"): Decimal(99),
    }
    assert report.rows == {"sheets.targets": {"S": 3}}
    assert report.notes == ("targets: left out as totals: row 10.", "targets: left out as remarks: row 11.")
    assert quarantined(lake) == []


def test_a_lone_amount_is_no_remark_and_ends_nothing(lake: Lake, tmp_path: Path) -> None:
    columns = {"month": "month", "budget": {"type": "decimal", "currency": "EUR"}}
    plan = {"sheet": "Plan", "key": ["month"], "columns": columns}
    header, kept = ("Month", "Budget"), ("2026-01", 100)
    about = source(write(tmp_path / "plan.xlsx", ("Plan", [header, kept, ("2026-02", 200)])), plan=plan)
    ingest(lake, about, 5)
    write(tmp_path / "plan.xlsx", ("Plan", [header, kept, (None, 200), (None, "as agreed")]))
    report = ingest(lake, about, 6)
    assert report.quarantined == 1
    assert [(row["month"], row["budget"]) for row in live(lake, "sheets.plan")] == [(JAN, 100), (FEB, 200)]
    assert "plan: left out as remarks: row 4." in report.notes


def test_a_header_of_two_rows_is_one(lake: Lake, tmp_path: Path) -> None:
    def merge(sheet: Worksheet) -> None:
        for area in ("A1:A2", "B1:B2", "C1:D1"):
            sheet.merge_cells(area)

    rows = [("Month", "City", "Plan", None), (None, None, "Target (EUR)", "Bookings"), ("2026-01", "Berlin", 5, 6)]
    ingest(lake, source(write(tmp_path / "plan.xlsx", ("Targets", rows), then=merge)), 5)
    assert targets(lake) == {(JAN, "Berlin"): Decimal(5)}


def test_a_cell_that_cannot_be_read_is_named_and_the_other_rows_are_taken_in(lake: Lake, tmp_path: Path) -> None:
    rows = [
        *ROWS,
        ("2026-03", "Berlin", "tbd"),
        ("2026-03", "Bonn", "1.234"),
        ("soon", "Bonn", "$ 5"),
        ("2026-01", "Bonn", 7),
    ]
    report = ingest(lake, source(write(tmp_path / "plan.xlsx", ("Targets", rows))), 5)
    assert len(targets(lake)) == 3
    assert report.quarantined == 3
    assert quarantined(lake) == [
        (["Targets!C4"], "Targets!C4 'tbd' is not a number.", {"month": "2026-03", "city": "Berlin", "target": "tbd"}),
        (
            ["Targets!C5"],
            f"Targets!C5 '1.234' has two readings, 1234 and 1.234; {TOLD}.",
            {"month": "2026-03", "city": "Bonn", "target": "1.234"},
        ),
        (
            ["Targets!A6", "Targets!C6"],
            "Targets!A6 'soon' is not a month; Targets!C6 '$ 5' is an amount in USD, and the column is in EUR.",
            {"month": "soon", "city": "Bonn", "target": "$ 5"},
        ),
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (True, "'True' is true or false"),
        (datetime(2026, 1, 1), "is a date or a time, not a number"),  # noqa: DTZ001
        ("=1/0", "'=1/0' is a formula of which no result was saved"),
        ("#DIV/0!", "'#DIV/0!' is an error"),
    ],
)
def test_what_is_no_number_in_excel_either_is_refused(lake: Lake, tmp_path: Path, value: object, message: str) -> None:
    ingest(lake, source(write(tmp_path / "plan.xlsx", ("Targets", [HEADER, ("2026-01", "Bonn", value)]))), 5)
    [(cells, reason, _)] = quarantined(lake)
    assert cells == ["Targets!C2"]
    assert message in reason


def test_a_formulas_saved_result_is_its_value(lake: Lake, tmp_path: Path) -> None:
    path = write(tmp_path / "plan.xlsx", ("Targets", [HEADER, ("2026-01", "Bonn", "=0.1+0.2")]))
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    assert "<f>0.1+0.2</f><v />" in sheet or "<f>0.1+0.2</f><v/>" in sheet
    saved = sheet.replace("<v />", "<v>0.30000000000000004</v>").replace("<v/>", "<v>0.30000000000000004</v>")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, saved if name == "xl/worksheets/sheet1.xml" else content)
    ingest(lake, source(path), 5)
    assert targets(lake) == {(JAN, "Bonn"): Decimal("0.3")}


def test_the_currency_with_which_a_number_is_shown_counts(lake: Lake, tmp_path: Path) -> None:
    def show(sheet: Worksheet) -> None:
        for row, form in enumerate(
            ("#,##0.00 [$€-407]", "[$$-409]#,##0.00", "_-* #,##0.00\\ _€_-", '#,##0 "GBP"'), start=2
        ):
            sheet.cell(row, 3).number_format = form

    rows = [HEADER, *((f"2026-0{month}", "Bonn", 5) for month in (1, 2, 3, 4))]
    ingest(lake, source(write(tmp_path / "plan.xlsx", ("Targets", rows), then=show)), 5)
    assert set(targets(lake)) == {(JAN, "Bonn"), (MAR, "Bonn")}
    assert [reason for _, reason, _ in quarantined(lake)] == [
        "Targets!C3 '5' is an amount in USD, and the column is in EUR.",
        "Targets!C5 '5' is an amount in GBP, and the column is in EUR.",
    ]


def test_without_being_asked_a_merged_cell_fills_its_first_only(lake: Lake, tmp_path: Path) -> None:
    path = write(
        tmp_path / "plan.xlsx",
        ("Targets", [HEADER, ("2026-01", "Bonn", 1), ("2026-02", None, 2)]),
        then=lambda sheet: sheet.merge_cells("B2:B3"),
    )
    plain = {**TARGETS, "columns": {**COLUMNS, "city": "text"}}
    ingest(lake, source(path, targets=plain), 5)
    assert set(targets(lake)) == {(JAN, "Bonn")}
    [(cells, reason, _)] = quarantined(lake)
    assert cells == ["Targets!B3"]
    assert "is covered by the merged cell B2:B3; merged = true" in reason


def test_every_type_of_column_is_kept_as_it_is_meant(lake: Lake, tmp_path: Path) -> None:
    columns = {"code": "text", "day": "date", "number": "integer", "share": "decimal"}
    rows = [
        ("code", "day", "number", "share"),
        (7, datetime(2026, 3, 1), 12.0, "12,5 %"),  # noqa: DTZ001
        ("b ", "1. März 2026", "1 234", 0.125),
        ("c", "", None, " "),
    ]
    about = {"sheet": "Codes", "key": ["code"], "columns": columns}
    ingest(lake, source(write(tmp_path / "plan.xlsx", ("Codes", rows)), codes=about), 5)
    assert live(lake, "sheets.codes") == [
        {"code": "7", "day": MAR, "number": 12, "share": Decimal("0.125")},
        {"code": "b", "day": MAR, "number": 1234, "share": Decimal("0.125")},
        {"code": "c", "day": None, "number": None, "share": None},
    ]


def test_what_did_not_change_is_not_written_again(lake: Lake, tmp_path: Path) -> None:
    about = source(write(tmp_path / "plan.xlsx", ("Targets", [*ROWS, ("2026-03", "Berlin", "tbd")])))
    first = ingest(lake, about, 5)
    again = ingest(lake, about, 6)
    assert (first.watermark.position, again.watermark.position) == (1, 1)
    assert (first.rows, again.rows) == ({"sheets.targets": {"S": 2}}, {})
    assert again.quarantined == 1
    assert len(quarantined(lake)) == 1


def test_revised_new_and_deleted_rows_are_versions(lake: Lake, tmp_path: Path) -> None:
    about = source(write(tmp_path / "plan.xlsx", ("Targets", ROWS)))
    ingest(lake, about, 5)
    write(tmp_path / "plan.xlsx", ("Targets", [HEADER, ("2026-02", "Berlin", 1300), ("2026-03", "Berlin", 1)]))
    report = ingest(lake, about, 6)
    assert report.rows == {"sheets.targets": {"U": 1, "I": 1, "D": 1}}
    assert targets(lake) == {(FEB, "Berlin"): Decimal(1300), (MAR, "Berlin"): Decimal(1)}


def test_a_row_that_became_unreadable_stays_as_it_was(lake: Lake, tmp_path: Path) -> None:
    about = source(write(tmp_path / "plan.xlsx", ("Targets", ROWS)))
    ingest(lake, about, 5)
    write(tmp_path / "plan.xlsx", ("Targets", [HEADER, ("2026-02", "Berlin", "t.b.d.")]))
    report = ingest(lake, about, 6)
    assert report.rows == {"sheets.targets": {"D": 1}}
    assert targets(lake) == {(FEB, "Berlin"): Decimal("1200.5")}
    assert any("1 row stays as last known" in note for note in report.notes)


def test_while_a_key_cannot_be_read_nothing_counts_as_deleted(lake: Lake, tmp_path: Path) -> None:
    about = source(write(tmp_path / "plan.xlsx", ("Targets", ROWS)))
    ingest(lake, about, 5)
    write(tmp_path / "plan.xlsx", ("Targets", [HEADER, ("Febr", "Berlin", 1300)]))
    assert ingest(lake, about, 6).rows == {}
    assert len(targets(lake)) == 2
    write(tmp_path / "plan.xlsx", ("Targets", [HEADER, ("Feb 2026", "Berlin", 1300)]))
    assert ingest(lake, about, 7).rows == {"sheets.targets": {"U": 1, "D": 1}}


def test_a_cell_broken_again_is_on_record_again(lake: Lake, tmp_path: Path) -> None:
    broken, mended = [*ROWS, ("2026-03", "Berlin", "tbd")], [*ROWS, ("2026-03", "Berlin", 5)]
    for day, rows in enumerate((broken, mended, broken, broken), start=5):
        ingest(lake, source(write(tmp_path / "plan.xlsx", ("Targets", rows))), day)
    assert [row["recorded_at"].day for row in lake.quarantined("sheets").to_pylist()] == [5, 7]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", "b"), (1, 2)], "plan.xlsx, Targets has no header: no row with 'month', 'city', 'Target .EUR.'"),
        ([("Month", "City", "Target"), (1, 2, 3)], "the header lacks 'Target .EUR.'.*\n.*Did you mean Target?"),
        ([(*HEADER, "City")], "'city' stands above two columns, B1 and D1"),
        ([*ROWS, ("Jan 2026", "Berlin", 5)], "rows 2 and 4 are both about .2026-01-01, Berlin."),
    ],
)
def test_a_wrong_sheet_refuses_its_table_and_no_other(
    lake: Lake, tmp_path: Path, rows: list[tuple[Any, ...]], message: str
) -> None:
    about = source(tmp_path / "plan.xlsx", targets=TARGETS, others={**TARGETS, "sheet": "Others"})
    write(tmp_path / "plan.xlsx", ("Targets", ROWS), ("Others", ROWS))
    ingest(lake, about, 5)
    write(tmp_path / "plan.xlsx", ("Targets", rows), ("Others", ROWS[:2]))
    for day in (6, 7):
        with pytest.raises(SourceError, match=message) as caught:
            ingest(lake, about, day)
        assert "Taken in: sheets.others." in caught.value.message
    assert len(targets(lake)) == 2
    assert len(live(lake, "sheets.others")) == 1
    mark = lake.watermark("sheets")
    assert mark is not None
    assert (mark.position, mark.reached.day, list(mark.detail["stopped"])) == (2, 7, ["targets"])
    write(tmp_path / "plan.xlsx", ("Targets", ROWS), ("Others", ROWS[:2]))
    assert ingest(lake, about, 8).watermark.detail["stopped"] == {}


def test_a_workbook_that_cannot_be_read_is_named(lake: Lake, tmp_path: Path) -> None:
    about = source(tmp_path / "plan.xlsx")
    with pytest.raises(SourceError, match=r"plan.xlsx cannot be read: No such file"):
        ingest(lake, about, 5)
    (tmp_path / "plan.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    with pytest.raises(SourceError, match=r"has a password, or is of Excel 97-2003"):
        ingest(lake, about, 5)
    whole = write(tmp_path / "whole.xlsx", ("Targets", ROWS)).read_bytes()
    for content in (b"", b"month;city", whole[: len(whole) // 2]):
        (tmp_path / "plan.xlsx").write_bytes(content)
        with pytest.raises(SourceError, match=r"no Excel workbook, or is cut off"):
            ingest(lake, about, 5)
    write(tmp_path / "plan.xlsx", ("Target", ROWS))
    with pytest.raises(SourceError, match=r"has no sheet 'Targets'.\n.*Did you mean Target?"):
        ingest(lake, about, 5)


def test_a_folder_holds_several_workbooks(lake: Lake, tmp_path: Path) -> None:
    write(tmp_path / "one.xlsx", ("Targets", ROWS))
    write(tmp_path / "two.xlsx", ("Targets", ROWS[:2]))
    one, two = ({**TARGETS, "workbook": f"{name}.xlsx"} for name in ("one", "two"))
    report = ingest(lake, source(tmp_path, one=one, two=two), 5)
    assert report.rows == {"sheets.one": {"S": 2}, "sheets.two": {"S": 1}}
    with pytest.raises(SettingsError, match="lacks workbook"):
        source(tmp_path, one=TARGETS)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"key": ["town"]}, "no column 'town', which its key names"),
        ({"key": []}, "an empty key"),
        ({"decimal": ";"}, "decimal = ';' is not known"),
        ({"columns": {**COLUMNS, "city": "txt"}}, "columns.city has type = 'txt'.\n.*text"),
        ({"columns": {**COLUMNS, "city": {"type": "text", "currency": "EUR"}}}, "currency = 'EUR', which cannot be"),
        ({"columns": {**COLUMNS, "City": "text"}}, "'City' cannot be a name"),
        ({"columns": {}}, "columns is no table"),
        ({"sheets": "Targets"}, "unknown entry 'sheets'.\n.*sheet"),
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        source(tmp_path / "plan.xlsx", targets={**TARGETS, **changed})


CHILD = """
import sys
from pathlib import Path
from sources.sheets.books import ingest, source
from workspace.lake import Lake
ingest(Lake(sys.argv[1]), source(Path(sys.argv[2])), 5)
"""


@pytest.mark.parametrize("point", ["sheets.after_append", "sheets.after_quarantine"])
def test_a_run_that_is_killed_leaves_nothing_twice(lake: Lake, tmp_path: Path, point: str) -> None:
    path = write(tmp_path / "plan.xlsx", ("Targets", [*ROWS, ("2026-03", "Berlin", "tbd")]))
    places = os.pathsep.join(["src", "tests"])
    killed = subprocess.run(
        [sys.executable, "-c", CHILD, lake.layout.root, str(path)],
        env=os.environ | {"WORKSPACE_CRASH": point, "PYTHONPATH": places},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    ingest(lake, source(path), 6)
    assert lake.log("sheets.targets").live().read_all().num_rows == 2
    assert len(quarantined(lake)) == 1
    assert ingest(lake, source(path), 7).rows == {}


def test_a_look_says_what_would_be_read_and_names_what_would_not(tmp_path: Path) -> None:
    path = tmp_path / "plans.xlsx"
    write(path, ("Targets", [*ROWS, ("2026-03", "Berlin", "tbd")]))
    told = {subject: ask() for subject, _, ask in look(source(path))}
    assert told == {"table targets": "2 rows; refused: Targets!C4 'tbd' is not a number."}
    path.unlink()
    for _, _, ask in look(source(path)):
        with pytest.raises(SourceError, match=r"plans\.xlsx"):
            ask()
