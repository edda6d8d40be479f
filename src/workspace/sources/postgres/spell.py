"""Asking the server how it writes values: the exact text of types that have no counterpart in the lake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from psycopg import pq

from workspace.sources.postgres.values import BadValueError

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_AT_ONCE = 1000  # parameters of one query; the protocol's limit is 65,535


class Speller:
    """Turns binary values into the text that PostgreSQL writes for them.

    Args:
        connection: An ordinary session.
    """

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._link = connection.pgconn

    def __call__(self, oid: int, values: list[bytes]) -> list[str]:
        """Give the text of each value of a type.

        Raises:
            BadValueError: The server does not know the values any more, as after a change of their type.
        """
        texts: list[str] = []
        for start in range(0, len(values), _AT_ONCE):
            part = values[start : start + _AT_ONCE]
            query = "values " + ", ".join(f"(${number}::text)" for number in range(1, len(part) + 1))
            result = self._link.exec_params(query.encode(), part, [oid] * len(part), [1] * len(part))
            if result.status != pq.ExecStatus.TUPLES_OK:
                said = psycopg.errors.error_from_result(result)
                if not isinstance(said, psycopg.DataError | psycopg.ProgrammingError):
                    raise said
                raise BadValueError(start, "a value of a type that has changed since")
            texts.extend((result.get_value(row, 0) or b"").decode() for row in range(result.ntuples))
        return texts
