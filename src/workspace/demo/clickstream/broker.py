"""The embedded broker: librdkafka's mock cluster, inside this process.

It is a mock written by the client's own authors, and named so in the documentation: real sockets and the real
protocol, nothing on disk, at most 5 MB a partition. It ships inside the wheel of `confluent-kafka`; its C interface is
reached by `ctypes`.
"""

from __future__ import annotations

import ctypes
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from workspace.errors import WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

_PRODUCER = 0  # rd_kafka_type_t
# The mock's thread misses a request that follows another at once, and finds it a second later.
_PAUSE = 0.005
CLOSING = 10  # seconds to wait for the last acknowledgement


@cache
def _library() -> ctypes.CDLL:
    """Load the library that the client itself has loaded."""
    import confluent_kafka

    package = Path(confluent_kafka.__file__).parent
    places = [*package.parent.glob("confluent_kafka.libs/librdkafka*"), *package.glob(".dylibs/librdkafka*")]
    if not places:
        msg = f"There is no librdkafka beside {package}."
        raise WorkspaceError(msg, cure="Install confluent-kafka from its wheel; the demo's broker is inside it.")
    library = ctypes.CDLL(str(places[0]))
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures = {
        "conf_new": ([], pointer),
        "conf_set": ([pointer, text, text, text, ctypes.c_size_t], number),
        "new": ([number, pointer, text, ctypes.c_size_t], pointer),
        "destroy": ([pointer], None),
        "mock_cluster_new": ([pointer, number], pointer),
        "mock_cluster_destroy": ([pointer], None),
        "mock_cluster_bootstraps": ([pointer], text),
        "mock_topic_create": ([pointer, text, number, number], number),
    }
    for name, (arguments, result) in signatures.items():
        function = getattr(library, f"rd_kafka_{name}")
        function.argtypes, function.restype = arguments, result
    return library


class Broker:
    """A Kafka broker of one's own, until it is closed. A context manager.

    Args:
        topics: The topics that it has, with how many partitions.

    Attributes:
        address: Where it listens, on the loopback interface.
    """

    def __init__(self, topics: Mapping[str, int]) -> None:
        library = _library()
        reason = ctypes.create_string_buffer(512)
        settings = library.rd_kafka_conf_new()
        # Nobody reads this client's log; the cluster's own lines go there.
        library.rd_kafka_conf_set(settings, b"log_level", b"0", reason, len(reason))
        self._client = library.rd_kafka_new(_PRODUCER, settings, reason, len(reason))
        if not self._client:
            raise WorkspaceError(f"The demo's broker does not start: {reason.value.decode()}", cure="Try again.")
        self._cluster = library.rd_kafka_mock_cluster_new(self._client, 1)
        if not self._cluster:
            library.rd_kafka_destroy(self._client)
            raise WorkspaceError("The demo's broker does not start.", cure="Try again; see `ulimit -n`.")
        self.address = library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        for topic, partitions in topics.items():
            time.sleep(_PAUSE)
            library.rd_kafka_mock_topic_create(self._cluster, topic.encode(), partitions, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening; everything it holds is gone."""
        cluster, self._cluster = self._cluster, None
        if cluster:
            time.sleep(_PAUSE)
            _library().rd_kafka_mock_cluster_destroy(cluster)
            _library().rd_kafka_destroy(self._client)

    def produce(self, topic: str, records: Iterable[tuple[int, int, bytes]]) -> None:
        """Append records to a topic, in this order.

        Args:
            topic: One of its topics.
            records: Partition, time in milliseconds and value of each.

        Raises:
            WorkspaceError: The broker does not take one.
        """
        from confluent_kafka import KafkaError, Message, Producer

        failed: list[str] = []

        def told(error: KafkaError | None, _: Message) -> None:
            if error:
                failed.append(str(error))

        # One request at a time keeps the order, so that offsets are the same each time.
        settings = {"bootstrap.servers": self.address, "linger.ms": 5, "max.in.flight": 1, "log_level": 0}
        producer = Producer(settings)
        for partition, at, value in records:
            while True:
                with suppress(BufferError):
                    producer.produce(topic, value, partition=partition, timestamp=at, on_delivery=told)
                    break
                producer.poll(0.1)
        if producer.flush(CLOSING) or failed:
            reason = failed[0] if failed else "no answer"
            raise WorkspaceError(f"The demo's broker does not take its records: {reason}", cure="Try again.")
