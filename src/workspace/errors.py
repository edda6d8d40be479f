"""One tree of errors, each with what to do next.

```
WorkspaceError
├── SettingsError        workspace.toml or the environment is wrong
├── LakeError            a Delta table or the lake's format is not as it must be
│   └── ReleaseError     a release is missing, rejected or cannot be published
├── SourceError          a source cannot be read, or must not be
│   ├── SlotLostError    changes are gone that only a new snapshot can bridge
│   └── DeferredError    a source asks to be left alone for long; a later run goes on
├── SemanticError        a question that has no answer, or whose answer would be wrong
└── RunError             a step, a schedule or a parameter failed
    └── BusyError        someone else is at work; nothing was done
```
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


class WorkspaceError(Exception):
    """What happened and where, in one or two sentences; `cure` says what to do about it.

    Args:
        message: What happened, with the names and values that it happened to. Never a secret.
        cure: What the reader can do now, as an instruction or a command.

    Examples:
        >>> print(WorkspaceError("The lake is read-only.", cure="Remount it."))
        The lake is read-only.
        What to do: Remount it.
    """

    def __init__(self, message: str, *, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.message}\nWhat to do: {self.cure}" if self.cure else self.message


class SettingsError(WorkspaceError):
    """`workspace.toml` or an environment variable is missing or wrong."""


class LakeError(WorkspaceError):
    """A Delta table, or the lake as a whole, is not as it must be."""


class ReleaseError(LakeError):
    """A release does not exist, was rejected, or cannot be published."""


class SourceError(WorkspaceError):
    """A source cannot be read, or reading it would harm it or lose rows."""


class SlotLostError(SourceError):
    """The replication slot is gone or invalid: some changes can never be read."""


class DeferredError(SourceError):
    """A source asks to be left alone for longer than a run should wait.

    Args:
        message: What it said.
        until: When it may be asked again (UTC).
    """

    def __init__(self, message: str, *, until: datetime) -> None:
        when = f"{until:%Y-%m-%d %H:%M} UTC"
        super().__init__(message, cure=f"Nothing: a run after {when} goes on where this one stopped.")
        self.until = until


class SemanticError(WorkspaceError):
    """A question that cannot be answered, or whose answer would be wrong."""


class RunError(WorkspaceError):
    """A step, a schedule or a parameter is wrong or has failed."""


class BusyError(RunError):
    """Another process holds the lease; nothing was done."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Suggest the nearest known names, or list them when none is near.

    Args:
        name: What was asked for.
        known: The names that exist.

    Returns:
        A sentence to end an error message with.

    Examples:
        >>> did_you_mean("gvb", ["gbv", "aov"])
        'Did you mean gbv?'
        >>> did_you_mean("x", ["gbv", "aov"])
        'Known: aov, gbv.'
    """
    names = sorted(set(known))
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"Known: {', '.join(names)}." if names else "None are known."


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at before work begins, and what to do where it is not as it must be.

    Attributes:
        level: "ok", "warning" (work goes on) or "error" (it must not).
        subject: What was looked at, e.g. "inventory_db: wal_level".
        message: What was found.
        cure: What to do about it; SQL or a command where there is one.
    """

    level: Literal["ok", "warning", "error"]
    subject: str
    message: str
    cure: str = ""
