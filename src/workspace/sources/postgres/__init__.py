"""PostgreSQL: every committed change, by logical replication."""
