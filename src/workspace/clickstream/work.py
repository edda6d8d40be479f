"""DuckDB as the workshop of derived tables: bounded in memory, it spills what does not fit."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from datetime import date
    from types import TracebackType
    from typing import Any, Self

    import pyarrow as pa

MEMORY = "1GB"
_BATCH_ROWS = 8192


class Work:
    """One connection with its temporary tables; ends with the `with` block.

    Temporary tables replace those of the same name.
    """

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="workspace-")
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("SET preserve_insertion_order = false")
        self._connection.execute(f"SET memory_limit = '{MEMORY}'")
        self._connection.execute("SET temp_directory = $folder", {"folder": self._folder.name})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._folder.cleanup()

    def table(self, name: str, query: str) -> None:
        """Make a temporary table of a query's rows; the query may read the one that it replaces."""
        self._connection.execute(f"CREATE TEMP TABLE next_{name} AS {query}")
        self._drop(name)
        self._connection.execute(f"ALTER TABLE next_{name} RENAME TO {name}")

    def view(self, name: str, query: str) -> None:
        """Give a query a name."""
        self._drop(name)
        self._connection.execute(f"CREATE TEMP VIEW {name} AS {query}")

    def extend(self, name: str, query: str) -> None:
        """Add a query's rows to a temporary table."""
        self._connection.execute(f"INSERT INTO {name} {query}")

    def any(self, name: str) -> bool:
        """Tell whether a table has rows."""
        return bool(self.rows(f"SELECT 1 FROM {name} LIMIT 1"))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Give a small query's rows."""
        return self._connection.execute(query).fetchall()

    def days(self, query: str) -> set[date]:
        """Give the days that a query of one column finds."""
        return {day for (day,) in self.rows(query)}

    def stream(self, query: str) -> pa.RecordBatchReader:
        """Give a query's rows as they are calculated; to be read before anything else is asked."""
        return self._connection.execute(query).to_arrow_reader(_BATCH_ROWS)

    def _drop(self, name: str) -> None:
        for kind in self.rows(f"SELECT table_type FROM information_schema.tables WHERE table_name = '{name}'"):
            self._connection.execute(f"DROP {'VIEW' if kind[0] == 'VIEW' else 'TABLE'} {name}")
