"""Advertising, read: one table over all platforms, what they restated, and which clicks led to what is sold.

Everything here is a view: nothing of it is stored, so a release that was published before a view existed has it too.
"""

from __future__ import annotations

from workspace.ads.unions import KEYS, UNIONS, WANTS

__all__ = ["KEYS", "UNIONS", "VIEWS", "WANTS"]

VIEWS = UNIONS
"""Every view over advertising that needs no word of the company's own."""
