"""What the exporter and the importer agree on."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import yaml

from workspace.errors import SemanticError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VERSION = "0.2.0.dev0"
VENDOR = "WORKSPACE"
ANSI = "ANSI_SQL"

DIALECTS = {ANSI: "", "SNOWFLAKE": "snowflake", "DATABRICKS": "databricks", "BIGQUERY": "bigquery"}
"""The dialects that are read, the most general first, as sqlglot calls them."""


class InexpressibleError(Exception):
    """Something that the other side has no words for; its text is a clause that says what."""


def digest(sql: str) -> str:
    """Give eight digits that stand for an expression, so that it is seen when somebody has changed it since."""
    return hashlib.sha256(sql.encode()).hexdigest()[:8]


def extension(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Give what an entry's extension of ours says; empty if there is none."""
    for found in entry.get("custom_extensions") or ():
        if isinstance(found, dict) and found.get("vendor_name") == VENDOR:
            data = found.get("data")
            # Earlier drafts of the format wrote JSON text here.
            data = json.loads(data) if isinstance(data, str) else data
            return dict(data) if isinstance(data, dict) else {}
    return {}


def read(text: str) -> dict[str, Any]:
    """Read a document; earlier drafts of the format listed their models under `semantic_model`.

    Raises:
        SemanticError: It is no YAML, or holds no model, or more than one.
    """
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SemanticError(f"This is not YAML: {error}", cure="Mend the document.") from None
    if isinstance(found, dict) and isinstance(found.get("semantic_model"), list):
        models = found["semantic_model"]
        if len(models) != 1:
            raise SemanticError(f"The document holds {len(models)} models.", cure="Import one model at a time.")
        found = models[0]
    if not isinstance(found, dict) or not isinstance(found.get("datasets"), list) or not found["datasets"]:
        raise SemanticError("The document has no datasets.", cure=f"Give an Ossie document of version {VERSION}.")
    return found


def notes_of(text: str) -> list[str]:
    """List what an exported document could not say in the format's own words."""
    return [str(note) for note in extension(read(text)).get("notes", ())]


def named(entries: Any, what: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the entries of a list by their names.

    Raises:
        SemanticError: One has no name.
    """
    for entry in entries or ():
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"]:
            raise SemanticError(f"One of the {what} has no name: {entry!r}.", cure="Name it.")
        yield entry["name"], entry
