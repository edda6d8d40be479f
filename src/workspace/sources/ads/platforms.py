"""Which adapter speaks to which platform."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workspace.settings import AdsSource
    from workspace.sources.ads.adapter import Adapter

_MODULES = {"google_ads": "google", "facebook_ads": "facebook", "tiktok_ads": "tiktok", "twitter_ads": "twitter"}


def open_adapter(source: AdsSource) -> Adapter:
    """Open the platform of a source; nothing is asked yet.

    Raises:
        SettingsError: The environment lacks a credential.
    """
    name = _MODULES[source.platform]
    module = import_module(f"workspace.sources.ads.{name}")  # only the one that is needed
    adapter: Adapter = getattr(module, f"open_{name}")(source, source.secrets())
    return adapter
