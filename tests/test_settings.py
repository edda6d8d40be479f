"""What `workspace.toml` may say about a clickstream, and what credentials may be."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from workspace.errors import SettingsError
from workspace.settings import AdsSource, SnowplowSource, load_settings

if TYPE_CHECKING:
    from pathlib import Path

KAFKA = 'kind = "snowplow"\nbrokers = "$BROKERS"\ntopic = "enriched"\n'


def source(home: Path, text: str) -> SnowplowSource:
    (home / "workspace.toml").write_text(f"[sources.clicks]\n{text}")
    found = load_settings(home).source("clicks")
    assert isinstance(found, SnowplowSource)
    return found


def test_kafka_is_told_by_librdkafkas_names_and_secrets_by_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = '"security.protocol" = "SASL_SSL"\n"sasl.password" = "$PASSWORD"\n'
    clicks = source(tmp_path, f"{KAFKA}[sources.clicks.kafka]\n{given}")
    monkeypatch.setenv("BROKERS", "one:9092,two:9092")
    with pytest.raises(SettingsError, match=r"PASSWORD, which .sources.clicks. names, is not set"):
        clicks.consumer()
    monkeypatch.setenv("PASSWORD", "secret")
    assert clicks.consumer() == {
        "bootstrap.servers": "one:9092,two:9092",
        "security.protocol": "SASL_SSL",
        "sasl.password": "secret",
    }


def test_paths_start_at_the_home_and_urls_stay(tmp_path: Path) -> None:
    clicks = source(tmp_path, 'kind = "snowplow"\narchive = "s3://bucket/enriched"\nschemas = "iglu"\n')
    assert (clicks.archive, clicks.schemas) == ("s3://bucket/enriched", str(tmp_path / "iglu"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('kind = "snowplow"\n', "names neither a topic nor an archive"),
        ('kind = "snowplow"\ntopic = "enriched"\n', "names a topic but no brokers"),
        (f'{KAFKA}kafka = {{ "sasl.password" = "secret" }}\n', "sasl.password is written into the file"),
        (f'{KAFKA}kafka = {{ "ssl.key.pem" = "..." }}\n', "ssl.key.pem is written into the file"),
        (f'{KAFKA}kafka = {{ "enable.ssl.certificate.verification" = false }}\n', "= False is not a text"),
        (f'{KAFKA}on_gap = "ignore"\n', "on_gap = 'ignore' is not known"),
        (f"{KAFKA}[sources.more]\n{KAFKA}", "has 2 sources of kind snowplow: clicks, more"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        source(tmp_path, text)


def test_a_credential_is_what_stands_between_blanks_and_holds_no_line_break(monkeypatch: pytest.MonkeyPatch) -> None:
    ads = AdsSource(
        name="facebook", platform="facebook_ads", credentials={"access_token": "$TOKEN"}, since=date(2026, 10, 1)
    )
    monkeypatch.setenv("TOKEN", " EAAtoken \r\n")
    assert ads.secrets() == {"access_token": "EAAtoken"}
    monkeypatch.setenv("TOKEN", " \n")
    with pytest.raises(SettingsError, match=r"TOKEN, which .* is not set"):
        ads.secrets()
    for broken in ("EAA\ntoken", "EAA\0token", "EAA\u200btoken"):
        monkeypatch.setattr("os.environ", {"TOKEN": broken})
        with pytest.raises(SettingsError, match=r"TOKEN, which .* is no credential") as raised:
            ads.secrets()
        assert "EAA" not in str(raised.value)
