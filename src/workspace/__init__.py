"""BookMyEvent's analytics workspace: exact history, published releases, every metric defined once.

`connect` opens a release; everything else is reached from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workspace.front import Workspace, connect

__all__ = ["Workspace", "connect"]


def __getattr__(name: str) -> Any:
    # Opened late, so that the command line does not pay for what a command does not use.
    if name in __all__:
        from workspace import front

        return getattr(front, name)
    raise AttributeError(f"module 'workspace' has no attribute {name!r}")
