"""Executing a notebook outside the schedule: no lease, nothing in the ledger."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

from workspace.runs.parameters import parse_values, read_parameters, refuse_secrets
from workspace.runs.redaction import secrets
from workspace.runs.signals import terminable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from workspace.settings import Settings

_TIMEOUT = timedelta(hours=1)


def execute_notebook(settings: Settings, notebook: Path, output: Path, parameters: Sequence[str] = ()) -> None:
    """Execute a notebook that only reads, such as a report.

    Args:
        settings: Of the home.
        notebook: The notebook.
        output: Where the executed copy is kept.
        parameters: `name=value` texts, checked against what the notebook declares.

    Raises:
        RunError: A parameter is wrong, or the notebook was not executed to its end.
    """
    hidden = secrets(settings)
    refuse_secrets({text.partition("=")[0]: text for text in parameters}, hidden, str(notebook))
    values = parse_values(parameters, read_parameters(notebook), str(notebook))
    # Papermill is slow to import, so it is only now.
    from workspace.runs.execute import Execution, Executor

    executor = Executor(settings.home, hidden)
    execution = Execution(notebook=notebook, output=output, parameters=values, timeout=_TIMEOUT)
    # In a thread of its own, so that an interrupt arrives here, where it can end the kernel.
    with terminable(), ThreadPoolExecutor(1) as pool:
        try:
            pool.submit(executor.execute, execution).result()
        except KeyboardInterrupt:
            executor.stop()
            raise
