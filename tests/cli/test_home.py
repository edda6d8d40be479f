"""The commands for a home, and what all commands have in common."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from workspace.cli import app
from workspace.cli.home import kernel_options
from workspace.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    from runs.homes import Home

    Call = Callable[..., Result]


def test_every_command_says_what_it_does(workspace: Call) -> None:
    assert workspace("--help").exit_code == 0
    for command in app.registered_commands:
        assert command.callback is not None
        assert (command.callback.__doc__ or "").partition("\n")[0].endswith((".", ":"))
        told = workspace(command.callback.__name__, "--help")
        assert told.exit_code == 0


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, workspace.cli\n"
        "try: workspace.cli.app(['--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(str({'pyarrow', 'deltalake', 'duckdb', 'ibis', 'papermill', 'psycopg', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True).stderr == "set()\n"


def test_outside_of_a_home_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workspace: Call) -> None:
    monkeypatch.delenv("WORKSPACE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    told = workspace("tick")
    assert told.exit_code == 1
    assert "What to do: Run this inside the workspace's folder" in told.stderr


def test_init_writes_settings_that_load_and_never_overwrites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workspace: Call
) -> None:
    monkeypatch.chdir(tmp_path)
    told = workspace("init")
    assert told.exit_code == 0
    assert "Copy the folder pipelines/" in told.stdout
    path = tmp_path / "workspace.toml"
    text = path.read_text()
    assert load_settings(tmp_path).lake == str(tmp_path / "var/lake")
    # What is commented out must be right too, once somebody takes the marks away.
    entry = re.compile(r"^# (?=\[|\"|\w+ = )", re.MULTILINE)
    path.write_text(entry.sub("", text))
    assert set(load_settings(tmp_path).sources) == {"inventory_db", "fx", "clickstream", "google_ads", "sheets"}
    assert workspace("init").exit_code == 1


@pytest.mark.slow
def test_lab_opens_this_home_and_asks_nobody_outside(home: Home, tmp_path: Path) -> None:
    (home.path / "pipelines").mkdir()
    runtime = tmp_path / "runtime"
    environment = {
        **os.environ,
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "BROWSER": "true",
    }
    command = [sys.executable, "-c", "from workspace.cli import main; main()", "lab"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        server = _server(runtime)
        assert server["hostname"] == "127.0.0.1"
        assert server["token"]
        assert server["root_dir"] == str(home.path)
        settings = _get(server, "lab/api/settings/@jupyterlab/apputils-extension:notification")
        assert settings["schema"]["properties"]["fetchNews"]["default"] == "false"
        assert settings["schema"]["properties"]["checkForUpdates"]["default"] is False
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def test_labs_kernels_have_sockets_where_their_paths_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", "/home/somebody/.local/share/jupyter/runtime")
    assert kernel_options() == ["--KernelManager.transport=ipc"]
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", "/home/somebody/" + 40 * "x")
    assert kernel_options() == []


def _server(runtime: Path) -> dict[str, Any]:
    """Wait until a server has written down where it is, and answers."""
    while True:
        for path in runtime.glob("jpserver-*.json"):
            try:
                server: dict[str, Any] = json.loads(path.read_text())
                _get(server, "api/status")
            except (OSError, ValueError):
                continue
            return server
        time.sleep(0.2)


def _get(server: dict[str, Any], path: str) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", server["port"], timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", f"/{path}", headers={"Authorization": f"token {server['token']}"})
        return json.load(connection.getresponse())
