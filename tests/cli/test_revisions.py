"""Which metrics changed since a revision, in a real git repository."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cli.shop_home import METRICS, TOML

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    Call = Callable[..., Result]

COUNT = '_.count(), "Orders placed"'


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, tagged `first`, whose metrics lie in a folder of it."""
    monkeypatch.setenv("WORKSPACE_HOME", str(tmp_path))
    for name in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{name}_NAME", "Ada")
        monkeypatch.setenv(f"{name}_EMAIL", "ada@x.org")
    (tmp_path / "workspace.toml").write_text(TOML)
    (tmp_path / "code").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "code")
    write(tmp_path, METRICS, monkeypatch)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message=first")
    git(tmp_path, "tag", "first")
    return tmp_path


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def write(home: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "code" / "shop_metrics.py").write_text(text)
    monkeypatch.delitem(sys.modules, "shop_metrics", raising=False)


def test_words_may_change(checkout: Path, workspace: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    write(checkout, METRICS.replace("Orders placed", "What was ordered"), monkeypatch)
    told = workspace("metrics", "diff", "first")
    assert (told.exit_code, told.stdout) == (0, "All 4 metrics mean what they meant at first.\n")


def test_what_was_added_removed_and_changed(checkout: Path, workspace: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    text = METRICS.replace(COUNT, '_.id.nunique(), "Orders placed"').replace("reachable =", "contacts =")
    write(checkout, text, monkeypatch)
    told = workspace("metrics", "diff", "HEAD")
    assert told.exit_code == 1
    lines = told.stdout.splitlines()
    assert [line.split()[:2] for line in lines[:4]] == [
        ["changed", "basket"],
        ["added", "contacts"],
        ["changed", "orders"],
        ["removed", "reachable"],
    ]
    assert "--- orders at HEAD" in lines
    assert "+++ orders now" in lines
    assert "-metric orders = Orders: _.count()" in lines
    assert "+metric orders = Orders: _.id.nunique()" in lines
    assert lines[-1] == "4 of 5 metrics are not what they were at HEAD."


def test_the_code_of_then_decides_what_metrics_meant_then(
    checkout: Path, workspace: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(checkout, METRICS.replace(COUNT, '_.id.nunique(), "Orders placed"'), monkeypatch)
    git(checkout, "commit", "--quiet", "--all", "--message=second")
    assert workspace("metrics", "diff", "HEAD").exit_code == 0
    assert workspace("metrics", "diff", "HEAD~1").exit_code == 1


@pytest.mark.parametrize("revision", ["nowhere", "--help-me", "HEAD~9"])
def test_an_unknown_revision(checkout: Path, workspace: Call, revision: str) -> None:
    told = workspace("metrics", "diff", "--", revision)
    assert told.exit_code == 1
    assert f"has no revision '{revision}'" in told.stderr
    assert "HEAD~1" in told.stderr


def test_a_revision_without_the_metrics(checkout: Path, workspace: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    git(checkout, "mv", "code", "kept")
    git(checkout, "commit", "--quiet", "--message=moved")
    monkeypatch.syspath_prepend(checkout / "kept")
    monkeypatch.delitem(sys.modules, "shop_metrics", raising=False)
    told = workspace("metrics", "diff", "first")
    assert told.exit_code == 1
    assert "Compare with a revision that has shop_metrics" in told.stderr


def test_a_revision_whose_metrics_are_broken(checkout: Path, workspace: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    write(checkout, "import nothing_of_the_kind", monkeypatch)
    git(checkout, "commit", "--quiet", "--all", "--message=broken")
    write(checkout, METRICS, monkeypatch)
    told = workspace("metrics", "diff", "HEAD")
    assert told.exit_code == 1
    assert "The metrics at HEAD cannot be imported here: ModuleNotFoundError: No module named 'nothing" in told.stderr


def test_outside_of_a_checkout(tmp_path: Path, workspace: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKSPACE_HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "workspace.toml").write_text(TOML)
    (tmp_path / "code").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "code")
    write(tmp_path, METRICS, monkeypatch)
    told = workspace("metrics", "diff", "HEAD")
    assert told.exit_code == 1
    assert "not a git repository" in told.stderr
    assert "Check the metrics out with git." in told.stderr


def test_a_metrics_module_that_is_not_there(tmp_path: Path, workspace: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKSPACE_HOME", str(tmp_path))
    (tmp_path / "workspace.toml").write_text('[workspace]\nmetrics = "no.such.module"\n')
    told = workspace("metrics", "diff", "HEAD")
    assert told.exit_code == 1
    assert "There is no metrics module no.such.module." in told.stderr
