"""The simulated company: an embedded PostgreSQL and the life that goes on in it."""

from workspace.demo.server import PostgresServer

__all__ = ["PostgresServer"]
