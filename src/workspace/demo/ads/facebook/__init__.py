"""Meta's Marketing API: accounts, what is in them, insights at once and by jobs."""

from workspace.demo.ads.facebook.api import FAULTS, answer, expire, limits

__all__ = ["FAULTS", "answer", "expire", "limits"]
