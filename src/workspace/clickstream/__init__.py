"""From events to page views, sessions and people: derived tables, built by day."""
