"""`workspace.toml` and the environment, as typed settings.

A *home* is a folder with a `workspace.toml`; every relative path in the file starts there.
"""

from __future__ import annotations

import dataclasses
import os
import re
import tomllib
import types
import typing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

from workspace.errors import SettingsError, did_you_mean

FILE = "workspace.toml"
HOME_VARIABLE = "WORKSPACE_HOME"
DEMO_HOME = Path("var") / "demo"

T = TypeVar("T")


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


def _from_environment(value: str, where: str) -> str:
    if not value.startswith("$"):
        return value
    found = os.environ.get(value[1:])
    if not found:
        msg = f"The environment variable {value[1:]}, which {where} names, is not set."
        raise SettingsError(msg, cure=f"export {value[1:]}=...")
    return found


_SECRET = re.compile(r"password|secret|key\.pem|oauthbearer\.config")

_PATHS = frozenset({"location", "archive", "schemas"})
"""The entries of a source that are paths, unless they are URLs."""

Source = PostgresSource | FxSource | SnowplowSource
KINDS: dict[str, type[Source]] = {"postgres": PostgresSource, "fx": FxSource, "snowplow": SnowplowSource}


@dataclass(frozen=True, kw_only=True)
class Keep:
    """Which releases stay readable: all for `days`, and the last of each month for good."""

    days: int = 90
    month_ends: bool = True


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that `workspace.toml` says, checked.

    Attributes:
        home: The folder of the file.
        lake: Where the Delta tables are.
        var: Runtime state: ledger, executed notebooks, reports.
        pipelines: The folder of pipeline notebooks and `pipeline.toml`.
        metrics: The module whose `model` defines every metric.
        clock: The business clock, when it is not the wall clock.
        engine: What computes answers: `duckdb`, or a Spark Connect server such as `sc://spark.internal:15002`.
        parallel: How many steps may run at once.
        keep: Which releases stay readable.
        sources: By name.
        demo: Whether this home belongs to the simulated company.
    """

    home: Path
    lake: str
    var: Path
    pipelines: Path
    metrics: str = "workspace.metrics"
    clock: datetime | None = None
    engine: str = "duckdb"
    parallel: int = 2
    keep: Keep = field(default_factory=Keep)
    sources: dict[str, Source] = field(default_factory=dict)
    demo: bool = False

    def now(self) -> datetime:
        """Tell the business time: what drives due periods, `as_of` and recorded time."""
        return self.clock or datetime.now(UTC)

    @property
    def required_tables(self) -> tuple[str, ...]:
        """The tables of all sources without which no release is published, by their names in the lake."""
        postgres = (source for source in self.sources.values() if isinstance(source, PostgresSource))
        return tuple(f"{source.name}.{table}" for source in postgres for table in source.required_tables)

    def source(self, name: str) -> Source:
        """Look a source up.

        Raises:
            SettingsError: There is none of this name.
        """
        try:
            return self.sources[name]
        except KeyError:
            msg = f"{self.home / FILE} has no source named {name!r}."
            raise SettingsError(msg, cure=did_you_mean(name, self.sources)) from None


def find_home() -> Path:
    """Find the folder whose `workspace.toml` applies.

    `WORKSPACE_HOME` wins; else the nearest folder upwards that has the file. Where that file names no
    source yet and a demo was made beside it, the demo is meant.

    Raises:
        SettingsError: There is no `workspace.toml`.
    """
    if named := os.environ.get(HOME_VARIABLE):
        return Path(named).resolve()
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / FILE).is_file():
            demo = folder / DEMO_HOME
            return demo if (demo / FILE).is_file() and not _read(folder / FILE).get("sources") else folder
    msg = f"There is no {FILE} in {Path.cwd()} or any folder above it."
    raise SettingsError(msg, cure="Run this inside the workspace's folder, or `workspace init` to start a new one.")


def load_settings(home: Path | str | None = None) -> Settings:
    """Read and check the settings of a home.

    Args:
        home: The folder of `workspace.toml`; found by `find_home` if not given.

    Raises:
        SettingsError: The file is missing, is not TOML, or has an unknown or ill-typed entry.
    """
    folder = Path(home).resolve() if home else find_home()
    raw = _read(folder / FILE)
    known = ("workspace", "keep", "sources")
    for name in raw:
        if name not in known:
            raise SettingsError(f"{folder / FILE} has an unknown section [{name}].", cure=did_you_mean(name, known))
    section = dict(raw.get("workspace", {}))
    where = f"{folder / FILE} [workspace]"
    for key, default in (("lake", "var/lake"), ("var", "var"), ("pipelines", "pipelines")):
        value = section.get(key, default)
        if not isinstance(value, str):
            raise SettingsError(f"{where} {key} must be a string.", cure=f"Write {key} = '{default}'.")
        local = "://" not in value
        section[key] = str((folder / value).resolve()) if local else value
    section |= {"var": Path(section["var"]), "pipelines": Path(section["pipelines"]), "home": folder}
    sources = {name: _source(folder, name, entry) for name, entry in raw.get("sources", {}).items()}
    clicks = [name for name, source in sources.items() if isinstance(source, SnowplowSource)]
    if len(clicks) > 1:  # their touchpoints would be one table
        msg = f"{folder / FILE} has {len(clicks)} sources of kind snowplow: {', '.join(clicks)}."
        raise SettingsError(msg, cure="Keep one; a pipeline may write several sites into one topic, apart by app_id.")
    extra = {"keep": _build(Keep, raw.get("keep", {}), f"{folder / FILE} [keep]"), "sources": sources}
    return _build(Settings, section | extra, where)


def _source(folder: Path, name: str, entry: dict[str, Any]) -> Source:
    where = f"{folder / FILE} [sources.{name}]"
    options = dict(entry)
    kind = options.pop("kind", None)
    if kind not in KINDS:
        raise SettingsError(f"{where} has kind = {kind!r}.", cure=did_you_mean(str(kind), KINDS))
    for key in _PATHS & set(options):
        if isinstance(options[key], str) and options[key] and "://" not in options[key]:
            options[key] = str((folder / options[key]).resolve())
    return _build(KINDS[kind], options | {"name": name}, where)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"There is no {path}.", cure="Run `workspace init`, or set WORKSPACE_HOME.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.", cure="Mend that line.") from None


def _build(cls: type[T], entry: dict[str, Any], where: str) -> T:
    """Make a dataclass from a TOML table, refusing unknown keys and wrong types."""
    hints = typing.get_type_hints(cls)
    for key, value in entry.items():
        if key not in hints:
            raise SettingsError(f"{where} has an unknown entry {key!r}.", cure=did_you_mean(key, hints))
        entry = entry | {key: _checked(value, hints[key], f"{where} {key}")}
    missing = [
        f.name
        for f in dataclasses.fields(cls)  # type: ignore[arg-type]
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING and f.name not in entry
    ]
    if missing:
        raise SettingsError(f"{where} lacks {', '.join(missing)}.", cure="Add it.")
    return cls(**entry)


def _checked(value: Any, hint: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin is tuple and isinstance(value, list | tuple) and all(isinstance(v, str) for v in value):
        return tuple(value)
    if origin is Literal and value in typing.get_args(hint):
        return value
    if datetime in typing.get_args(hint) and isinstance(value, datetime):
        if value.tzinfo is None:
            raise SettingsError(f"{where} = {value} has no time zone.", cure=f"Write {value.isoformat()}Z.")
        return value.astimezone(UTC)
    plain = origin if isinstance(origin, type) and origin not in (tuple, types.UnionType) else hint
    if isinstance(plain, type) and isinstance(value, plain) and not (plain is int and isinstance(value, bool)):
        return value
    shown = getattr(hint, "__name__", None) or str(hint)
    raise SettingsError(f"{where} = {value!r} is not of type {shown}.", cure="Correct the value.")
