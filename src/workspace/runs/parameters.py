"""A notebook's typed parameters, and the values that may go into them.

A cell tagged `parameters` declares them as annotated assignments with literal defaults. It is read, never
run; values are checked before a kernel starts, and only literals of the declared types get through.
"""

from __future__ import annotations

import ast
import json
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from workspace.errors import RunError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

Value = str | int | float | bool | list[str]

TYPES = ("str", "int", "float", "bool", "list[str]")
TAG = "parameters"
GIVEN = ("run", "as_of", "period")  # the runner sets these wherever a notebook declares them


@dataclass(frozen=True)
class Parameter:
    """One declared parameter: its name, one of `TYPES`, and its default."""

    name: str
    type: str
    default: Value


def read_cells(notebook: Path) -> list[dict[str, Any]]:
    """Read a notebook's cells as plain JSON; much quicker than nbformat, and enough to look at them.

    Raises:
        RunError: The file is not a notebook.
    """
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (ValueError, KeyError, TypeError):
        raise RunError(f"{notebook} is not a notebook.", cure="Open it in `workspace lab` and save it.") from None
    return [{**cell, "source": "".join(cell["source"])} for cell in cells]


def read_parameters(notebook: Path) -> dict[str, Parameter]:
    """Read what a notebook declares in its cell tagged `parameters`.

    Args:
        notebook: The path of the notebook.

    Returns:
        The parameters by name; none if there is no such cell.

    Raises:
        RunError: The cell holds something other than `name: type = literal`.
    """
    declared: dict[str, Parameter] = {}
    for cell in read_cells(notebook):
        if TAG not in cell.get("metadata", {}).get("tags", ()):
            continue
        try:
            statements = ast.parse(cell["source"]).body
        except SyntaxError as error:
            raise RunError(f"{notebook}: the parameters cell is not Python: {error.msg}.", cure="Mend it.") from None
        for statement in statements:
            parameter = _declaration(statement, notebook)
            if parameter:
                declared[parameter.name] = parameter
    return declared


def check_values(values: Mapping[str, Any], declared: Mapping[str, Parameter], where: str) -> dict[str, Value]:
    """Check names and types of values that a notebook is to be given.

    Args:
        values: By name. A date counts as a string, a whole number as a float.
        declared: What the notebook declares.
        where: What to name in an error, e.g. "pipeline.toml [steps.check]".

    Returns:
        The values as they will be written into the notebook.

    Raises:
        RunError: A name is unknown, or a value is not of the declared type.
    """
    return {name: _checked(value, _known(name, declared, where), where) for name, value in values.items()}


def parse_values(pairs: Iterable[str], declared: Mapping[str, Parameter], where: str) -> dict[str, Value]:
    """Read `name=value` texts, as given on the command line, by the declared types.

    Raises:
        RunError: A text has no `=`, a name is unknown, or a value cannot be read.
    """
    values: dict[str, Value] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise RunError(f"{where}: {pair!r} is not name=value.", cure=f"Write -p {name}=...")
        parameter = _known(name, declared, where)
        try:
            values[name] = _checked(_PARSERS[parameter.type](text), parameter, where)
        except ValueError:
            raise _mismatch(parameter, text, where) from None
    return values


def refuse_secrets(values: Mapping[str, Value], secrets: Iterable[str], where: str) -> None:
    """Refuse values that would carry a secret into a notebook and the ledger.

    Raises:
        RunError: A value contains one; the message names the parameter only.
    """
    hidden = tuple(secrets)
    for name, value in values.items():
        texts = value if isinstance(value, list) else [str(value)]
        if any(secret in text for secret in hidden for text in texts):
            raise RunError(
                f"{where}: the value of {name} contains a connection string or password.",
                cure="Pass the source's name; the notebook's kernel finds the secret in its environment.",
            )


def _declaration(statement: ast.stmt, notebook: Path) -> Parameter | None:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return None  # a docstring
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value):
            kind = ast.unparse(annotation)
        case _:
            text = ast.unparse(statement).partition("\n")[0]
            raise RunError(
                f"{notebook}: the parameters cell holds `{text}`, which is no typed parameter.",
                cure=f"Write `name: type = value` with a type among {', '.join(TYPES)}; move the rest to another cell.",
            )
    where = f"{notebook}, parameters cell"
    if kind not in TYPES:
        raise RunError(f"{where}: {name} has the type {kind}.", cure=f"Use one of {', '.join(TYPES)}.")
    try:
        default = ast.literal_eval(value)
    except ValueError:
        raise RunError(
            f"{where}: the default of {name} is not a literal.", cure="Compute it in a later cell."
        ) from None
    parameter = Parameter(name, kind, default)
    _checked(default, parameter, where)
    return parameter


def _known(name: str, declared: Mapping[str, Parameter], where: str) -> Parameter:
    if name not in declared:
        raise RunError(f"{where}: the notebook declares no parameter {name!r}.", cure=did_you_mean(name, declared))
    return declared[name]


def _checked(value: Any, parameter: Parameter, where: str) -> Value:
    result: Value
    match parameter.type, value:
        case ("str", str()) | ("bool", bool()):
            result = value
        case "str", date():
            result = _iso(value)
        case "int", int() if not isinstance(value, bool):
            result = value
        case "float", int() | float() if not isinstance(value, bool) and math.isfinite(value):
            result = float(value)
        case "list[str]", [*items] if all(isinstance(item, str) for item in items):
            result = items
        case _:
            raise _mismatch(parameter, value, where)
    return result


def _iso(value: date) -> str:
    if isinstance(value, datetime):
        value = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    return value.isoformat()


def _mismatch(parameter: Parameter, value: object, where: str) -> RunError:
    return RunError(
        f"{where}: {parameter.name} = {value!r} is not of the declared type {parameter.type}.",
        cure=f"Give a {parameter.type}, such as {parameter.default!r}.",
    )


def _parse_bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _parse_list(text: str) -> list[str]:
    return [item.strip() for item in text.split(",")] if text else []


_PARSERS: dict[str, Callable[[str], Value]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": _parse_bool,
    "list[str]": _parse_list,
}
