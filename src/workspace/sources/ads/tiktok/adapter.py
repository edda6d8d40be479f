"""TikTok for Business, API v1.3.

What it does not say aloud, and what is done about it:

- Every answer has the HTTP status 200; what it means is in its `code`.
- A report leaves out what is deleted unless it is asked for all. A day pulled anew would lose what a deleted ad cost.
- A report holds 20,000 ads; a header says when that was not all of them. Then campaigns are asked for in batches.
- At the level of ads, campaign and group are asked for as metrics: as dimensions they are refused.
- `conversion` exists for ads only, and depends on what each is optimised for; what counts here are named events.

TopView ads, which are booked rather than auctioned, are not read.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from workspace.sources.ads.answers import AccountRefusedError, RefusedError, RestartError
from workspace.sources.ads.http import Http, Pace
from workspace.sources.ads.tiktok.answers import UnknownMetricError, classify
from workspace.sources.ads.tiktok.rows import USUAL, Asked, account, entity, identity, performance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date, datetime

    from workspace.settings import AdsSource
    from workspace.sources.ads.adapter import Account, ClickView, Entity, Level, Performance
    from workspace.sources.ads.http import Answer

ADDRESS = "https://business-api.tiktok.com"

_PAGE = 1000  # the most that a page may hold
_BATCH = 100  # the most ids that one question may name
_RATE = 8  # requests a second; an app is refused beyond 10
_LOOKBACK = 28  # days: the longest window for a click

_LISTS: tuple[tuple[Any, str, str, tuple[str, ...]], ...] = (
    ("campaign", "/campaign/get/", "CAMPAIGN_STATUS_ALL", ("campaign_id", "campaign_name", "objective_type")),
    ("ad_group", "/adgroup/get/", "ADGROUP_STATUS_ALL", ("adgroup_id", "adgroup_name", "campaign_id")),
    (
        "ad",
        "/ad/get/",
        "AD_STATUS_ALL",
        ("ad_id", "ad_name", "adgroup_id", "campaign_id", "landing_page_url", "landing_page_urls"),
    ),
)
_DATA_LEVELS: dict[str, tuple[str, str, str]] = {
    "ad": ("AUCTION_AD", "ad_id", "ad_status"),
    "campaign": ("AUCTION_CAMPAIGN", "campaign_id", "campaign_status"),
}
_ABOUT = ("advertiser_id", "name", "currency", "timezone", "display_timezone", "status")


def open_tiktok(source: AdsSource, credentials: dict[str, str]) -> TikTok:
    """Get ready to ask TikTok; nothing is asked yet.

    Args:
        source: The settings.
        credentials: `access_token`, `app_id` and `secret`, as the environment has them.
    """
    return TikTok(source, credentials)


class TikTok:
    """An `Adapter` for TikTok.

    Args:
        source: The settings.
        credentials: `access_token`, `app_id` and `secret`.
    """

    api_version = "v1.3"
    longest = 30

    def __init__(self, source: AdsSource, credentials: dict[str, str]) -> None:
        self.notes: list[str] = []
        self._named, self._credentials = source.accounts, credentials
        self._counted = source.conversions or ("complete_payment",)
        self._withdrawn: dict[str, dict[str, str]] = {"ad": {}, "campaign": {}}
        self.http = Http(
            "TikTok",
            f"{(source.address() or ADDRESS).rstrip('/')}/open_api/{self.api_version}",
            classify=classify,
            headers={"Access-Token": credentials["access_token"]},
            secrets=(credentials["access_token"], credentials["secret"]),
            pace=Pace(_RATE, 1.0),
        )

    def accounts(self) -> list[Account]:
        """Give the advertisers that the token reaches."""
        ids = self._granted()
        found = []
        for start in range(0, len(ids), _BATCH):
            for record in self._about(ids[start : start + _BATCH]):
                one, note = account(record)
                found.append(one)
                self.notes += [note] if note and (not self._named or one.id in self._named) else []
        return found

    def entities(self, account: Account) -> Iterator[list[Entity]]:
        """Give campaigns, groups and ads, deleted ones among them."""
        for level, path, everything, fields in _LISTS:
            query = {
                "advertiser_id": account.id,
                "fields": json.dumps([*fields, "operation_status", "secondary_status"]),
                "filtering": json.dumps({"secondary_status": everything}),
            }
            for _, records in self._pages(path, query, _field(fields[0])):
                yield [entity(record, level) for record in records]

    def lookback(self, account: Account) -> int:  # noqa: ARG002 - the same for all
        """Tell how many days back TikTok may still change its numbers."""
        return _LOOKBACK

    def performance(self, account: Account, first: date, last: date, level: Level) -> Iterator[list[Performance]]:
        """Give what days brought, the last one included; what is deleted by now still counts."""
        data_level, dimension, status = _DATA_LEVELS[level]
        query = {
            "advertiser_id": account.id,
            "report_type": "BASIC",
            "service_type": "AUCTION",
            "data_level": data_level,
            "dimensions": json.dumps([dimension, "stat_time_day"]),
            "start_date": first.isoformat(),
            "end_date": last.isoformat(),
        }
        yield from self._report(query, level, [_one_of(status, ["STATUS_ALL"])], None)

    def clicks(self, account: Account, day: date) -> Iterator[list[ClickView]] | None:  # noqa: ARG002
        """TikTok does not tell which ad a click id belongs to."""
        return None

    def touched(self, account: Account, since: datetime, until: datetime) -> set[date] | None:  # noqa: ARG002
        """TikTok does not tell which days changed."""
        return None

    def _report(
        self, query: dict[str, str], level: Level, filters: list[dict[str, str]], campaigns: list[str] | None
    ) -> Iterator[list[Performance]]:
        """Read a report, of all campaigns or of some; in parts where it would not be whole."""
        more = [] if campaigns is None else [_one_of("campaign_ids", campaigns)]
        dimension = _DATA_LEVELS[level][1]
        while True:
            asked = self._asked(level)
            given = {**query, "metrics": json.dumps(asked.metrics), "filtering": json.dumps([*filters, *more])}
            begun = False
            try:
                for answer, records in self._pages("/report/integrated/get/", given, lambda row: _key(row, dimension)):
                    if answer.headers.get("x-tt-ads-throttle"):
                        break
                    begun = True
                    yield [performance(record, asked) for record in records]
                else:
                    return
            except UnknownMetricError as error:
                self._withdraw(level, asked.metrics, error)
                if begun:
                    raise RestartError("TikTok withdrew a metric between two pages of a report.") from None
                continue
            if begun:
                raise RestartError("A report of TikTok's was cut short between two of its pages.")
            for part in self._parts(query["advertiser_id"], campaigns):
                yield from self._report(query, level, filters, part)
            return

    def _parts(self, advertiser: str, campaigns: list[str] | None) -> Iterator[list[str]]:
        """Divide what does not fit into one report."""
        if campaigns is None:
            _, path, everything, _ = _LISTS[0]
            query = {
                "advertiser_id": advertiser,
                "fields": json.dumps(["campaign_id"]),
                "filtering": json.dumps({"secondary_status": everything}),
            }
            pages = self._pages(path, query, _field("campaign_id"))
            campaigns = [identity(record["campaign_id"]) for _, records in pages for record in records]
            size = _BATCH
        elif len(campaigns) == 1:
            msg = f"TikTok's campaign {campaigns[0]} has more ads than a report holds."
            raise RefusedError(msg, cure="Divide that campaign; TikTok leaves ads out of its report without a word.")
        else:
            size = -(-len(campaigns) // 2)
        for start in range(0, len(campaigns), size):
            yield campaigns[start : start + size]

    def _asked(self, level: Level) -> Asked:
        actions = tuple(dict.fromkeys((*self._counted, *USUAL)))
        withdrawn = self._withdrawn[level]
        return Asked(level=level, actions=actions, counted=tuple(self._counted), withdrawn=withdrawn)

    def _withdraw(self, level: Level, metrics: list[str], error: UnknownMetricError) -> None:
        """Do without the metrics that TikTok refuses, and say so; without an id there is no row."""
        names = [name for name in metrics if re.search(rf"\b{name}\b", error.message)]
        if not names or {"campaign_id", "adgroup_id"} & set(names):
            raise RefusedError(error.message, cure=error.cure) from None
        for name in names:
            self._withdrawn[level][name] = f"TikTok refuses the metric {name}."
            self.notes.append(f"TikTok refuses the metric {name} for {level}s; it is missing from this pull on.")

    def _granted(self) -> list[str]:
        query = {"app_id": self._credentials["app_id"], "secret": self._credentials["secret"]}
        try:
            answer = self.http.ask("GET", "/oauth2/advertiser/get/", query=query)
        except AccountRefusedError as error:  # no account was asked for
            raise RefusedError(error.message, cure="Check app_id and secret, and what the app may do.") from None
        return [identity(record["advertiser_id"]) for record in answer.data["data"]["list"]]

    def _about(self, ids: list[str]) -> list[dict[str, Any]]:
        """Ask about accounts; one by one if one of them is not granted, which refuses all."""
        query = {"advertiser_ids": json.dumps(ids), "fields": json.dumps(_ABOUT)}
        try:
            return list(self.http.ask("GET", "/advertiser/info/", query=query).data["data"]["list"])
        except AccountRefusedError as error:
            if len(ids) == 1:
                self.notes.append(f"TikTok's account {ids[0]} is left out: {error.message}")
                return []
        return [record for one in ids for record in self._about([one])]

    def _pages(
        self, path: str, query: dict[str, str], key: Callable[[dict[str, Any]], object]
    ) -> Iterator[tuple[Answer, list[dict[str, Any]]]]:
        """Give the pages of a list, and make sure that they belong to one whole."""
        seen: set[str] = set()
        page, total = 1, None
        while True:
            numbers = {"page": str(page), "page_size": str(_PAGE)}
            answer = self.http.ask("GET", path, query={**query, **numbers})
            data = answer.data["data"]
            records, info = data["list"], data["page_info"]
            if total not in {None, info["total_number"]} or info["page"] != page:
                raise RestartError(f"TikTok's list {path} changed while it was read.")
            total = info["total_number"]
            seen.update(str(key(record)) for record in records)
            yield answer, records
            if page >= info["total_page"]:
                break
            page += 1
        if len(seen) != total:
            raise RestartError(f"TikTok's list {path} was to have {total} entries and has {len(seen)}.")


def _field(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda record: record[name]


def _key(record: Mapping[str, Any], dimension: str) -> tuple[Any, Any]:
    return record["dimensions"][dimension], record["dimensions"]["stat_time_day"]


def _one_of(field: str, values: list[str]) -> dict[str, str]:
    return {"field_name": field, "filter_type": "IN", "filter_value": json.dumps(values)}
