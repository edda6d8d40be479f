"""Google Ads, read over REST."""

from workspace.sources.ads.google.adapter import Google, open_google

__all__ = ["Google", "open_google"]
