"""PostgreSQL: every committed change, by logical replication, exactly once."""

from workspace.sources.postgres.preflight import preflight
from workspace.sources.postgres.replay import replay_quarantine
from workspace.sources.postgres.resnapshot import resnapshot
from workspace.sources.postgres.run import ingest

__all__ = ["ingest", "preflight", "replay_quarantine", "resnapshot"]
