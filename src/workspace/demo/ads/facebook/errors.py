"""What Meta says when something is wrong: one shape for all, and a code that means more than the HTTP status."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from workspace.demo.ads.simulation import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

_GRAPH_DOCS = "https://developers.facebook.com/docs/graph-api"
_FIELDS_DOCS = "https://developers.facebook.com/docs/marketing-api/reference/ads-insights/"
_RATE_DOCS = "https://developers.facebook.com/docs/graph-api/overview/rate-limiting"
_RATE = {
    4: ("(#4) Application request limit reached", 1504022),
    17: ("User request limit reached", 2446079),
    32: ("(#32) Page request limit reached", 0),
    341: ("(#341) Application limit reached", 0),
    613: ("(#613) Calls to this api have exceeded the rate limit.", 0),
}


class GraphError(Exception):
    """An error as the Graph API tells it.

    Args:
        code: Meta's own.
        message: What it says.
        kind: `OAuthException` or `GraphMethodException`.
        status: The HTTP status.
        more: Further keys: `error_subcode`, `is_transient`, `error_user_title`, `error_user_msg`.
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        kind: str = "OAuthException",
        status: int = 400,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.kind, self.status, self.more = code, message, kind, status, dict(more or {})

    def reply(self) -> Reply:
        """Give the answer."""
        trace = "A" + blake2b(self.message.encode(), digest_size=11).hexdigest()
        more = {name: value for name, value in self.more.items() if value not in (None, 0, "")}
        error = {"message": self.message, "type": self.kind, "code": self.code, **more, "fbtrace_id": trace}
        if self.kind == "":  # the ones of overload come from elsewhere, and say nothing else
            error = {"code": self.code, "message": self.message, **more}
        header = f'OAuth "Facebook Platform" "invalid_request" "{self.message}"'.encode("ascii", "replace").decode()
        return Reply(self.status, {"error": error}, {"www-authenticate": header.replace("\n", " ")})


def parameter(message: str) -> GraphError:
    """A parameter is not as it must be."""
    return GraphError(100, f"(#100) {message}")


def nonexisting(field: str, node: str) -> GraphError:
    """A node has no such field."""
    return parameter(f"Tried accessing nonexisting field ({field}) on node type ({node})")


def invalid_fields(names: list[str]) -> GraphError:
    """Insights have no such fields."""
    verb = "is" if len(names) == 1 else "are"
    return parameter(
        f"{', '.join(names)} {verb} not valid for fields param. please check {_FIELDS_DOCS} for all valid values"
    )


def unknown_object(name: str, method: str = "get") -> GraphError:
    """There is no such object, or it may not be seen."""
    message = (
        f"Unsupported {method.lower()} request. Object with ID '{name}' does not exist, cannot be loaded due to "
        f"missing permissions, or does not support this operation. Please read the Graph API documentation at "
        f"{_GRAPH_DOCS}"
    )
    return GraphError(100, message, kind="GraphMethodException", more={"error_subcode": 33})


def rate_limit(code: int) -> GraphError:
    """A budget is used up: of the app (4), of the user (17), or of the ad account (80000 and on)."""
    account = (
        f"(#{code}) There have been too many calls from this ad-account. Wait a bit and try again. For more info, "
    )
    message, subcode = _RATE.get(code, (f"{account}please refer to {_RATE_DOCS}.", 2446079))
    return GraphError(code, message, more={"error_subcode": subcode})


def token_expired() -> GraphError:
    """The access token has run out."""
    message = "Error validating access token: Session has expired. The current time is after the expiration time."
    return GraphError(190, message, more={"error_subcode": 463})


def token_invalid() -> GraphError:
    """There never was such a token."""
    return GraphError(190, "Invalid OAuth access token - Cannot parse access token")


def no_token() -> GraphError:
    """There is no token at all."""
    return GraphError(2500, "An active access token must be used to query information about the current user.")


def wrong_proof() -> GraphError:
    """The proof is not of this token and the app's secret."""
    return GraphError(100, "Invalid appsecret_proof provided in the API argument", kind="GraphMethodException")


def permission(account_id: str) -> GraphError:
    """The user may not see the account."""
    message = f"(#200) Ad account owner has NOT grant ads_management or ads_read permission (account {account_id})"
    return GraphError(200, message, status=403)


def retired(newest: str) -> GraphError:
    """The version is no longer served."""
    message = (
        f"(#2635) You are calling a deprecated version of the Ads API. Please update to the latest version: {newest}."
    )
    return GraphError(2635, message)


def too_old() -> GraphError:
    """The days are further back than Meta keeps."""
    text = "The start date of the time range cannot be beyond 37 months from the current date"
    return GraphError(3018, f"(#3018) {text}")


def invalid_cursor() -> GraphError:
    """The page that is asked for is none."""
    return GraphError(2642, "(#2642) Invalid cursors values")


def too_many_rows() -> GraphError:
    """The question is too large to be answered at once."""
    said = (
        "The reporting data you are trying to fetch has too many rows. Please use asynchronous query or restrict "
        "amount of ad IDs or time ranges to fetch the data."
    )
    title = "Too many rows"
    more = {"error_subcode": 1487534, "error_user_title": title, "error_user_msg": said}
    return GraphError(100, "Invalid parameter", more=more)


def reduce_data() -> GraphError:
    """The question is much too large."""
    message = "Please reduce the amount of data you're asking for, then retry your request"
    return GraphError(1, message, kind="", status=500)


def transient(code: int = 2, subcode: int = 0) -> GraphError:
    """Something failed at Meta that will work in a moment."""
    if subcode == 99:
        return GraphError(1, "An unknown error occurred", kind="", status=500, more={"error_subcode": 99})
    message = "An unexpected error has occurred. Please retry your request later."
    return GraphError(code, message, status=500, more={"is_transient": True})


def unfinished() -> GraphError:
    """The result of a job is asked for that has none."""
    said = (
        "Sorry, the report cannot be loaded successfully. Please check if your job status is completed instead of "
        "failed or running before fetching the data."
    )
    title, message = "Loading Async Ads Report Failed", "Error accessing adreport job."
    more = {"error_subcode": 1815107, "is_transient": True, "error_user_title": title, "error_user_msg": said}
    return GraphError(2601, message, more=more)
