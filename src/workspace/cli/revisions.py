"""Which metrics changed since a revision: the definitions of then, made by the code of then, against those of now."""

from __future__ import annotations

import difflib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from workspace.errors import RunError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workspace.semantic import Model

# What runs with the code of the revision; it may rely only on what every version of this package has.
_SCRIPT = """
import importlib, json, sys
module = importlib.import_module(sys.argv[1])
found = {name: module.model.definition(name) for name in module.model.metrics}
print(json.dumps({"file": module.__file__, "metrics": {name: [d.id, d.text] for name, d in found.items()}}))
"""

_PATIENCE = 300
"""Seconds that the code of a revision may take to import."""


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """A metric's definition, as far as it decides about numbers: its id and its canonical text."""

    id: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """A metric that is not what it was.

    Attributes:
        name: Of the metric.
        kind: Whether it is new, gone, or defined in another way.
        before: What it meant; None if it is new.
        after: What it means; None if it is gone.
    """

    name: str
    kind: Literal["added", "removed", "changed"]
    before: Meaning | None
    after: Meaning | None

    @property
    def summary(self) -> str:
        """The change in a line."""
        ids = " -> ".join(meaning.id for meaning in (self.before, self.after) if meaning)
        return f"{self.kind:8} {self.name}  {ids}"

    def lines(self, revision: str) -> list[str]:
        """Write a changed definition as a unified diff; nothing for a new one or one that is gone."""
        if self.before is None or self.after is None:
            return []
        texts = self.before.text.splitlines(), self.after.text.splitlines()
        return list(difflib.unified_diff(*texts, f"{self.name} at {revision}", f"{self.name} now", lineterm=""))


def meanings(model: Model) -> dict[str, Meaning]:
    """Give what every metric of a model means."""
    found = [model.definition(name) for name in sorted(model.metrics)]
    return {d.name: Meaning(id=d.id, text=d.text) for d in found}


def changes(before: Mapping[str, Meaning], after: Mapping[str, Meaning]) -> list[Change]:
    """Compare what metrics meant with what they mean, by name.

    Examples:
        >>> a, b = Meaning(id="1", text="x"), Meaning(id="2", text="y")
        >>> [change.summary for change in changes({"gbv": a, "aov": a, "old": a}, {"gbv": b, "aov": a, "new": b})]
        ['changed  gbv  1 -> 2', 'added    new  2', 'removed  old  1']
    """
    kinds: dict[tuple[bool, bool], Literal["added", "removed", "changed"]] = {
        (True, True): "changed",
        (True, False): "removed",
        (False, True): "added",
    }
    return [
        Change(name=name, kind=kinds[name in before, name in after], before=before.get(name), after=after.get(name))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def meanings_at(module: str, revision: str) -> dict[str, Meaning]:
    """Give what every metric meant at a revision, by running the code of that revision in a process of its own.

    Args:
        module: The metrics module, which must lie in a git checkout.
        revision: A commit, tag or branch of that checkout.

    Raises:
        SettingsError: There is no such module.
        RunError: It is not in a checkout, the revision is unknown, or its code does not run.
    """
    root = _root(module)
    top = Path(_git(root, "rev-parse", "--show-toplevel", cure="Check the metrics out with git.").strip())
    commit = _commit(root, revision)
    below = os.path.relpath(root.resolve(), top.resolve())
    with tempfile.TemporaryDirectory(prefix="workspace-diff-") as folder:
        packed, there = Path(folder) / "then.zip", Path(folder) / "then"
        _git(top, "archive", "--format=zip", f"--output={packed}", commit, "--", below, cure=_absent(module))
        with zipfile.ZipFile(packed) as archive:
            archive.extractall(there)
        return _run(there / below, module, revision)


def _root(module: str) -> Path:
    """Find the folder from which the module is imported."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        msg = f"There is no metrics module {module}."
        raise SettingsError(msg, cure="Name a module that exists in workspace.toml: metrics = ...")
    depth = len(module.split(".")) - (0 if spec.submodule_search_locations else 1)
    return Path(spec.origin).parents[depth]


def _commit(root: Path, revision: str) -> str:
    cure = "Name a commit, tag or branch, e.g. HEAD~1; in a shallow clone fetch it first."
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    try:
        return _git(root, *words, cure=cure).strip()
    except RunError:
        raise RunError(f"The checkout of {root} has no revision {revision!r}.", cure=cure) from None


def _git(folder: Path, *words: str, cure: str) -> str:
    try:
        done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise RunError("There is no git on this machine.", cure="Install git.") from None
    if done.returncode:
        raise RunError(f"git {words[0]} failed in {folder}: {done.stderr.strip()}", cure=cure)
    return done.stdout


def _run(root: Path, module: str, revision: str) -> dict[str, Meaning]:
    """Import the module of a revision, found before whatever else is installed under its name."""
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", _SCRIPT, module]
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired:
        msg = f"The metrics at {revision} were not imported within {_PATIENCE} seconds."
        raise RunError(msg, cure="Look at what that revision does when it is imported.") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        msg = f"The metrics at {revision} cannot be imported here: {last}"
        raise RunError(msg, cure=_absent(module))
    told = json.loads(done.stdout.splitlines()[-1])
    if not Path(told["file"]).resolve().is_relative_to(root.resolve()):
        raise RunError(f"{module} was not there at {revision}.", cure=_absent(module))
    return {name: Meaning(id=found[0], text=found[1]) for name, found in told["metrics"].items()}


def _absent(module: str) -> str:
    return f"Compare with a revision that has {module} and runs with the packages that are installed."
