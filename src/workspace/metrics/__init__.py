"""BookMyEvent's metrics. Analysts edit this package; `workspace.toml` names it."""

from __future__ import annotations

from workspace.metrics.checks import checks
from workspace.metrics.model import model
from workspace.metrics.views import views

__all__ = ["checks", "model", "views"]
