"""Events of a Snowplow pipeline, from Kafka and from an archive, into the lake: every line once."""

from workspace.sources.snowplow.replay import replay_quarantine
from workspace.sources.snowplow.run import ingest, look

__all__ = ["ingest", "look", "replay_quarantine"]
