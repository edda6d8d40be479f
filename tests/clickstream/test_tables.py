"""What the derived tables say of events whose story is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import duckdb
import pytest

from clickstream.rows import DAY, SOURCE, append, archived, at, contexts, event, read, unstruct
from workspace.clickstream.channels import with_channel
from workspace.clickstream.derivation import derive
from workspace.lake import Lake
from workspace.lake.periods import day_sql
from workspace.lake.schema import columns_of

IAB = "iglu:com.iab.snowplow/spiders_and_robots/jsonschema/1-0-0"
YAUAA = "iglu:nl.basjes/yauaa_context/jsonschema/1-0-4"
SEARCH = "iglu:com.bookmyevent/search/jsonschema/1-0-0"
CHROME = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/141.0.0.0 Mobile Safari/537.36"


def views(lake: Lake) -> dict[str, dict[str, object]]:
    return {row["page_view_id"]: row for row in read(lake, "clickstream.page_views")}


@pytest.fixture
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(str(tmp_path_factory.mktemp("lake")))


def test_robots_stay_in_events_only(lake: Lake) -> None:
    append(
        lake,
        [
            event(1, 0, useragent="Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
            event(2, 0, derived_contexts=contexts((IAB, {"spiderOrRobot": True}))),
            event(3, 0, derived_contexts=contexts((YAUAA, {"deviceClass": "Robot Mobile"}))),
            event(4, 0, derived_contexts=contexts((IAB, {"spiderOrRobot": False})), useragent=CHROME),
            event(5, 0, useragent="Mozilla/5.0 (Linux; Android 9; CUBOT X18) Mobile"),
            event(6, 0, domain_userid=None),
            event(7, 0, domain_sessionid=None),
        ],
    )
    done = derive(SOURCE, lake, run="r", as_of=at(1))
    assert done.bots == 3
    assert [row["bot"] for row in read(lake, "clickstream.events")].count(False) == 4
    assert sorted(row["event_id"][:8] for row in read(lake, "clickstream.page_views")) == ["00000004", "00000005"]
    (session,) = read(lake, "clickstream.sessions")
    assert (session["events"], session["device"]) == (2, "mobile")


def test_json_that_is_none_costs_its_blocks_and_no_event(lake: Lake) -> None:
    append(
        lake,
        [
            event(1, 0, contexts="{broken"),
            event(2, 1, contexts='{"schema": "x", "data": {"schema": "no list"}}'),
            event(3, 2, contexts=contexts(("no schema", {}), (SEARCH, {"query": "garden"}), (SEARCH, None))),
            event(
                4,
                3,
                event="unstruct",
                event_name="search",
                unstruct_event=unstruct(SEARCH, {"n": 12345678901234567890}),
            ),
            event(5, 4, event="unstruct", event_name="search", unstruct_event="[]"),
            event(6, 5, contexts="null", derived_contexts='{"data": [1, [2], null]}'),
        ],
    )
    done = derive(SOURCE, lake, run="r", as_of=at(9))
    assert (done.events, done.broken) == (6, 1 + 1 + 2 + 1 + 4)
    assert [
        (row["event_id"][:8], row["place"], row["kind"], row["data"])
        for row in read(lake, "clickstream.self_describing")
    ] == [
        ("00000003", 2, "entity", '{"query":"garden"}'),
        ("00000004", 0, "event", '{"n":12345678901234567890}'),
    ]


def test_attention_and_scrolling_come_from_page_pings(lake: Lake) -> None:
    shown = {"br_viewheight": 500, "doc_height": 2000}
    pings = [event(10 + n, 1 + n / 6, page="p1", event="page_ping", pp_yoffset_max=300 * n, **shown) for n in range(3)]
    again = event(13, 1 + 2 / 6, page="p1", event="page_ping", pp_yoffset_max=0, **shown)  # in a slot that has one
    append(
        lake,
        [event(1, 0, page="p1", **shown), event(2, 5, page="p2", doc_height=100, br_viewheight=900), *pings, again],
    )
    append(
        lake, [event(3, 6, page="p3"), event(4, 7, page="p1")]
    )  # the second comes too late to stand for its page view
    derive(SOURCE, lake, run="r", as_of=at(60))
    found = views(lake)
    assert {page: (row["engaged_seconds"], row["scroll_depth"]) for page, row in found.items()} == {
        "p1": (10 * 2 + 5, (600 + 500) / 2000),
        "p2": (0, 1.0),
        "p3": (0, None),
    }
    assert {page: row["page_view_in_session"] for page, row in found.items()} == {"p1": 1, "p2": 2, "p3": 3}
    (session,) = read(lake, "clickstream.sessions")
    assert (session["page_views"], session["engaged_seconds"], session["engaged"], session["events"]) == (
        3,
        25,
        True,
        8,
    )


def test_a_reload_is_no_new_click(lake: Lake) -> None:
    landing = {
        "page_url": "https://x/a?utm_source=tiktok&ttclid=T%201&x=1",
        "mkt_source": "tiktok",
        "mkt_medium": "paid",
    }
    append(
        lake,
        [
            event(1, 0, page_urlpath="/a", **landing),
            event(2, 1, page_urlpath="/b", **landing),
            event(3, 2, page_url="https://x/a?fbclid=F"),
            event(4, 3, domain_sessionid="s2", **landing),
            event(5, 4, page_url="https://x/a?q=gclid=no"),
            event(6, 5, page_url="https://x/", mkt_clickid="C", mkt_network="Microsoft"),
        ],
    )
    derive(SOURCE, lake, run="r", as_of=at(60))
    names = ("channel", "click_network", "click_id", "ttclid", "fbclid")
    assert {row["event_id"][:8]: tuple(row[name] for name in names) for row in read(lake, "marketing.touchpoints")} == {
        "00000001": ("Paid Social", "TikTok", "T%201", "T%201", None),
        "00000003": ("Organic Social", "Facebook", "F", None, "F"),
        "00000004": ("Paid Social", "TikTok", "T%201", "T%201", None),
        "00000006": ("Paid Search", "Microsoft", "C", None, None),
    }
    assert {row["session_id"]: row["channel"] for row in read(lake, "clickstream.sessions")} == {
        "s1": "Paid Social",
        "s2": "Paid Social",
    }


def test_a_login_changes_identities_and_no_session(lake: Lake) -> None:
    append(lake, [event(1, 0), event(2, 1)])
    derive(SOURCE, lake, run="r", as_of=at(60))
    append(lake, [event(3, 61, domain_sessionid="s2", user_id="u1"), event(4, 90, user_id="u2", domain_sessionid="s2")])
    done = derive(SOURCE, lake, run="r", as_of=at(120))
    assert [(row["user_id"], row["valid_from"]) for row in read(lake, "clickstream.identities")] == [
        ("u1", at(61)),
        ("u2", at(90)),
    ]
    assert done.written["clickstream.visitors"] == 0
    (visitor,) = read(lake, "clickstream.visitors")
    assert (visitor["first_session_id"], visitor["first_channel"]) == ("s1", "Direct")


def test_a_time_that_no_calendar_has_is_the_collectors(lake: Lake) -> None:
    append(lake, [event(1, 0, derived_tstamp=datetime(3, 1, 1, tzinfo=UTC)), event(2, DAY + 30)])
    derive(SOURCE, lake, run="r", as_of=at(DAY + 60).astimezone(timezone(timedelta(hours=-3))))
    assert sorted(row["event_at"] for row in read(lake, "clickstream.events")) == [at(0), at(DAY + 30)]


def test_an_archive_read_later_only_counts(lake: Lake) -> None:
    rows = [event(n, n, page=f"p{n}") for n in range(4)]
    append(lake, rows)
    derive(SOURCE, lake, run="r", as_of=at(60))
    append(lake, [archived(row, line) for line, row in enumerate(rows, 1)])
    done = derive(SOURCE, lake, run="r", as_of=at(60))
    assert (done.events, done.overlap, done.natural) == (0, 4, 0)
    assert {name for name, count in done.written.items() if count} == {
        "clickstream.events",
        "clickstream.self_describing",
    }
    assert "4 copies dropped that are in the topic and in the archive" in repr(done)
    assert "<td>clickstream.events</td><td>4</td><td>1</td>" in done._repr_html_()


def test_columns_know_their_keys_and_what_is_personal(lake: Lake) -> None:
    from workspace.lake import delta

    append(lake, [event(1, 0)])
    derive(SOURCE, lake, run="r", as_of=at(60))
    table = delta.open_table(lake.layout.uri("derived", "clickstream.events"))
    columns = {column.name: column for column in columns_of(delta.schema_of(table))}
    assert [name for name, column in columns.items() if column.key] == ["event_id"]
    assert columns["user_ipaddress"].personal
    assert not columns["event_at"].personal
    assert duckdb.sql(f"SELECT day FROM {day_sql(table)}").fetchall() == [(at(0).date(),)]


CHANNELS = [
    ({}, "Direct"),
    ({"mkt_source": "(direct)", "mkt_medium": "(none)"}, "Direct"),
    ({"refr_medium": "internal"}, "Direct"),
    ({"refr_medium": "unknown"}, "Referral"),
    ({"refr_medium": "search"}, "Organic Search"),
    ({"refr_medium": "social"}, "Organic Social"),
    ({"mkt_source": "google", "mkt_medium": "cpc"}, "Paid Search"),
    ({"mkt_source": "Google.de", "mkt_medium": "PPC"}, "Paid Search"),
    ({"mkt_source": "googly", "mkt_medium": "cpc"}, "Paid Other"),
    ({"mkt_source": "facebook", "mkt_medium": "paid_social"}, "Paid Social"),
    ({"mkt_source": "youtube", "mkt_medium": "cpv"}, "Paid Video"),
    ({"mkt_source": "amazon", "mkt_medium": "cpc"}, "Paid Shopping"),
    ({"mkt_campaign": "spring-shopping"}, "Organic Shopping"),
    ({"mkt_source": "dv360", "mkt_medium": "banner"}, "Display"),
    ({"mkt_source": "x", "mkt_campaign": "Cross-Network 7"}, "Cross-network"),
    ({"mkt_source": "newsletter", "mkt_medium": "e-mail"}, "Email"),
    ({"mkt_source": "blog", "mkt_medium": "affiliate"}, "Affiliates"),
    ({"mkt_source": "partner", "mkt_medium": "referral"}, "Referral"),
    ({"mkt_source": "spotify", "mkt_medium": "audio"}, "Audio"),
    ({"mkt_source": "twilio", "mkt_medium": "sms"}, "SMS"),
    ({"mkt_source": "app", "mkt_medium": "web-push"}, "Mobile Push Notifications"),
    ({"mkt_source": "poster", "refr_medium": "search"}, "Unassigned"),
    ({"click_network": "Google", "refr_medium": "search"}, "Paid Search"),
    ({"click_network": "Facebook", "refr_medium": "social"}, "Organic Social"),
    ({"click_network": "Twitter"}, "Paid Social"),
]


@pytest.mark.parametrize(("told", "channel"), CHANNELS)
def test_a_channel_follows_from_what_is_told(told: dict[str, str], channel: str) -> None:
    names = ("mkt_medium", "mkt_source", "mkt_campaign", "click_network", "refr_medium")
    row = ", ".join(f"{told[name]!r} AS {name}" if name in told else f"NULL::VARCHAR AS {name}" for name in names)
    assert duckdb.sql(f"SELECT channel FROM ({with_channel(f'(SELECT {row})')})").fetchall() == [(channel,)]
