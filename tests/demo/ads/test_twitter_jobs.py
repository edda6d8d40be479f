"""X's jobs in the demo, and all that can go wrong."""

from __future__ import annotations

import gzip
import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from demo.ads.signed import DAY, US, ask, asked, refused, signed

if TYPE_CHECKING:
    from adserver import Ads


def job(ads: Ads, **changes: Any) -> Any:
    return ask(ads, f"stats/jobs/accounts/{US}", "POST", **asked(ads, date(2026, 10, 6), **changes))["data"]


def polled(ads: Ads, *ids: str) -> Any:
    return ask(ads, f"stats/jobs/accounts/{US}", job_ids=",".join(ids))["data"]


def test_a_job_is_put_to_work_asked_after_and_fetched(ads: Ads) -> None:
    ads.control("POST", "knobs", {"twitter_job_polls": 1})
    made = job(ads)
    assert (made["status"], made["url"], made["expires_at"]) == ("PROCESSING", None, None)
    assert made["id"] == int(made["id_str"]) > 2**53
    assert polled(ads, made["id_str"])[0]["status"] == "PROCESSING"
    done = polled(ads, made["id_str"])[0]
    assert (done["status"], done["expires_at"]) == ("SUCCESS", "2026-11-07T12:00:00Z")
    answer = ads.client.get(done["url"].removeprefix(ads.url))
    assert answer.headers["content-type"] == "application/gzip"
    body = json.loads(gzip.decompress(answer.content))
    assert (body["data_type"], body["time_series_length"]) == ("stats", 29)
    assert len(body["data"]) == 12


def test_a_result_is_frozen_when_it_is_done(ads: Ads) -> None:
    made = job(ads)
    url = polled(ads, made["id_str"])[0]["url"].removeprefix(ads.url)
    before = ads.client.get(url).content
    ad = next(iter(ads.expected(US, DAY)))
    ads.control("POST", "restate", {"ad": ad, "date": str(DAY), "delta": {"clicks": 5}})
    assert ads.client.get(url).content == before
    fresh = polled(ads, job(ads)["id_str"])[0]["url"].removeprefix(ads.url)
    assert ads.client.get(fresh).content != before


def test_a_result_is_kept_for_two_days(ads: Ads) -> None:
    url = polled(ads, job(ads)["id_str"])[0]["url"].removeprefix(ads.url)
    ads.control("POST", "clock", {"advance": 48 * 3600 - 1})
    assert ads.client.get(url).status_code == 200
    ads.control("POST", "clock", {"advance": 1})
    assert ads.client.get(url).status_code == 404


def test_a_job_takes_virtual_time(ads: Ads) -> None:
    ads.control("POST", "knobs", {"twitter_job_seconds": 30})
    made = job(ads)
    assert [polled(ads, made["id_str"])[0]["status"] for _ in range(3)] == ["PROCESSING"] * 3
    ads.control("POST", "clock", {"advance": 31})
    assert polled(ads, made["id_str"])[0]["status"] == "SUCCESS"


def test_a_hundred_jobs_run_and_no_more(ads: Ads) -> None:
    ads.control("POST", "knobs", {"twitter_job_polls": 1})
    answers = [signed(ads, "POST", f"stats/jobs/accounts/{US}", asked(ads)) for _ in range(100)]
    assert {each.status_code for each in answers} == {200}
    assert answers[-1].headers["x-concurrent-job-limit-remaining"] == "0"
    assert answers[-1].headers["x-concurrent-job-limit"] == "100"
    assert refused(ads, f"stats/jobs/accounts/{US}", "POST", **asked(ads))[:2] == (400, "TOO_MANY_JOBS")
    ids = [each.json()["data"]["id_str"] for each in answers]
    polled(ads, *ids)
    assert {each["status"] for each in polled(ads, *ids)} == {"SUCCESS"}
    assert signed(ads, "POST", f"stats/jobs/accounts/{US}", asked(ads)).status_code == 200
    assert refused(ads, f"stats/jobs/accounts/{US}", job_ids=",".join(["1"] * 201))[2] == "job_ids"


def test_a_cursor_is_given_even_to_who_names_his_jobs(ads: Ads) -> None:
    job(ads)
    made = job(ads)
    body = ask(ads, f"stats/jobs/accounts/{US}", job_ids=made["id_str"])
    assert [each["id_str"] for each in body["data"]] == [made["id_str"]]
    assert body["next_cursor"] is not None


