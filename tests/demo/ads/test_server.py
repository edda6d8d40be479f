"""The ad server itself: whom it asks, what goes wrong on the way, and its control plane."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

import httpx
import pytest

from adserver import MADE, NOW, Ads, SmallBook
from workspace.demo.ads import simulation
from workspace.demo.ads.simulation import Reply, dumps, platform_of

if TYPE_CHECKING:
    from types import ModuleType

    from workspace.demo.ads.simulation import Request, Simulation

DAY = date(2026, 10, 5)
ANSWER = {"data": {"名": "Ünïcode 🍂", "spend": Decimal("1.10")}, "last": 2**53 + 1}
BODY = '{"data":{"名":"Ünïcode 🍂","spend":1.10},"last":9007199254740993}'.encode()


class Echo:
    """A platform that always says the same, and knows one fault of its own."""

    expired = 0

    def answer(self, _: Simulation, request: Request) -> Reply:
        if request.path.endswith("/broken"):
            raise ValueError(request.path)
        if request.path.endswith("/echo"):
            return Reply(200, {"url": request.url, "form": dict(request.form), "query": dict(request.query)})
        return Reply(200, ANSWER, {"x-mine": "yes"})

    def expire(self, _: Simulation) -> None:
        self.expired += 1

    def limits(self, sim: Simulation) -> dict[str, int]:
        return {"expired": self.expired, **sim.settings.get("limits", {})}

    FAULTS: ClassVar = {
        "busy": lambda *asked: Reply(400, {"code": asked[2]["code"]}),
        "tired": lambda *_: None,
    }


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch, ads: Ads) -> Ads:
    """The server with a made-up platform behind the addresses of Facebook."""
    modules: dict[str, object] = {"facebook_ads": Echo()}

    def module_of(platform: str) -> ModuleType | None:
        return modules.get(platform)  # type: ignore[return-value]  # it has what is asked for

    for room in ("simulation", "control", "faults", "server"):
        monkeypatch.setattr(f"workspace.demo.ads.{room}.module_of", module_of)
    return ads


def ask(ads: Ads, **more: Any) -> httpx.Response:
    return ads.client.get("/v26.0/me", **more)


@pytest.mark.parametrize(
    ("path", "platform"),
    [
        ("/token", "google_ads"),
        ("/v26/customers/1/googleAds:search", "google_ads"),
        ("/v26.0/act_1/insights", "facebook_ads"),
        ("/open_api/v1.3/ad/get/", "tiktok_ads"),
        ("/12/accounts", "twitter_ads"),
        ("/ton/1.json.gz", "twitter_ads"),
        ("/tokens", None),
        ("/me", None),
    ],
)
def test_the_path_tells_the_platform(path: str, platform: str | None) -> None:
    assert platform_of(path) == platform


def test_a_request_arrives_whole_and_its_answer_digit_by_digit(echo: Ads) -> None:
    answer = ask(echo)
    assert (answer.status_code, answer.content, answer.headers["x-mine"]) == (200, BODY, "yes")
    told = echo.client.post("/v26.0/a%2Cb/echo?x=1%3A2&y=", data={"f": "a b&c"}).json()
    assert told == {
        "url": f"{echo.url}/v26.0/a%2Cb/echo?x=1%3A2&y=",
        "form": {"f": "a b&c"},
        "query": {"x": "1:2", "y": ""},
    }
    with pytest.raises(TypeError, match="set is not"):
        dumps({1})
    assert echo.client.get("/nobody").status_code == 404


def test_a_mistake_of_a_platform_is_told_to_the_test(echo: Ads) -> None:
    assert echo.client.get("/v26.0/broken").status_code == 500
    assert "ValueError: /v26.0/broken" in echo.server.errors.pop()


def test_calls_are_kept_without_secrets(echo: Ads) -> None:
    ask(echo, params={"access_token": "EAAsecret", "fields": "id"})
    echo.client.post("/v26.0/act_1/insights", data={"access_token": "EAAsecret", "level": "ad"})
    first, second = echo.calls("facebook_ads")
    assert (first["method"], first["path"], first["query"], first["status"]) == (
        "GET",
        "/v26.0/me",
        {"fields": "id"},
        200,
    )
    assert (second["form"], second["fault"]) == ({"level": "ad"}, None)
    assert "EAAsecret" not in json.dumps(echo.calls())
    echo.control("DELETE", "calls")
    assert echo.calls() == []


@pytest.mark.parametrize("kind", ["reset_before", "reset_mid", "short", "refuse"])
def test_a_connection_breaks_off_and_the_next_one_does_not(echo: Ads, kind: str) -> None:
    echo.fault(kind, "facebook_ads", path="/me$")
    with pytest.raises(httpx.TransportError) as caught:
        ask(echo)
    expected = {
        "reset_before": "ReadError",
        "refuse": "ReadError",
        "reset_mid": "ReadError",
        "short": "RemoteProtocolError",
    }
    assert type(caught.value).__name__ == expected[kind]
    if kind == "refuse":
        with pytest.raises(httpx.ConnectError, match="refused"):
            ask(echo)
        for _ in range(100):
            time.sleep(0.05)
            try:
                ask(echo)
                break
            except httpx.ConnectError:
                continue
    assert ask(echo).content == BODY
    assert echo.calls()[0]["fault"] == kind


def test_a_body_that_comes_too_late(echo: Ads) -> None:
    echo.fault("slow", seconds=1.5)
    with pytest.raises(httpx.ReadTimeout):
        ask(echo, timeout=0.3)
    assert ask(echo).content == BODY


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("truncate", BODY[: len(BODY) // 2]),
        ("empty", b""),
        ("bom", b"\xef\xbb\xbf" + BODY),
        ("charset", BODY),
        ("duplicate_key", BODY[:-1] + b',"data":null}'),
    ],
)
def test_a_body_that_is_wrong(echo: Ads, kind: str, content: bytes) -> None:
    echo.fault(kind)
    answer = ask(echo)
    assert (answer.status_code, answer.content) == (200, content)
    assert ("8859" in answer.headers["content-type"]) == (kind == "charset")
    assert ask(echo).content == BODY


def test_a_compressed_body_that_is_broken(echo: Ads) -> None:
    echo.fault("gzip_corrupt")
    with pytest.raises(httpx.DecodingError):
        ask(echo)
    assert ask(echo).content == BODY


def test_a_gateway_answers_in_place_of_the_platform(echo: Ads) -> None:
    echo.fault("html", status=504)
    answer = ask(echo)
    assert (answer.status_code, answer.headers["content-type"]) == (504, "text/html; charset=utf-8")
    assert answer.text.startswith("<html>")


def test_faults_come_when_they_are_due(echo: Ads) -> None:
    echo.fault("busy", "facebook_ads", path="me$", skip=1, times=2, code=80004)
    echo.fault("tired", "facebook_ads")
    echo.fault("html", "google_ads")
    statuses = [ask(echo).status_code for _ in range(5)]
    assert statuses == [200, 400, 400, 200, 200]
    (left,) = echo.control("GET", "faults")
    assert (left["kind"], left["times"]) == ("html", 1)
    echo.control("DELETE", "faults")
    assert echo.control("GET", "faults") == []


def test_a_fault_that_nobody_knows_is_refused(echo: Ads) -> None:
    answer = echo.client.post("/_sim/faults", json=[{"kind": "truncated", "platform": "facebook_ads"}])
    assert answer.status_code == 400
    assert "Did you mean truncate?" in answer.json()["error"]
    assert echo.client.get("/_sim/what").status_code == 404
    assert echo.client.post("/_sim/clock", json=[]).status_code == 400


def test_the_clock_and_the_knobs(echo: Ads) -> None:
    assert datetime.fromisoformat(echo.control("GET", "clock")["now"]) == NOW
    echo.control("POST", "clock", {"advance": 90})
    assert echo.sim.now == NOW + timedelta(seconds=90)
    echo.clock(MADE)
    assert echo.sim.now == MADE
    echo.control("POST", "knobs", {"page": 3, "strict": False, "stuck": True})
    assert (echo.sim.page, echo.sim.strict, echo.sim.settings) == (3, False, {"stuck": True})
    assert echo.control("GET", "knobs") == {"page": 3, "strict": False, "stuck": True}
    echo.control("DELETE", "knobs")
    assert echo.sim.settings == {}


def test_tokens_and_limits_are_the_platforms_own(echo: Ads) -> None:
    assert echo.control("POST", "tokens/expire") == ["facebook_ads"]
    assert echo.control("POST", "tokens/expire", {"platform": "google_ads"}) == []
    echo.control("POST", "limits", {"calls": 5})
    assert echo.control("GET", "limits") == {"facebook_ads": {"expired": 1, "calls": 5}}


def test_a_day_is_restated_from_now_on(ads: Ads) -> None:
    account, book = "7050000000000000002", SmallBook()
    ad = book.ads(account)[0]
    before = ads.expected(account, DAY)[ad.id]
    campaigns = {each.id: facts for each, facts in ads.sim.book.campaign_facts(account, DAY, NOW)}
    ads.control("POST", "clock", {"advance": 60})
    delta = {"spend": "-12", "clicks": -1, "conversions": "2", "value": "900"}
    ads.control("POST", "restate", {"ad": ad.id, "date": str(DAY), "delta": delta})
    after = ads.expected(account, DAY)[ad.id]
    assert (after.spend, after.clicks) == (before.spend - 12, before.clicks - 1)
    assert [
        a - b for a, b in zip(ads.counted("tiktok_ads", after), ads.counted("tiktok_ads", before), strict=True)
    ] == [2, 900]
    assert ads.expected(account, DAY, NOW)[ad.id] == before
    assert ads.expected(account, DAY + timedelta(days=1)) == ads.expected(account, DAY + timedelta(days=1), NOW)
    changed = {each.id: facts for each, facts in ads.sim.book.campaign_facts(account, DAY, ads.sim.now)}
    assert changed[ad.campaign_id].spend == campaigns[ad.campaign_id].spend - 12
    assert {k: v for k, v in changed.items() if k != ad.campaign_id} == {
        k: v for k, v in campaigns.items() if k != ad.campaign_id
    }
    ads.control("POST", "restate", {"ad": ad.id, "date": str(DAY), "delta": {"vanish": True}})
    assert ad.id not in ads.expected(account, DAY)
    truth = ads.control("GET", "truth", account=account, day=str(DAY), as_of=NOW.isoformat())
    assert Decimal(truth["ads"][ad.id]["spend"]) == before.spend
    assert ads.client.post("/_sim/restate", json={"ad": ad.id, "date": str(DAY), "delta": {"x": 1}}).status_code == 400


def test_a_campaign_without_ads_is_restated_itself(ads: Ads) -> None:
    account = "4100000001"
    campaign = next(each for each in ads.book.campaigns(account) if each.ads_hidden)
    before = {each.id: facts for each, facts in ads.sim.book.campaign_facts(account, DAY, NOW)}
    ads.control("POST", "restate", {"entity": campaign.id, "date": str(DAY), "delta": {"impressions": 9}})
    after = {each.id: facts for each, facts in ads.sim.book.campaign_facts(account, DAY, NOW)}
    assert after == before | {
        campaign.id: replace(before[campaign.id], impressions=before[campaign.id].impressions + 9)
    }


def test_accounts_and_entities_are_edited(ads: Ads) -> None:
    ads.control("POST", "account", {"id": "4100000001", "currency": "GBP", "status": "disabled"})
    changed = {each.id: (each.currency, each.status) for each in ads.sim.book.accounts("google_ads")}
    assert changed["4100000001"] == ("GBP", "disabled")
    assert changed["4100000002"] == ("USD", "enabled")
    assert ads.client.post("/_sim/account", json={"id": "1", "name": "x"}).status_code == 400
    campaign = ads.book.campaigns("18ce0001")[0]
    ads.control("POST", "entity", {"id": campaign.id, "name": "anew"})
    ads.control("POST", "entity/delete", {"id": campaign.id})
    edited = ads.sim.book.campaigns("18ce0001")[0]
    assert (edited.name(NOW), edited.status(NOW), edited.updated(NOW)) == ("anew", "deleted", NOW)
    past = NOW - timedelta(seconds=1)
    assert (edited.name(past), edited.status(past)) == (campaign.name(NOW), "enabled")


def test_a_platform_that_nobody_wrote_is_no_error(ads: Ads, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> ModuleType:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(simulation, "import_module", missing)
    assert ads.client.get("/12/accounts").status_code == 404
