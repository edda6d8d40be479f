from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sources.ads.adapters import opening
from workspace.sources.ads.facebook import Facebook, open_facebook

if TYPE_CHECKING:
    from sources.ads.adapters import Opener

opened = opening("facebook_ads", open_facebook)


@pytest.fixture
def facebook(opened: Opener[Facebook]) -> Facebook:
    """The adapter with the usual credentials and settings."""
    return opened()
