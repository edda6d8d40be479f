"""What a row of Facebook's statistics means, and what an ad says of its address."""

from __future__ import annotations

from typing import Any

import pytest

from workspace.errors import SettingsError, SourceError
from workspace.sources.ads.facebook.rows import Counted, link, performance


def test_actions_that_hold_each_other_are_not_added_up() -> None:
    with pytest.raises(SettingsError, match="hold the same conversions"):
        Counted(["omni_purchase", "offsite_conversion.fb_pixel_purchase"])
    with pytest.raises(SettingsError, match="hold the same conversions"):
        Counted(["purchase", "purchase"])
    channels = Counted(["offsite_conversion.fb_pixel_purchase", "app_custom_event.fb_mobile_purchase"])
    assert len(channels.of([])) == 2
    assert Counted([]).of(["purchase", "offsite_conversion.fb_pixel_purchase"]) == {"purchase"}
    assert Counted([]).of(["link_click"]) == {"omni_purchase"}


ROW = {
    "date_start": "2026-10-05",
    "date_stop": "2026-10-05",
    "campaign_id": "120210000000000101",
    "adset_id": "120210000000000111",
    "ad_id": "120210000000000112",
    "spend": "12.30",
    "impressions": "100",
    "clicks": "3",
    "inline_link_clicks": "2",
    "attribution_setting": "7d_click_1d_view",
}


def test_what_is_absent_is_not_zero_but_for_actions_of_an_ad_that_was_shown() -> None:
    counted = Counted([])
    row = performance(ROW, "ad", counted, {})
    assert [row.conversions, row.conversion_value, row.view_through_conversions] == [0, 0, 0]
    less = {name: value for name, value in ROW.items() if name not in ("inline_link_clicks", "spend")}
    row = performance(less, "ad", counted, {})
    assert (row.link_clicks, row.spend) == (None, None)
    assert row.missing.keys() == {"link_clicks", "spend"}
    row = performance(ROW | {"impressions": None}, "ad", counted, {})
    assert (row.impressions, row.conversions) == (None, None)
    row = performance(ROW, "ad", counted, {"actions": "gone"})
    assert (row.conversions, row.view_through_conversions) == (None, None)
    assert row.missing == {"conversions": "gone", "view_through_conversions": "gone"}
    bought = ROW | {"actions": [{"action_type": "purchase", "value": "2", "7d_click": "2"}]}
    row = performance(bought, "ad", counted, {})
    assert [row.conversions, row.conversion_value] == [2, None]
    assert row.missing == {"conversion_value": "Facebook gave the conversions no value"}
    later = {"impressions": "0", "action_values": [{"action_type": "purchase", "value": "90"}]}
    row = performance(bought | later, "ad", counted, {})
    assert [row.conversions, row.conversion_value, row.view_through_conversions] == [2, 90, 0], "bought the day after"
    assert row.missing == {}
    row = performance(ROW | {"impressions": "0"}, "ad", counted, {})
    assert (row.impressions, row.conversions) == (0, None)
    windows_only = ROW | {"actions": [{"action_type": "purchase", "28d_click": "2"}]}
    assert performance(windows_only, "ad", counted, {}).conversions is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"date_stop": "2026-10-06"},
        {"spend": "12,30"},
        {"clicks": "1.5"},
        {"actions": [{"action_type": "purchase", "value": "1"}, {"action_type": "purchase", "value": "1"}]},
    ],
)
def test_a_row_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SourceError):
        performance(ROW | wrong, "ad", Counted([]), {})


def test_the_address_of_an_ad_wherever_it_stands() -> None:
    spec = {"video_data": {"call_to_action": {"value": {"link": "https://a.example/v?x=1#top"}}}}
    assert link({"object_story_spec": spec, "url_tags": "utm_id=7"}) == "https://a.example/v?x=1&utm_id=7#top"
    assert link({"asset_feed_spec": {"link_urls": [{"website_url": "https://a.example"}]}}) == "https://a.example"
    assert link({"link_url": "https://a.example/l"}) == "https://a.example/l"
    assert link({"id": "1"}) is None
