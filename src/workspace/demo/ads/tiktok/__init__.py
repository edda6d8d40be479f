"""TikTok for Business, API v1.3, as far as advertisers read it: accounts, what is in them, and daily reports."""

from workspace.demo.ads.tiktok.api import FAULTS, answer, expire, limits

__all__ = ["FAULTS", "answer", "expire", "limits"]
