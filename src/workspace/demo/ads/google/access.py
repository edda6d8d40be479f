"""Who may ask Google Ads for what: access tokens, developer tokens, and the tree of managers over accounts."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING

from workspace.demo.ads.google.errors import FailureError
from workspace.demo.ads.simulation import Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workspace.demo.ads.book import Account
    from workspace.demo.ads.simulation import Request, Simulation

LASTS = 3599  # seconds
_SCOPE = "https://www.googleapis.com/auth/adwords"
_FORM = {"grant_type", "client_id", "client_secret", "refresh_token"}
UNAPPROVED = "test"
"""A developer token that may only ask test accounts, and none of ours is one."""


def token(sim: Simulation, request: Request) -> Reply:
    """Answer `POST /token`: an access token for a refresh token."""
    known, form = sim.credentials["google_ads"], request.form
    if sim.strict and form.keys() - _FORM:
        return _refused("invalid_request", f"Parameter not allowed: {min(form.keys() - _FORM)}")
    if form.get("grant_type") != "refresh_token":
        return _refused("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
    if (form.get("client_id"), form.get("client_secret")) != (known.get("client_id"), known.get("client_secret")):
        return _refused("invalid_client", "The OAuth client was not found.", 401)
    if form.get("refresh_token") != known.get("refresh_token"):
        return _refused("invalid_grant", "Token has been expired or revoked.")
    given = _given(sim)
    serial = sim.state["google_ads"]["serial"] = sim.state["google_ads"].get("serial", 0) + 1
    fresh = "ya29." + blake2b(f"{known['refresh_token']}:{serial}".encode(), digest_size=24).hexdigest()
    given[fresh] = sim.now + timedelta(seconds=LASTS)
    return Reply(200, {"access_token": fresh, "expires_in": LASTS, "scope": _SCOPE, "token_type": "Bearer"})


def _refused(code: str, said: str, status: int = 400) -> Reply:
    return Reply(status, {"error": code, "error_description": said})


def invalid_grant() -> Reply:
    """Say that the refresh token is no good any more."""
    return _refused("invalid_grant", "Token has been expired or revoked.")


def _given(sim: Simulation) -> dict[str, datetime]:
    given: dict[str, datetime] = sim.state["google_ads"].setdefault("tokens", {})
    return given


def expire(sim: Simulation) -> None:
    """Let every access token that was given out run out now."""
    _given(sim).update(dict.fromkeys(_given(sim), sim.now))


def check(sim: Simulation, request: Request) -> None:
    """Check the access token and the developer token.

    Raises:
        FailureError: One of them is missing or no good.
    """
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    until = _given(sim).get(shown)
    if scheme.lower() != "bearer" or until is None:
        raise FailureError(401, "authenticationError", "OAUTH_TOKEN_INVALID", "OAuth token header is not valid.")
    if until <= sim.now:
        raise FailureError(401, "authenticationError", "OAUTH_TOKEN_EXPIRED", "OAuth token has expired.")
    developer = request.headers.get("developer-token")
    if not developer:
        said = "Developer token header 'developer-token' was not found."
        raise FailureError(400, "requestError", "DEVELOPER_TOKEN_PARAMETER_MISSING", said)
    if developer == UNAPPROVED:
        said = "The developer token is only approved for use with test accounts."
        raise FailureError(403, "authorizationError", "DEVELOPER_TOKEN_NOT_APPROVED", said)
    if developer != sim.credentials["google_ads"].get("developer_token"):
        said = "The developer token is not valid."
        raise FailureError(401, "authenticationError", "DEVELOPER_TOKEN_INVALID", said)


class Tree:
    """Which account is managed by which.

    The setting `google_tree` gives each manager's direct clients, and `google_accessible` the accounts that the user
    was let into. Without them every manager has all accounts below it, and the user was let into the managers.

    Args:
        sim: The simulation.
    """

    def __init__(self, sim: Simulation) -> None:
        self.accounts = {account.id: account for account in sim.book.accounts("google_ads")}
        managers = [account.id for account in self.accounts.values() if account.manager]
        others = [account.id for account in self.accounts.values() if not account.manager]
        self._below: dict[str, list[str]] = sim.settings.get("google_tree") or dict.fromkeys(managers, others)
        self.accessible: list[str] = sim.settings.get("google_accessible") or managers or others

    def below(self, root: str) -> Sequence[tuple[Account, int]]:
        """Give an account and all that it manages, each once, with its distance."""
        found, waiting = {root: 0}, deque([root])
        while waiting:
            above = waiting.popleft()
            for client in self._below.get(above, ()):
                if client not in found:
                    found[client] = found[above] + 1
                    waiting.append(client)
        return [(self.accounts[client], level) for client, level in found.items() if client in self.accounts]

    def reach(self, account: str, login: str | None) -> Account:
        """Give an account, if the user may ask about it.

        Raises:
            FailureError: It is none, is not the user's, or is not enabled.
        """
        if not (account.isascii() and account.isdecimal()):
            raise FailureError(400, "requestError", "INVALID_CUSTOMER_ID", f"Invalid customer ID '{account}'.")
        if login is not None and not (login.isascii() and login.isdecimal()):
            said = "The login customer ID is not valid; it is digits only, without dashes."
            raise FailureError(400, "headerError", "INVALID_LOGIN_CUSTOMER_ID", said)
        through = login or account
        reached = [client.id for client, _ in self.below(through)] if through in self.accessible else []
        if account not in reached:
            said = (
                "User doesn't have permission to access customer. Note: If you're accessing a client customer, the "
                "manager's customer id must be set in the 'login-customer-id' header."
            )
            raise FailureError(403, "authorizationError", "USER_PERMISSION_DENIED", said)
        if self.accounts[account].status != "enabled":
            said = "The customer account can't be accessed because it is not yet enabled or has been deactivated."
            raise FailureError(403, "authorizationError", "CUSTOMER_NOT_ENABLED", said)
        return self.accounts[account]
