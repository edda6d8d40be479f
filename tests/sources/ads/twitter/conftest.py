from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sources.ads.adapters import opening
from workspace.sources.ads.twitter import Twitter, open_twitter

if TYPE_CHECKING:
    from sources.ads.adapters import Opener

opened = opening("twitter_ads", open_twitter)


@pytest.fixture
def twitter(opened: Opener[Twitter]) -> Twitter:
    """The adapter with the usual credentials and settings."""
    return opened()
