"""Kafka's client library: how it is set up, and what it says turned into errors that show no secret."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from workspace.errors import SettingsError, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from workspace.settings import SnowplowSource

T = TypeVar("T")

CONNECTING = 20.0
"""Seconds to wait for a broker that does not answer when a run begins."""

TICK = 0.1
"""Seconds between two looks at whether someone wants to stop."""

# What exactness rests on. Offsets are kept in the lake: nothing is stored with the group, and none is ever made up.
_FIXED = {
    "enable.auto.commit": "false",
    "enable.auto.offset.store": "false",
    "auto.offset.reset": "error",
    "isolation.level": "read_committed",
    "enable.partition.eof": "true",
    "check.crcs": "true",
    "allow.auto.create.topics": "false",
}
# How the consumer fetches. What is fetched ahead is what memory holds, and one answer is held whole, unpacked, which
# may be ten times as much as was sent.
_FETCHING = {
    "queued.max.messages.kbytes": "8192",
    "fetch.max.bytes": "1000000",
    "max.partition.fetch.bytes": "250000",
    # A full queue is looked at again after so long, a second unless told: most of the time would go by waiting.
    "fetch.queue.backoff.ms": "10",
    # The end of a partition is told when a fetch has found nothing for so long.
    "fetch.wait.max.ms": "50",
}
_DEFAULTS = {
    "client.id": "bookmyevent-workspace",
    **_FETCHING,
    "reconnect.backoff.max.ms": "2000",
    "statistics.interval.ms": "5000",
}
_TRANSIENT = frozenset(
    {
        *("_TRANSPORT", "_ALL_BROKERS_DOWN", "_TIMED_OUT", "_RESOLVE", "_WAIT_COORD", "LEADER_NOT_AVAILABLE"),
        *("NOT_LEADER_FOR_PARTITION", "REQUEST_TIMED_OUT", "BROKER_NOT_AVAILABLE", "REPLICA_NOT_AVAILABLE"),
        *("NETWORK_EXCEPTION", "COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE", "KAFKA_STORAGE_ERROR"),
        *("FENCED_LEADER_EPOCH", "UNKNOWN_LEADER_EPOCH", "OFFSET_NOT_AVAILABLE"),
        # The group is a name that the library asks for and nothing else: no right to it is needed.
        "GROUP_AUTHORIZATION_FAILED",
    }
)
_REFUSED = frozenset({"_AUTHENTICATION", "_SSL", "SASL_AUTHENTICATION_FAILED"})
_AGAIN = "Run this again once that is settled; nothing that was read is lost, and nothing is read twice."


def transient(error: KafkaError) -> bool:
    """Tell whether the library gets over it by itself, given time."""
    return error.name() in _TRANSIENT


def interruptible(call: Callable[[], T]) -> T:
    """Call the library where it may call back; it forgets an interrupt that comes just then, and says that it failed.

    Raises:
        KeyboardInterrupt: There was an interrupt.
    """
    try:
        return call()
    except SystemError as error:
        if "without setting an exception" not in str(error):
            raise
        raise KeyboardInterrupt from None


class Client:
    """The properties of a source's connection, and everything that the library says while it works.

    Its log stays off the screen; an error can quote the last line.

    Args:
        source: Which brokers, and how they are spoken to.

    Raises:
        SettingsError: A property is one that must not be set, or the environment lacks what one names.
    """

    def __init__(self, source: SnowplowSource) -> None:
        self._where = f"[sources.{source.name}]"
        self.source = source.name
        if taken := sorted(_FIXED.keys() & source.kafka):
            msg = f"{self._where} kafka: {', '.join(taken)} cannot be set: that each event comes once rests on it."
            raise SettingsError(msg, cure="Remove it.")
        given = source.consumer()
        self.brokers = given["bootstrap.servers"]
        self._secrets = [given[key] for key, value in source.kafka.items() if value.startswith("$")]
        self._properties = {"group.id": f"workspace-{source.name}", **_DEFAULTS, **given, **_FIXED}
        self._last = ""
        self._logger = logging.Logger(f"kafka {source.name}")  # noqa: LOG001 - nobody's child: nothing goes on to the screen
        handler = logging.Handler()
        handler.emit = self._hear  # type: ignore[method-assign]
        self._logger.addHandler(handler)
        self._failed: KafkaError | None = None
        self.statistics = ""

    def consumer(self) -> Consumer:
        """Open a consumer.

        Raises:
            SettingsError: The library does not accept a property.
        """
        return self._open(Consumer, self._properties)

    def admin(self) -> AdminClient:
        """Open an administrative client.

        Raises:
            SettingsError: The library does not accept a property.
        """
        own = {"group.id", *_FETCHING, *_FIXED}
        return self._open(AdminClient, {key: value for key, value in self._properties.items() if key not in own})

    def _open(self, kind: Callable[..., T], properties: dict[str, str]) -> T:
        callbacks = {"error_cb": self.note, "stats_cb": self._count}
        try:
            return kind({**properties, **callbacks}, logger=self._logger)
        except KafkaException as error:
            msg = f"{self._where} kafka: {self._masked(error.args[0].str())}."
            cure = "The properties and their values are librdkafka's; its CONFIGURATION.md lists them."
            raise SettingsError(msg, cure=cure) from None

    def note(self, error: KafkaError) -> None:
        """Remember what went wrong; that no broker is left says less than what became of each."""
        if error.name() != "_ALL_BROKERS_DOWN":
            self._failed = error

    def _hear(self, record: logging.LogRecord) -> None:
        self._last = record.getMessage().rpartition("]: ")[2]  # before it are names of threads

    def _count(self, statistics: str) -> None:
        self.statistics = statistics

    def patiently(self, ask: Callable[[], T], serve: Callable[[], object]) -> T:
        """Ask until there is an answer, or none is to be expected.

        Args:
            ask: Asks for no longer than a moment.
            serve: Lets the library say what happened meanwhile.

        Raises:
            SourceError: The brokers refuse, or none of them answers.
        """
        deadline = time.monotonic() + CONNECTING
        while True:
            try:
                return ask()
            except TimeoutError:
                pass
            except KafkaException as raised:
                if not transient(raised.args[0]):
                    raise self.error("Kafka refuses.", raised.args[0]) from None
            interruptible(serve)
            if self._failed is not None and self._failed.name() in _REFUSED:
                raise self.error("Kafka cannot be spoken to.", self._failed)
            if time.monotonic() > deadline:
                raise self.error(f"Kafka at {self.brokers} does not answer.")
            time.sleep(TICK)

    def error(self, message: str, error: KafkaError | None = None) -> SourceError:
        """Say what happened, in the library's words too, and what to do about it.

        Args:
            message: What was being done, and where.
            error: What the library made of it; else what it complained of last.
        """
        error = error or self._failed
        said = error.str() if error is not None else self._last
        cure = _CURES.get(error.name(), _AGAIN) if error is not None else _UNREACHED
        text = f"{self.source}: {message}" + (f" {self._masked(said.strip())}" if said else "")
        return SourceError(text, cure=cure.format(name=self.source, brokers=self.brokers))

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


_UNREACHED = (
    "Check that a broker listens at {brokers} and that security.protocol under [sources.{name}.kafka] is that of the "
    f"listener. {_AGAIN}"
)
_LOGIN = (
    "Check sasl.mechanism, sasl.username and sasl.password under [sources.{name}.kafka], and the environment variables "
    "that they name."
)
_CURES = {
    "_TRANSPORT": _UNREACHED,
    "_ALL_BROKERS_DOWN": _UNREACHED,
    "_TIMED_OUT": _UNREACHED,
    "_RESOLVE": _UNREACHED,
    "_AUTHENTICATION": _LOGIN,
    "SASL_AUTHENTICATION_FAILED": _LOGIN,
    "_SSL": "ssl.ca.location under [sources.{name}.kafka] must hold the authority that signed the broker's "
    "certificate, the certificate must name the host as brokers does, {brokers}, and security.protocol must be that of "
    "the listener.",
    "TOPIC_AUTHORIZATION_FAILED": "Allow the user to DESCRIBE and READ the topic.",
    "_BAD_MSG": "What the broker has stored is broken there. Restore the partition from a replica, or delete "
    "the records up to there with kafka-delete-records: they are then a gap, which on_gap says what to do with.",
}
