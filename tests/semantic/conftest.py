"""The small shop, ready to be asked."""

from __future__ import annotations

from typing import Any

import pytest

from semantic.shop import MODEL, small_shop


@pytest.fixture
def m() -> Any:
    return MODEL.bind(small_shop())
