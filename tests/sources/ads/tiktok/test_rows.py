"""What TikTok's answers and records mean, those of a real account among them."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from workspace.errors import SourceError
from workspace.sources.ads.answers import AccountRefusedError, RefusedError
from workspace.sources.ads.http import Answer, BrokenError
from workspace.sources.ads.tiktok.answers import classify
from workspace.sources.ads.tiktok.rows import USUAL, Asked, account, entity, performance

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("value", ["1,234", "NaN", "Infinity", "many", True, [], {}])
def test_what_is_no_number_is_never_taken_for_one(value: object) -> None:
    record = {
        "dimensions": {"ad_id": "3", "stat_time_day": "2026-10-05 00:00:00"},
        "metrics": {"campaign_id": "1", "adgroup_id": "2", "impressions": value},
    }
    with pytest.raises(SourceError, match="impressions"):
        performance(record, Asked(level="ad", actions=USUAL, counted=USUAL[:1], withdrawn={}))


def test_half_a_click_is_no_count() -> None:
    metrics = {"campaign_id": "1", "adgroup_id": "2", "clicks": "1.5"}
    record = {"dimensions": {"ad_id": "3", "stat_time_day": "2026-10-05 00:00:00"}, "metrics": metrics}
    with pytest.raises(SourceError, match=r"clicks"):
        performance(record, Asked(level="ad", actions=(), counted=(), withdrawn={}))


def _answer(status: int, data: object) -> Answer:
    return Answer(status, {}, data, b"")


@pytest.mark.parametrize("data", [None, [], {}, {"code": "0"}, {"code": None}, {"code": 0}, {"code": 0, "data": {}}])
def test_an_answer_without_a_meaning_is_asked_for_again(data: object) -> None:
    with pytest.raises(BrokenError):
        classify(_answer(200, data))


@pytest.mark.parametrize(
    ("code", "error"), [(40300, AccountRefusedError), (41002, RefusedError), (40016, RefusedError)]
)
def test_refusals_are_told_apart(code: int, error: type[SourceError]) -> None:
    verdict: Any = classify(_answer(200, {"code": code, "message": "no", "data": {}}))
    assert type(verdict.error) is error


def test_a_gateway_that_refuses_is_a_refusal() -> None:
    verdict: Any = classify(_answer(403, None))
    assert isinstance(verdict.error, RefusedError)
    assert classify(_answer(429, None)).reason  # type: ignore[union-attr]


@pytest.fixture
def records() -> Callable[[str], list[dict[str, Any]]]:
    folder = os.environ.get("WORKSPACE_CONFORMANCE", "")
    if not folder:
        pytest.skip("no conformance data: set WORKSPACE_CONFORMANCE to their folder")

    def read(name: str) -> list[dict[str, Any]]:
        lines = (Path(folder) / "ads" / "tiktok" / name).read_text().splitlines()
        return [json.loads(line, parse_float=Decimal)["data"] for line in lines]

    return read


def test_a_real_account_s_reports_are_read_to_the_last_digit(records: Callable[[str], list[dict[str, Any]]]) -> None:
    asked = Asked(level="ad", actions=("conversion", *USUAL), counted=("conversion",), withdrawn={})
    told = records("ads_reports_daily.jsonl")
    assert len(told) == 5
    for record in told:
        metrics, row = record["metrics"], performance(record, asked)
        ids = (record["dimensions"]["ad_id"], metrics["campaign_id"], metrics["adgroup_id"])
        assert (row.ad_id, row.campaign_id, row.ad_group_id) == tuple(str(number) for number in ids)
        assert f"{row.day} 00:00:00" == record["dimensions"]["stat_time_day"]
        assert str(row.spend) == metrics["spend"]
        assert [str(row.impressions), str(row.clicks)] == [metrics["impressions"], metrics["clicks"]]
        assert str(row.conversions) == metrics["conversion"]
        assert (row.conversion_value, row.view_through_conversions, row.currency) == (None, None, None)
        silent = {"link_clicks", "conversion_value", "view_through_conversions", *USUAL}
        assert silent <= row.missing.keys()


def test_a_real_account_s_campaigns_are_read(records: Callable[[str], list[dict[str, Any]]]) -> None:
    told = records("campaigns.jsonl")
    assert len(told) == 3
    for record in told:
        one = entity(record, "campaign")
        assert (one.id, one.name) == (str(record["campaign_id"]), record["campaign_name"])
        assert (one.status, one.objective) == ("paused", "TRAFFIC")


def test_an_advertiser_as_a_live_account_has_it() -> None:
    told = {"timezone": "Etc/GMT+8", "display_timezone": "America/Los_Angeles", "status": "STATUS_ENABLE"}
    found, note = account({"advertiser_id": 7002238017842757633, "name": "One", "currency": "USD", **told})
    assert (found.id, found.timezone, found.open, note) == ("7002238017842757633", "Etc/GMT+8", True, None)
