from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sources.ads.adapters import opening
from workspace.sources.ads.tiktok import TikTok, open_tiktok

if TYPE_CHECKING:
    from sources.ads.adapters import Opener

opened = opening("tiktok_ads", open_tiktok)


@pytest.fixture
def tiktok(opened: Opener[TikTok]) -> TikTok:
    """The adapter with the usual credentials and settings."""
    return opened()
