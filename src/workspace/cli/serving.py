"""The command that serves assistants: mcp."""

from __future__ import annotations

import importlib.util


def mcp() -> None:
    """Serve the metrics to an assistant over MCP, read-only, on standard input and output.

    An assistant's settings name this command; nobody types it. It reads the newest release, call by call, and shows no
    personal columns.
    """
    from workspace.errors import SettingsError
    from workspace.settings import load_settings

    if importlib.util.find_spec("mcp") is None:
        raise SettingsError("The package mcp is not installed.", cure="Install the extra: bookmyevent-workspace[mcp]")
    from workspace.cli.assistants import serve

    serve(load_settings()).run("stdio")
