from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sources.ads.adapters import opening
from workspace.sources.ads.google import Google, open_google

if TYPE_CHECKING:
    from sources.ads.adapters import Opener

opened = opening("google_ads", open_google)


@pytest.fixture
def google(opened: Opener[Google]) -> Google:
    """The adapter with the usual credentials and settings."""
    return opened()
