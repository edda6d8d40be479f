"""What a source is, kind by kind: the tables `[sources.<name>]` of `workspace.toml`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from datetime import date, datetime  # noqa: TC003 - read at run time, as the types of what is set
from typing import Literal

from workspace.errors import SettingsError
from workspace.settings.workbooks import SheetsSource


@dataclass(frozen=True, kw_only=True)
class PostgresSource:
    """A PostgreSQL database whose tables are captured by logical replication.

    Attributes:
        name: The source's name; its tables are `<name>.<table>`.
        dsn_env: The environment variable that holds the connection string.
        tables: Patterns of `schema.table`, with `*` and `?`.
        clock: Where valid time comes from: the commit's time, or a `workspace.clock` message.
        history_from: In message mode, the valid time of the rows that the snapshot found.
        publication: The publication to read; created if the role may and it does not exist.
        slot: The replication slot; created if it does not exist. Default: `workspace_<name>`.
        personal: Columns `table.column` that hold personal data.
        required: Whether a release needs this source to have reached its `as_of`.
        required_tables: Tables without which no release is published, as the lake names them below the source.
    """

    name: str
    dsn_env: str
    tables: tuple[str, ...] = ("public.*",)
    clock: Literal["commit", "message"] = "commit"
    history_from: datetime | None = None
    publication: str = "workspace"
    slot: str = ""
    personal: tuple[str, ...] = ()
    required: bool = True
    required_tables: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Fill the slot's name and check what depends on each other."""
        if not self.slot:
            object.__setattr__(self, "slot", f"workspace_{self.name}")
        if self.clock == "message" and self.history_from is None:
            msg = f"[sources.{self.name}] has clock = 'message' but no history_from."
            raise SettingsError(msg, cure="Set history_from to the time from which the first rows count as known.")

    def dsn(self) -> str:
        """Read the connection string from the environment.

        Raises:
            SettingsError: The variable is not set.
        """
        value = os.environ.get(self.dsn_env)
        if not value:
            msg = f"The environment variable {self.dsn_env}, which [sources.{self.name}] names, is not set."
            raise SettingsError(msg, cure=f"export {self.dsn_env}='postgresql://user:password@host:5432/database'")
        return value


@dataclass(frozen=True, kw_only=True)
class FxSource:
    """Exchange rates as the European Central Bank publishes them (csv, or the zip around it).

    Attributes:
        name: The source's name; its one table is `<name>.rates`.
        location: A path or an http(s) URL.
        required: Whether a release needs this source to have reached its `as_of`.
    """

    name: str
    location: str
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class SnowplowSource:
    """Enriched events of a Snowplow pipeline: from a Kafka topic, from an archive of files, or from both.

    Attributes:
        name: The source's name; its events are `<name>.atomic`.
        brokers: Where Kafka is, `host:port` separated by commas; `$NAME` reads it from the environment.
        topic: The topic of enriched events; none if empty.
        bad_topic: The topic of the pipeline's bad rows; none if empty.
        kafka: Further properties of the consumer by librdkafka's own names, such as `security.protocol`; `$NAME` reads
            one from the environment, as every secret must be.
        archive: A folder or an object store's prefix with files of enriched lines, plain or gzip; none if empty.
        schemas: A static Iglu registry, `<schemas>/<vendor>/<name>/jsonschema/<version>`; none if empty.
        conversions: The event names that make a session a converted one.
        on_gap: What to do where Kafka has deleted events before they were read: stop, or go on and keep the gap on
            record.
        personal: Further columns that hold personal data, also of events that are read by their names.
        required: Whether a release needs this source to have reached its `as_of`.
    """

    name: str
    brokers: str = ""
    topic: str = ""
    bad_topic: str = ""
    kafka: dict[str, str] = field(default_factory=dict)
    archive: str = ""
    schemas: str = ""
    conversions: tuple[str, ...] = ()
    on_gap: Literal["stop", "record"] = "stop"
    personal: tuple[str, ...] = ()
    required: bool = False

    def __post_init__(self) -> None:
        """Check what depends on each other, and that no secret is written down."""
        where = f"[sources.{self.name}]"
        if not (self.topic or self.archive):
            msg = f"{where} names neither a topic nor an archive."
            raise SettingsError(msg, cure="Add topic = ..., with brokers = ..., or archive = ...")
        if (self.topic or self.bad_topic) and not self.brokers:
            raise SettingsError(f"{where} names a topic but no brokers.", cure="Add brokers = 'host:9092'.")
        for key, value in self.kafka.items():
            if not isinstance(value, str):
                msg = f"{where} kafka: {key} = {value!r} is not a text."
                raise SettingsError(msg, cure=f'Write "{key}" = "{str(value).lower()}".')
            if _SECRET.search(key) and not value.startswith("$"):
                msg = f"{where} kafka: {key} is written into the file."
                raise SettingsError(msg, cure=f'Put it into an environment variable and write "{key}" = "$NAME".')

    def consumer(self) -> dict[str, str]:
        """Give the consumer's properties, with what the environment holds filled in.

        Raises:
            SettingsError: A variable is not set.
        """
        named = {"bootstrap.servers": self.brokers, **self.kafka}
        return {key: _from_environment(value, f"[sources.{self.name}]") for key, value in named.items()}


