"""Events of a Snowplow pipeline, from Kafka and from an archive, into the lake: every line once."""

from workspace.sources.snowplow.replay import replay_quarantine
from workspace.sources.snowplow.run import ingest

__all__ = ["ingest", "replay_quarantine"]
