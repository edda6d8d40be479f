"""A client of the demo's Google Ads that does no more than it is told."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adserver import CREDENTIALS

if TYPE_CHECKING:
    import httpx

    from adserver import Ads

MANAGER, BERLIN, ANGELES, EMPTY, DISABLED = ("9990000001", *(f"410000000{number}" for number in range(1, 5)))
SECRET = CREDENTIALS["google_ads"]
DAY = date(2026, 10, 5)
FAILURE = "type.googleapis.com/google.ads.googleads.v26.errors.GoogleAdsFailure"
BY_AD = (
    "SELECT campaign.id, ad_group.id, ad_group_ad.ad.id, segments.date, metrics.impressions, metrics.clicks, "
    "metrics.cost_micros, metrics.conversions, metrics.conversions_value, metrics.view_through_conversions "
    "FROM ad_group_ad WHERE segments.date BETWEEN '2026-10-01' AND '2026-10-14'"
)


class Google:
    """A client that does no more than it is told."""

    def __init__(self, ads: Ads) -> None:
        self.ads = ads
        self.headers = {
            "authorization": f"Bearer {self.token().json()['access_token']}",
            "developer-token": SECRET["developer_token"],
            "login-customer-id": MANAGER,
        }

    def token(self, **changes: str) -> httpx.Response:
        names = ("client_id", "client_secret", "refresh_token")
        form = {"grant_type": "refresh_token"} | {name: SECRET[name] for name in names} | changes
        return self.ads.client.post("/token", data=form)

    def post(self, query: str, account: str = BERLIN, method: str = "search", **body: Any) -> httpx.Response:
        path = f"/v26/customers/{account}/googleAds:{method}"
        return self.ads.client.post(path, json={"query": query, **body}, headers=self.headers)

    def page(self, query: str, account: str = BERLIN, **body: Any) -> Any:
        answer = self.post(query, account, **body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["request-id"]
        return json.loads(answer.content, parse_float=Decimal)

    def rows(self, query: str, account: str = BERLIN) -> list[Any]:
        """Give all rows, page by page."""
        found: list[Any] = []
        token: dict[str, str] = {}
        while True:
            page = self.page(query, account, **token)
            found += page.get("results", [])
            if "nextPageToken" not in page:
                return found
            token = {"pageToken": page["nextPageToken"]}


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    """Give the status, the kind of error and which one it is; check all that every refusal has."""
    body = answer.json()
    error = (body[0] if isinstance(body, list) else body)["error"]
    assert error["code"] == answer.status_code
    assert error["message"]
    (detail,) = error["details"]
    assert detail["@type"] == FAILURE
    assert detail["requestId"] == answer.headers["request-id"]
    (failure,) = detail["errors"]
    ((family, code),) = failure["errorCode"].items()
    assert failure["message"]
    return answer.status_code, family, code
