"""TikTok's Business API, read over HTTP."""

from workspace.sources.ads.tiktok.adapter import TikTok, open_tiktok

__all__ = ["TikTok", "open_tiktok"]
