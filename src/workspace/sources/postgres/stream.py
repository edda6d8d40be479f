"""The replication stream, bounded: read to where the log ended when the run began, then stop."""

from __future__ import annotations

import selectors
import struct
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from psycopg import pq

from workspace.errors import SourceError
from workspace.sources.postgres.pgoutput import EPOCH
from workspace.sources.postgres.session import lsn_text, replicate, speaking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workspace.settings import PostgresSource

# Seconds without any progress after which the server counts as gone. Decoding what is not published sends nothing.
SILENCE = 600.0
# For how long a slot may still be held by a session of ours that has just died.
LINGERING = 5.0
_PING = 2.0
_GOODBYE = 10.0
_KEEPALIVE = ord("k")
_END = memoryview(b"")
_BEGIN, _COMMIT = b"BC"
_STATUS = struct.Struct(">cQQQqB")


class Stream:
    """A slot that is being read.

    Args:
        source: Whose it is, for messages.
        link: A session in which replication has started.
        start: Up to where everything is durable already.
    """

    def __init__(self, source: PostgresSource, link: pq.abc.PGconn, start: int) -> None:
        self._source = source
        self._link = link
        self._confirmed = start
        self._selector = selectors.DefaultSelector()
        self._selector.register(link.socket, selectors.EVENT_READ)

    def read(self, bound: int) -> Iterator[memoryview]:
        """Give the messages of every transaction that committed before `bound`, whole, and of no other.

        A message is valid until the next is asked for.

        Raises:
            SourceError: The connection broke, or nothing came for too long.
        """
        with speaking(self._source, "Reading the changes"):
            if bound <= self._confirmed:
                return
            while data := self._next():
                if data[0] == _KEEPALIVE:
                    # What the server has sent lies before this position; nothing more can come before it.
                    if self._keep_alive(data) >= bound:
                        return
                    continue
                message = data[25:]
                kind = message[0]
                if kind == _BEGIN and int.from_bytes(message[1:9], "big") >= bound:
                    return
                yield message
                if kind == _COMMIT and int.from_bytes(message[10:18], "big") >= bound:
                    return
            raise psycopg.OperationalError("the server ended the stream")

    def confirm(self, position: int) -> None:
        """Tell the server that everything before a position is durable here, and that it may forget it."""
        self._confirmed = max(self._confirmed, position)
        with speaking(self._source, "Confirming the position"):
            self._send_status()

    def close(self) -> None:
        """End the stream in good order, so that the last confirmation counts and the slot is free."""
        with speaking(self._source, "Ending the stream"):
            self._link.put_copy_end()
            deadline = time.monotonic() + _GOODBYE
            while self._receive(deadline - time.monotonic()):
                pass

    def _next(self) -> memoryview:
        heard = time.monotonic()
        while (data := self._receive(_PING)) is None:
            if time.monotonic() - heard > SILENCE:
                msg = f"{self._source.name}: the server has sent nothing for {SILENCE:.0f} seconds."
                raise SourceError(msg, cure="Check the server's load and the network, then run this again.")
            self._send_status(ask=True)
        return data

    def _receive(self, patience: float) -> memoryview | None:
        """Give the next message, None after a time without one, an empty one at the end."""
        while True:
            size, data = self._link.get_copy_data(1)
            if size > 0:
                return data
            if size < 0:
                result = self._link.get_result()
                if result and result.status == pq.ExecStatus.FATAL_ERROR:
                    raise psycopg.errors.error_from_result(result)
                return _END
            if patience <= 0 or not self._selector.select(patience):
                return None
            self._link.consume_input()

    def _keep_alive(self, data: memoryview) -> int:
        if data[17]:  # it asks for a reply
            self._send_status()
        return int.from_bytes(data[1:9], "big")

    def _send_status(self, *, ask: bool = False) -> None:
        now = time.time_ns() // 1000 - EPOCH
        self._link.put_copy_data(_STATUS.pack(b"r", *[self._confirmed] * 3, now, ask))
        self._link.flush()


@contextmanager
def streaming(source: PostgresSource, start: int) -> Iterator[Stream]:
    """Start reading the source's slot; the session is closed in the end, however that comes.

    Args:
        source: With its slot and publication.
        start: Up to where everything is durable already.

    Raises:
        SourceError: Another session reads the slot, or the server refuses.
    """
    with replicate(source) as link:
        with speaking(source, "Starting the replication"):
            _start(source, link, start)
        stream = Stream(source, link, start)
        yield stream
        stream.close()


def _start(source: PostgresSource, link: pq.abc.PGconn, start: int) -> None:
    publication = source.publication.replace('"', '""').replace("'", "''")
    options = f"proto_version '1', publication_names '\"{publication}\"', binary 'true', messages 'true'"
    text = f'START_REPLICATION SLOT "{source.slot}" LOGICAL {lsn_text(start)} ({options})'
    deadline = time.monotonic() + LINGERING
    while True:
        link.send_query(text.encode())
        result = link.get_result()
        if result and result.status == pq.ExecStatus.COPY_BOTH:
            return
        while link.get_result():
            pass
        error = psycopg.errors.error_from_result(result) if result else psycopg.OperationalError("no answer")
        if not isinstance(error, psycopg.errors.ObjectInUse):
            raise error
        if time.monotonic() > deadline:
            msg = f"{source.name}: another session is reading the slot {source.slot}; nothing was done here."
            raise SourceError(msg, cure="Wait for the other run to end, or find it: select * from pg_stat_replication;")
        time.sleep(0.1)
