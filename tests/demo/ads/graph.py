"""Asking the demo's Facebook, as tests do it."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import date
from typing import TYPE_CHECKING, Any

from adserver import CREDENTIALS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adserver import Ads

TOKEN, APP_SECRET = CREDENTIALS["facebook_ads"]["access_token"], CREDENTIALS["facebook_ads"]["app_secret"]
PROOF = hmac.new(APP_SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
EU, JAPAN, EMPTY, DISABLED = (f"12000000000000000{number}" for number in range(1, 5))
DAY = date(2026, 10, 5)
RANGE = json.dumps({"since": "2026-10-05", "until": "2026-10-06"})
DAILY = {"level": "ad", "time_increment": "1", "time_range": RANGE}
EVERY = json.dumps(
    [
        *("ACTIVE", "ADSET_PAUSED", "ARCHIVED", "CAMPAIGN_PAUSED", "DELETED", "DISAPPROVED", "IN_PROCESS", "PAUSED"),
        *("PENDING_BILLING_INFO", "PENDING_REVIEW", "PREAPPROVED", "WITH_ISSUES"),
    ]
)


def ask(ads: Ads, path: str, query: Mapping[str, str] | None = None, *, method: str = "GET", **how: Any) -> Any:
    how = {"headers": {"Authorization": f"Bearer {TOKEN}"}} | how
    sent = {"params": query} if method == "GET" else {"data": query}
    return ads.client.request(method, f"/v26.0/{path}", **sent, **how)  # type: ignore[arg-type]


def told(ads: Ads, path: str, method: str = "GET", **query: str) -> Any:
    answer = ask(ads, path, query, method=method)
    assert answer.status_code == 200, answer.text
    return answer.json()


def error(ads: Ads, path: str, method: str = "GET", **query: str) -> dict[str, Any]:
    answer = ask(ads, path, query, method=method)
    assert answer.status_code >= 400, answer.text
    body = answer.json()
    assert body.keys() == {"error"}
    assert answer.headers["www-authenticate"].startswith('OAuth "Facebook Platform"')
    found: dict[str, Any] = body["error"]
    return found
