"""A real Apache Kafka broker from the jars of `make services`, and the mock cluster inside the client library."""

from __future__ import annotations

import filecmp
import itertools
import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic  # type: ignore[attr-defined]

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PATIENCE = 60
USER, PASSWORD = "reader", "correct horse"
_POM = Path(__file__).parents[1] / "services" / "kafka" / "pom.xml"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bookmyevent-workspace" / "kafka"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def _broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    need_jars()
    broker = Broker(tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def broker(_broker: Broker) -> Iterator[Broker]:
    """A running single-node Apache Kafka, the same for all tests; each makes topics of its own."""
    yield _broker
    if not _broker.running:
        _broker.start()


class Broker:
    """Apache Kafka as one process, broker and controller at once.

    Attributes:
        address: The listener that everyone may use for anything.
        safe_address: The listener that wants TLS and SCRAM; its certificate is good for `localhost` only.
        authority: The file with the certificate of the authority that signed it.
        folder: Its data.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        plain, safe, control = _free_ports(3)
        self.address = f"127.0.0.1:{plain}"
        self.safe_address = f"localhost:{safe}"
        self.authority = folder / "authority.crt"
        self._port = plain
        self._log = folder / "broker.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0, "reconnect.backoff.max.ms": 200})
        _certify(folder)
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{control}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAIN",
            "listeners": f"PLAIN://127.0.0.1:{plain},SAFE://127.0.0.1:{safe},CONTROLLER://127.0.0.1:{control}",
            "advertised.listeners": f"PLAIN://127.0.0.1:{plain},SAFE://localhost:{safe}",
            "listener.security.protocol.map": "PLAIN:PLAINTEXT,SAFE:SASL_SSL,CONTROLLER:PLAINTEXT",
            "sasl.enabled.mechanisms": "SCRAM-SHA-256",
            "listener.name.safe.scram-sha-256.sasl.jaas.config": (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(folder / "broker.pem"),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "log.dirs": str(folder / "data"),
            "num.network.threads": "1",
            "num.io.threads": "2",
            "offsets.topic.num.partitions": "1",
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "broker.session.timeout.ms": "1000",  # for so long one that was killed keeps its successor from beginning
            "broker.heartbeat.interval.ms": "200",
            "log.initial.task.delay.ms": "0",
            "log.cleaner.backoff.ms": "100",
            "log.cleaner.dedupe.buffer.size": str(4 << 20),
        }
        self._settings = folder / "server.properties"
        self._settings.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        scram = f"SCRAM-SHA-256=[name={USER},password={PASSWORD}]"
        options = ["--cluster-id", "4L6g3nShT-eMCtK--X86sw", "--config", str(self._settings), "--add-scram", scram]
        command = [*_java("kafka.tools.StorageTool"), "format", *options]
        subprocess.run(command, check=True, capture_output=True)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("a") as out:
            self._process = subprocess.Popen(
                [*_java("kafka.Kafka"), str(self._settings)],
                cwd=self.folder,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self._log.read_text()[-3000:]
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        pytest.fail(f"no broker after {PATIENCE} s:\n{self._log.read_text()[-3000:]}")

    def kill(self) -> None:
        """End it as a failing machine would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in an orderly way, if it takes that."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        os.killpg(self._process.pid, how)
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def topic(self, partitions: int = 1, name: str = "", **config: str) -> str:
        """Make a topic, with settings such as `cleanup_policy`, and give its name."""
        name = name or f"ev{next(_numbers)}"
        settings = {key.replace("_", "."): value for key, value in config.items()}
        new = NewTopic(name, partitions, config=settings)
        self.admin.create_topics([new])[name].result(PATIENCE)
        wait_for(lambda: len(self.admin.list_topics(name).topics[name].partitions) == partitions)
        return name

    def drop(self, topic: str) -> None:
        """Delete a topic, and wait until it is gone."""
        self.admin.delete_topics([topic])[topic].result(PATIENCE)
        wait_for(lambda: topic not in self.admin.list_topics().topics)

    def add_partitions(self, topic: str, count: int) -> None:
        """Let a topic have so many partitions."""
        self.admin.create_partitions([NewPartitions(topic, count)])[topic].result(PATIENCE)
        wait_for(lambda: len(self.admin.list_topics(topic).topics[topic].partitions) == count)

    def delete(self, topic: str, ends: Mapping[int, int]) -> None:
        """Delete each partition's records before an offset, as retention does."""
        asked = self.admin.delete_records([TopicPartition(topic, each, end) for each, end in ends.items()])
        for future in asked.values():
            future.result(PATIENCE)

    def produce(
        self, topic: str, lines: Iterable[bytes | None], partition: int = 0, keys: Iterable[bytes] = (), **config: Any
    ) -> None:
        """Write records into a partition, and wait until they are durable."""
        produce(self.address, topic, lines, partition, keys, **config)

    def segment(self, topic: str, partition: int = 0) -> Path:
        """Give the file in which a partition's first records lie."""
        return self.folder / "data" / f"{topic}-{partition}" / f"{0:020}.log"


@pytest.fixture
def mock_brokers() -> Iterator[str]:
    """The address of librdkafka's mock cluster: real sockets and the real protocol, but no real broker."""
    with mock_cluster() as address:
        yield address


@contextmanager
def mock_cluster() -> Iterator[str]:
    """Run librdkafka's mock cluster; a topic comes to be, with four partitions, when it is written to."""
    owner = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
    yield ",".join(f"{each.host}:{each.port}" for each in owner.list_topics(timeout=PATIENCE).brokers.values())
    owner.purge()
    owner.flush(PATIENCE)


def produce(
    address: str,
    topic: str,
    lines: Iterable[bytes | None],
    partition: int = 0,
    keys: Iterable[bytes] = (),
    **config: Any,
) -> None:
    """Write records into a partition, and wait until they are durable; `linger_ms=0` is `linger.ms`."""
    settings = {key.replace("_", "."): value for key, value in config.items()}
    producer = Producer({"bootstrap.servers": address, **settings})
    failed: list[object] = []
    named = itertools.chain(keys, itertools.repeat(None))
    for line, key in zip(lines, named, strict=False):
        producer.produce(topic, line, key=key, partition=partition, on_delivery=lambda error, _: failed.append(error))
        producer.poll(0)
    assert producer.flush(PATIENCE) == 0
    assert not any(failed), [error for error in failed if error][:3]


def wait_for(reached: Any) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline, "it did not come to be so"
        time.sleep(0.05)


def _java(program: str) -> list[str]:
    options = ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    log = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    return ["java", *options, log, "-cp", f"{_CACHE / 'jars'}/*", program]


def _certify(folder: Path) -> None:
    """Make an authority, a certificate for `localhost` that it signed, and another authority that nobody knows."""
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]

    def certify(name: str, common: str, *more: str) -> None:
        files = ["-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={common}"]
        command = ["openssl", "req", "-x509", *curve, *files, *more]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)

    certify("authority", "our authority")
    certify("stranger", "another authority")
    signed = ["-CA", "authority.crt", "-CAkey", "authority.key", "-addext", "subjectAltName=DNS:localhost"]
    certify("broker", "localhost", *signed, "-addext", "basicConstraints=critical,CA:FALSE")
    (folder / "broker.pem").write_text("".join((folder / f"broker.{end}").read_text() for end in ("key", "crt")))


def need_jars() -> None:
    """Skip what needs the broker where it is not fetched; fail where it must be."""
    fetched = _CACHE / "pom.xml"
    if fetched.exists() and filecmp.cmp(_POM, fetched, shallow=False):
        return
    missing = "Apache Kafka is not fetched: run `make services`."
    if os.environ.get("WORKSPACE_SERVICES") == "required":
        pytest.fail(missing)
    pytest.skip(missing)


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports
