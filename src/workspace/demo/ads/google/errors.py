"""How Google Ads says no: a status of its RPC system around a `GoogleAdsFailure` that says what was wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

_UNAUTHENTICATED = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_SAID = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: (
        "UNAUTHENTICATED",
        _UNAUTHENTICATED,
    ),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    404: ("NOT_FOUND", "Requested entity was not found."),
    429: ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    500: ("INTERNAL", "Internal error encountered."),
    503: ("UNAVAILABLE", "The service is currently unavailable."),
    504: ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}


@dataclass
class FailureError(Exception):
    """One thing that was wrong with a request.

    Attributes:
        status: The HTTP status.
        family: Which kind of error, such as `queryError`.
        code: Which of the kind, such as `UNRECOGNIZED_FIELD`.
        message: In words.
        details: What else belongs to it, such as `quotaErrorDetails`.
    """

    status: int
    family: str
    code: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)

    def body(self, version: str, request_id: str) -> dict[str, Any]:
        """Write it as it is sent."""
        error = {"errorCode": {self.family: self.code}, "message": self.message}
        if self.details:
            error["details"] = self.details
        failure = {
            "@type": f"type.googleapis.com/google.ads.googleads.{version}.errors.GoogleAdsFailure",
            "errors": [error],
            "requestId": request_id,
        }
        rpc, message = _SAID[self.status]
        return {"error": {"code": self.status, "message": message, "status": rpc, "details": [failure]}}


def query_error(code: str, message: str) -> FailureError:
    """Say what is wrong with a query."""
    return FailureError(400, "queryError", code, message)


def quota_error(code: str, scope: str, rate: str, seconds: int) -> FailureError:
    """Say that a budget is used up, and for how long."""
    details = {"quotaErrorDetails": {"rateScope": scope, "rateName": rate, "retryDelay": f"{seconds}s"}}
    return FailureError(429, "quotaError", code, f"Too many requests. Retry in {seconds} seconds.", details)


def unknown_name(name: str) -> dict[str, Any]:
    """Say that the body has a field that no such request has; this comes from before the Ads service itself."""
    said = f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
    violation = {"fieldViolations": [{"description": said}]}
    details = [{"@type": "type.googleapis.com/google.rpc.BadRequest", **violation}]
    return {"error": {"code": 400, "message": said, "status": "INVALID_ARGUMENT", "details": details}}
