"""Rates are exact, dense for a week and no longer, corrected by new versions, and never made up."""

from __future__ import annotations

import http.server
import os
import signal
import subprocess
import sys
import threading
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from workspace.errors import SourceError
from workspace.lake import Lake
from workspace.settings import FxSource
from workspace.sources import Ingested, fx

if TYPE_CHECKING:
    from pathlib import Path

PUBLISHED = "Date,USD,JPY,\n2026-03-06,1.0812,161.05,\n2026-03-05,1.08,N/A,\n"


def ingest(lake: Lake, location: str, day: int) -> Ingested:
    now = datetime(2026, 3, day, tzinfo=UTC)
    return fx.ingest(FxSource(name="fx", location=location), lake, run="r", as_of=now, now=now)


def rates(lake: Lake) -> dict[tuple[date, str], tuple[Any, Any]]:
    rows = lake.log("fx.rates").live().read_all().to_pylist()
    return {(row["day"], row["currency"]): (row["rate"], row["published_on"]) for row in rows}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "rates.csv"
    path.write_text(PUBLISHED)
    return path


def test_a_rate_stands_in_for_seven_days_and_then_there_is_none(lake: Lake, csv: Path) -> None:
    ingest(lake, str(csv), 20)
    found = rates(lake)
    assert found[date(2026, 3, 5), "USD"] == (Decimal("1.08"), date(2026, 3, 5))
    assert (date(2026, 3, 5), "JPY") not in found
    assert found[date(2026, 3, 13), "USD"] == (Decimal("1.0812"), date(2026, 3, 6))
    assert found[date(2026, 3, 13), "EUR"][0] == 1
    assert max(day for day, _ in found) == date(2026, 3, 13)


def test_days_are_dense_up_to_the_last_that_has_begun_anywhere(lake: Lake, csv: Path) -> None:
    ingest(lake, str(csv), 8)
    assert max(day for day, _ in rates(lake)) == date(2026, 3, 8)


def test_what_did_not_change_is_not_written_again(lake: Lake, csv: Path) -> None:
    first = ingest(lake, str(csv), 8)
    assert first.rows["fx.rates"] == {"S": 11}
    assert first.watermark.position == 1
    again = ingest(lake, str(csv), 8)
    assert again.rows == {}
    mark = lake.watermark("fx")
    assert mark is not None
    assert (mark.position, mark.reached) == (1, datetime(2026, 3, 8, tzinfo=UTC))


def test_a_correction_is_a_new_version(lake: Lake, csv: Path) -> None:
    ingest(lake, str(csv), 8)
    csv.write_text(PUBLISHED.replace("1.0812", "1.0821"))
    assert ingest(lake, str(csv), 9).rows["fx.rates"] == {"U": 3, "I": 3}
    assert rates(lake)[date(2026, 3, 7), "USD"][0] == Decimal("1.0821")
    log = lake.log("fx.rates")
    assert log.position == 2


def test_a_zip_and_a_url_are_read_alike(lake: Lake, csv: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "rates.zip", "w") as archive:
        archive.write(csv, "eurofxref-hist.csv")
    ingest(lake, str(tmp_path / "rates.zip"), 8)
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    handler.log_message = lambda *_: None  # type: ignore[attr-defined]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        assert ingest(lake, f"{url}/rates.csv", 8).rows == {}
        with pytest.raises(SourceError, match="404"):
            ingest(lake, f"{url}/missing.csv", 8)
        server.shutdown()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<html>Sorry</html>", "not the bank's csv"),
        ("", "not the bank's csv"),
        (PUBLISHED.replace("161.05", "about 161"), "line 2, column JPY: 'about 161' is no rate"),
        (PUBLISHED.replace("2026-03-05", "5 March"), "line 3, column Date: '5 March' is no day"),
        (PUBLISHED[:-6], "line 3: 2 of 3 columns; the file is cut off"),
    ],
)
def test_a_bad_file_is_refused_whole(lake: Lake, csv: Path, content: str, message: str) -> None:
    ingest(lake, str(csv), 8)
    before = rates(lake)
    csv.write_text(content)
    with pytest.raises(SourceError, match=message):
        ingest(lake, str(csv), 9)
    assert rates(lake) == before


def test_a_missing_file_says_so(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        ingest(lake, str(tmp_path / "none.csv"), 8)


def test_a_kill_between_rows_and_watermark_doubles_nothing(lake: Lake, csv: Path) -> None:
    given = "import sys; sys.path.insert(0, 'tests'); from sources.test_fx import *"
    code = f"{given}; ingest(Lake(sys.argv[1]), sys.argv[2], 8)"
    command = [sys.executable, "-c", code, lake.layout.root, str(csv)]
    environment = {**os.environ, "WORKSPACE_CRASH": "fx.after_append"}
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    assert lake.watermark("fx") is None
    assert ingest(lake, str(csv), 8).rows == {}
    assert len(rates(lake)) == 11
