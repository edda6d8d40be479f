"""Facebook as the demo speaks it: jobs, budgets, and what errors look like."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from demo.ads.graph import DAILY, EU, ask, error, told

if TYPE_CHECKING:
    from adserver import Ads


def begun(ads: Ads, **more: str) -> str:
    started = told(ads, f"act_{EU}/insights", "POST", **DAILY, fields="ad_id,clicks", **more)
    assert started.keys() == {"report_run_id"}
    return str(started["report_run_id"])


def test_a_job_goes_through_its_states_and_its_result_stays_as_it_is(ads: Ads) -> None:
    ads.control("POST", "knobs", {"facebook_polls": 5})
    run = begun(ads)
    found = error(ads, f"{run}/insights")
    assert (found["code"], found["error_subcode"], found["is_transient"]) == (2601, 1815107, True)
    states = [told(ads, run) for _ in range(6)]
    assert [(each["async_status"], each["async_percent_completion"]) for each in states] == [
        ("Job Not Started", 0),
        ("Job Started", 0),
        ("Job Running", 37),
        ("Job Running", 100),
        ("Job Completed", 100),
        ("Job Completed", 100),
    ]
    assert "time_completed" not in states[3]
    assert states[4].keys() >= {"id", "account_id", "time_ref", "time_completed"}
    before = told(ads, f"{run}/insights", limit="100")["data"]
    delta = {"ad": before[0]["ad_id"], "date": before[0]["date_start"], "delta": {"clicks": 5}}
    ads.control("POST", "restate", delta)
    assert told(ads, f"{run}/insights", limit="100")["data"] == before
    assert told(ads, f"act_{EU}/insights", **DAILY, fields="ad_id,clicks", limit="100")["data"] != before
    ads.sim.now += timedelta(days=30)
    assert error(ads, f"{run}/insights")["error_subcode"] == 33


@pytest.mark.parametrize(
    ("kind", "more", "last"),
    [
        ("job_failed", {"error": {"error_code": 2, "error_message": "again"}}, ("Job Failed", 0)),
        ("job_skipped", {}, ("Job Skipped", 0)),
        ("job_not_starting", {}, ("Job Not Started", 0)),
        ("job_stuck", {}, ("Job Running", 99)),
    ],
)
def test_jobs_that_do_not_end_well(ads: Ads, kind: str, more: dict[str, Any], last: tuple[str, int]) -> None:
    ads.fault(kind, "facebook_ads", method="POST", **more)
    run = begun(ads)
    states = [told(ads, run, fields="async_status,async_percent_completion,error_code,error_message")] * 1
    states += [told(ads, run, fields="async_status,async_percent_completion,error_code") for _ in range(4)]
    assert (states[-1]["async_status"], states[-1]["async_percent_completion"]) == last
    assert states[-1].get("error_code") == more.get("error", {}).get("error_code")
    assert error(ads, f"{run}/insights")["code"] == 2601
    assert told(ads, begun(ads))["async_status"] == "Job Running"  # the next one is well


def test_a_job_by_the_virtual_clock(ads: Ads) -> None:
    ads.control("POST", "knobs", {"facebook_job_seconds": 100, "facebook_polls": 5})
    run = begun(ads)
    assert {told(ads, run)["async_status"] for _ in range(5)} == {"Job Not Started"}
    ads.control("POST", "clock", {"advance": 60})
    assert told(ads, run)["async_status"] == "Job Running"
    ads.control("POST", "clock", {"advance": 40})
    assert told(ads, run)["async_status"] == "Job Completed"


def test_every_answer_tells_how_much_of_the_budgets_is_used(ads: Ads) -> None:
    ads.control("POST", "limits", {"facebook_ads": {"ads_insights": 4, "ads_management": 10}})
    for number, path in enumerate((f"act_{EU}/campaigns", f"act_{EU}/ads"), start=1):
        headers = ask(ads, path).headers
        (case,) = json.loads(headers["x-business-use-case-usage"])[EU]
        assert (case["type"], case["call_count"], case["estimated_time_to_regain_access"]) == (
            "ads_management",
            10 * number,
            0,
        )
    headers = ask(ads, f"act_{EU}/insights", {"fields": "spend"}).headers
    assert json.loads(headers["x-fb-ads-insights-throttle"])["acc_id_util_pct"] == 25
    assert json.loads(headers["x-ad-account-usage"])["acc_id_util_pct"] == 25
    assert headers["facebook-api-version"] == "v26.0"
    headers = ask(ads, "me").headers
    assert json.loads(headers["x-app-usage"]).keys() == {"call_count", "total_time", "total_cputime"}
    assert "x-business-use-case-usage" not in headers
    assert ads.control("GET", "limits")["facebook_ads"]["used"][f"ads_insights/{EU}"] == 1


@pytest.mark.parametrize(
    ("budget", "path", "code"),
    [
        ("ads_insights", f"act_{EU}/insights", 80000),
        ("ads_management", f"act_{EU}/ads", 80004),
        ("app", "me", 4),
        ("user", "me", 17),
    ],
)
def test_a_budget_that_is_used_up_comes_back_after_the_hour(ads: Ads, budget: str, path: str, code: int) -> None:
    ads.control("POST", "limits", {"facebook_ads": {budget: 2}})
    assert [ask(ads, path).status_code for _ in range(2)] == [200, 200]
    ads.control("POST", "clock", {"advance": 600})
    refused = ask(ads, path)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, code)
    if code >= 80000:
        (case,) = json.loads(refused.headers["x-business-use-case-usage"])[EU]
        assert case["estimated_time_to_regain_access"] == 50
    ads.control("POST", "clock", {"advance": 3000})
    assert ask(ads, path).status_code == 200


@pytest.mark.parametrize(
    ("kind", "more", "status", "code"),
    [
        ("rate_limit", {"code": 613}, 400, 613),
        ("transient", {}, 500, 2),
        ("transient", {"subcode": 99}, 500, 1),
        ("token_expired", {}, 400, 190),
        ("permission", {}, 403, 200),
        ("version_retired", {}, 400, 2635),
        ("too_many_rows", {}, 400, 100),
        ("reduce_data", {}, 500, 1),
        ("cursor_invalid", {}, 400, 2642),
        ("unknown_field", {"field": "clicks"}, 400, 100),
        ("job_unfinished", {}, 400, 2601),
    ],
)
def test_faults_happen_as_often_as_they_are_told_to(
    ads: Ads, kind: str, more: dict[str, Any], status: int, code: int
) -> None:
    ads.fault(kind, "facebook_ads", path="/ads$", skip=1, **more)
    answers = [ask(ads, f"act_{EU}/ads") for _ in range(3)]
    assert [each.status_code for each in answers] == [200, status, 200]
    assert answers[1].json()["error"]["code"] == code
    assert "x-app-usage" in answers[1].headers


def test_a_row_on_two_pages(ads: Ads) -> None:
    ads.fault("duplicate_row", "facebook_ads", path="/ads$")
    assert len(told(ads, f"act_{EU}/ads", limit="4")["data"]) == 5


def test_what_cannot_be_done(ads: Ads) -> None:
    assert error(ads, f"act_{EU}", "POST", name="x")["message"].startswith("Unsupported post request")
    assert error(ads, f"act_{EU}/nothing")["message"].endswith("on node type (AdAccount)")
    assert error(ads, "me/friends")["message"].endswith("on node type (User)")
    assert error(ads, f"{begun(ads)}/ads")["message"].endswith("on node type (AdReportRun)")
