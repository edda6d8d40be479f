"""From events to page views, sessions and people: derived tables, built by day."""

from workspace.clickstream.derivation import derive
from workspace.clickstream.outcome import Derived

__all__ = ["Derived", "derive"]
