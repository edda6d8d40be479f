"""The house keeps its own rules: sizes, locks, pins, pictures of its public face."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ibis
import pytest
import yaml

ROOT = Path(__file__).parents[1]
LONGEST = 400


def test_modules_stay_small() -> None:
    files = [*ROOT.glob("src/**/*.py"), *ROOT.glob("tests/**/*.py"), *ROOT.glob("benchmarks/*.py")]
    lengths = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in files}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_conda_users_get_the_locked_versions() -> None:
    uv = Path(sys.executable).parent / "uv"
    command = [str(uv) if uv.exists() else "uv", "export", "--frozen", "--no-hashes", "--no-emit-project"]
    asked = [*command, "--all-extras", "--no-dev", "--no-header", "--quiet"]
    locked = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    lines = [line for line in locked.splitlines() if not line.startswith("    #")]
    assert (ROOT / "requirements.lock").read_text().splitlines() == lines
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["dependencies"][-1] == {"pip": ["-r requirements.lock", "-e ."]}


def test_the_pins_work_together() -> None:
    connection = ibis.duckdb.connect()
    connection.create_table("numbers", ibis.memtable({"n": [1, 2]}))
    assert "numbers" in connection.list_tables()
    assert connection.sql("select sum(n) as total from numbers").to_pyarrow().to_pylist() == [{"total": 3}]


@pytest.mark.parametrize("name", ["workspace.lake", "workspace.cli"])
def test_starting_up_does_not_import_what_few_commands_need(name: str) -> None:
    heavy = "{'ibis', 'pandas', 'papermill', 'altair', 'mlflow', 'sklearn'}"
    code = f"import {name}, sys; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
