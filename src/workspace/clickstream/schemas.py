"""Types of self-describing data, from the JSON Schemas of a static Iglu registry.

The registry is a folder, or an object store's prefix, with a file `<vendor>/<name>/jsonschema/<M-R-A>` for each schema.
Within a model (`M`) versions only ever add, so all of them together say what its fields are.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pyarrow import fs

from workspace.errors import SourceError

TEXT = "string"
"""The type of whatever has none, or several: it is kept as it came, lists and objects as JSON."""

_TYPES = {"integer": "int64", "number": "float64", "boolean": "boolean", "string": TEXT}
_FORMATS = {"date-time": "timestamp('UTC')", "date": "date"}
_VERSION = re.compile(r"(\d+)-(\d+)-(\d+)")


def fields_of(registry: str, name: str, model: int) -> dict[str, str] | None:
    """Give the fields of a model, with the types that Ibis calls them by.

    Args:
        registry: The folder or prefix; none if empty.
        name: `vendor/name`.
        model: The first number of the version.

    Returns:
        The fields in the order in which the versions brought them; None if there is no schema of this model.

    Raises:
        SourceError: A schema is no JSON object, or the registry cannot be read.
    """
    schemas = _schemas(registry, name, model) if registry else []
    if not schemas:
        return None
    found: dict[str, str] = {}
    for schema in schemas:
        properties = schema.get("properties")
        for field, declared in (properties if isinstance(properties, dict) else {}).items():
            kind = _type(declared)
            found[field] = kind if found.get(field, kind) == kind else _common(found[field], kind)
    return found


def names_in(registry: str) -> set[str]:
    """List what the registry knows, each as `vendor/name/model`."""
    if not registry:
        return set()
    files, root = fs.FileSystem.from_uri(registry) if "://" in registry else (fs.LocalFileSystem(), registry)
    found = files.get_file_info(fs.FileSelector(root, recursive=True, allow_not_found=True))
    paths = (info.path.removeprefix(root).strip("/").split("/") for info in found if info.is_file)
    return {
        f"{parts[-4]}/{parts[-3]}/{parts[-1].partition('-')[0]}"
        for parts in paths
        if len(parts) == 4 and _VERSION.fullmatch(parts[-1])
    }


def _schemas(registry: str, name: str, model: int) -> list[dict[str, Any]]:
    """Read the schemas of a model, oldest first."""
    files, root = fs.FileSystem.from_uri(registry) if "://" in registry else (fs.LocalFileSystem(), registry)
    folder = fs.FileSelector(f"{root}/{name}/jsonschema", allow_not_found=True)
    try:
        paths = [(info.base_name, info.path) for info in files.get_file_info(folder) if info.is_file]
    except OSError as error:
        msg = f"The Iglu registry at {registry} cannot be read: {error}."
        raise SourceError(msg, cure="Check `schemas` in workspace.toml.") from error
    versions = sorted(
        (tuple(map(int, match.groups())), path) for base, path in paths if (match := _VERSION.fullmatch(base))
    )
    return [_read(files, path) for version, path in versions if version[0] == model]


def _read(files: fs.FileSystem, path: str) -> dict[str, Any]:
    try:
        with files.open_input_stream(path) as stream:
            schema = json.loads(stream.read())
        if isinstance(schema, dict):
            return schema
        problem = "it is no JSON object"
    except (OSError, ValueError) as error:
        problem = str(error)
    raise SourceError(f"The schema {path} cannot be read: {problem}.", cure="Mend the file, or take it away.")


def _type(declared: object) -> str:
    if not isinstance(declared, dict):
        return TEXT
    said = declared.get("type")
    kinds = {kind for kind in (said if isinstance(said, list) else [said]) if kind != "null"}
    if kinds == {"integer", "number"}:
        return "float64"
    if len(kinds) != 1:
        return TEXT
    (kind,) = kinds
    if kind == "string":
        return _FORMATS.get(str(declared.get("format")), TEXT)
    return _TYPES.get(str(kind), TEXT)


def _common(one: str, other: str) -> str:
    return "float64" if {one, other} == {"int64", "float64"} else TEXT
