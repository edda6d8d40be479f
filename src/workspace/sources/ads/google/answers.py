"""What Google Ads means by its answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workspace.sources.ads.answers import (
    AccountRefusedError,
    Ok,
    Refresh,
    RefusedError,
    RestartError,
    Stop,
    TooLargeError,
    Wait,
)
from workspace.sources.ads.http import BrokenError

if TYPE_CHECKING:
    from workspace.errors import SourceError
    from workspace.sources.ads.answers import Verdict
    from workspace.sources.ads.http import Answer

VERSION = "v26"

_LONG = 3600.0  # seconds to stay away where a budget is used up and nobody says for how long
_DEADLINES = 3  # how often in a row an answer may take too long before fewer days are asked for
_QUOTED = re.compile(r"'([a-z_.0-9]+)'")

_PAGES = {"INVALID_PAGE_TOKEN", "EXPIRED_PAGE_TOKEN"}
_STALE = {"OAUTH_TOKEN_EXPIRED", "OAUTH_TOKEN_INVALID", "OAUTH_TOKEN_HEADER_INVALID"}
_CLOSED = {
    "CUSTOMER_NOT_ENABLED": "Nothing, or open the account again.",
    "CUSTOMER_NOT_FOUND": "Take it out of `accounts`, if it is named there.",
    "USER_PERMISSION_DENIED": "Grant the account to the user whose refresh token this is, or to its manager.",
    "ACTION_NOT_PERMITTED_FOR_SUSPENDED_ACCOUNT": "Nothing, or have the suspension lifted.",
    "INCOMPLETE_SIGNUP": "Finish signing the account up.",
    "MISSING_TOS": "Accept the terms of service in the account.",
}
_EXPENSIVE = "EXCESSIVE_SHORT_TERM_QUERY_RESOURCE_CONSUMPTION"
_LARGE = {_EXPENSIVE, "REQUEST_TOO_LARGE", "DATE_RANGE_TOO_WIDE"}
_PASSING = {"INTERNAL_ERROR", "TRANSIENT_ERROR", "DEADLINE_EXCEEDED", "CONCURRENT_MODIFICATION"}
_WITHDRAWN = {
    "UNRECOGNIZED_FIELD",
    "PROHIBITED_FIELD_IN_SELECT_CLAUSE",
    "PROHIBITED_METRIC_IN_SELECT_OR_WHERE_CLAUSE",
    "METRIC_ACCESS_DENIED",
}
_SIGN_IN = "Sign in again as a user of the accounts, and give this source the new `refresh_token`."
_CURES = {
    "OAUTH_TOKEN_REVOKED": _SIGN_IN,
    "OAUTH_TOKEN_DISABLED": _SIGN_IN,
    "GOOGLE_ACCOUNT_DELETED": _SIGN_IN,
    "NOT_ADS_USER": _SIGN_IN,
    "TWO_STEP_VERIFICATION_NOT_ENROLLED": "Turn on two-step verification for the user, and sign in again.",
    "DEVELOPER_TOKEN_PARAMETER_MISSING": "Set `developer_token` in this source's credentials.",
    "DEVELOPER_TOKEN_NOT_APPROVED": "Apply for basic access for the developer token in Google's API Center.",
    "DEVELOPER_TOKEN_INVALID": "Copy `developer_token` anew from Google's API Center.",
    "DEVELOPER_TOKEN_PROHIBITED": "Use the developer token that belongs to this Google Cloud project.",
    "INVALID_LOGIN_CUSTOMER_ID": "Write `login_customer_id` in digits only, without dashes.",
    "SERVICE_DISABLED": "Enable the Google Ads API for the Google Cloud project of `client_id`.",
}


class UnknownFieldError(RefusedError):
    """The platform does not know fields that were asked for, any more.

    Args:
        message: What it said.
        fields: Which.
    """

    def __init__(self, message: str, fields: frozenset[str]) -> None:
        super().__init__(message, cure="Update the workspace: it asks for what Google Ads has renamed or removed.")
        self.fields = fields


class TooOldError(RefusedError):
    """Clicks of that day are not kept any more."""


@dataclass(frozen=True, slots=True)
class _Failure:
    code: str
    message: str
    delay: float | None
    account: bool = False


class Verdicts:
    """Tells what an answer means; knows how many took too long in a row.

    Attributes:
        divisible: Whether several days are asked about, so that fewer could be; a single question that is too expensive
            is one for later.
    """

    def __init__(self) -> None:
        self.divisible = False
        self._late = 0

    def __call__(self, answer: Answer) -> Verdict:
        """Tell what an answer means."""
        if 200 <= answer.status < 300:
            self._late = 0
            return Ok()
        failures = _failures(answer.data)
        if any(failure.code == "DEADLINE_EXCEEDED" for failure in failures):
            self._late += 1
            if self._late >= _DEADLINES:
                self._late = 0
                said = f"Google Ads took too long {_DEADLINES} times in a row."
                return Stop(TooLargeError(said, cure="Run it again later."))
        else:
            self._late = 0
        meant = [_verdict(failure, divisible=self.divisible) for failure in failures]
        verdicts = [verdict for verdict in meant if verdict is not None]
        return verdicts[0] if verdicts else _by_status(answer, failures)


def told(answer: Answer) -> Verdict:
    """Tell what an answer to a question for an access token means.

    Raises:
        BrokenError: It is no JSON.
    """
    data = answer.data if isinstance(answer.data, dict) else {}
    if answer.status == 200 and answer.data is None:  # whatever it is, it may hold a token: it is not shown
        raise BrokenError("Google gives no access token: status 200 and a body that is no JSON")
    if answer.status == 200 and isinstance(data.get("access_token"), str):
        return Ok()
    code = data.get("error")
    if not isinstance(code, str):
        return Wait(None, f"Google gives no access token: status {answer.status}", failing=True)
    said = f"Google gives no access token: {code}: {data.get('error_description', '')}"
    cure = _SIGN_IN if code == "invalid_grant" else "Check `client_id`, `client_secret` and `refresh_token`."
    return Stop(RefusedError(said, cure=cure))


def _failures(data: Any) -> list[_Failure]:
    """Give what went wrong, one by one; a stream's refusal is in a list."""
    body = data[0] if isinstance(data, list) and data else data
    said = body.get("error") if isinstance(body, dict) else None
    error: dict[str, Any] = said if isinstance(said, dict) else {}
    found: list[_Failure] = []
    for detail in error.get("details", ()):
        for each in detail.get("errors", ()):
            code = next(iter(each.get("errorCode", {}).values()), "")
            quota = each.get("details", {}).get("quotaErrorDetails", {})
            delay, account = _seconds(quota.get("retryDelay")), quota.get("rateScope") == "ACCOUNT"
            found.append(_Failure(str(code), str(each.get("message", "")), delay, account))
        if "reason" in detail:  # from before the Ads service itself
            found.append(_Failure(str(detail["reason"]), str(error.get("message", "")), None))
    return found


