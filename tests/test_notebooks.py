"""The notebooks for people show what they show, on the demo that everybody can make."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXPLORE = sorted((ROOT / "notebooks").rglob("*.ipynb"))
PIPELINES = sorted((ROOT / "pipelines").rglob("*.ipynb"))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_outputs_are_what_the_cells_give(whole_demo: Path) -> None:
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "--nbval-cell-timeout=120"]
    options = ["-p", "no:cacheprovider", "-q", "-c", os.devnull, "--rootdir", str(ROOT), *map(str, EXPLORE)]
    environment = {**os.environ, "WORKSPACE_HOME": str(whole_demo)}
    done = subprocess.run([*command, *options], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:]


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_pipelines_carry_no_outputs(path: Path) -> None:
    cells = json.loads(path.read_text())["cells"]
    assert cells[0]["cell_type"] == "markdown"
    assert "".join(cells[0]["source"]).startswith("# ")
    assert [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []
    assert [cell["metadata"].get("tags") for cell in cells].count(["parameters"]) == 1


@pytest.mark.parametrize("path", EXPLORE, ids=lambda path: path.stem)
def test_notebooks_for_people_show_their_outputs(path: Path) -> None:
    cells = json.loads(path.read_text())["cells"]
    code = [
        cell for cell in cells if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", [])
    ]
    assert all(cell["outputs"] for cell in code)
