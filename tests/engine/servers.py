"""Real Spark Connect servers: Sail from its wheel, and Apache Spark with Delta from the jars of `make services`."""

from __future__ import annotations

import filecmp
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

SERVERS = ("sail", "sail-cluster", pytest.param("spark", marks=pytest.mark.spark))
"""What every test of the second engine runs on."""

SERVERS_LONG = (*SERVERS[:2], pytest.param("spark", marks=(pytest.mark.spark, pytest.mark.long)))
"""The same, for tests whose plans Apache Spark takes half a minute for."""

PATIENCE = 60
_POM = Path(__file__).parents[2] / "services" / "spark" / "pom.xml"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bookmyevent-workspace" / "spark"
# Java 17 closes to libraries what Spark reaches into; its launcher opens the same.
_OPENED = (
    *("java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util"),
    *("java.util.concurrent", "java.util.concurrent.atomic", "jdk.internal.ref", "sun.nio.ch", "sun.nio.cs"),
    *("sun.security.action", "sun.util.calendar"),
)
_DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Give the URL of a server by its name in `SERVERS`; each is started when first asked for, and once."""
    with ExitStack() as running:

        @cache
        def start(name: str) -> str:
            folder = tmp_path_factory.mktemp(name)
            return running.enter_context(apache_spark(folder) if name == "spark" else sail(folder, name))

        yield start


@contextmanager
def sail(folder: Path, name: str) -> Iterator[str]:
    """Run Sail in one process, or as a cluster of a driver and two workers."""
    cluster = {"SAIL_MODE": "local-cluster", "SAIL_CLUSTER__WORKER_MAX_COUNT": "2"}
    settings = cluster if name == "sail-cluster" else {"SAIL_MODE": "local"}
    port = _free_port()
    program = str(Path(sys.executable).parent / "sail")
    command = [program, "spark", "server", "--ip", "127.0.0.1", "--port", str(port)]
    with _running(command, folder, port, settings):
        yield f"sc://127.0.0.1:{port}"


@contextmanager
def apache_spark(folder: Path, *, delta: bool = True) -> Iterator[str]:
    """Run Apache Spark's own server, in little memory; without Delta if told so."""
    _need_jars()
    port = _free_port()
    settings = {
        "spark.master": "local[2]",
        "spark.app.name": "tests",
        "spark.ui.enabled": "false",
        "spark.log.level": "WARN",
        "spark.sql.codegen.wholeStage": "false",  # on a few rows, compiling costs more than it saves
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.sql.shuffle.partitions": "2",
        "spark.databricks.delta.snapshotPartitions": "1",  # 50 unless told, each a task, for every table that is opened
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        **(_DELTA if delta else {}),
    }
    jars = [str(jar) for jar in sorted((_CACHE / "jars").glob("*.jar")) if delta or not jar.name.startswith("delta-")]
    command = [
        *(
            "java",
            "-Xmx1g",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-XX:+IgnoreUnrecognizedVMOptions",
            "-Duser.timezone=America/New_York",
        ),
        "--add-modules=jdk.incubator.vector",
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
        *(f"-D{key}={value}" for key, value in settings.items()),
        *("-cp", os.pathsep.join(jars), "org.apache.spark.sql.connect.service.SparkConnectServer"),
    ]
    with _running(command, folder, port, {}):
        yield f"sc://127.0.0.1:{port}"


@contextmanager
def _running(command: Sequence[str], folder: Path, port: int, settings: Mapping[str, str]) -> Iterator[None]:
    log = folder / "server.log"
    with log.open("w") as out:
        # The server's own clock stands elsewhere, so that a session which forgot its zone would be seen.
        environment = {**os.environ, **settings, "TZ": "America/New_York"}
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _wait(process, port, log)
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"no server after {PATIENCE} s:\n{log.read_text()[-3000:]}")


def _need_jars() -> None:
    fetched = _CACHE / "pom.xml"
    if fetched.exists() and filecmp.cmp(_POM, fetched, shallow=False):
        return
    missing = "Apache Spark is not fetched: run `make services`."
    if os.environ.get("WORKSPACE_SERVICES") == "required":
        pytest.fail(missing)
    pytest.skip(missing)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