def test_a_jobs_id_can_come_twice(ads: Ads) -> None:
    ads.control("POST", "knobs", {"twitter_double_id": True})
    text = signed(ads, "POST", f"stats/jobs/accounts/{US}", asked(ads)).text
    assert text.count('"id":') == 2
    assert "id_str" not in text


def test_jobs_may_span_90_days(ads: Ads) -> None:
    assert job(ads, start_time="2026-08-06T08:00:00Z")["status"] == "PROCESSING"
    wrong = asked(ads, start_time="2026-08-05T08:00:00Z")
    assert refused(ads, f"stats/jobs/accounts/{US}", "POST", **wrong)[1] == "INVALID_TIME_WINDOW"


# Faults


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("rate_limit", 429, "TOO_MANY_REQUESTS"),
        ("over_capacity", 503, "OVER_CAPACITY"),
        ("internal", 500, "INTERNAL_ERROR"),
        ("cancelled", 408, "CANCELLED_REQUEST"),
        ("locked", 423, "LOCK_ACQUISITION_TIMEOUT"),
        ("too_many_jobs", 400, "TOO_MANY_JOBS"),
        ("too_complex", 400, "REQUEST_TOO_COMPLEX"),
        ("invalid_cursor", 400, "INVALID_PARAMETER"),
        ("unauthorized", 401, "UNAUTHORIZED_ACCESS"),
        ("no_access", 403, "UNAUTHORIZED_CLIENT_APPLICATION"),
        ("account_locked", 403, "ACCOUNT_LOCKED_OUT"),
    ],
)
def test_a_fault_happens_as_often_as_it_is_told(ads: Ads, kind: str, status: int, code: str) -> None:
    ads.fault(kind, "twitter_ads", path="campaigns", skip=1)
    assert signed(ads, "GET", f"accounts/{US}/campaigns").status_code == 200
    assert refused(ads, f"accounts/{US}/campaigns")[:2] == (status, code)
    assert signed(ads, "GET", f"accounts/{US}/campaigns").status_code == 200


def test_a_busy_service_may_say_when_to_come_back(ads: Ads) -> None:
    ads.fault("over_capacity", "twitter_ads", retry_after=7)
    ads.fault("over_capacity", "twitter_ads")
    first, second = (signed(ads, "GET", f"accounts/{US}") for _ in range(2))
    assert (first.headers["retry-after"], "retry-after" in second.headers) == ("7", False)


@pytest.mark.parametrize(("kind", "status"), [("html_404", 404), ("retired", 410)])
def test_some_errors_are_pages(ads: Ads, kind: str, status: int) -> None:
    ads.fault(kind, "twitter_ads")
    answer = signed(ads, "GET", f"accounts/{US}")
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(("kind", "states"), [("job_failed", ["FAILED"] * 3), ("job_stuck", ["PROCESSING"] * 3)])
def test_jobs_may_fail_or_never_end(ads: Ads, kind: str, states: list[str]) -> None:
    ads.fault(kind, "twitter_ads", method="POST")
    made = job(ads)
    assert [polled(ads, made["id_str"])[0]["status"] for _ in range(3)] == states
    assert polled(ads, job(ads)["id_str"])[0]["status"] == "SUCCESS"


def test_a_job_may_be_done_without_an_address(ads: Ads) -> None:
    ads.fault("job_no_url", "twitter_ads", method="POST")
    made = job(ads)
    told = [polled(ads, made["id_str"])[0] for _ in range(3)]
    assert {each["status"] for each in told} == {"SUCCESS"}
    assert [each["url"] is None for each in told] == [True, True, False]


def test_a_result_may_not_be_ready_or_be_gone(ads: Ads) -> None:
    url = polled(ads, job(ads)["id_str"])[0]["url"].removeprefix(ads.url)
    ads.fault("not_ready", "twitter_ads", path="^/ton/")
    ads.fault("result_expired", "twitter_ads", path="^/ton/", skip=1)
    assert [ads.client.get(url).status_code for _ in range(4)] == [426, 200, 404, 404]


def test_a_revoked_token_is_refused(ads: Ads) -> None:
    ads.control("POST", "tokens/expire", {"platform": "twitter_ads"})
    assert refused(ads, "accounts")[:2] == (401, "UNAUTHORIZED_ACCESS")
