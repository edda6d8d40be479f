"""The demo's broker while somebody needs it: always with the same records at the same partitions and offsets."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workspace.demo.clickstream.archive import TOPICS, records, shelved
from workspace.demo.clickstream.broker import Broker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BROKERS_VARIABLE = "DEMO_CLICKSTREAM_BROKERS"
_serving: list[Serving] = []


class Serving:
    """A broker that is filled from a home's files.

    Args:
        folder: The home's folder of the clickstream.

    Attributes:
        broker: The broker.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.broker = Broker(TOPICS)
        self._there: set[Path] = set()

    def top_up(self) -> None:
        """Produce what has come since the last time."""
        for topic in TOPICS:
            fresh = [path for path in shelved(self.folder, topic) if path not in self._there]
            if fresh:
                self.broker.produce(topic, (record for path in fresh for record in records(path)))
                self._there.update(fresh)


@contextmanager
def serving(folder: Path) -> Iterator[Broker]:
    """Keep a broker of one's own with all that a home's topics hold, its address in the environment."""
    served = Serving(folder)
    before = os.environ.get(BROKERS_VARIABLE)
    try:
        served.top_up()
        _serving.append(served)
        os.environ[BROKERS_VARIABLE] = served.broker.address
        yield served.broker
    finally:
        if served in _serving:
            _serving.remove(served)
        os.environ.pop(BROKERS_VARIABLE, None)
        if before is not None:
            os.environ[BROKERS_VARIABLE] = before
        served.broker.close()


def top_up(folder: Path) -> None:
    """Bring what has come into the brokers of this process that serve a home; those of others stay as they are."""
    for served in _serving:
        if served.folder == folder.resolve():
            served.top_up()
