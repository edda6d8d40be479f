"""X Ads, version 12, as a server: accounts, entities, statistics, jobs."""

from workspace.demo.ads.twitter.api import FAULTS, answer, expire, limits

__all__ = ["FAULTS", "answer", "expire", "limits"]
