"""What somebody asks of TikTok: the parameters of a request, checked as TikTok checks them."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TypeVar

    from workspace.demo.ads.simulation import Request, Simulation

    T = TypeVar("T")

MOST_ROWS = 1000
MOST_IDS = 100


class Problem(Exception):  # noqa: N818 - it is an answer, not a failure
    """What TikTok answers instead of data.

    Args:
        code: TikTok's return code.
        message: What it says.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def wrong(message: str) -> Problem:
    """A parameter is not what it may be."""
    return Problem(40002, message)


class Asked:
    """The parameters of a request. TikTok wants lists and objects as JSON texts.

    Args:
        request: The request.
        known: The parameters that the endpoint has.
        strict: Whether any other is an error.
    """

    def __init__(self, request: Request, known: Iterable[str], *, strict: bool) -> None:
        self._query = request.query
        unknown = sorted(self._query.keys() - set(known))
        if strict and unknown:
            raise wrong(f"{unknown[0]}: Unknown field.")

    def text(self, name: str, among: Iterable[str] | None = None, default: str | None = None) -> str:
        """Give a text; one of some, if they are named."""
        value = self._query.get(name) or default
        if value is None:
            raise wrong(f"{name}: Missing data for required field.")
        if among is not None and value not in among:
            raise wrong(f"{name}: Must be one of: {', '.join(among)}.")
        return value

    def flag(self, name: str) -> bool:
        """Give a yes or no; no unless asked for."""
        return self.text(name, ("true", "false", "True", "False"), "false").lower() == "true"

    def texts(self, name: str, default: Sequence[str] | None = None) -> list[str]:
        """Give a list of texts."""
        if name not in self._query and default is not None:
            return list(default)
        value = _json(self.text(name), name)
        if not isinstance(value, list) or not all(isinstance(each, str | int) for each in value):
            raise wrong(f"{name}: Not a valid list.")
        return [str(each) for each in value]

    def day(self, name: str) -> date:
        """Give a day."""
        try:
            return date.fromisoformat(self.text(name))
        except ValueError:
            raise wrong(f"{name}: Not a valid date, format should be YYYY-MM-DD.") from None

    def conditions(self) -> dict[str, Any]:
        """Give the object that entities are filtered by."""
        value = _json(self._query.get("filtering") or "{}", "filtering")
        if not isinstance(value, dict):
            raise wrong("filtering: Not a valid mapping type.")
        return value

    def filters(self) -> dict[str, list[str]]:
        """Give the list of filters of a report: each with a field, a type and a value that is a JSON text again."""
        value = _json(self._query.get("filtering") or "[]", "filtering")
        if not isinstance(value, list):
            raise wrong("filtering: Not a valid list.")
        found = {}
        for one in value:
            if not isinstance(one, dict) or one.keys() != {"field_name", "filter_type", "filter_value"}:
                raise wrong("filtering: field_name, filter_type and filter_value must be specified together.")
            if one["filter_type"] != "IN":
                raise wrong(f"filtering: {one['filter_type']} is not simulated.")
            values = _json(one["filter_value"], "filter_value")
            if not isinstance(values, list):
                raise wrong("filter_value: must be a valid JSON array character string.")
            found[one["field_name"]] = [str(each) for each in values]
        return found

    def page(self, sim: Simulation) -> tuple[int, int]:
        """Give the number of the page, and how many rows one has; the simulation may make them smaller."""
        page, size = self._whole("page", 1, None), self._whole("page_size", 10, MOST_ROWS)
        return page, min(size, sim.page or size)

    def _whole(self, name: str, default: int, most: int | None) -> int:
        try:
            value = int(self._query.get(name) or default)
        except ValueError:
            raise wrong(f"{name}: Not a valid integer.") from None
        if value < 1 or (most is not None and value > most):
            raise wrong(f"{name}: Must be between 1 and {most or 'the last page'}.")
        return value


def paged(rows: Sequence[T], page: tuple[int, int]) -> tuple[Sequence[T], dict[str, int]]:
    """Give the rows of a page, and what TikTok says of the pages."""
    number, size = page
    info = {"page": number, "page_size": size, "total_number": len(rows), "total_page": -(-len(rows) // size)}
    return rows[(number - 1) * size : number * size], info


def chosen(record: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """Give the fields of a record that were asked for."""
    unknown = [name for name in fields if name not in record]
    if unknown:
        raise wrong(f"fields: Invalid fields: {unknown}.")
    return {name: record[name] for name in fields} if fields else dict(record)


def number(sim: Simulation, identity: str) -> str | int:
    """Give an id as TikTok sends it: a text, or a JSON number where the knob `numeric_ids` says so."""
    return int(identity) if sim.settings.get("numeric_ids") else identity


def moment(at: datetime) -> str:
    """Write a moment (UTC)."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError):
        raise wrong(f"{name}: Not a valid JSON text.") from None
