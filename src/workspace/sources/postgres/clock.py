"""Valid time: one running clock a source, that never goes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workspace.sources.postgres.pgoutput import Transaction

_ORIGIN = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Count a time's microseconds since 1970.

    Examples:
        >>> microseconds(datetime(2000, 1, 1, tzinfo=UTC))
        946684800000000
    """
    return (moment - _ORIGIN) // timedelta(microseconds=1)


def moment(count: int) -> datetime:
    """Give the time that is so many microseconds after 1970."""
    return _ORIGIN + timedelta(microseconds=count)


class Clock:
    """Gives each transaction its valid time: the later of its own clock and the previous transaction's valid time.

    Args:
        mode: Whether a transaction's own clock is its commit time, or its `workspace.clock` message.
        running: The valid time of the last transaction.
        counted: How many transactions had no clock message, or one that is no time, as of then.

    Attributes:
        running: The valid time of the last transaction.
        counted: As above, up to the last transaction.
    """

    def __init__(self, mode: Literal["commit", "message"], running: datetime, counted: Mapping[str, Any]) -> None:
        self._mode = mode
        self._running = microseconds(running)
        self.counted: dict[str, int] = {name: counted.get(name, 0) for name in ("without_clock", "unreadable_clock")}

    @property
    def running(self) -> datetime:
        """The valid time of the last transaction."""
        return moment(self._running)

    def tick(self, transaction: Transaction) -> int:
        """Give a transaction's valid time in microseconds since 1970."""
        own = transaction.committed if self._mode == "commit" else self._told(transaction)
        self._running = max(self._running, own)
        return self._running

    def lift(self, to: datetime) -> None:
        """Let no later transaction be older than `to`, as when a release as of then may have been published."""
        self._running = max(self._running, microseconds(to))

    def _told(self, transaction: Transaction) -> int:
        if transaction.clock is None:
            self.counted["without_clock"] += transaction.changed
            return self._running
        try:
            return microseconds(datetime.fromisoformat(transaction.clock.decode()))
        except (ValueError, TypeError):  # not ISO 8601, not UTF-8, or without its time zone
            self.counted["unreadable_clock"] += 1
            return self._running
