"""Facebook: ads of Meta's Marketing API, read by jobs that Meta works on while we wait."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from workspace.errors import DeferredError, SourceError
from workspace.sources.ads import http as web
from workspace.sources.ads.answers import AccountRefusedError, RefusedError, RestartError, Stop, TooLargeError, Wait
from workspace.sources.ads.facebook.answers import UnknownFieldError, Usage, classify, judge, throttled
from workspace.sources.ads.facebook.rows import WINDOWS, Counted, account, entity, performance

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from workspace.settings import AdsSource
    from workspace.sources.ads.adapter import Account, ClickView, Entity, Level, Performance

VERSION = "v26.0"
"""The version of the Marketing API that is spoken; each lives for about a year."""

PAGE = 500
"""Rows asked for at once. Calls are what Meta budgets, not rows."""

START, FINISH = 300.0, 1800.0
"""Seconds that a job may take until it begins, and until it is done; one that takes longer never ends."""

_FIRST_LOOK, _LAST_LOOK = 0.05, 30.0  # seconds between two looks at a job, doubled each time

_ANEW = "Run this again: what was not read whole is asked for anew."
_HOME = "https://graph.facebook.com"
_CAMPAIGN = ("ACTIVE", "ARCHIVED", "DELETED", "IN_PROCESS", "PAUSED", "WITH_ISSUES")
_GROUP = (*_CAMPAIGN, "CAMPAIGN_PAUSED")
_AD = (*_GROUP, "ADSET_PAUSED", "DISAPPROVED", "PENDING_BILLING_INFO", "PENDING_REVIEW", "PREAPPROVED")
_CREATIVE = ("link_url", "url_tags", "object_story_spec", "asset_feed_spec")
_ENTITIES: tuple[tuple[Literal["campaign", "ad_group", "ad"], str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("campaign", "campaigns", _CAMPAIGN, ("id", "name", "status", "effective_status", "objective")),
    ("ad_group", "adsets", _GROUP, ("id", "name", "status", "effective_status", "campaign_id")),
    ("ad", "ads", _AD, ("id", "name", "status", "effective_status", "campaign_id", "adset_id", *_CREATIVE)),
)
_METRICS = (
    *("spend", "impressions", "clicks", "inline_link_clicks", "actions", "action_values"),
    *("attribution_setting", "account_currency"),
)
_OPTIONAL = frozenset({*_METRICS, *_CREATIVE, "objective", "effective_status"})
_JOB = "async_status,async_percent_completion,error_code,error_message,error_subcode,error_user_title,error_user_msg"
_FAILED = frozenset({"Job Failed", "Job Skipped"})


class Facebook:
    """Reads the accounts that a token reaches.

    Args:
        base: Where Meta is, without the version.
        token: The access token.
        secret: The app's secret, which proves that we are the app that the token was made for; may be empty.
        conversions: The actions that count; purchases if none.
    """

    api_version = VERSION
    longest = 30

    def __init__(
        self,
        base: str,
        token: str,
        secret: str = "",
        *,
        conversions: tuple[str, ...] = (),
    ) -> None:
        self.notes: list[str] = []
        self._counted = Counted(conversions)
        self._dropped: dict[str, str] = {}
        proof = hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest() if secret else ""
        self._proof = {"appsecret_proof": proof} if proof else {}
        self.http = web.Http(
            "Facebook",
            f"{base.rstrip('/')}/{VERSION}",
            classify=classify,
            # Never a parameter: addresses are kept in logs, this one's and those of every proxy.
            headers={"Authorization": f"Bearer {token}"},
            secrets=[token, secret, proof],
            pace=Usage(),
        )

    def accounts(self) -> list[Account]:
        """As `Adapter`."""
        fields = ("account_id", "name", "currency", "timezone_name", "account_status")
        try:
            found = [account(row) for page in self._pages("/me/adaccounts", {}, fields) for row in page]
        except AccountRefusedError as error:  # it is about all of them
            raise RefusedError(error.message, cure="Give the token the right ads_read.") from None
        untold = [one.id for one in found if not one.open]
        self.notes += [f"Account {each} is left out: it has no currency or no time zone." for each in untold]
        return found

    def entities(self, account: Account) -> Iterator[list[Entity]]:
        """As `Adapter`. What is deleted or archived comes only if asked for by name."""
        for level, edge, states, fields in _ENTITIES:
            for page in self._pages(f"/act_{account.id}/{edge}", {"effective_status": json.dumps(states)}, fields):
                yield [entity(row, level) for row in page]

    def lookback(self, account: Account) -> int:  # noqa: ARG002
        """As `Adapter`: Meta changes nothing after 28 days, its longest window."""
        return 28

    def performance(self, account: Account, first: date, last: date, level: Level) -> Iterator[list[Performance]]:
        """As `Adapter`. The result of a job does not change while it is read."""
        run = self._finished(account, first, last, level)
        try:
            for page in self._pages(f"/{run}/insights"):
                yield [performance(row, level, self._counted, self._dropped) for row in page]
        except (
            AccountRefusedError
        ) as error:  # Meta has forgotten the job; if it is the account, asking anew will say so
            raise RestartError(error.message, cure=_ANEW) from None

    def clicks(self, account: Account, day: date) -> Iterator[list[ClickView]] | None:  # noqa: ARG002
        """As `Adapter`: Meta does not tell."""
        return None

    def touched(self, account: Account, since: datetime, until: datetime) -> set[date] | None:  # noqa: ARG002
        """As `Adapter`: Meta does not tell."""
        return None

    def _pages(
        self, path: str, query: Mapping[str, str] | None = None, fields: Sequence[str] = ()
    ) -> Iterator[list[dict[str, Any]]]:
        """Follow the cursors. `paging.next` is not followed itself: it has the token in it."""
        limit, after = PAGE, ""
        while True:
            asked = {"fields": self._asked(fields)} if fields else {}
            page = {"limit": str(limit)} | ({"after": after} if after else {})
            try:
                told = self.http.ask("GET", path, query={**(query or {}), **asked, **page, **self._proof}).data
            except TooLargeError:
                if limit == 1:
                    raise
                limit = max(limit // 4, 1)
                continue
            except UnknownFieldError as error:
                self._drop(error)
                continue
            yield told["data"]
            before, after = after, _next(told, path)
            if not after:
                return
            if after == before:
                raise RestartError("Facebook: a page names itself as the next one.", cure=_ANEW)

    def _finished(self, account: Account, first: date, last: date, level: Level) -> str:
        """Give the number of a job that is done; if one fails for a day, which cannot be split, of another one."""
        tries = 2 if first == last else 1
        for turn in range(1, tries + 1):
            try:
                return self._awaited(self._begun(account, first, last, level))
            except TooLargeError:
                if turn == tries:
                    raise
        raise AssertionError("the last try either succeeds or raises")

    def _begun(self, account: Account, first: date, last: date, level: Level) -> str:
        """Start a job, without the fields that Meta does not know any longer."""
        ids = ("campaign_id", "adset_id", "ad_id") if level == "ad" else ("campaign_id",)
        states = _AD if level == "ad" else _CAMPAIGN
        # Without this the rows of what was deleted since are left out, and its past would seem to be gone.
        wanted = [{"field": f"{level}.effective_status", "operator": "IN", "value": states}]
        while True:
            form = {
                "level": level,
                "fields": self._asked((*ids, *_METRICS)),
                "time_range": json.dumps({"since": first.isoformat(), "until": last.isoformat()}),
                "time_increment": "1",
                "action_attribution_windows": json.dumps(WINDOWS),
                "use_unified_attribution_setting": "true",
                "filtering": json.dumps(wanted),
            }
            try:
                told = self.http.ask("POST", f"/act_{account.id}/insights", form={**form, **self._proof}).data
            except UnknownFieldError as error:
                self._drop(error)
            else:
                return str(told["report_run_id"])

    def _asked(self, fields: Sequence[str]) -> str:
        """Write fields as Meta wants them, without those that it does not know any longer."""
        known = [field for field in fields if field not in self._dropped]
        creative = [field for field in known if field in _CREATIVE]
        plain = [field for field in known if field not in _CREATIVE]
        return ",".join([*plain, f"creative{{{','.join(creative)}}}"] if creative else plain)

    def _drop(self, error: UnknownFieldError) -> None:
        gone = [name for name in error.names if name in _OPTIONAL and name not in self._dropped]
        if not gone:
            raise error
        for name in gone:
            self._dropped[name] = f"Facebook's {VERSION} does not know the field {name}"
            self.notes.append(f"Facebook does not know the field {name} any longer; what came from it is empty.")

    def _awaited(self, run: str) -> str:
        """Look at a job until it is done.

        Raises:
            TooLargeError: It failed, or does not end: fewer days may do.
            DeferredError: It failed for want of quota.
        """
        waited, look = 0.0, _FIRST_LOOK
        while True:
            web.pause(look)
            waited += look
            look = min(2 * look, _LAST_LOOK)
            try:
                told = self.http.ask("GET", f"/{run}", query={"fields": _JOB, **self._proof}).data
            except AccountRefusedError as error:
                raise RestartError(error.message, cure=_ANEW) from None
            status, percent = str(told.get("async_status")), int(told.get("async_percent_completion") or 0)
            if status == "Job Completed":
                return run
            if status in _FAILED:
                raise self._failure(status, told)
            if waited > FINISH or (percent == 0 and waited > START):
                msg = f"Facebook: a job says {status!r}, {percent} %, after {waited:.0f} seconds."
                raise TooLargeError(msg, cure="Ask for fewer days at once.")

    def _failure(self, status: str, told: Mapping[str, Any]) -> SourceError:
        """Give what to do about a job that failed: most do for no reason that they tell."""
        names = {"error_code": "code", "error_message": "message"}
        error = {names.get(key, key): value for key, value in told.items() if key.startswith("error_")}
        verdict = judge(error) if error.get("code") else None
        if isinstance(verdict, Stop):
            return verdict.error
        if isinstance(verdict, Wait) and throttled(error):
            return DeferredError(verdict.reason, until=datetime.now(UTC) + timedelta(hours=1))
        said = f": {error['message']}" if error.get("message") else ""
        return TooLargeError(f"Facebook: {status}{said}", cure="Ask for fewer days at once.")


def _next(told: Mapping[str, Any], path: str) -> str:
    """Give the cursor of the next page; empty if there is none."""
    paging = told.get("paging") or {}
    # A job's empty page is its last, even where it names a next one: those have no end.
    if "next" not in paging or (not told["data"] and path.endswith("/insights")):
        return ""
    after = str((paging.get("cursors") or {}).get("after") or "")
    if not after:
        raise RestartError("Facebook: a page says that there is a next one, and not which.", cure=_ANEW)
    return after


def open_facebook(source: AdsSource, credentials: Mapping[str, str]) -> Facebook:
    """Open the accounts of a source.

    Args:
        source: Its settings.
        credentials: `access_token`, and `app_secret` where the app asks for proof.

    Raises:
        SettingsError: `conversions` would count some twice.
    """
    base = source.address() or _HOME
    token, secret = credentials["access_token"], credentials.get("app_secret", "")
    return Facebook(base, token, secret, conversions=source.conversions)