def _seconds(delay: object) -> float | None:
    """Read a duration as JSON has it.

    Examples:
        >>> _seconds("40591s"), _seconds("0.5s"), _seconds(None)
        (40591.0, 0.5, None)
    """
    text = str(delay or "").removesuffix("s")
    try:
        return float(text)
    except ValueError:
        return None


def _verdict(failure: _Failure, *, divisible: bool) -> Verdict | None:
    """Tell what one failure means; None if its HTTP status says more."""
    code, said = failure.code, f"Google Ads says {failure.code}: {failure.message}"
    if code in _STALE:
        return Refresh(said)
    if code == "RESOURCE_TEMPORARILY_EXHAUSTED" or code in _PASSING or (code == _EXPENSIVE and not divisible):
        return Wait(failure.delay, said, failing=code in _PASSING, account=failure.account)
    if code in ("RESOURCE_EXHAUSTED", "EXCESSIVE_LONG_TERM_QUERY_RESOURCE_CONSUMPTION"):
        return Wait(failure.delay or _LONG, said, account=failure.account)
    error = _error(failure, said)
    return None if error is None else Stop(error)


def _error(failure: _Failure, said: str) -> SourceError | None:
    code = failure.code
    error: SourceError | None = None
    if code in _PAGES:
        error = RestartError(said, cure="Nothing: the window is asked for anew.")
    elif code in _CLOSED:
        error = AccountRefusedError(said, cure=_CLOSED[code])
    elif code in _LARGE:
        error = TooLargeError(said, cure="Run it again later.")
    elif code in _WITHDRAWN:
        error = UnknownFieldError(said, frozenset(_QUOTED.findall(failure.message)))
    elif code == "DATE_TOO_OLD":
        error = TooOldError(said)
    elif code == "UNSUPPORTED_VERSION":
        error = _retired()
    elif code in _CURES:
        error = RefusedError(said, cure=_CURES[code])
    return error


def _by_status(answer: Answer, failures: list[_Failure]) -> Verdict:
    said = "; ".join(f"{failure.code}: {failure.message}" for failure in failures) or _message(answer.data)
    said = f"Google Ads refuses with status {answer.status}: {said}"
    if answer.status == 404 and answer.data is None:
        return Stop(_retired())
    if answer.status == 429:
        return Wait(None, said)
    if answer.data is None:  # a page of somebody on the way; a body cut short
        return Ok()
    if answer.status >= 500:
        return Wait(None, said, failing=True)
    if answer.status == 401:  # whatever else it may be, another token is tried once
        return Refresh(said)
    return Stop(RefusedError(said, cure="Correct what it names; nothing of this question was taken in."))


def _message(data: Any) -> str:
    error = data.get("error") if isinstance(data, dict) else None
    return str(error.get("message", "")) if isinstance(error, dict) else ""


def _retired() -> RefusedError:
    said = f"Google Ads does not speak version {VERSION} of its API any more: a retired version is simply not found."
    return RefusedError(said, cure="Update the workspace to a release that speaks a newer one.")
