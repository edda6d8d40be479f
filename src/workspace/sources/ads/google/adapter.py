"""Google Ads, API v26, over REST.

What it does not say aloud, and what is done about it:

- A row whose metrics are all zero is left out, and Performance Max has no ads: what a campaign brought on a day on
  which none of its ads has a row is kept as the campaign's.
- Its own sum of `conversions` mixes purchases with whatever else the advertiser made primary, so actions are asked for
  one by one. That is a question of its own: cost and clicks cannot be told apart by action.
- Pages are of one answer; how many rows that has is asked for, too, and compared at the end.
- A metric that it does not know any more is left out and its absence recorded; the rest is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workspace.sources.ads.answers import AccountRefusedError, RefusedError, RestartError
from workspace.sources.ads.google import rows
from workspace.sources.ads.google.answers import VERSION, TooOldError, UnknownFieldError, Verdicts, told
from workspace.sources.ads.http import Http

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from workspace.settings import AdsSource
    from workspace.sources.ads.adapter import Account, ClickView, Entity, Level, Performance

ADDRESS = "https://googleads.googleapis.com"
TOKENS = "https://oauth2.googleapis.com"
COUNTED = ("PURCHASE",)
LOOKBACK = 30
"""Days back that may still change where an account has no conversion actions: Google's usual window."""

_ANEW = "Nothing: the window is asked for anew."


def open_google(source: AdsSource, credentials: dict[str, str]) -> Google:
    """Get ready to ask Google Ads; nothing is asked yet.

    Args:
        source: The settings.
        credentials: `client_id`, `client_secret`, `refresh_token`, `developer_token` and, if all is to be read through
            one manager, `login_customer_id`, as the environment has them.
    """
    return Google(source, credentials)


