"""Advertising, read: one table over all platforms, what they restated, and which clicks led to what is sold.

Everything here is a view: nothing of it is stored, so a release that was published before a view existed has it too.
"""

from __future__ import annotations

from workspace.ads.attribution import Conversions, attribution
from workspace.ads.completeness import COMPLETENESS
from workspace.ads.dbt import REPORTS
from workspace.ads.platforms import PLATFORMS
from workspace.ads.restatements import RESTATEMENTS
from workspace.ads.unions import KEYS, UNIONS
from workspace.ads.versions import VERSIONS

__all__ = ["KEYS", "VIEWS", "Conversions", "attribution"]

VIEWS = (*UNIONS, VERSIONS, RESTATEMENTS, COMPLETENESS, PLATFORMS, *REPORTS)
"""Every view over advertising that needs no word of the company's own."""
