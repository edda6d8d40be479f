"""Homes with tiny notebooks, for the tests of running and of the command line."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from workspace.settings import Settings, load_settings

CLOCK = "2026-11-01T00:00:00Z"
PARAMETERS = 'run: str = ""\nas_of: str = ""\nperiod: str = ""'


@dataclass(frozen=True)
class Home:
    """A folder with `workspace.toml` and `pipelines/`."""

    path: Path

    @property
    def settings(self) -> Settings:
        return load_settings(self.path)

    @property
    def seen(self) -> Path:
        """A folder in which notebooks leave their marks."""
        return self.path / "seen"

    def notebook(self, name: str, *sources: str, parameters: str = PARAMETERS) -> Path:
        cells = [_cell(parameters, ["parameters"]), *(_cell(source, []) for source in sources)]
        path = self.path / "pipelines" / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8"
        )
        return path

    def schedule(self, text: str) -> None:
        path = self.path / "pipelines" / "pipeline.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def toml(self, clock: str = CLOCK, more: str = "") -> None:
        (self.path / "workspace.toml").write_text(f"[workspace]\nclock = {clock}\n{more}", encoding="utf-8")

    def mark(self, name: str = "period") -> str:
        """Code that leaves a mark with the step's period (or another expression) in its name."""
        return f"import pathlib; pathlib.Path({str(self.seen)!r}).joinpath({name}).touch()"

    def alive(self) -> bool:
        """Whether the process that left its number in the file `pid` still lives."""
        stat = Path(f"/proc/{(self.seen / 'pid').read_text()}/stat")
        return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"

    def marks(self) -> list[str]:
        return sorted(path.name for path in self.seen.iterdir())


def _cell(source: str, tags: list[str]) -> dict[str, object]:
    identity = hashlib.sha256(source.encode()).hexdigest()[:8]
    return {
        "id": identity,
        "cell_type": "code",
        "source": source,
        "metadata": {"tags": tags},
        "outputs": [],
        "execution_count": None,
    }
