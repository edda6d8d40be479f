"""X (Twitter) Ads, version 12: accounts, entities, and statistics by jobs.

What is peculiar to X: accounts have no currency of their own; promoted tweets are the ads, and their names are in the
tweets; a question about statistics is for one placement and at most 20 entities; days are cut by today's UTC offset
(`twitter_days`); null is not zero (`twitter_stats`); and X alone tells which days were restated.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from workspace.errors import SourceError
from workspace.sources.ads.answers import AccountRefusedError, RestartError
from workspace.sources.ads.http import Http
from workspace.sources.ads.twitter.answers import VERSION, OAuth1, Rates, classify, clock
from workspace.sources.ads.twitter.days import applied, gap, stretches
from workspace.sources.ads.twitter.entities import NO_CURRENCY, Tree, account, currency, switched_at
from workspace.sources.ads.twitter.jobs import Asked, Jobs
from workspace.sources.ads.twitter.stats import GROUPS, PURCHASES, Reading, rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from workspace.settings import AdsSource
    from workspace.sources.ads.adapter import Account, ClickView, Entity, Kind, Level, Performance
    from workspace.sources.ads.http import Answer

ADDRESS = "https://ads-api.x.com"
PLACEMENTS = ("ALL_ON_TWITTER", "SPOTLIGHT", "TREND")

_TOGETHER = 20  # entities in one question about statistics
_PAGE = 1000  # entities on a page, the most that X gives
_TWEETS = 200  # tweets that can be asked for by their ids
_SYNC_SPAN = timedelta(days=7)  # of statistics that X gives at once, without a job
_SYNC_QUESTIONS = 6  # more are jobs: X gives 250 such answers in 15 minutes to all who use this token
_BUCKETS = timedelta(days=90)  # of changes, that one question can be about
_LOOKBACK = 14  # days in which X may still correct what it bills; the rest is final after one
_KIND: dict[Kind, str] = {"ad": "PROMOTED_TWEET", "ad_group": "LINE_ITEM", "campaign": "CAMPAIGN"}
_SCALE_NOTE = (
    "X does not document the unit of `sale_amount`: values of conversions are it divided by {scale} "
    "(`sale_amount_scale`). Compare one day with X's own interface before they are relied on."
)


def open_twitter(source: AdsSource, credentials: dict[str, str]) -> Twitter:
    """Open the accounts that a user of X has access to; nothing is asked yet.

    Args:
        source: Its settings.
        credentials: `consumer_key`, `consumer_secret`, `token`, `token_secret`.
    """
    keys = [credentials[name] for name in ("consumer_key", "consumer_secret", "token", "token_secret")]
    base = source.address() or ADDRESS
    return Twitter(source, Http("twitter_ads", base, classify=classify, auth=OAuth1(*keys), secrets=keys))


class Twitter:
    """One user's accounts at X.

    Args:
        source: The settings.
        http: Where X is.

    Attributes:
        api_version: The version of X's API that is spoken.
        http: Through which all is asked.
        longest: Days in one question; X keeps to 90, and asks for at most 30.
        notes: What a reader of the run should know.
    """

    api_version = VERSION
    longest = 30

    def __init__(self, source: AdsSource, http: Http) -> None:
        self.http = http
        self.notes: list[str] = []
        self._counted = source.conversions or PURCHASES
        self._scale = Decimal(source.sale_amount_scale)
        self._rates = Rates()
        self._accounts: dict[str, dict[str, Any]] = {}
        self._trees: dict[str, Tree] = {}
        self._ahead = timedelta()  # of X's clock, before this machine's

    def accounts(self) -> list[Account]:
        """Give the accounts. X lists them five times in 15 minutes, so they are asked for once."""
        if not self._accounts:
            pages = self._pages("accounts", "accounts")
            self._accounts = {told["id"]: told for page in pages for told in page}
        return [account(told, self._currency(told["id"])) for told in self._accounts.values()]

    def entities(self, account: Account) -> Iterator[list[Entity]]:
        """Give line items, campaigns and promoted tweets, deleted ones among them.

        What was listed before in this run stays known: an ad that one listing lacks is still asked about.
        """
        tree = self._trees.get(account.id) or Tree()
        for page in self._of(account, "line_items"):
            yield tree.line_items(page)
        for page in self._of(account, "campaigns"):
            yield tree.campaigns(page)
        for page in self._of(account, "promoted_tweets"):
            yield tree.promoted_tweets(page, self._tweets(account, page))
        self._trees[account.id] = tree

    def lookback(self, account: Account) -> int:  # noqa: ARG002
        """Tell how long X corrects: what it bills for two weeks, all else for a day."""
        return _LOOKBACK

    def performance(self, account: Account, first: date, last: date, level: Level) -> Iterator[list[Performance]]:
        """Give what was done by ads, and by line items without any, or by campaigns; one page a question.

        What is deleted is asked for, too, if it was there at the time.
        """
        tree = self._tree(account)
        wanted: list[tuple[Kind, set[str]]] = [(level, set(tree.places[level]))]
        if level == "ad":  # what is promoted without a tweet, such as an account, is told of its line item alone
            wanted.append(("ad_group", tree.without_ads(first)))
        readings = {_KIND[each]: self._reading(account, each) for each, _ in wanted}
        questions = [
            asked
            for each, ids in wanted
            for asked in self._questions(
                account, _KIND[each], sorted(i for i in ids if tree.places[each][i].alive(first, last)), first, last
            )
        ]
        shown: set[tuple[str | None, str, date]] = set()
        whole: list[Performance] = []  # of line items beside ads; which of them have some comes in any order
        try:
            for asked, body in self._answers(account, questions):
                reading = readings[asked.query["entity"]]
                page = list(rows(body, stretch=asked.stretch, placement=asked.placement, reading=reading))
                if any(action.value for row in page for action in row.actions):
                    self._note(_SCALE_NOTE.format(scale=self._scale))
                if reading.level != level:
                    whole += page
                    continue
                shown |= {(row.ad_group_id, row.placement, row.day) for row in page}
                if page:
                    yield page
        except RestartError:
            self._trees.pop(account.id, None)  # it may be that what was asked for is not there any more
            raise
        # A line item may have got its first ad meanwhile: what it did before stays, and nothing is told twice.
        if alone := [row for row in whole if (row.ad_group_id, row.placement, row.day) not in shown]:
            yield alone

    def _questions(self, account: Account, entity: str, ids: Sequence[str], first: date, last: date) -> Iterator[Asked]:
        """Cut a question into those that X answers: of one placement, of few entities, of slots that are days."""
        for stretch in stretches(ZoneInfo(account.timezone), first, last, self._now()):
            for placement in PLACEMENTS:
                for begin in range(0, len(ids), _TOGETHER):
                    query = {
                        "entity": entity,
                        "entity_ids": ",".join(ids[begin : begin + _TOGETHER]),
                        **stretch.times(self._now()),
                        "granularity": stretch.granularity,
                        "placement": placement,
                        "metric_groups": ",".join(GROUPS),
                    }
                    yield Asked(query=query, placement=placement, stretch=stretch)

    def clicks(self, account: Account, day: date) -> Iterator[list[ClickView]] | None:  # noqa: ARG002
        """Give nothing: X does not tell which ad a click id belongs to."""
        return None

    def touched(self, account: Account, since: datetime, until: datetime) -> set[date] | None:
        """Give the days that X says to have changed: it keeps, by the hour, what its changes apply to."""
        zone = ZoneInfo(account.timezone)
        days: set[date] = set()
        begin = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        while begin < until:
            end = min(begin + _BUCKETS, _whole_hour(until))
            query = {"entity": _KIND["campaign"], "start_time": _utc(begin), "end_time": _utc(end)}
            answer = self._ask("GET", f"stats/accounts/{account.id}/active_entities", query, rate="analytics")
            days |= applied(answer.data["data"], zone)
            begin = end
        return days

    def _answers(self, account: Account, questions: Sequence[Asked]) -> Iterator[tuple[Asked, Any]]:
        """Ask at once where little is asked, else by jobs."""
        short = all(asked.stretch.end - asked.stretch.start <= _SYNC_SPAN for asked in questions)
        if short and len(questions) <= _SYNC_QUESTIONS:
            for asked in questions:
                path = f"stats/accounts/{account.id}"
                yield asked, self._ask("GET", path, asked.query, rate="analytics").data
            return
        path = f"stats/jobs/accounts/{account.id}"
        jobs = Jobs(self.http, lambda method, query: self._ask(method, path, query, rate=f"{method} {path}"))
        yield from jobs.results(questions)

    def _tree(self, account: Account) -> Tree:
        if account.id not in self._trees:
            for _ in self.entities(account):
                pass  # the tree is kept as it is read
        return self._trees[account.id]

    def _reading(self, account: Account, level: Kind) -> Reading:
        return Reading(
            level=level,
            places=self._trees[account.id].places[level],
            counted=self._counted,
            scale=self._scale,
            gap=gap(ZoneInfo(account.timezone), switched_at(self._accounts.get(account.id, {}))),
        )

    def _currency(self, account_id: str) -> str:
        """Give an account's currency: its newest campaign's, or where there is none, of what is to fund one."""
        query = {"count": "1", "with_deleted": "true", "sort_by": "created_at-desc"}
        try:
            for kind in ("campaigns", "funding_instruments"):
                path = f"accounts/{account_id}/{kind}"
                told = self._ask("GET", path, query, rate=f"{account_id}/{kind}").data["data"]
                if told:
                    return currency(told)
        except AccountRefusedError:
            pass  # a closed account, or one whose money is not shown: no row of it needs a currency
        return NO_CURRENCY

    def _tweets(self, account: Account, page: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """Give the tweets that are promoted: they, not the promotion, have a name and lead somewhere."""
        ids = sorted({str(told["tweet_id"]) for told in page})
        found: dict[str, dict[str, Any]] = {}
        for begin in range(0, len(ids), _TWEETS):
            query = {
                "tweet_ids": ",".join(ids[begin : begin + _TWEETS]),
                "tweet_type": "PUBLISHED",
                "timeline_type": "ALL",
                "trim_user": "true",
                "count": str(_TWEETS),
            }
            answer = self._ask("GET", f"accounts/{account.id}/tweets", query, rate=f"{account.id}/tweets")
            found |= {str(told["tweet_id"]): told for told in answer.data["data"]}
        return found

    def _of(self, account: Account, kind: str) -> Iterator[list[dict[str, Any]]]:
        return self._pages(f"accounts/{account.id}/{kind}", f"{account.id}/{kind}")

    def _pages(self, path: str, rate: str) -> Iterator[list[dict[str, Any]]]:
        # In the order of making, so that what is made meanwhile comes on the last page and shifts no other.
        asked = {"count": str(_PAGE), "with_deleted": "true", "sort_by": "created_at-asc"}
        while True:
            answer = self._ask("GET", path, asked, rate=rate)
            yield answer.data["data"]
            cursor = answer.data.get("next_cursor")
            if not cursor:
                return
            if asked.get("cursor") == cursor:
                raise SourceError(f"twitter_ads: {path} gives the same page again.", cure="Try again later.")
            asked["cursor"] = cursor

    def _ask(self, method: str, path: str, query: Mapping[str, str], *, rate: str) -> Answer:
        self._rates.before(rate)
        # Written strictly, `:` and `,` as well: the signature is made over exactly this.
        written = "&".join(f"{name}={quote(value, safe='')}" for name, value in sorted(query.items()))
        answer = self.http.ask(method, f"/{VERSION}/{path}?{written}")
        self._rates.after(rate, answer.headers)
        theirs = clock(answer.headers)
        if theirs is not None:
            self._ahead = theirs - datetime.now(UTC)
        if warning := answer.headers.get("x-api-warn"):
            self._note(f"X warns: {warning}")
        return answer

    def _now(self) -> datetime:
        """Tell the time by X's clock."""
        return datetime.now(UTC) + self._ahead

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def _whole_hour(moment: datetime) -> datetime:
    """Give the end of the hour that a moment is in."""
    begun = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return begun if begun == moment else begun + timedelta(hours=1)


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
