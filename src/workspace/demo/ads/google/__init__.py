"""Google Ads, version 26, over REST: access tokens, the accounts of a user, and reports."""

from workspace.demo.ads.google.api import FAULTS, answer, expire, limits

__all__ = ["FAULTS", "answer", "expire", "limits"]
