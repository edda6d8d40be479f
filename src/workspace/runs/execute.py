"""Executing one notebook by papermill: the only module that knows papermill and the kernel's protocol.

Each execution has its own kernel, run by the Python that runs this, over sockets in a directory of its own;
nothing needs to be registered with Jupyter. Importing this module costs a second or more, so it is imported
only once something is to be executed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import papermill
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_core.utils import ensure_event_loop
from nbclient.exceptions import DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines

import workspace.errors
from workspace.errors import DeferredError, RunError, SettingsError, WorkspaceError
from workspace.runs.processes import kill_tree
from workspace.runs.redaction import redact
from workspace.settings import HOME_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta

    from workspace.runs.parameters import Value

_ENGINE = "workspace"
# What the operating system calls a disk with no room for us, in whatever library's error.
_FULL = ("No space left on device", "Disk quota exceeded", "File too large", "database or disk is full")
_LINES = 15  # of an error's text: what fits on a screen together with where it happened


class NotebookError(RunError):
    """A notebook was not executed to its end.

    Args:
        message: What happened, in one screen, without secrets.
        state: What the ledger calls it.
        cure: What the notebook's own error says to do.
        lasting: Whether another attempt would fail in the same way, until somebody changes the settings.
    """

    def __init__(
        self,
        message: str,
        *,
        state: Literal["failed", "timeout", "interrupted", "deferred"],
        cure: str = "",
        lasting: bool = False,
    ) -> None:
        super().__init__(message, cure=cure)
        self.state = state
        self.lasting = lasting


@dataclass(frozen=True, kw_only=True)
class Execution:
    """What to execute, and where to keep it.

    Attributes:
        notebook: The notebook; it is not changed. Its folder is the kernel's working directory.
        output: Where the executed copy is kept, and renewed after each cell.
        parameters: Checked values by name.
        timeout: How long it may take as a whole.
    """

    notebook: Path
    output: Path
    parameters: Mapping[str, Value]
    timeout: timedelta


class Executor:
    """Executes notebooks, also several at once from several threads, and can stop them all.

    Args:
        home: What `WORKSPACE_HOME` is in the kernels.
        hidden: Secrets that must not be in anything kept or shown.
    """

    def __init__(self, home: Path, hidden: tuple[str, ...]) -> None:
        self._home = home
        self._hidden = hidden
        self._lock = threading.Lock()
        self._kernels: set[_Kernel] = set()
        self._stopped = False

    def stop(self) -> None:
        """Kill every kernel with all that it started, and start no further one."""
        with self._lock:
            self._stopped = True
            kernels = tuple(self._kernels)
        for kernel in kernels:
            kernel.kill("interrupted")

    def execute(self, execution: Execution) -> None:
        """Execute a notebook to its end.

        Raises:
            NotebookError: A cell raised, the kernel died, the time was over, or `stop` was called.
        """
        execution.output.parent.mkdir(parents=True, exist_ok=True)
        with self._kernel() as kernel:
            watch = threading.Timer(execution.timeout.total_seconds(), kernel.kill, ["timeout"])
            watch.daemon = True
            watch.start()
            try:
                self._run(execution, kernel)
            except Exception as error:  # noqa: BLE001 - whatever a kernel does must not stop the other steps
                raise self._explain(error, execution, kernel) from None
            finally:
                watch.cancel()
                watch.join()

    def _run(self, execution: Execution, kernel: _Kernel) -> None:
        # Braces in a path would be taken for papermill's own placeholders.
        source, output = (
            str(path).replace("{", "{{").replace("}", "}}") for path in (execution.notebook, execution.output)
        )
        papermill.execute_notebook(
            source,
            output,
            dict(execution.parameters),
            engine_name=_ENGINE,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            kernel=kernel,
            hidden=self._hidden,
            folder=execution.notebook.parent,
        )

    @contextmanager
    def _kernel(self) -> Iterator[_Kernel]:
        with tempfile.TemporaryDirectory(prefix="kernel-") as folder, (Path(folder) / "stderr").open("w+b") as log:
            kernel = _Kernel(Path(folder), log, {**os.environ, HOME_VARIABLE: str(self._home)})
            with self._lock:
                self._kernels.add(kernel)
                if self._stopped:
                    kernel.kill("interrupted")
            try:
                yield kernel
            finally:
                with self._lock:
                    self._kernels.discard(kernel)
                # The client opens a loop for each thread that it works in, and leaves it open.
                ensure_event_loop().close()
                asyncio.set_event_loop(None)

    def _explain(self, error: Exception, execution: Execution, kernel: _Kernel) -> NotebookError:
        where = f"Executed notebook: {execution.output}"
        if kernel.killed == "timeout":
            return NotebookError(f"It took longer than {execution.timeout} and was stopped.\n{where}", state="timeout")
        if kernel.killed == "interrupted":
            return NotebookError("It was interrupted.", state="interrupted")
        if isinstance(error, papermill.PapermillExecutionError):
            text, cure = _own_words(str(error.ename), redact(str(error.evalue), self._hidden))
            state: Literal["failed", "deferred"] = "deferred" if error.ename == DeferredError.__name__ else "failed"
            lasting = error.ename == SettingsError.__name__
            said = f"{_short(text)}\n{where}, cell [{error.exec_count}]"
            return NotebookError(said, state=state, cure=cure, lasting=lasting)
        text, cure = _own_words(type(error).__name__, str(error))
        if isinstance(error, DeadKernelError) or "Kernel died" in text:
            text = "Its kernel died: killed from outside, out of memory, or crashed in native code."
        said = redact(f"{_short(text)}\n{_short(kernel.last_words())}".strip(), self._hidden)
        return NotebookError(f"{said}\n{where}", state="failed", cure=cure)


class _Kernel:
    """One kernel process, which any thread may kill at any time, before it started too."""

    def __init__(self, folder: Path, log: IO[bytes], environment: dict[str, str]) -> None:
        self.folder = folder
        self.log = log
        # A person's own IPython profile must not change what a schedule computes.
        self.environment = environment | {"IPYTHONDIR": str(folder / "ipython"), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        self.killed: Literal["timeout", "interrupted"] | None = None
        self._pid: int | None = None
        self._lock = threading.Lock()

    def started(self, manager: _Manager) -> None:
        assert isinstance(manager.provisioner, LocalProvisioner)  # noqa: S101 - the manager knows no other
        with self._lock:
            self._pid = manager.provisioner.pid
            if self.killed and self._pid:
                kill_tree(self._pid)

    def kill(self, why: Literal["timeout", "interrupted"]) -> None:
        with self._lock:
            self.killed = self.killed or why
            if self._pid:
                kill_tree(self._pid)

    def last_words(self) -> str:
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace").strip()


class _Manager(AsyncKernelManager):
    """Starts kernels with this very Python, whatever kernels are registered on the machine."""

    def __init__(self, kernel: _Kernel, **options: Any) -> None:
        super().__init__(transport="ipc", ip=str(kernel.folder / "s"), **options)

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            # Without automagic: it takes a cell of the one line `run: str = ""` for the magic %run.
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--no-automagic"],
            language="python",
        )


class _Execution(NotebookExecutionManager):  # type: ignore[misc] # papermill brings no types
    """Takes secrets out of the notebook before papermill writes it."""

    def __init__(self, nb: Any, *, hidden: tuple[str, ...], **options: Any) -> None:
        super().__init__(nb, **options)
        self._hidden = hidden

    def save(self, **options: Any) -> None:
        for cell in self.nb.cells:
            redact(cell, self._hidden)
        super().save(**options)


class _Engine(Engine):  # type: ignore[misc] # papermill brings no types
    """Papermill's engine, with a kernel of ours."""

    @classmethod
    def execute_notebook(
        cls,
        nb: Any,
        kernel_name: str,
        *,
        output_path: str,
        kernel: _Kernel,
        hidden: tuple[str, ...],
        folder: Path,
        **_: Any,
    ) -> Any:
        execution = _Execution(nb, hidden=hidden, output_path=output_path, progress_bar=False)
        execution.notebook_start()
        manager = _Manager(kernel, kernel_name=kernel_name)
        client = PapermillNotebookClient(
            execution, km=manager, resources={"metadata": {"path": str(folder)}}, timeout=None, log=_LOG
        )
        try:
            client.start_new_kernel(env=kernel.environment, stdout=kernel.log, stderr=kernel.log)
            kernel.started(manager)
            client.execute(cleanup_kc=True)
        finally:
            execution.notebook_complete()
        return execution.nb


def _own_words(name: str, text: str) -> tuple[str, str]:
    """Split what was raised into what happened and what to do, as far as the second is known."""
    kind = getattr(workspace.errors, name, None)
    if isinstance(kind, type) and issubclass(kind, WorkspaceError):
        message, _, cure = text.partition("\nWhat to do: ")
        return message, cure
    if any(words in text for words in _FULL):
        return f"The disk is full. {name}: {text}", "Make room (`workspace doctor` tells where), then run it again."
    return f"{name}: {text}", ""


def _short(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(
        lines if len(lines) <= _LINES else [*lines[: _LINES - 1], f"... and {len(lines) - _LINES + 1} more lines"]
    )


# What papermill and its client have to say is in the error; twice would be once too often.
_LOG = logging.getLogger("papermill")
_LOG.setLevel(logging.CRITICAL)
papermill_engines.register(_ENGINE, _Engine)
