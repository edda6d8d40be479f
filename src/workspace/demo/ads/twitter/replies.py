"""How X words its answers: data with an echo of what was asked, or errors with codes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from workspace.demo.ads.simulation import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workspace.demo.ads.book import Account
    from workspace.demo.ads.simulation import Request, Simulation

CURRENT = "12"
VERSIONS = {"11": "Version 11 is deprecated, please move to version 12.", "12": ""}
_LISTS = re.compile(r"(_ids|metric_groups)$")
_PAGE = b"<!DOCTYPE html><html><head><title>404</title></head><body>Sorry, that page does not exist.</body></html>"


class Refused(Exception):  # noqa: N818  # X's answer, not a failure of ours
    """What X refuses to answer, and how.

    Args:
        status: The HTTP status.
        code: X's word for it.
        message: What it says.
        more: What the error carries besides, such as `parameter`.
    """

    def __init__(self, status: int, code: str, message: str, **more: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = {**more, "code": code, "message": message}


def invalid(parameter: str, message: str, value: str = "") -> Refused:
    """Give what X says of a parameter that it does not accept."""
    return Refused(400, "INVALID_PARAMETER", message, parameter=parameter, details="invalid value", value=value)


class Asked:
    """A request to X, read.

    Args:
        sim: The simulation.
        request: The request.
        account: The account that it is about, if it is about one.
    """

    def __init__(self, sim: Simulation, request: Request, account: Account | None = None) -> None:
        self.sim, self.request, self.account = sim, request, account
        self.query = dict(request.query)
        self._echoed: dict[str, Any] = {} if account is None else {"account_id": account.id}

    @property
    def of(self) -> Account:
        """The account."""
        if self.account is None:
            raise RuntimeError("no account was asked about")
        return self.account

    def known(self, *names: str) -> None:
        """Refuse parameters that are none of these."""
        unknown = sorted(self.query.keys() - set(names))
        if unknown and self.sim.strict:
            raise invalid(unknown[0], f"unexpected parameter {unknown[0]}", self.query[unknown[0]])

    def required(self, name: str) -> str:
        """Give a parameter that must be there."""
        if not self.query.get(name):
            raise Refused(400, "MISSING_PARAMETER", f"{name} is a required parameter", parameter=name)
        return self.query[name]

    def several(self, name: str, most: int = 200) -> list[str]:
        """Give a parameter's comma-separated values."""
        values = [each for each in self.query.get(name, "").split(",") if each]
        if len(values) > most:
            raise invalid(name, f"{name} takes at most {most} values, got {len(values)}")
        return values

    def flag(self, name: str) -> bool:
        """Give a parameter that is true or false."""
        value = self.query.get(name, "false").lower()  # some clients write True
        if value not in ("true", "false"):
            raise invalid(name, f'Expected boolean, got "{value}" for {name}', value)
        return value == "true"

    def number(self, name: str, usual: int, most: int) -> int:
        """Give a parameter that is a number from 1 on."""
        value = self.query.get(name, str(usual))
        if not value.isdigit() or not 1 <= int(value) <= most:
            raise invalid(name, f'Expected number between 1 and {most}, got "{value}" for {name}', value)
        return int(value)

    def echo(self, **values: Any) -> dict[str, Any]:
        """Give X's echo of the parameters, with some of them as X understood them."""
        params = dict(self._echoed)
        for name, value in self.query.items():
            params[name] = value.split(",") if _LISTS.search(name) else value
            if value in ("true", "false"):
                params[name] = value == "true"
            if name == "count":
                params[name] = int(value)
        return {"params": {**params, **values}}


def headers(sim: Simulation, request: Request, version: str = CURRENT) -> dict[str, str]:
    """Give the headers that each answer of X has."""
    number: int = sim.state["twitter_ads"].get("answers", 0)
    sim.state["twitter_ads"]["answers"] = number + 1
    told = {
        "x-current-api-version": CURRENT,
        "x-transaction-id": blake2b(f"{number} {request.path}".encode(), digest_size=8).hexdigest(),
        "date": format_datetime(sim.now.astimezone(UTC), usegmt=True),
    }
    if VERSIONS.get(version):
        told["x-api-warn"] = VERSIONS[version]
    return told


def errors(status: int, *told: Mapping[str, str], params: Mapping[str, Any] | None = None) -> Reply:
    """Give an answer of errors."""
    return Reply(status, {"errors": list(told), "request": {"params": dict(params or {})}})


def unknown_page(status: int = 404) -> Reply:
    """Give the page that X shows where there is nothing: no JSON."""
    return Reply(status, _PAGE, {"x-current-api-version": CURRENT}, "text/html; charset=utf-8")


def unauthorized() -> Reply:
    """Give what X says to who is not properly signed; by the clock that signatures are held against."""
    reply = errors(401, {"code": "UNAUTHORIZED_ACCESS", "message": "This request is not properly authenticated"})
    reply.headers["date"] = format_datetime(datetime.now(UTC), usegmt=True)
    return reply


def utc(moment: datetime) -> str:
    """Write a moment as X does."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
