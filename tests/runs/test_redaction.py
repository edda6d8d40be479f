"""Which secrets are known, and that they are replaced everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workspace.runs.redaction import redact, secrets

if TYPE_CHECKING:
    from runs.homes import Home


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://reader:p%40ssw0rd@db/inventory",
        "host=db user=reader password=p@ssw0rd",
        "host=db password='p@ssw0rd'",
        "postgresql://db/inventory?user=reader&password=p%40ssw0rd",
    ],
)
def test_connection_strings_and_their_passwords_are_secret(
    home: Home, monkeypatch: pytest.MonkeyPatch, dsn: str
) -> None:
    monkeypatch.setenv("INVENTORY_DSN", dsn)
    home.toml(more='[sources.inventory_db]\nkind = "postgres"\ndsn_env = "INVENTORY_DSN"')
    hidden = secrets(home.settings)
    text = f"could not connect to {dsn}: p@ssw0rd or p%40ssw0rd is wrong"
    assert redact(text, hidden) == "could not connect to [secret]: [secret] or [secret] is wrong"


def test_what_is_not_set_or_cannot_be_read_hides_no_more_than_itself(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.toml(more='[sources.inventory_db]\nkind = "postgres"\ndsn_env = "INVENTORY_DSN"')
    assert secrets(home.settings) == ()
    monkeypatch.setenv("INVENTORY_DSN", "not a connection string")
    assert secrets(home.settings) == ("not a connection string",)


def test_what_kafka_is_told_by_variables_is_secret(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    kafka = 'kafka = { "sasl.username" = "reader", "sasl.password" = "$KAFKA_PASSWORD", "ssl.key.pem" = "$NOT_SET" }'
    home.toml(more=f'[sources.clicks]\nkind = "snowplow"\nbrokers = "kafka:9092"\ntopic = "t"\n{kafka}')
    monkeypatch.setenv("KAFKA_PASSWORD", "p@ssw0rd")
    assert secrets(home.settings) == ("p@ssw0rd",)
