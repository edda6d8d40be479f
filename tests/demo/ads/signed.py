"""X as its own users ask it: signed by OAuth 1.0a, strictly written."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from oauthlib import oauth1

from adserver import CREDENTIALS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import httpx

    from adserver import Ads

US, UK, EMPTY, DISABLED = (f"18ce000{number}" for number in range(1, 5))
KEYS = [CREDENTIALS["twitter_ads"][name] for name in ("consumer_key", "consumer_secret", "token", "token_secret")]
DAY = date(2026, 11, 3)
GROUPS = "ENGAGEMENT,BILLING,WEB_CONVERSION"


def signed(ads: Ads, method: str, path: str, query: dict[str, str] | None = None, **more: Any) -> httpx.Response:
    written = "&".join(f"{name}={quote(value, safe='')}" for name, value in (query or {}).items())
    url = f"{ads.url}/{more.pop('version', 12)}/{path}" + (f"?{written}" if written else "")
    _, headers, _ = oauth1.Client(*more.pop("keys", KEYS), **more).sign(url, http_method=method)
    return ads.client.request(method, url, headers=headers)


def ask(ads: Ads, path: str, method: str = "GET", **query: str) -> Any:
    answer = signed(ads, method, path, query)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.content, parse_float=Decimal)


def refused(ads: Ads, path: str, method: str = "GET", **query: str) -> tuple[int, str, str]:
    answer = signed(ads, method, path, query)
    body = answer.json()
    assert body.keys() == {"errors", "request"}
    error = body["errors"][0]
    return answer.status_code, error["code"], error.get("parameter", "")


def asked(ads: Ads, first: date = DAY, last: date = DAY, **changes: str) -> dict[str, str]:
    """Ask about ads of Los Angeles, whose days begin at 08:00 UTC at present."""
    return {
        "entity": "PROMOTED_TWEET",
        "entity_ids": ",".join(ad.id for ad in ads.book.ads(US)),
        "start_time": f"{first}T08:00:00Z",
        "end_time": f"{last + timedelta(days=1)}T08:00:00Z",
        "granularity": "DAY",
        "placement": "ALL_ON_TWITTER",
        "metric_groups": GROUPS,
        **changes,
    }


def stats(ads: Ads, **changes: Any) -> dict[str, dict[str, Any]]:
    body = ask(ads, f"stats/accounts/{US}", **asked(ads, **changes))
    return {each["id"]: each["id_data"][0]["metrics"] for each in body["data"]}


def at(metrics: dict[str, Any], name: str, slot: int = 0) -> Any:
    whole: Any = metrics
    for part in name.split("."):
        whole = whole[part]
    return None if whole is None else whole[slot]


def summed(told: Iterable[dict[str, Any]], name: str, slot: int = 0) -> int:
    return sum(at(metrics, name, slot) or 0 for metrics in told)
