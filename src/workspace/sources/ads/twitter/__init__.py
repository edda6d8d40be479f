"""X Ads, read over HTTP."""

from workspace.sources.ads.twitter.adapter import Twitter, open_twitter

__all__ = ["Twitter", "open_twitter"]
