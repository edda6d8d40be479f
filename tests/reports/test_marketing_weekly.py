"""The weekly marketing report as its notebook makes it, of weeks in which something is missing."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import workspace
from metrics.company import TABLES, Company
from reports.conftest import Reader
from workspace.metrics import model

if TYPE_CHECKING:
    from collections.abc import Callable

NOTEBOOK = Path(__file__).parents[2] / "pipelines/reports/marketing_weekly.ipynb"
COMPLETENESS = """
    select * from (values ('google_ads', 'EUR', 'conversions', 0, 1::decimal(38, 6), 2::decimal(38, 6)))
    v(platform, currency, metric, age, known, final)"""


@dataclass(frozen=True)
class Settings:
    """A home without a lake, hence without an earlier release."""

    var: Path
    lake: str


@dataclass(frozen=True)
class Whole(Reader):
    """What the notebook asks of a workspace beside what a report needs."""

    company: Any = None

    def table(self, name: str) -> Any:
        return self.company.table(name)


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Company, str], str]:
    """Run the notebook over a company's rows for a week, and read the page."""

    def run(company: Company, week: str) -> str:
        company.write("ads.completeness", COMPLETENESS)
        settings: Any = Settings(tmp_path, str(tmp_path / "lake"))
        opened = Whole(model.bind(company), settings, company=company)
        monkeypatch.setattr(workspace, "connect", lambda _: opened)
        cells = json.loads(NOTEBOOK.read_text())["cells"]
        names: dict[str, Any] = {}
        for cell in cells:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)  # noqa: S102 - our own notebook
                if "parameters" in cell["metadata"].get("tags", ()):
                    names["period"] = week
        return html.unescape((tmp_path / "reports/marketing_weekly" / f"{week}.html").read_text())

    return run


def test_a_usual_week(written: Callable[[Company, str], str]) -> None:
    page = written(Company(), "2026-W42")
    assert "claim 2.75 bookings for each one that was placed" in page
    assert "users are drawn again 2,000 times" in page
    assert "There is no release before this one." in page
    assert "no ECB rate" not in page


def test_a_week_after_spend_that_no_booking_followed(written: Callable[[Company, str], str]) -> None:
    company = Company()
    for name in ("inventory_db.bookings", "marketing.attribution"):
        company.connection.raw_sql(f'create or replace table "{name}" as from "{name}" where false')
    page = written(company, "2026-W42")
    assert "No platform claims a booking, or none was placed." in page


def test_a_week_without_ads(written: Callable[[Company, str], str]) -> None:
    assert "No platform claims a booking, or none was placed." in written(Company(), "2026-W35")


def test_spend_without_a_rate_is_named(written: Callable[[Company, str], str]) -> None:
    company = Company()
    company.write("fx.rates", f"select * from ({TABLES['fx.rates']}) where currency <> 'USD'")
    page = written(company, "2026-W42")
    assert page.count("There is no ECB rate for some spend") == 2
    assert "looks better than it is: google_ads in USD (unconverted_spend)." in page
