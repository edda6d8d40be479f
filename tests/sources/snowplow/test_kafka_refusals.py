"""What a broker refuses or has broken, and what the settings say wrongly: in words that help, and show no secret."""

from __future__ import annotations

import os
import signal
import struct
import threading
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from brokers import PASSWORD, PATIENCE, USER
from sources.snowplow.test_kafka import SLOWLY, everything, lines, source_of
from workspace.errors import SettingsError, SourceError
from workspace.sources.snowplow import client, kafka

if TYPE_CHECKING:
    from collections.abc import Callable

    from brokers import Broker
    from workspace.settings import SnowplowSource


@pytest.fixture
def secured(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SnowplowSource]:
    """Make sources that go by TLS and SCRAM, as the settings of a company would."""

    def make(brokers: str = "", *, password: str = PASSWORD, **more: str) -> SnowplowSource:
        monkeypatch.setenv("KAFKA_PASSWORD", password)
        properties = {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-256",
            "sasl.username": USER,
            "sasl.password": "$KAFKA_PASSWORD",
            "ssl.ca.location": str(broker.authority),
        }
        given = {key.replace("_", "."): value for key, value in more.items()}
        return source_of(brokers or broker.safe_address, kafka=properties | given)

    return make


def allow(broker: Broker, topic: str, operation: AclOperation) -> None:
    what = (ResourceType.TOPIC, topic, ResourcePatternType.LITERAL)
    binding = AclBinding(*what, f"User:{USER}", "*", operation, AclPermissionType.ALLOW)
    for future in broker.admin.create_acls([binding]).values():
        future.result(PATIENCE)


@pytest.mark.kafka
def test_a_user_who_may_read_the_topic_needs_no_more(broker: Broker, secured: Callable[..., SnowplowSource]) -> None:
    topic = broker.topic()
    broker.produce(topic, lines("x", 3))
    with pytest.raises(SourceError, match=f"clicks: Topic {topic} cannot be read.*authorization failed") as caught:
        kafka.plan(secured(), topic, {})
    assert caught.value.cure == "Allow the user to DESCRIBE and READ the topic."
    allow(broker, topic, AclOperation.DESCRIBE)
    plan = kafka.plan(secured(), topic, {})
    with pytest.raises(SourceError, match=rf"{topic}\[0\] cannot be read on from offset 0\..*authorization failed"):
        list(kafka.read(secured(), topic, plan.ranges))
    allow(broker, topic, AclOperation.READ)
    assert [line for _, line in everything(secured(), topic)] == lines("x", 3)


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("given", "said", "cure"),
    [
        ({"password": "open sesame"}, "invalid credentials", "sasl.password"),
        ({"sasl_username": "nobody"}, "invalid credentials", "sasl.username"),
        ({"sasl_mechanism": "PLAIN"}, "[Uu]nsupported SASL mechanism|not enabled", "sasl.mechanism"),
        ({"ssl_ca_location": "stranger.crt"}, "certificate verify failed", "ssl.ca.location"),
        ({"brokers": "127.0.0.1"}, "certificate verify failed", "must name the host"),
        ({"security_protocol": "SASL_PLAINTEXT"}, "connection closed by peer", "security.protocol"),
    ],
    ids=["password", "user", "mechanism", "authority", "host", "protocol"],
)
def test_a_refusal_says_what_to_look_at(
    broker: Broker,
    secured: Callable[..., SnowplowSource],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    *,
    given: dict[str, str],
    said: str,
    cure: str,
) -> None:
    monkeypatch.setattr(client, "CONNECTING", 2.0)
    monkeypatch.chdir(broker.folder)
    if "brokers" in given:
        given = {"brokers": broker.safe_address.replace("localhost", given["brokers"])}
    with pytest.raises(SourceError, match=said) as caught:
        kafka.plan(secured(**given), "any", {})
    assert cure in caught.value.cure
    assert "[sources.clicks.kafka]" in caught.value.cure
    for secret in (PASSWORD, "open sesame"):
        assert secret not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.kafka
def test_asking_for_a_topic_does_not_create_it(broker: Broker) -> None:
    with pytest.raises(SourceError, match=f"There is no topic absent at {broker.address}") as caught:
        kafka.plan(source_of(broker.address), "absent", {})
    assert "workspace.toml" in caught.value.cure
    assert "absent" not in broker.admin.list_topics().topics


