"""What one ingest did, as the notebook that called it shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import Counter

    from workspace.lake import Watermark

OPERATIONS = {"S": "snapshot", "I": "inserted", "U": "updated", "D": "deleted", "T": "truncated"}


@dataclass(frozen=True, kw_only=True)
class Ingested:
    """The outcome of one ingest.

    Attributes:
        source: What was read.
        watermark: Where the source stands now.
        rows: How many rows were written, by table and operation (S, I, U, D, T).
        transactions: How many transactions they came from.
        quarantined: How many rows were refused.
        notes: What a reader should know, in sentences.
    """

    source: str
    watermark: Watermark
    rows: dict[str, Counter[str]] = field(default_factory=dict)
    transactions: int = 0
    quarantined: int = 0
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """How many rows were written in all."""
        return sum(sum(counts.values()) for counts in self.rows.values())

    def __repr__(self) -> str:
        return "\n".join([self._headline(), *(f"  {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        shown = [op for op in OPERATIONS if any(counts[op] for counts in self.rows.values())]
        head = "".join(f"<th>{OPERATIONS[op]}</th>" for op in shown)
        body = "".join(
            f"<tr><td>{escape(table)}</td>{''.join(f'<td>{counts[op]:,}</td>' for op in shown)}</tr>"
            for table, counts in sorted(self.rows.items())
            if counts
        )
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        table = f"<table><tr><th>Table</th>{head}</tr>{body}</table>" if body else ""
        return f"<p>{escape(self._headline())}</p>{table}{notes}"

    def _headline(self) -> str:
        rows = "1 row" if self.total == 1 else f"{self.total:,} rows"
        reached = f"{self.watermark.reached:%Y-%m-%d %H:%M} UTC"
        refused = f", {self.quarantined:,} quarantined" if self.quarantined else ""
        return f"{self.source}: {rows} written{refused}; read up to {reached}"
