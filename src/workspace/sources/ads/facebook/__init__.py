"""Meta's Marketing API, read over HTTP."""

from workspace.sources.ads.facebook.adapter import Facebook, open_facebook

__all__ = ["Facebook", "open_facebook"]
