"""Saved questions: asked of a release, and kept as Delta tables for whoever reads such.

They are declared in `pipelines/questions.toml`, in the words of `workspace.semantic.spoken`:

```toml
[questions.gbv_by_tier]
description = "Gross booking value by partner tier"
metrics = ["gbv", "take_rate"]
by = ["month", "tier"]
last = "12 months"
```

Each becomes the Delta table `<lake>/derived/saved/<name>`, replaced whole by a commit that names the release, its
`as_of`, the question and the id of every definition. They are for readers of Delta tables, and no part of a release,
where they would be older than what is around them: whoever has Python asks the question itself, of any release, by
`ask(ws.metrics, load_questions(...)["gbv_by_tier"].question)`.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workspace.errors import SettingsError, WorkspaceError, did_you_mean
from workspace.lake import Lake
from workspace.lake.derived import derive, derived_from
from workspace.semantic.spoken import ask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from workspace.front import Workspace

FILE = "questions.toml"

_SCHEMA = "saved"
_NAME = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A question that is worth keeping.

    Attributes:
        name: Also of its table.
        question: As `workspace.semantic.spoken.ask` takes it.
        description: What it is for.
    """

    name: str
    question: Mapping[str, Any]
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What became of a saved question.

    Attributes:
        name: Of the question.
        uri: Where its Delta table is.
        rows: How many it has; None if it was left as it was.
        release: Which release they are of.
    """

    name: str
    uri: str
    rows: int | None
    release: str


def load_questions(pipelines: Path) -> dict[str, Saved]:
    """Read the questions that are declared beside the schedule; none if there is no such file.

    Raises:
        SettingsError: The file is not TOML, or has an entry that is no question.
    """
    path = pipelines / FILE
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.", cure="Mend that line.") from None
    for section in raw:
        if section != "questions":
            raise SettingsError(f"{path} has an unknown section [{section}].", cure="Write [questions.<name>].")
    entries = raw.get("questions", {})
    return {name: _saved(path, name, entry) for name, entry in entries.items()}


def _saved(path: Path, name: str, entry: Any) -> Saved:
    if not _NAME.fullmatch(name) or not isinstance(entry, dict):
        msg = f"{path} [questions.{name}] cannot be a table."
        raise SettingsError(msg, cure="Write [questions.<name>], in lower case letters, digits and underscores.")
    description = entry.get("description", "")
    if not isinstance(description, str):
        raise SettingsError(f"{path} [questions.{name}] description is no text.", cure="Write it in quotes.")
    return Saved(name=name, question={k: v for k, v in entry.items() if k != "description"}, description=description)


def save(workspace: Workspace, saved: Saved) -> Kept:
    """Ask a saved question and keep the answer, unless the same is kept already.

    The same question with the same definitions has one answer at one release, so saving it again changes nothing. A
    question or definition that changed replaces the answer, and so does another release.

    Args:
        workspace: The release to ask.
        saved: The question.

    Raises:
        SemanticError: The question has no answer; says which one it is.
        LakeError: Another process saved it at the same time.
    """
    name = f"{_SCHEMA}.{saved.name}"
    lake = Lake(workspace.settings.lake)
    release = workspace.release
    try:
        answer = ask(workspace.metrics, saved.question)
        ids = {definition.name: definition.id for definition in answer.definitions}
        said = {"question": _text(saved.question), "definitions": json.dumps(ids)}
        before = derived_from(lake, name)
        if before.get("release") == release.name and said.items() <= before.items():
            return Kept(name=saved.name, uri=lake.layout.uri("derived", name), rows=None, release=release.name)
        rows = answer.to_arrow()
    except WorkspaceError as error:
        raise type(error)(f"The saved question {saved.name}: {error.message}", cure=error.cure) from error
    uri = derive(lake, name, rows, release, said)
    return Kept(name=saved.name, uri=uri, rows=rows.num_rows, release=release.name)


def chosen(questions: Mapping[str, Saved], name: str | None, pipelines: Path) -> list[Saved]:
    """Choose one saved question by name, or all.

    Raises:
        SettingsError: There is none, or none of this name.
    """
    if not questions:
        cure = "Declare one: [questions.<name>] with metrics = [...] and by = [...]."
        raise SettingsError(f"{pipelines / FILE} declares no question.", cure=cure)
    if name is None:
        return list(questions.values())
    if name not in questions:
        raise SettingsError(f"There is no saved question {name!r}.", cure=did_you_mean(name, questions))
    return [questions[name]]


def _text(question: Mapping[str, Any]) -> str:
    return json.dumps(question, sort_keys=True, default=str)
