"""What the pages in docs show is so: examples give their output, quotations and links are right.

`python tests/test_docs.py` writes the outputs anew after a change; look at what changed.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import runpy
import textwrap
from functools import cache
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[1] / "docs"
WORLDS = {"metrics": "bakery.py", "clickstream": "shop.py", "ads": "campaigns.py", "sheets": "plans.py"}
"""The small world that the pages of a folder ask."""

PAGES = [page for folder in WORLDS for page in sorted((DOCS / folder).glob("*.md"))]
FLAGS = doctest.ELLIPSIS


def world_of(page: Path) -> Path:
    return page.parent / WORLDS[page.parent.name]


@cache
def world(path: Path) -> dict[str, Any]:
    """What `python -i docs/metrics/bakery.py` gives."""
    return runpy.run_path(str(path))


def examples(page: Path) -> doctest.DocTest:
    # The fences go, else the parser takes them for output; line numbers stay.
    text = re.sub(r"^```.*$", "", page.read_text(), flags=re.MULTILINE)
    return doctest.DocTestParser().get_doctest(text, dict(world(world_of(page))), page.name, str(page), 0)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}-{page.stem}")
class TestPages:
    def test_examples(self, page: Path) -> None:
        told = io.StringIO()
        result = doctest.DocTestRunner(optionflags=FLAGS).run(examples(page), out=told.write)
        assert not result.failed, f"{told.getvalue()}\n`python tests/test_docs.py` writes outputs anew."

    def test_quotations(self, page: Path) -> None:
        declared = world_of(page).read_text()
        for block in re.findall(r"^```(?:python|text)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            if ">>>" not in block:
                assert block in declared or textwrap.indent(block, "    ") in declared, block

    def test_links(self, page: Path) -> None:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), target


def test_every_page_is_in_the_index() -> None:
    for page in PAGES:
        index = (page.parent / "README.md").read_text()
        assert page.name == "README.md" or f"({page.name})" in index


def test_every_column_of_the_clickstream_is_described() -> None:
    page = DOCS / "clickstream" / "tables.md"
    shop = world(world_of(page))
    fields = {field.name for field in shop["FIELDS"]}
    told = dict(re.findall(r"^## `(.+?)`\n(.*?)(?=^## )", page.read_text(), re.MULTILINE | re.DOTALL))
    assert told.keys() == set(shop["ws"].tables)
    for name, pin in shop["ws"].release.tables.items():
        of_fields = fields if name in ("clickstream.atomic", "clickstream.events") else set()
        personal = {column.name for column in shop["lake"].columns(pin) if column.personal}
        read = shop["ws"].history(name) if name == "clickstream.identities" else shop["ws"].table(name)
        known = [column for column in read.columns if column not in of_fields | {"day"}]
        described = re.findall(r"^\| `(\w+)`( \*)? \| (\w+) \|", told[name], re.MULTILINE)
        assert [column for column, _, _ in described] == known, name
        assert {column for column, mark, _ in described if mark} == personal - of_fields, name
        assert all(TYPES[kind] == str(read[column].type()) for column, _, kind in described), name


TYPES = {
    "text": "string",
    "int": "int64",
    "float": "float64",
    "bool": "boolean",
    "at": "timestamp('UTC', 6)",
    "date": "date",
    "money": "decimal(18, 2)",
    "amount": "decimal(18, 6)",
    "credit": "decimal(18, 9)",
    "sum": "decimal(38, 6)",
}
EXTENDED = {
    "ads.performance_versions": "ads.performance",
    **{
        f"dbt_ad_reporting.ad_reporting__{longer}_report": f"dbt_ad_reporting.ad_reporting__{shorter}_report"
        for longer, shorter in (("campaign", "account"), ("ad_group", "campaign"), ("ad", "ad_group"), ("url", "ad"))
    },
}
"""Tables of which only what they have more than another one is described."""


def test_every_column_of_advertising_is_described() -> None:
    page = DOCS / "ads" / "tables.md"
    ws = world(world_of(page))["ws"]
    told = dict(re.findall(r"^## `(.+?)`\n(.*?)(?=^## )", page.read_text(), re.MULTILINE | re.DOTALL))
    own = {"marketing.platforms", "marketing.attribution"}
    assert told.keys() == {name for name in ws.tables if name.startswith(("ads.", "dbt_ad_reporting.")) or name in own}
    for name, text in told.items():
        read, other = ws.table(name), EXTENDED.get(name)
        known = [column for column in read.columns if other is None or column not in ws.table(other).columns]
        described = re.findall(r"^\| `(\w+)`( \*)? \| (\w+) \|", text, re.MULTILINE)
        assert [column for column, _, _ in described] == known, name
        assert {column for column, mark, _ in described if mark} == _personal(ws, name) & set(known), name
        for column, _, kind in described:
            # A sum of whole numbers is one, too; DuckDB has more digits for it.
            wanted = {TYPES[kind], "decimal(38, 0)"} if kind == "int" else {TYPES[kind]}
            assert str(read[column].type()) in wanted, f"{name}.{column}"


def _personal(ws: Any, name: str) -> set[str]:
    return {column.name for column in ws.columns(name) if column.personal}


def write(page: Path) -> None:
    """Write what the examples of a page give now, wherever it is not what the page says."""
    lines = page.read_text().splitlines(keepends=True)
    found = examples(page)
    for example in found.examples:
        example.lineno += found.lineno or 0
    changes = [(example, _output(example.source, found.globs)) for example in found.examples]
    for example, got in reversed(changes):
        want = example.want
        if example.exc_msg is None and doctest.OutputChecker().check_output(want, got, FLAGS):
            continue
        start = example.lineno + example.source.count("\n")
        lines[start : start + want.count("\n")] = [textwrap.indent(got, " " * example.indent)]
    page.write_text("".join(lines))


def _output(source: str, names: dict[str, Any]) -> str:
    told = io.StringIO()
    try:
        with contextlib.redirect_stdout(told):
            exec(compile(source, "<page>", "single"), names)  # noqa: S102 - our own pages
    except Exception as error:  # noqa: BLE001 - what the page shows
        name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
        return f"Traceback (most recent call last):\n    ...\n{name}: {error}\n"
    got = told.getvalue().rstrip("\n")
    return re.sub(r"^$", "<BLANKLINE>", got, flags=re.MULTILINE) + "\n" if got else ""


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore")
    for each in PAGES:
        write(each)