@pytest.mark.kafka
def test_a_topic_that_goes_while_it_is_read_is_an_error(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "PATIENCE", 3.0)
    topic, source = broker.topic(), source_of(broker.address)
    broker.produce(topic, lines("x", 10))
    plan = kafka.plan(source, topic, {})
    broker.drop(topic)
    with pytest.raises(SourceError, match=topic):
        list(kafka.read(source, topic, plan.ranges))


@pytest.mark.kafka
def test_a_topic_that_is_created_anew_while_it_is_read_is_an_error(broker: Broker) -> None:
    topic, source = broker.topic(), source_of(broker.address, kafka=SLOWLY)
    broker.produce(topic, [b"old %0500d" % number for number in range(1000)], batch_size=10_000)
    plan = kafka.plan(source, topic, {})
    reading = kafka.read(source, topic, plan.ranges, topic_id=plan.topic_id, chunk_bytes=1)
    next(reading)
    broker.drop(topic)
    broker.topic(name=topic)
    broker.produce(topic, [b"new %0500d" % number for number in range(2000)], batch_size=10_000)
    with pytest.raises(SourceError, match=f"{topic} was deleted and created anew"):
        list(reading)


def broken(broker: Broker, change: Callable[[bytearray], None]) -> str:
    """Make a topic of three batches of ten records, and change what the broker has on disk of the second."""
    topic = broker.topic()
    for tag in ("a", "b", "c"):
        broker.produce(topic, lines(tag, 10), linger_ms=200)
    data = bytearray(broker.segment(topic).read_bytes())
    first = 12 + struct.unpack_from(">i", data, 8)[0]
    second = data[first:]
    change(second)
    with broker.segment(topic).open("r+b") as file:
        file.seek(first)
        file.write(second)
    return topic


def flip(batch: bytearray) -> None:
    batch[80] ^= 0xFF


def code(batch: bytearray) -> None:
    """Say that the records are compressed in a way that does not exist, and make the checksum right."""
    size = 12 + struct.unpack_from(">i", batch, 8)[0]
    batch[22] |= 0x07
    struct.pack_into(">I", batch, 17, crc32c(bytes(batch[21:size])))


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@pytest.mark.kafka
@pytest.mark.parametrize(("change", "said"), [(flip, "CRC"), (code, "codec 0x7|[Uu]nsupported|compression")])
def test_what_is_broken_is_not_passed_over(broker: Broker, change: Callable[[bytearray], None], said: str) -> None:
    topic, source = broken(broker, change), source_of(broker.address)
    plan = kafka.plan(source, topic, {})
    with pytest.raises(SourceError, match=rf"{topic}\[0\] cannot be read on from offset 10\..*({said})"):
        list(kafka.read(source, topic, plan.ranges, chunk_bytes=1))
    broker.delete(topic, {0: 20})
    assert [line for _, line in everything(source, topic)] == lines("c", 10)


# Without a broker


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"isolation.level": "read_uncommitted"}, "isolation.level cannot be set"),
        ({"fetch.max.byte": "1"}, 'No such configuration property: "fetch.max.byte"'),
        ({"fetch.max.bytes": "much"}, 'Invalid value for configuration property "fetch.max.bytes"'),
        ({"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-256"}, "sasl.username and sasl.password must"),
        ({"security.protocol": "SSL", "ssl.ca.location": "/nowhere"}, "ssl.ca.location failed"),
        ({"security.protocol": "$PROTOCOL"}, r'Invalid value "\*\*\*" for configuration property "security.protocol"'),
        ({"sasl.password": "$NOT_SET"}, "The environment variable NOT_SET"),
    ],
)
def test_wrong_properties_are_named(properties: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROTOCOL", "sesame")
    with pytest.raises(SettingsError, match=said) as caught:
        kafka.plan(source_of("127.0.0.1:9", kafka=properties), "ev", {})
    assert "[sources.clicks]" in caught.value.message
    assert caught.value.cure


def test_a_read_can_be_interrupted() -> None:
    threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        list(kafka.read(source_of("127.0.0.1:9"), "ev", {0: (0, 1)}))
    threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        kafka.plan(source_of("127.0.0.1:9"), "ev", {})
