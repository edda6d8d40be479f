"""Sample data of other projects, which are not part of this repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder `snowplow` of the conformance data."""
    folder = os.environ.get("WORKSPACE_CONFORMANCE", "")
    if not folder:
        pytest.skip("no conformance data: set WORKSPACE_CONFORMANCE to their folder")
    return Path(folder) / "snowplow"