_CREDENTIALS = {
    "google_ads": ("client_id", "client_secret", "refresh_token", "developer_token"),
    "facebook_ads": ("access_token",),
    "tiktok_ads": ("access_token", "app_id", "secret"),
    "twitter_ads": ("consumer_key", "consumer_secret", "token", "token_secret"),
}
"""What each platform must be given; Google's `login_customer_id` and Facebook's `app_secret` may be left out."""


@dataclass(frozen=True, kw_only=True)
class AdsSource:
    """The accounts of an advertising platform that one set of credentials reaches.

    Attributes:
        name: The source's name; its tables are `<name>.performance` and so on.
        platform: Whose API is spoken: Google Ads, Meta Marketing, TikTok Business or X Ads.
        credentials: What the platform knows us by, in its own words; each is `$NAME`, read from the environment.
        since: The first day that is read. Platforms keep two or three years, and every day costs some of their quota.
        accounts: The ids of the accounts to read; all that the credentials reach if empty.
        conversions: The actions that count as conversions, in the platform's own words; purchases if empty.
        url: Where the platform is, if not at its own address; `$NAME` reads it from the environment.
        sale_amount_scale: What a sale on Twitter is divided by: its API does not say what unit it is in.
        required: Whether a release needs this source to have reached its `as_of`.
    """

    name: str
    platform: Literal["google_ads", "facebook_ads", "tiktok_ads", "twitter_ads"]
    credentials: dict[str, str]
    since: date
    accounts: tuple[str, ...] = ()
    conversions: tuple[str, ...] = ()
    url: str = ""
    sale_amount_scale: int = 1_000_000
    required: bool = False

    def __post_init__(self) -> None:
        """Check that the platform's credentials are all there, and that none is written down."""
        where = f"[sources.{self.name}] credentials"
        if missing := [name for name in _CREDENTIALS[self.platform] if name not in self.credentials]:
            raise SettingsError(f"{where} lack {', '.join(missing)}.", cure='Add each as name = "$NAME".')
        for key, value in self.credentials.items():
            if not isinstance(value, str) or not value.startswith("$"):
                msg = f"{where}: {key} is written into the file."
                raise SettingsError(msg, cure=f'Put it into an environment variable and write {key} = "$NAME".')

    def secrets(self) -> dict[str, str]:
        """Give the credentials, read from the environment, without the line break that a file ends with.

        Raises:
            SettingsError: A variable is not set, or holds what no credential does.
        """
        where = f"[sources.{self.name}]"
        found = {key: _from_environment(value, where).strip() for key, value in self.credentials.items()}
        for key, value in found.items():
            if not (value.isascii() and value.isprintable()):
                msg = f"The environment variable {self.credentials[key][1:]}, which {where} names, is no credential:"
                msg += " it holds a line break, or another character that none has."
                raise SettingsError(msg, cure="Copy it anew.")
        return found

    def address(self) -> str:
        """Give where the platform is, empty for its own address.

        Raises:
            SettingsError: The variable that `url` names is not set.
        """
        return _from_environment(self.url, f"[sources.{self.name}]")


def _from_environment(value: str, where: str) -> str:
    if not value.startswith("$"):
        return value
    found = os.environ.get(value[1:], "")
    if not found.strip():
        msg = f"The environment variable {value[1:]}, which {where} names, is not set."
        raise SettingsError(msg, cure=f"export {value[1:]}=...")
    return found


_SECRET = re.compile(r"password|secret|key\.pem|oauthbearer\.config")

PATHS = frozenset({"location", "archive", "schemas", "workbook"})
"""The entries of a source that are paths, unless they are URLs."""

Source = PostgresSource | FxSource | SnowplowSource | AdsSource | SheetsSource
KINDS: dict[str, type[Source]] = {
    "postgres": PostgresSource,
    "fx": FxSource,
    "snowplow": SnowplowSource,
    "ads": AdsSource,
    "sheets": SheetsSource,
}
