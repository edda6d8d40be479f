"""The commands for a home: init, lab, resnapshot."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workspace.cli.group import servers

if TYPE_CHECKING:
    from workspace.settings import Settings

_TOML = """\
# The workspace's settings. Relative paths start at this file's folder.

[workspace]
lake = "var/lake"              # the Delta tables, in a folder on a local disk
var = "var"                    # ledger, executed notebooks, reports; not on a network file system
pipelines = "pipelines"        # pipeline notebooks, and pipeline.toml, which schedules them
# metrics = "workspace.metrics"  # the module that defines every metric
# engine = "duckdb"              # or a Spark Connect server: "sc://host:15002"
# parallel = 2                   # how many steps may run at once

# One section a source. The connection string is read from the environment, never from a file.
#
# [sources.inventory_db]
# kind = "postgres"
# dsn_env = "INVENTORY_DB_DSN"
# tables = ["public.*"]
# clock = "commit"               # or "message", with history_from, where the writer stamps its transactions
# personal = ["users.email"]     # columns that hold personal data
# required = true                # a release needs it
# required_tables = []           # no release without these, each whole
#
# [sources.fx]
# kind = "fx"
# location = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist.zip"
#
# [sources.clickstream]
# kind = "snowplow"              # enriched events, from Kafka, from an archive of files, or from both
# brokers = "host:9092"          # or "$NAME": from the environment
# topic = "enriched"
# bad_topic = "bad"              # what the pipeline itself refused
# archive = "events/archive"     # a folder or an object store's prefix; files of lines, plain or gzip
# schemas = "events/iglu"        # a static Iglu registry: types for your own events
# conversions = ["purchase"]     # event names that make a visit a converted one
# on_gap = "stop"                # or "record": go on without what Kafka deleted, and keep that on record
# personal = []                  # further fields that hold personal data
# required = false               # a release is published without it, and says so
#
# [sources.clickstream.kafka]    # librdkafka's properties by their own names; secrets as "$NAME"
# "security.protocol" = "SASL_SSL"
# "sasl.mechanism" = "SCRAM-SHA-512"
# "sasl.username" = "workspace"
# "sasl.password" = "$KAFKA_PASSWORD"
#
# [sources.google_ads]
# kind = "ads"
# platform = "google_ads"        # or "facebook_ads", "tiktok_ads", "twitter_ads", each with credentials of its own
# since = 2026-01-01             # the first day to read
# accounts = []                  # ids; empty: all that the credentials reach
# conversions = []               # the actions that count, in the platform's words; empty: purchases
#
# [sources.google_ads.credentials]
# client_id = "$GOOGLE_ADS_CLIENT_ID"
# client_secret = "$GOOGLE_ADS_CLIENT_SECRET"
# refresh_token = "$GOOGLE_ADS_REFRESH_TOKEN"
# developer_token = "$GOOGLE_ADS_DEVELOPER_TOKEN"
#
# [sources.sheets]
# kind = "sheets"
# workbook = "planning.xlsx"     # or a folder of workbooks
#
# [sources.sheets.tables.targets]
# sheet = "Targets"
# key = ["month", "city"]
# columns = { month = "month", city = "text", target = "decimal" }

[keep]
days = 90                      # every release stays readable that long,
month_ends = true              # and the last one of each month for good
"""

# Lab's news pop-up asks a server on the internet; windowing leaves holes in printed notebooks.
_QUIET = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}

_SOCKET = 103  # characters in a socket's path on macOS; Linux has four more


def init() -> None:
    """Write a workspace.toml with every setting explained into this folder."""
    from workspace.cli.shown import say
    from workspace.errors import SettingsError
    from workspace.settings import FILE

    path = Path.cwd() / FILE
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_TOML)
    except FileExistsError:
        raise SettingsError(f"{path} exists already and was left as it is.", cure="Edit it.") from None
    say(f"Wrote {path}. Next:")
    say("1. Describe your sources in it, and put each connection string into the variable that it names.")
    if not (Path.cwd() / "pipelines").is_dir():
        say("2. Copy the folder pipelines/ of the workspace's repository here: its notebooks and pipeline.toml.")
    say("3. `workspace doctor` says what the databases still need; then `workspace tick`.")


def lab() -> None:
    """Open JupyterLab on this home's notebooks, for this machine only; the demo's servers stay up meanwhile."""
    from workspace.errors import SettingsError
    from workspace.settings import HOME_VARIABLE, load_settings

    if importlib.util.find_spec("jupyterlab") is None:
        raise SettingsError("JupyterLab is not installed.", cure="Install the extra: bookmyevent-workspace[lab]")
    settings = load_settings()
    folder = settings.pipelines.parent
    config = quiet_config(settings)
    with servers(settings):
        environment = os.environ | {
            HOME_VARIABLE: str(settings.home),
            "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, (str(config), os.environ.get("JUPYTER_CONFIG_PATH")))),
        }
        start = "notebooks" if (folder / "notebooks").is_dir() else ""
        options = ["--ip=127.0.0.1", f"--ServerApp.root_dir={folder}", f"--LabApp.default_url=/lab/tree/{start}"]
        command = [sys.executable, "-m", "jupyterlab", *options, *kernel_options()]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--allow-root")
        raise typer.Exit(_attended(command, environment))


def quiet_config(settings: Settings) -> Path:
    """Write the defaults that make Lab ask nobody outside; a person's own settings still win."""
    folder = settings.var / "lab"
    path = folder / "labconfig" / "default_setting_overrides.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_QUIET, indent=2), encoding="utf-8")
    return folder


def kernel_options() -> list[str]:
    """Let kernels be reached by sockets in the file system: their ports would be open to everyone on the machine.

    The path of such a socket has 103 characters at most, and a kernel with a longer one would just never answer; where
    it does not fit, ports it is, which ask for a key.
    """
    from jupyter_core.paths import jupyter_runtime_dir

    longest = Path(jupyter_runtime_dir()) / f"kernel-{uuid.UUID(int=0)}-ipc-5"
    return ["--KernelManager.transport=ipc"] if len(os.fsencode(longest)) <= _SOCKET else []


def resnapshot(source: Annotated[str, typer.Argument(help="A PostgreSQL source of workspace.toml.")]) -> None:
    """Read a database again as a whole, after its replication slot was lost, and record what differs as changed now."""
    from workspace.cli.shown import out, say
    from workspace.errors import SettingsError
    from workspace.lake import Lake
    from workspace.runs import Lease
    from workspace.settings import PostgresSource, load_settings
    from workspace.sources.postgres import resnapshot as work

    settings = load_settings()
    chosen = settings.source(source)
    if not isinstance(chosen, PostgresSource):
        raise SettingsError(f"{source} is no PostgreSQL database.", cure="Only those can be read again as a whole.")
    with servers(settings), Lease(settings.var, f"workspace resnapshot {source}"), out.status(f"Reading {source}"):
        done = work(chosen, Lake(settings.lake), run="by hand", now=settings.now())
    say(str(done))
    say("`workspace tick` brings it into a release.")


def _attended(command: list[str], environment: dict[str, str]) -> int:
    """Run a program until it ends; Ctrl-C is its to answer, and it gets SIGTERM handed on."""
    process = subprocess.Popen(command, env=environment)
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None),
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: process.terminate()),
    }
    try:
        return process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
