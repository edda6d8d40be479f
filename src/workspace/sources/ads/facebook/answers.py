"""What Meta's answers mean, and how near to its limits they say that we are."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

from workspace.sources.ads.answers import AccountRefusedError, Ok, RefusedError, RestartError, Stop, TooLargeError, Wait
from workspace.sources.ads.http import Pace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from workspace.errors import SourceError
    from workspace.sources.ads.answers import Verdict
    from workspace.sources.ads.http import Answer

FULL = 95.0
"""Percent of a budget at which we rest before Meta refuses."""

REST = 60.0
"""Seconds to rest where Meta does not say for how long."""

_TOKEN = frozenset({102, 104, 190, 467})
_RATE = frozenset({4, 17, 32, 341, 613, *range(80_000, 80_015)})
_OF_ACCOUNT = frozenset({2_446_079, 1_487_742})  # what budgets of 17 and 613 say if they are the account's
_TRANSIENT = frozenset({1, 2, 2601})  # 2601: the result of a job that is not there yet
_RIGHTS = frozenset({3, 10, 803, *range(200, 300)})
_PARAMETER, _CURSOR = 100, 2642
_UNKNOWN_OBJECT, _TOO_MANY_ROWS, _TIMED_OUT, _UNKNOWN_ERROR = 33, 1_487_534, 1_504_018, 99
_CURES = {
    2635: "This version of the API is retired: update the workspace.",
    2500: "Check that the address of this source, and the version of the API, are those of Meta.",
    3018: "Set `since` of this source to a later day: Meta keeps 37 months.",
    368: "Meta has blocked the app or the user for a while: see the app's dashboard.",
}
_USED = ("call_count", "total_time", "total_cputime")
# In which header Meta tells of a budget, under which names, and whether it is an account's.
_BUDGETS = (
    ("x-app-usage", _USED, False),
    ("x-fb-ads-insights-throttle", ("app_id_util_pct",), False),
    ("x-fb-ads-insights-throttle", ("acc_id_util_pct",), True),
    ("x-ad-account-usage", ("acc_id_util_pct",), True),
    ("x-business-use-case-usage", _USED, True),
)
_ACCOUNT = re.compile(r"/act_\d+")
_LARGE = re.compile(r"too many rows|reduce the amount of data|smaller date range", re.IGNORECASE)
_FIELDS = re.compile(r"nonexist(?:ing|ent) field \((\w+)\)|\(#100\) ([\w, ]+?) (?:is|are) not valid for fields param")


class UnknownFieldError(RefusedError):
    """Meta does not know a field that was asked for, any longer.

    Attributes:
        names: The fields.
    """

    def __init__(self, message: str, names: tuple[str, ...]) -> None:
        super().__init__(message, cure="Take the field out of what is asked for.")
        self.names = names


def classify(answer: Answer) -> Verdict:
    """Tell what an answer means. Its status says little: most errors have 400, those of quotas too."""
    data = answer.data
    if data is None:  # no JSON: it is asked for again
        return Ok()
    error = data.get("error") if isinstance(data, dict) else None
    if isinstance(error, dict):
        return judge(error, answer)
    if answer.status >= 400:
        return Wait(None, f"status {answer.status} and no reason", failing=True)
    # Each answer has one of these; with none, or without its value, it is not the whole answer.
    if not isinstance(data, dict) or not any(data.get(key) is not None for key in ("data", "id", "report_run_id")):
        return Wait(None, "an answer without content", failing=True)
    return Ok()


def throttled(error: Mapping[str, Any]) -> bool:
    """Tell whether an error is about a budget of calls."""
    return _number(error.get("code")) in _RATE


def judge(error: Mapping[str, Any], answer: Answer | None = None) -> Verdict:
    """Tell what an error means.

    Args:
        error: As it stands in an answer, or in what a job says of itself.
        answer: What it came with.
    """
    code, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    said = _said(error)
    if subcode in (_TOO_MANY_ROWS, _TIMED_OUT) or _LARGE.search(said):
        return Stop(TooLargeError(said, cure="Ask for fewer days at once."))
    if code in _RATE:
        return Wait(_regained(answer), said, account=code >= 80_000 or subcode in _OF_ACCOUNT)
    if code in _TOKEN:
        return Stop(RefusedError(said, cure="Make a new access token for the system user, and give it to this source."))
    if code in _TRANSIENT or subcode == _UNKNOWN_ERROR or error.get("is_transient") is True:
        return Wait(None, said, failing=True)
    return Stop(_refusal(code, subcode, said))


def _refusal(code: int, subcode: int, said: str) -> SourceError:
    """Tell what a human must do, or which account it is about."""
    if code == _CURSOR:
        return RestartError(said, cure="Run this again: what was not read whole is asked for anew.")
    if code in _RIGHTS or (code == _PARAMETER and subcode == _UNKNOWN_OBJECT):
        return AccountRefusedError(said, cure="Give the system user the right ads_read on this account.")
    if code == _PARAMETER and (found := _FIELDS.search(said)):
        names = next(name for name in found.groups() if name)
        return UnknownFieldError(said, tuple(name.strip() for name in names.split(",")))
    cure = _CURES.get(code, "Look the code up in Meta's reference of errors.")
    if "appsecret_proof" in said:
        cure = "Check app_secret: it is that of the app that the access token was made for."
    return RefusedError(said, cure=cure)


def _said(error: Mapping[str, Any]) -> str:
    parts = [error.get(key) for key in ("message", "error_user_title", "error_user_msg")]
    numbers = f"code {error.get('code')}" + (f"/{error['error_subcode']}" if error.get("error_subcode") else "")
    trace = f", fbtrace_id {error['fbtrace_id']}" if error.get("fbtrace_id") else ""
    return f"Facebook: {' '.join(str(part) for part in parts if part)} ({numbers}{trace})"


def _number(value: Any) -> int:
    return int(value) if str(value or "").isdecimal() else 0


def _regained(answer: Answer | None) -> float | None:
    """Give the seconds until calls are answered again, if Meta says that."""
    told = [] if answer is None else [seconds for _, seconds, _ in usage(answer.headers)]
    return max(told, default=0.0) or None


def usage(headers: Mapping[str, str]) -> Iterator[tuple[float, float, bool]]:
    """Give of each budget how much is used, in percent, after how many seconds it is free, and if it is an account's.

    The seconds are 0 if they are not told.
    """
    for name, shares, account in _BUDGETS:
        told = _json(headers.get(name))
        by_object = name == "x-business-use-case-usage"
        cases = [case for each in told.values() if isinstance(each, list) for case in each] if by_object else [told]
        for case in cases:
            percent = max(float(case.get(share) or 0) for share in shares)
            minutes = float(case.get("estimated_time_to_regain_access") or 0)
            reset = float(case.get("reset_time_duration") or 0) if percent >= FULL else 0.0
            yield percent, max(minutes * 60, reset), account


def _json(text: str | None) -> dict[str, Any]:
    try:
        told = json.loads(text or "{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


class Usage(Pace):
    """Rests before Meta refuses: its budgets are of calls and of its own computing time, told with every answer.

    An account's budget rests that account only. Jobs have ids of their own, so what does not name an account belongs to
    the one that was named last.
    """

    def __init__(self) -> None:
        super().__init__()
        self._account = ""
        self._rests: dict[str, float] = {}  # until when, by the monotonic clock; of all accounts under ""

    def before(self, url: str) -> None:
        """Rest, if earlier answers said so: it is the next question that would be refused, those were answered."""
        if named := _ACCOUNT.search(url):
            self._account = named.group()
        for whose in ("", self._account):
            seconds = self._rests.pop(whose, 0.0) - time.monotonic()
            if seconds > 0:
                self.hold(seconds, account=bool(whose))
        super().before(url)

    def after(self, answer: Answer) -> None:
        """Look at the budgets."""
        if answer.status >= 400:  # an error has its own verdict
            return
        for percent, seconds, account in usage(answer.headers):
            if percent >= FULL:
                whose = self._account if account else ""
                until = time.monotonic() + (seconds or REST)
                self._rests[whose] = max(self._rests.get(whose, 0.0), until)
