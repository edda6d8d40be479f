"""The simulated company: a real PostgreSQL server, a website and its pipeline, and the life that goes on in them.

Everything that happens is decided by a seed, and reaches the platform under test by SQL, Kafka and files alone.
"""

from workspace.demo.founding import create
from workspace.demo.living import Advance, advance, sql
from workspace.demo.server import PostgresServer
from workspace.demo.serving import running
from workspace.demo.totals import totals

__all__ = ["Advance", "PostgresServer", "advance", "create", "running", "sql", "totals"]
