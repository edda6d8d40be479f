"""`workspace.toml` and the environment, as typed settings.

A *home* is a folder with a `workspace.toml`; every relative path in the file starts there.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workspace.errors import SettingsError, did_you_mean
from workspace.settings.sources import KINDS, PATHS, AdsSource, FxSource, PostgresSource, SnowplowSource, Source
from workspace.settings.typed import build
from workspace.settings.workbooks import SheetColumn, SheetsSource, SheetTable

FILE = "workspace.toml"
HOME_VARIABLE = "WORKSPACE_HOME"
DEMO_HOME = Path("var") / "demo"

__all__ = [
    "KINDS",
    "AdsSource",
    "FxSource",
    "Keep",
    "PostgresSource",
    "Settings",
    "SheetColumn",
    "SheetTable",
    "SheetsSource",
    "SnowplowSource",
    "Source",
    "find_home",
    "load_settings",
]


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
    extra = {"keep": build(Keep, raw.get("keep", {}), f"{folder / FILE} [keep]"), "sources": sources}
    return build(Settings, section | extra, where)


def _source(folder: Path, name: str, entry: dict[str, Any]) -> Source:
    where = f"{folder / FILE} [sources.{name}]"
    options = dict(entry)
    kind = options.pop("kind", None)
    if kind not in KINDS:
        raise SettingsError(f"{where} has kind = {kind!r}.", cure=did_you_mean(str(kind), KINDS))
    for key in PATHS & set(options):
        if isinstance(options[key], str) and options[key] and "://" not in options[key]:
            options[key] = str((folder / options[key]).resolve())
    return build(KINDS[kind], options | {"name": name}, where)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"There is no {path}.", cure="Run `workspace init`, or set WORKSPACE_HOME.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.", cure="Mend that line.") from None
