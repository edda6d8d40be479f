"""What a platform said of a window, as rows: each key once, and what cannot be right set aside with its reason."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from workspace.lake import QUARANTINE
from workspace.sources.ads.answers import RestartError
from workspace.sources.ads.tables import shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from workspace.sources.ads.adapter import Account, Performance

    Key = tuple[str, str, str, date]

KEY = ("level", "entity_id", "placement", "day")
"""What one row of an account is about."""

_PLACES = Decimal("0.000001")
_LIMIT = Decimal(10) ** 12 - _PLACES / 2  # what is less is less when it is rounded, too
_MOST = 2**63
_AMOUNTS = ("spend", "conversions", "view_through_conversions", "conversion_value")
_COUNTS = ("impressions", "clicks", "link_clicks")


class Rows:
    """The rows of one window of an account, page by page.

    Args:
        platform: Whose.
        account: Which account.
        first: The first day that was asked for.
        last: The last one.
        api_version: Who told us.

    Attributes:
        refused: The rows that cannot be right: why, and the row as JSON.
        unread: What those are about.
    """

    def __init__(self, platform: str, account: Account, first: date, last: date, api_version: str) -> None:
        self._told = {"platform": platform, "account_id": account.id}
        self._account, self._api_version = account, api_version
        self._first, self._last = first, last
        self._zone = ZoneInfo(account.timezone)
        self._seen: dict[Key, int] = {}
        self._pages: dict[str, list[pa.Table]] = {"performance": [], "conversions": []}
        self.refused: list[tuple[str, str]] = []
        self.unread: set[Key] = set()

    def add(self, page: Iterable[Performance]) -> None:
        """Take in a page.

        Raises:
            RestartError: A row came before with other numbers: the pages are of two different answers.
        """
        performance: list[dict[str, Any]] = []
        conversions: list[dict[str, Any]] = []
        for row in page:
            if reason := self._problem(row):
                self.refused.append((reason, json.dumps(asdict(row), default=str, ensure_ascii=False)))
                self.unread.add(_key(row))
            elif self._is_new(row):
                told = self._performance(row)
                performance.append(told)
                conversions += self._conversions(row, told)
        for name, found in (("performance", performance), ("conversions", conversions)):
            self._pages[name].append(pa.Table.from_pylist(found, schema=shape(name)))

    def table(self, name: str) -> pa.Table:
        """Give the rows of `performance` or `conversions`."""
        return pa.concat_tables([shape(name).empty_table(), *self._pages[name]])

    def __len__(self) -> int:
        return len(self._seen)

    def _is_new(self, row: Performance) -> bool:
        key = _key(row)
        content = hash(repr(row))
        before = self._seen.get(key)
        if before is None:
            self._seen[key] = content
        elif before != content:
            msg = f"{row.level} {row.entity_id} on {row.day} came twice, with different numbers."
            raise RestartError(msg, cure="Nothing: the window is asked for anew.")
        return before is None

    def _problem(self, row: Performance) -> str:
        """Say why a row cannot be right; empty if it can."""
        if not self._first <= row.day <= self._last:
            return f"its day {row.day} is none of those that were asked for"
        if not row.campaign_id or row.ad_id == "":
            return "it does not say what it is about"
        for name, value in _amounts(row):
            if value is not None and (not value.is_finite() or abs(value) >= _LIMIT):
                return f"{name} = {value} is no amount"
        for name in _COUNTS:
            if abs(getattr(row, name) or 0) >= _MOST:
                return f"{name} = {getattr(row, name)} is no count"
        if row.spend is not None and row.spend != row.spend.quantize(_PLACES):
            return f"spend = {row.spend} has more than six places"
        return ""

    def _performance(self, row: Performance) -> dict[str, Any]:
        numbers = {name: _amount(getattr(row, name)) for name in _AMOUNTS}
        return {
            **self._about(row),
            "timezone": self._account.timezone,
            "day_hours": day_hours(row.day, self._zone),
            **{name: getattr(row, name) for name in _COUNTS},
            **numbers,
            "attribution": row.attribution,
            "counted_actions": ",".join(sorted(action.name for action in row.actions if action.counted)) or None,
            "missing": json.dumps(dict(sorted(row.missing.items())), ensure_ascii=False) if row.missing else None,
            "api_version": self._api_version,
        }

    def _conversions(self, row: Performance, told: dict[str, Any]) -> list[dict[str, Any]]:
        about = {name: told[name] for name in shape("conversions").names if name in told}
        return [
            {
                **about,
                "action": action.name,
                "conversions": _amount(action.conversions),
                "conversion_value": _amount(action.value),
                "counted": action.counted,
            }
            for action in row.actions
        ]

    def _about(self, row: Performance) -> dict[str, Any]:
        return {
            **self._told,
            "level": row.level,
            "entity_id": row.entity_id,
            "placement": row.placement,
            "day": row.day,
            "campaign_id": row.campaign_id,
            "ad_group_id": row.ad_group_id,
            "ad_id": row.ad_id,
            "currency": row.currency or self._account.currency,
        }


def day_hours(day: date, zone: ZoneInfo) -> int:
    """Tell how many hours a day has where the clocks may be changed.

    Examples:
        >>> from datetime import date
        >>> from zoneinfo import ZoneInfo
        >>> [day_hours(date(2026, 10, day), ZoneInfo("Europe/Berlin")) for day in (24, 25)]
        [24, 25]
    """
    begin, end = (datetime.combine(each, time(), zone).astimezone(UTC) for each in (day, day + timedelta(days=1)))
    return round((end - begin) / timedelta(hours=1))


def quarantine(refused: Iterable[tuple[str, str]], table: str, position: int, now: datetime) -> pa.Table:
    """Give what was refused as rows of the quarantine."""
    entries = [
        {
            "table": table,
            "reason": reason,
            "position": position,
            "seq": seq,
            "raw": raw.encode(),
            "detail": None,
            "recorded_at": now,
        }
        for seq, (reason, raw) in enumerate(refused, 1)
    ]
    return pa.Table.from_pylist(entries, schema=QUARANTINE)


def _key(row: Performance) -> Key:
    return row.level, row.entity_id, row.placement, row.day


def _amounts(row: Performance) -> Iterator[tuple[str, Decimal | None]]:
    yield from ((name, getattr(row, name)) for name in _AMOUNTS)
    for action in row.actions:
        yield f"conversions of {action.name}", action.conversions
        yield f"value of {action.name}", action.value


def _amount(value: Decimal | None) -> Decimal | None:
    """Round to the lake's six places: shares of a conversion, as models divide them, may have more."""
    return None if value is None else value.quantize(_PLACES, ROUND_HALF_EVEN)
