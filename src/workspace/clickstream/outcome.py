"""What one derivation did, as the notebook that called it shows it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(kw_only=True)
class Derived:
    """The outcome of one derivation; counts are of what it added, so a number falls where a copy changed its kind.

    Attributes:
        source: Whose events were read.
        batch: The last batch that the tables see now.
        as_of: The exclusive end, in the collector's time, of what they see.
        written: How many rows were written, by table; days that change are written whole.
        days: How many days were written anew, by table.
        events: How many events there are more.
        natural: How many natural duplicates were dropped: the same event, delivered again.
        overlap: How many copies were dropped that are in the topic and in the archive.
        synthetic: How many events came with the id of another and got one of their own.
        bots: How many of the events are robots'.
        broken: How many self-describing blocks were left out, because they are not what their column should hold.
        notes: What a reader should know, in sentences.
    """

    source: str
    batch: int
    as_of: datetime
    written: Counter[str] = field(default_factory=Counter)
    days: Counter[str] = field(default_factory=Counter)
    events: int = 0
    natural: int = 0
    overlap: int = 0
    synthetic: int = 0
    bots: int = 0
    broken: int = 0
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "\n".join([self._headline(), *(f"  {line}" for line in self._told())])

    def _repr_html_(self) -> str:
        body = "".join(
            f"<tr><td>{escape(name)}</td><td>{rows:,}</td><td>{self.days[name]:,}</td></tr>"
            for name, rows in self.written.items()
        )
        head = "<tr><th>Table</th><th>rows written</th><th>days</th></tr>"
        table = f"<table>{head}{body}</table>" if body else ""
        told = "".join(f"<p>{escape(line)}</p>" for line in self._told())
        return f"<p>{escape(self._headline())}</p>{table}{told}"

    def _headline(self) -> str:
        events = "1 event more" if self.events == 1 else f"{self.events:,} events more"
        return f"{self.source}: {events}; derived as of {self.as_of:%Y-%m-%d %H:%M} UTC, batch {self.batch}"

    def _told(self) -> list[str]:
        counts = {
            "natural duplicates dropped": self.natural,
            "copies dropped that are in the topic and in the archive": self.overlap,
            "synthetic duplicates given an id of their own": self.synthetic,
            "events of robots, in events only": self.bots,
            "blocks left out that are no self-describing JSON": self.broken,
        }
        return [*(f"{count:,} {what}" for what, count in counts.items() if count), *self.notes]
