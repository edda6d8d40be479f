"""The hand-written company, bound to the real model."""

from __future__ import annotations

from typing import Any

import pytest

from metrics.company import Company
from workspace.metrics import model


@pytest.fixture
def company() -> Company:
    return Company()


@pytest.fixture
def m(company: Company) -> Any:
    return model.bind(company)
