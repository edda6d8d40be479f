"""How far each source has been read: one row a run and source, in `system.watermarks`."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from workspace.lake.schema import TIMESTAMP

if TYPE_CHECKING:
    from datetime import datetime

SCHEMA = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("sequence", pa.int64()),
        pa.field("position", pa.int64()),
        pa.field("clock", TIMESTAMP),
        pa.field("reached", TIMESTAMP),
        pa.field("recorded_at", TIMESTAMP),
        pa.field("run", pa.string()),
        pa.field("cut_by", pa.string()),
        pa.field("detail", pa.string()),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Watermark:
    """Where a source stands after a run: everything up to `position` is durable in its logs.

    Attributes:
        source: Its name.
        position: In the source's own stream.
        clock: The running valid time: no later transaction can be older.
        reached: The business time up to which the source has been read completely.
        recorded_at: The business time of the run.
        run: The run's id.
        cut_by: Whether a release cuts this source by valid time, or takes all that was recorded.
        detail: Counts and states of the source's own, JSON-able.
    """

    source: str
    position: int
    clock: datetime | None
    reached: datetime
    recorded_at: datetime
    run: str
    cut_by: Literal["valid", "recorded"] = "valid"
    detail: dict[str, Any] = field(default_factory=dict)

    def row(self, sequence: int) -> pa.Table:
        """Give the watermark as the row of `system.watermarks` that is this source's `sequence`-th."""
        entry = dataclasses.asdict(self) | {"sequence": sequence, "detail": json.dumps(self.detail, sort_keys=True)}
        return pa.Table.from_pylist([entry], schema=SCHEMA)

    @classmethod
    def of(cls, entry: dict[str, Any]) -> Watermark:
        """Read a row of `system.watermarks`."""
        known = {name: value for name, value in entry.items() if name != "sequence"}
        return cls(**known | {"detail": json.loads(entry["detail"])})
