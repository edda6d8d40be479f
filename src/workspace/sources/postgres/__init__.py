"""PostgreSQL: every committed change, by logical replication, exactly once."""

from workspace.sources.postgres.ingest import ingest
from workspace.sources.postgres.preflight import preflight

__all__ = ["ingest", "preflight"]
