"""Room on disk for what would not fit into memory: one run's temporary folder."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pyarrow as pa

if TYPE_CHECKING:
    from types import TracebackType

    from workspace.sources.postgres.rows import Rows, Spilled


class Spool:
    """A temporary folder, made when it is first needed and deleted in the end."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._numbers = itertools.count()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._folder:
            self._folder.cleanup()

    def put(self, rows: Rows) -> Spilled:
        """Move raw rows out of memory."""
        return rows.save(self._path())

    def keep(self, rows: pa.Table | pa.RecordBatchReader) -> pa.Table:
        """Move rows out of memory, and give them back mapped from the file."""
        path = self._path().with_suffix(".arrow")
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, rows.schema) as writer:
            for batch in rows.to_batches() if isinstance(rows, pa.Table) else rows:
                writer.write_batch(batch)
        return pa.ipc.open_file(pa.memory_map(str(path))).read_all()

    @property
    def folder(self) -> Path:
        """The folder itself."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="workspace-", ignore_cleanup_errors=True)
        return Path(self._folder.name)

    def _path(self) -> Path:
        return self.folder / str(next(self._numbers))
