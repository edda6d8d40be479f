"""What TikTok's answers mean: told by their `code`, since nearly all of them have the HTTP status 200."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import httpx

from workspace.sources.ads.answers import AccountRefusedError, Ok, RefusedError, Stop, TooLargeError, Wait
from workspace.sources.ads.http import BrokenError

if TYPE_CHECKING:
    from workspace.errors import SourceError
    from workspace.sources.ads.answers import Verdict
    from workspace.sources.ads.http import Answer

_BUSY = frozenset({40100, 40132, 40133, 61000, 60001})
_NOT_THIS_ACCOUNT = frozenset({40001, 40114, 40300, 40301, 40302})
_OUTDATED = frozenset({40006, 40051, 40400, 41001, 41002})
_TOKEN = frozenset({40102, 40104, 40105})
_SHORTER = 40067
_WRONG = 40002


class UnknownMetricError(RefusedError):
    """TikTok has no such metric, or has it no more; its message names it."""


def classify(answer: Answer) -> Verdict:
    """Tell what an answer of TikTok's means: by its code, hardly ever by its HTTP status.

    Raises:
        BrokenError: It is an answer without a meaning, or TikTok failed; asking again may help.
    """
    code = answer.data.get("code") if isinstance(answer.data, Mapping) else None
    if not isinstance(code, int):
        return _by_status(answer)
    message = str(answer.data.get("message") or "")
    said = f"TikTok answers with code {code}: {message.strip()}"
    if code == 0:
        data = answer.data.get("data")
        if not isinstance(data, Mapping) or not isinstance(data.get("list"), list):
            raise BrokenError("an answer without a list")
        return Ok()
    if code in _BUSY:
        return Wait(None, said)
    if code >= 50000 or code == 20001:  # failures of theirs, and a part of an answer
        raise BrokenError(said)
    return Stop(_refusal(code, said, message))


def _refusal(code: int, said: str, message: str) -> SourceError:
    if code == _SHORTER:
        return TooLargeError(said, cure="Nothing where days can be asked for singly; otherwise run it again later.")
    if code in _NOT_THIS_ACCOUNT:
        return AccountRefusedError(
            said, cure="Grant the app this account in TikTok's Business Center, or leave it out."
        )
    if code == _WRONG and "metric" in message:
        return UnknownMetricError(said, cure="Take that metric out of `conversions`.")
    if code in _TOKEN:
        return RefusedError(said, cure="Authorise the app anew and set the access token that TikTok then gives.")
    if code in _OUTDATED:
        return RefusedError(said, cure="This version of TikTok's API is gone: update the workspace.")
    return RefusedError(said, cure="Look the code up among TikTok's return codes; it was asked what it does not allow.")


def _by_status(answer: Answer) -> Verdict:
    said = f"TikTok answers with status {answer.status} and no code"
    if answer.status == httpx.codes.TOO_MANY_REQUESTS:
        return Wait(None, said)
    if httpx.codes.is_client_error(answer.status):
        return Stop(RefusedError(said, cure="Check `url`, and whether something stands between here and TikTok."))
    raise BrokenError(said)