class Google:
    """An `Adapter` for Google Ads.

    Args:
        source: The settings.
        credentials: See `open_google`.
    """

    api_version = VERSION
    longest = 30

    def __init__(self, source: AdsSource, credentials: dict[str, str]) -> None:
        self.notes: list[str] = []
        self._credentials = credentials
        self._tokens = source.address() or TOKENS
        self._counted = source.conversions or COUNTED
        self._through: dict[str, str] = {}  # the account that each is reached through
        self._policies: dict[str, rows.Policy] = {}
        self._withdrawn: dict[str, str] = {}
        self._verdicts = Verdicts()
        self._secrets = [value for name, value in credentials.items() if name not in ("client_id", "login_customer_id")]
        self.http = Http(
            "Google Ads",
            source.address() or ADDRESS,
            classify=self._verdicts,
            headers={"developer-token": credentials["developer_token"]},
            refresh=self._refresh,
            secrets=self._secrets,
        )

    def accounts(self) -> list[Account]:
        """Give the accounts below all that the user was let into, or below the manager that the settings name."""
        login = self._credentials.get("login_customer_id", "").replace("-", "")
        roots = [login] if login else [name for page in self._accessible() for name in page]
        found: dict[str, Account] = {}
        refusals: dict[str, AccountRefusedError] = {}
        for root in roots:
            self._through.setdefault(root, root)
            try:
                for row in self._whole(root, rows.CLIENTS, "customer_client"):
                    client = rows.account(row)
                    if client.id not in found:  # one that two managers share is read once
                        found[client.id] = client
                        self._through[client.id] = root
                        if client.status == "enabled" and not client.open:
                            self.notes.append(f"Account {client.id} is left out: it has no currency or no time zone.")
            except AccountRefusedError as error:
                refusals[root] = error
        if refusals and not found:
            first = next(iter(refusals.values()))
            raise RefusedError(first.message, cure=first.cure)
        for root, refusal in refusals.items():
            if root not in found:
                found[root] = rows.refused(root)
                self.notes.append(f"Account {root} tells nothing of itself. {refusal.message}")
        return list(found.values())

    def entities(self, account: Account) -> Iterator[list[Entity]]:
        """Give campaigns, groups and ads, removed ones among them."""
        for resource, fields in rows.ENTITIES.items():
            for page in self._pages(account.id, fields, resource):
                yield [rows.entity(row, resource) for row in page]

    def lookback(self, account: Account) -> int:
        """Tell for how many days the account's own conversion actions may still be claimed."""
        return self._policy(account.id).days

    def performance(self, account: Account, first: date, last: date, level: Level) -> Iterator[list[Performance]]:
        """Give what days brought, the last one included."""
        span = f"segments.date BETWEEN '{first}' AND '{last}'" if first < last else f"segments.date = '{first}'"
        if level == "campaign":
            yield from self._level(account.id, "campaign", span)
            return
        shown = set()
        for page in self._level(account.id, "ad", span):
            shown |= {(row.campaign_id, row.day) for row in page}
            yield page
        for page in self._level(account.id, "campaign", span):
            if alone := [row for row in page if (row.campaign_id, row.day) not in shown]:
                yield alone

    def clicks(self, account: Account, day: date) -> Iterator[list[ClickView]] | None:
        """Give which ads a day's clicks were on; Google keeps them for 90 days."""
        return self._clicks(account.id, day)

    def touched(self, account: Account, since: datetime, until: datetime) -> set[date] | None:  # noqa: ARG002
        """Google does not tell which days changed."""
        return None

    def _clicks(self, account: str, day: date) -> Iterator[list[ClickView]]:
        condition = f"segments.date = '{day}'"
        try:
            for page in self._pages(account, rows.CLICKS, "click_view", condition):
                yield [rows.click(row) for row in page]
        except TooOldError:
            self.notes.append(f"Account {account}: Google keeps the clicks of {day} no more.")

    def _level(self, account: str, level: str, span: str) -> Iterator[list[Performance]]:
        """Read one level: first what is claimed, action by action, then all else, page by page."""
        resource, key = rows.RESOURCES[level], rows.KEYS[level]
        claims = rows.Claims(level, self._counted, self._policy(account))
        asked = (*key, *rows.BY_ACTION, *rows.CLAIMED, *rows.CLAIMED_AT_ALL)
        for page in self._pages(account, asked, resource, span):
            for row in page:
                claims.add(row)
        for page in self._pages(account, (*key, *rows.METRICS), resource, span):
            yield [rows.performance(row, level, claims, self._withdrawn) for row in page]
        silent = [rows.nothing_else(each, level, self._withdrawn) for each in claims.left()]
        if silent:
            yield [rows.performance(row, level, claims, self._withdrawn) for row in silent]

    def _policy(self, account: str) -> rows.Policy:
        if account not in self._policies:
            found = self._whole(account, rows.ACTIONS, "conversion_action")
            policy = self._policies[account] = rows.policy(found, self._counted, default=LOOKBACK)
            if unknown := [name for name in self._counted if name not in policy.names]:
                what = f"Account {account} has no conversion action, nor a category, called {', '.join(unknown)}"
                self.notes.append(f"{what}: its conversions are 0.")
        return self._policies[account]

    def _accessible(self) -> Iterator[list[str]]:
        self.http.headers.pop("login-customer-id", None)
        self._signed_in()
        answer = self.http.ask("GET", f"/{VERSION}/customers:listAccessibleCustomers")
        yield [name.removeprefix("customers/") for name in _list(answer.data, "resourceNames")]

    def _whole(self, account: str, fields: tuple[str, ...], resource: str) -> list[rows.Row]:
        return [row for page in self._pages(account, fields, resource) for row in page]

    def _pages(
        self, account: str, fields: tuple[str, ...], resource: str, condition: str = ""
    ) -> Iterator[list[rows.Row]]:
        """Ask for fields, without those that the platform has taken away."""
        while True:
            asked = [name for name in fields if name not in self._withdrawn]
            where = f" WHERE {condition}" if condition else ""
            query = f"SELECT {', '.join(asked)} FROM {resource}{where}"  # noqa: S608 - all names are our own
            try:
                yield from self._search(account, query)
            except UnknownFieldError as error:
                metrics = [name for name in asked if name.startswith("metrics.")]
                gone = [name for name in metrics if error.fields & {name, name.removeprefix("metrics.")}]
                if not gone:
                    raise
                self._withdrawn |= dict.fromkeys(gone, error.message)
                self.notes.append(f"{', '.join(gone)} cannot be had any more, and is empty. {error.message}")
            else:
                return

    def _search(self, account: str, query: str) -> Iterator[list[rows.Row]]:
        body: dict[str, Any] = {"query": query, "searchSettings": {"returnTotalResultsCount": True}}
        seen, total = 0, None
        while True:
            self.http.headers["login-customer-id"] = self._through.get(account, account)
            self._signed_in()
            self._verdicts.divisible = " BETWEEN " in query  # any other question is of one day, or of none
            answer = self.http.ask("POST", f"/{VERSION}/customers/{account}/googleAds:search", json=body)
            page = _list(answer.data, "results")
            seen += len(page)
            total, token = answer.data.get("totalResultsCount", total), answer.data.get("nextPageToken")
            if total is not None and (seen > int(total) if token else seen != int(total)):
                raise RestartError(f"Google Ads sent {seen} rows of {total}.", cure=_ANEW)
            yield page
            if not token:
                return
            if token == body.get("pageToken"):
                raise RestartError("Google Ads: a page names itself as the next one.", cure=_ANEW)
            body["pageToken"] = token

    def _signed_in(self) -> None:
        if "Authorization" not in self.http.headers:
            self._refresh()

    def _refresh(self) -> None:
        """Get an access token; it lasts for an hour."""
        tokens = Http("Google Ads", self._tokens, classify=told, secrets=self._secrets)
        names = ("client_id", "client_secret", "refresh_token")
        form = {"grant_type": "refresh_token"} | {name: self._credentials[name] for name in names}
        try:
            answer = tokens.ask("POST", "/token", form=form)
        finally:
            self.http.calls += tokens.calls
            tokens.close()
        self.http.hide(answer.data["access_token"])
        self.http.headers["Authorization"] = f"Bearer {answer.data['access_token']}"


def _list(data: Any, name: str) -> list[Any]:
    """Give a list out of an answer; one that is empty is not sent at all.

    Raises:
        RestartError: Something else is in its place.
    """
    found = data.get(name, []) if isinstance(data, dict) else None
    if not isinstance(found, list):
        raise RestartError(f"Google Ads sent an answer with broken {name}.", cure="Nothing: it is asked for anew.")
    return found
