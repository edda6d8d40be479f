"""Where in the lake a table lies, and what a name may be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from workspace.errors import LakeError

Kind = Literal["log", "current", "closed", "events", "derived", "quarantine", "system"]

_NAME = re.compile(r"[a-z_][a-z0-9_]*\.[A-Za-z0-9_]+")


@dataclass(frozen=True)
class Layout:
    """The paths of a lake.

    Attributes:
        root: A folder or an object store's prefix.
    """

    root: str

    def uri(self, kind: Kind, name: str) -> str:
        """Place a table: `user_db.users` as a log lies at `<root>/log/user_db/users`.

        Raises:
            LakeError: The name is not `<source>.<table>` (for a log, its folds, events and derived tables).
        """
        if kind in ("log", "current", "closed", "events", "derived") and not _NAME.fullmatch(name):
            msg = f"{name!r} is no table name."
            raise LakeError(msg, cure="Tables are named <source>.<table>, in letters, digits and underscores.")
        return f"{self.root}/{kind}/{name.replace('.', '/')}"
