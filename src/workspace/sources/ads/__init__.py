"""Advertising platforms: what they show, what it costs and what they claim, with every restatement kept."""

from workspace.sources.ads.run import ingest, look

__all__ = ["ingest", "look"]
