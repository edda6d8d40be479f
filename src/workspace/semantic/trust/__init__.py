"""What the declarations promise about the data, as checks."""

from __future__ import annotations

from workspace.semantic.trust.derived import checks

__all__ = ["checks"]
