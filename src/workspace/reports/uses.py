"""Which notebooks, pipelines and saved questions use a metric."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_ASKED = r"\b(?:m|\w*metrics)\.({names})\b"
_QUOTED = r"""["']({names})["']"""


def uses(names: Iterable[str], folders: Iterable[Path], root: Path) -> dict[str, list[str]]:
    """Find who uses which metric: as `m.<name>` or `metrics.<name>`, or by its quoted name.

    Args:
        names: The metrics.
        folders: Where notebooks (`.ipynb`), modules (`.py`) and settings (`.toml`) are; missing ones are skipped.
        root: What the paths in the answer are relative to, where they lie below it.

    Returns:
        The files by metric, in order.
    """
    listed = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    if not listed:
        return {}
    pattern = re.compile(f"{_ASKED}|{_QUOTED}".replace("{names}", listed))
    found: dict[str, set[str]] = {}
    for path in sorted({path.resolve() for folder in folders for path in folder.rglob("*") if path.is_file()}):
        if ".ipynb_checkpoints" not in path.parts:
            shown = str(path.relative_to(root)) if path.is_relative_to(root) else path.name
            for asked, quoted in pattern.findall(_source(path)):
                found.setdefault(asked or quoted, set()).add(shown)
    return {name: sorted(files) for name, files in found.items()}


def _source(path: Path) -> str:
    """Read the code of a file; of a notebook its code cells, without what they printed."""
    if path.suffix in (".py", ".toml"):
        return path.read_text(encoding="utf-8", errors="replace")
    if path.suffix != ".ipynb":
        return ""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    except (ValueError, KeyError, TypeError):
        return ""  # a notebook that nobody can open uses nothing
