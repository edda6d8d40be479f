"""Events of a Snowplow pipeline, from Kafka and from an archive, into the lake."""
