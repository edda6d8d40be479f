"""JupyterLab as `workspace lab` starts it: a notebook runs, its charts are drawn, and nobody outside is asked."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from browser import browsing

if TYPE_CHECKING:
    from collections.abc import Iterator


ROOT = Path(__file__).parents[1]
NOTEBOOK = "notebooks/explore/first_look.ipynb"
READY = "() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
RUN = "() => window.jupyterapp.commands.execute('notebook:run-all-cells')"


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_first_look_runs_without_a_network(whole_demo: Path, open_folder: Path, tmp_path: Path) -> None:
    home = _reader(whole_demo, tmp_path / "home")
    with browsing() as browsed, _lab(home, open_folder / "lab") as server:
        page = browsed.page
        page.goto(f"{server['url']}lab/tree/{NOTEBOOK}?token={server['token']}&reset")
        page.wait_for_function(READY, timeout=180_000)
        page.set_default_timeout(300_000)
        assert page.evaluate(RUN) is True  # False when a cell has failed
        # Lines for the metric by month, bars for those by tier; nothing was there before the cells ran.
        charts = page.locator(".jp-OutputArea-output .ws-chart svg").all()
        assert len(charts) == 2
        for chart in charts:
            assert (box := chart.bounding_box()) is not None
            assert min(box["width"], box["height"]) > 50
            assert chart.locator("path").count() > 2
        assert page.locator(".jp-OutputArea-output .ws-view table").count() == 2
        local = server["url"].removeprefix("http")
        assert browsed.outside(f"http{local}", f"ws{local}") == []
        assert browsed.errors == []


def _reader(demo: Path, home: Path) -> Path:
    """Make a home that reads a demo's lake and has a copy of the notebook, without its outputs."""
    (home / "pipelines").mkdir(parents=True)
    settings = (demo / "workspace.toml").read_text()
    for entry, value in (("lake", demo / "lake"), ("pipelines", home / "pipelines")):
        settings = re.sub(rf"^{entry} = .*$", f"{entry} = {json.dumps(str(value))}", settings, flags=re.MULTILINE)
    (home / "workspace.toml").write_text(settings.replace("demo = true", "demo = false"))
    notebook = json.loads((ROOT / NOTEBOOK).read_text())
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    (home / NOTEBOOK).parent.mkdir(parents=True)
    (home / NOTEBOOK).write_text(json.dumps(notebook))
    return home


@contextlib.contextmanager
def _lab(home: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """Start Lab as a person would, with its application open to scripts; yields what its server says of itself."""
    kinds = {kind: str(folder / kind.lower()) for kind in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")}
    config = Path(kinds["CONFIG_DIR"])
    config.mkdir(parents=True)
    (config / "jupyter_lab_config.json").write_text(json.dumps({"LabApp": {"expose_app_in_browser": True}}))
    environment = os.environ | {f"JUPYTER_{kind}": path for kind, path in kinds.items()}
    environment |= {"WORKSPACE_HOME": str(home), "BROWSER": "true", "IPYTHONDIR": str(folder / "ipython")}
    command = [sys.executable, "-c", "from workspace.cli import main; main()", "lab"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield _server(process, Path(kinds["RUNTIME_DIR"]), folder / "log")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _server(process: subprocess.Popen[bytes], runtime: Path, log: Path) -> dict[str, Any]:
    """Wait until a server has written down where it is, and answers."""
    while process.poll() is None:
        for path in runtime.glob("jpserver-*.json"):
            with contextlib.suppress(ValueError, OSError):
                server: dict[str, Any] = json.loads(path.read_text())
                socket.create_connection((server["hostname"], server["port"])).close()
                return server
        time.sleep(0.2)
    pytest.fail(f"Lab ended:\n{log.read_text()[-3000:]}")
