"""The parameters cell, and the values that may go into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workspace.errors import RunError
from workspace.runs.parameters import check_values, parse_values, read_parameters

if TYPE_CHECKING:
    from pathlib import Path

    from runs.homes import Home

CELL = '''"""What it takes."""
as_of: str = "2026-11-01"  # a comment
limit: int = -1
share: float = 0.5
full: bool = False
names: list[str] = ["a"]
'''


@pytest.fixture
def notebook(home: Home) -> Path:
    return home.notebook("n", parameters=CELL)


def test_names_types_and_defaults_are_read_without_running_anything(notebook: Path) -> None:
    declared = read_parameters(notebook)
    assert [(p.name, p.type, p.default) for p in declared.values()] == [
        ("as_of", "str", "2026-11-01"),
        ("limit", "int", -1),
        ("share", "float", 0.5),
        ("full", "bool", False),
        ("names", "list[str]", ["a"]),
    ]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("limit = 1", "`limit = 1`, which is no typed parameter"),
        ("import os", "`import os`"),
        ("limit: int", "`limit: int`"),
        ("limit: int = len('x')", "the default of limit is not a literal"),
        ("limit: int = 'x'", "limit = 'x' is not of the declared type int"),
        ("limit: dict = {}", "limit has the type dict"),
        ("limit: int = ", "is not Python"),
    ],
)
def test_a_cell_that_is_not_typed_literals_is_refused(home: Home, cell: str, message: str) -> None:
    with pytest.raises(RunError) as caught:
        read_parameters(home.notebook("n", parameters=cell))
    assert message in str(caught.value)
    assert "n.ipynb" in str(caught.value)


def test_what_is_no_notebook_is_refused(home: Home) -> None:
    path = home.notebook("n")
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(RunError, match="is not a notebook"):
        read_parameters(path)


def test_texts_are_read_by_the_declared_types(notebook: Path) -> None:
    texts = ["as_of=1 = 2", "limit=5", "share=2", "full=TRUE", "names=x, y"]
    assert parse_values(texts, read_parameters(notebook), "here") == {
        "as_of": "1 = 2",
        "limit": 5,
        "share": 2.0,
        "full": True,
        "names": ["x", "y"],
    }
    assert parse_values(["names="], read_parameters(notebook), "here") == {"names": []}


@pytest.mark.parametrize("text", ["limit=1.5", "share=nan", "share=x", "full=1", "limits=1", "limit"])
def test_texts_of_another_type_are_refused(notebook: Path, text: str) -> None:
    with pytest.raises(RunError, match=r"^here: "):
        parse_values([text], read_parameters(notebook), "here")


@pytest.mark.parametrize(
    ("name", "value"), [("limit", True), ("limit", 1.0), ("names", ["a", 1]), ("as_of", 1), ("full", 0)]
)
def test_values_of_another_type_are_refused(notebook: Path, name: str, value: object) -> None:
    with pytest.raises(RunError, match="is not of the declared type"):
        check_values({name: value}, read_parameters(notebook), "here")
