"""Workbooks that are damaged, sparse or hold personal data are read, or refused in words that give nothing away."""

from __future__ import annotations

import json
import random
import zipfile
from datetime import date
from typing import TYPE_CHECKING

import pytest

from sources.sheets.books import HEADER, ingest, live, source, write
from workspace.errors import SourceError
from workspace.sources.sheets.grid import Book

if TYPE_CHECKING:
    from pathlib import Path

    from openpyxl.worksheet.worksheet import Worksheet

    from workspace.lake import Lake

ROWS = [HEADER, ("2026-01", "Berlin", 5), ("2026-02", "Berlin", 6)]


def test_a_formula_that_came_to_an_empty_text_is_blank(lake: Lake, tmp_path: Path) -> None:
    formula = '=IF(Z9="","",Z9)'
    path = write(tmp_path / "plan.xlsx", ("Targets", [*ROWS, (formula, formula, formula)]))
    with zipfile.ZipFile(path) as book:
        members = {name: book.read(name) for name in book.namelist()}
    name = "xl/worksheets/sheet1.xml"
    for cell in (b"A4", b"B4", b"C4"):
        plain = b'<c r="' + cell + b'">'
        assert plain in members[name]
        members[name] = members[name].replace(plain, b'<c r="' + cell + b'" t="str">')
    with zipfile.ZipFile(path, "w") as book:
        for each, content in members.items():
            book.writestr(each, content)
    assert ingest(lake, source(path), 5).quarantined == 0
    assert len(live(lake)) == 2


def test_a_cell_far_out_makes_no_cells_between(lake: Lake, tmp_path: Path) -> None:
    def stray(sheet: Worksheet) -> None:
        sheet["XFD1048576"] = "x"

    ingest(lake, source(write(tmp_path / "plan.xlsx", ("Targets", ROWS), then=stray)), 5)
    assert [(row["month"], row["target"]) for row in live(lake)] == [(date(2026, 1, 1), 5), (date(2026, 2, 1), 6)]


def test_a_damaged_workbook_is_read_or_named(tmp_path: Path) -> None:
    whole = write(tmp_path / "plan.xlsx", ("Targets", ROWS)).read_bytes()
    damaged, chance = tmp_path / "damaged.xlsx", random.Random(1)
    refused: list[str] = []
    for _ in range(200):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 20)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        damaged.write_bytes(content)
        try:
            Book(damaged)
        except SourceError as error:
            refused.append(error.message)
    assert len(refused) > 50
    assert all("damaged.xlsx" in message for message in refused)


def test_no_message_has_a_personal_value(lake: Lake, tmp_path: Path) -> None:
    columns = {"mail": {"type": "text", "personal": True}, "born": {"type": "date", "personal": True}, "city": "text"}
    people = {"sheet": "P", "key": ["mail"], "columns": columns}
    header, anna = ("Mail", "Born", "City"), ("anna@x.example", "1990-04-03", "Bonn")
    about = source(tmp_path / "people.xlsx", people=people)
    write(tmp_path / "people.xlsx", ("P", [header, ("ben@x.example", "03/04/1990", "Bonn")]))
    report = ingest(lake, about, 5)
    reasons = [row["reason"] for row in lake.quarantined("sheets").to_pylist()]
    assert reasons == ["P!B2 cannot be read as date, and is personal."]
    write(tmp_path / "people.xlsx", ("P", [header, anna, anna]))
    with pytest.raises(SourceError, match="rows 2 and 3 are both about the same") as caught:
        ingest(lake, about, 6)
    mark = lake.watermark("sheets")
    assert mark
    said = json.dumps([*report.notes, *reasons, caught.value.message, caught.value.cure, mark.detail])
    assert "@x.example" not in said
    assert "1990" not in said
