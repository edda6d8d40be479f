"""Which clicks led to a booking and what each gets of it, against a plain reading in exact fractions."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from ads import paths
from ads.adlake import AdLake, alike
from ads.paths import MODELS
from ads.shoplake import Shop, booking, click, drawn, moment
from engine.servers import SERVERS_LONG
from workspace.cli.discreet import Discreet
from workspace.errors import LakeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from workspace.front import Workspace

SEEDS = range(3)
NAME = "marketing.attribution"
COLUMNS = (
    *("booking_id", "event_id", "user_id", "booked_at", "clicked_at", "value", "currency", "first_booking", "touch"),
    *("touches", "channel", "platform", "player", "account_id", "campaign_id", "campaign", "ad_group_id", "ad_id"),
    *("match_method", *MODELS),
)


def rows(ws: Workspace) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ws.table(NAME).order_by("booking_id", "touch").to_pyarrow().to_pylist()
    assert all(tuple(row) == COLUMNS for row in found)
    return found


def ordered(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(
        ({name: row[name] for name in COLUMNS} for row in found), key=lambda row: (row["booking_id"], row["touch"])
    )


@pytest.fixture(scope="module", params=SEEDS)
def by_chance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, Any]:
    """A random shop, and what is attributed in it."""
    shop = drawn(request.param)
    return shop, rows(shop.open(tmp_path_factory.mktemp("shop")))


def test_random_shops_are_attributed_as_by_hand(by_chance: tuple[Shop, Any]) -> None:
    shop, found = by_chance
    expected = ordered(paths.attribution(shop))
    assert len(expected) > 100
    assert len({row["match_method"] for row in expected}) > 4
    assert len({row["touches"] for row in expected}) > 4
    assert found == expected
    assert_whole(found)


def assert_whole(found: Sequence[dict[str, Any]]) -> None:
    """Every model gives out exactly one booking for each booking."""
    for model in MODELS:
        of_booking: dict[str, Decimal] = defaultdict(Decimal)
        for row in found:
            assert row[model] >= 0
            of_booking[row["booking_id"]] += row[model]
        assert set(of_booking.values()) == {Decimal(1)}, model


def test_shapley_in_closed_form_is_shapley_by_definition(by_chance: tuple[Shop, Any]) -> None:
    found = by_chance[1]
    of_booking: dict[str, set[str]] = defaultdict(set)
    for row in found:
        of_booking[row["booking_id"]].add(row["player"])
    games = [frozenset(players) for players in of_booking.values()]
    assert len(games) > 20
    by_definition = paths.shapley(games)
    assert len(by_definition) > 4
    closed: dict[str, Fraction] = defaultdict(Fraction)
    given: dict[str, Fraction] = defaultdict(Fraction)
    for players in games:
        for player in players:
            closed[player] += Fraction(1, len(players))
    for row in found:
        given[row["player"]] += Fraction(row["shapley"])
    assert closed == by_definition
    for player, value in by_definition.items():
        assert abs(given[player] - value) <= len(games) * Fraction(1, 10**9)


def one_user(*clicks: dict[str, Any]) -> Shop:
    return Shop(clicks=list(clicks), logins=[("v", "u", moment("01"))], bookings=[booking("b", "u", END)])


def of_counts(*numbers: int) -> dict[str, list[dict[str, Any]]]:
    return {f"{count} touches": [click(f"{n}", "", moment(f"2{n}")) for n in range(count)] for count in numbers}


GOOGLE = {"mkt_medium": "cpc", "mkt_source": "google"}
END, TICK = moment("31T12"), timedelta(microseconds=1)
START = END - timedelta(days=30)
CASES = {
    **of_counts(1, 2, 3, 5),
    "a week older": [click(day, "", moment(f"{day}T12")) for day in ("17", "24", "31")],
    "two players": [
        click("1", "", moment("20"), **GOOGLE),
        click("2", "", moment("21")),
        click("3", "", moment("22"), **GOOGLE),
        click("4", "", moment("23"), **GOOGLE),
    ],
    "look-back": [click("1", "", START - TICK), click("2", "", START), click("3", "", END), click("4", "", END + TICK)],
    "at one moment": [click(name, "", moment("20")) for name in "cab"],
    "hundreds": [click(f"{n:04}", "", moment("02") + timedelta(minutes=n * 140, microseconds=n)) for n in range(300)],
}
"""What led to a booking on October 31st at noon, each by a user of its own."""


def combined(cases: dict[str, list[dict[str, Any]]]) -> Shop:
    shop = Shop()
    for name, clicks in cases.items():
        own = {"domain_userid": f"v {name}"}
        shop.clicks += [row | own | {"event_id": f"{name}/{row['event_id']}"} for row in clicks]
        shop.logins.append((f"v {name}", f"u {name}", moment("01")))
        shop.bookings.append(booking(name, f"u {name}", END))
    return shop


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """The rows of each of `CASES`."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows(combined(CASES).open(tmp_path_factory.mktemp("cases"), "google_ads")):
        found[row["booking_id"]].append(row)
    return found


def credit(found: Sequence[dict[str, Any]], model: str) -> list[str]:
    return [f"{row[model]:f}" for row in found]


def test_cases_are_as_by_hand(by_hand: dict[str, list[dict[str, Any]]]) -> None:
    found = [row for of_booking in by_hand.values() for row in of_booking]
    assert ordered(found) == ordered(paths.attribution(combined(CASES)))
    assert_whole(found)
    assert len(by_hand["hundreds"]) == 300


@pytest.mark.parametrize(
    ("count", "position", "linear"),
    [
        (1, ["1.000000000"], ["1.000000000"]),
        (2, ["0.500000000"] * 2, ["0.500000000"] * 2),
        (3, ["0.400000000", "0.200000000", "0.400000000"], ["0.333333333", "0.333333334", "0.333333333"]),
        (
            5,
            ["0.400000000", "0.066666667", "0.066666666", "0.066666667", "0.400000000"],
            ["0.200000000"] * 5,
        ),
    ],
)
def test_models_of_so_many_touches(
    by_hand: dict[str, list[dict[str, Any]]], count: int, position: list[str], linear: list[str]
) -> None:
    found = by_hand[f"{count} touches"]
    zeros = ["0.000000000"] * (count - 1)
    assert credit(found, "position") == position
    assert credit(found, "linear") == linear
    assert credit(found, "first") == ["1.000000000", *zeros]
    assert credit(found, "last") == [*zeros, "1.000000000"]
    # One player, however often: e-mail gets it all, evenly over its touches.
    assert credit(found, "shapley") == linear


def test_a_click_a_week_older_gets_half(by_hand: dict[str, list[dict[str, Any]]]) -> None:
    assert credit(by_hand["a week older"], "time_decay") == ["0.142857143", "0.285714286", "0.571428571"]


def test_players_share_evenly_and_then_their_touches(by_hand: dict[str, list[dict[str, Any]]]) -> None:
    found = by_hand["two players"]
    assert [row["player"] for row in found] == ["google_ads", "Email", "google_ads", "google_ads"]
    assert credit(found, "shapley") == ["0.166666667", "0.500000000", "0.166666666", "0.166666667"]


def test_the_look_back_has_thirty_days_and_both_ends(by_hand: dict[str, list[dict[str, Any]]]) -> None:
    assert [row["event_id"] for row in by_hand["look-back"]] == ["look-back/2", "look-back/3"]


def test_clicks_at_one_moment_are_in_the_order_of_their_ids(by_hand: dict[str, list[dict[str, Any]]]) -> None:
    found = by_hand["at one moment"]
    assert [(row["event_id"][-1], row["touch"]) for row in found] == [("a", 1), ("b", 2), ("c", 3)]


def test_all_browsers_of_a_user_and_only_while_they_were_theirs(tmp_path: Path) -> None:
    shop = Shop(
        logins=[("laptop", "u", moment("10")), ("laptop", "w", moment("20")), ("phone", "u", moment("25"))],
        clicks=[
            click("before the first login", "laptop", moment("05")),
            click("logged in", "laptop", moment("15")),
            click("of the next one", "laptop", moment("20")),
            click("on the phone, before", "phone", moment("24")),
            click("of nobody", "tablet", moment("24")),
        ],
        bookings=[
            booking("mine", "u", moment("28")),
            booking("theirs", "w", moment("28")),
            booking("x", "z", moment("28")),
        ],
    )
    found = [(row["booking_id"], row["event_id"]) for row in rows(shop.open(tmp_path, "google_ads"))]
    mine = ["before the first login", "logged in", "on the phone, before"]
    # A booking without a click has no rows; what no user made leads nowhere.
    assert found == [*(("mine", name) for name in mine), ("theirs", "of the next one")]


def test_the_first_booking_and_what_it_is_worth(tmp_path: Path) -> None:
    pending = {"status": "pending"}
    shop = one_user(click("e", "v", moment("20")))
    shop.bookings = [
        booking("a", "u", moment("21"), **pending),
        booking("b", "u", moment("22"), "99999999999999.99", discount_amount=Decimal("0.01"), currency="JPY"),
        booking("c", "u", moment("22"), "10.10"),
        booking("d", "u", moment("23"), "0.00", status="refunded"),
    ]
    found = {row["booking_id"]: row for row in rows(shop.open(tmp_path, "google_ads"))}
    assert {name: row["first_booking"] for name, row in found.items()} == {"b": True, "c": False, "d": False}
    values = [Decimal("100000000000000.00"), Decimal("10.10"), Decimal("0.00")]
    assert [row["value"] for row in found.values()] == values
    assert found["b"]["currency"] == "JPY"


def of_campaigns(*clicks: dict[str, Any]) -> Shop:
    shop = one_user(*clicks)
    shop.campaigns = [
        ("google_ads", "a", "1", "Herbst", moment("05")),
        ("google_ads", "a", "1", "Herbst 2026 🍂", moment("15")),
        ("google_ads", "b", "2", "shared", moment("05")),
        ("google_ads", "a", "3", "shared", moment("15")),
        ("facebook_ads", "f", "1", "Herbst", moment("05")),
        ("google_ads", "a", "4", "gone", moment("05")),
        ("google_ads", "a", "4", None, moment("15")),
    ]
    shop.ads = [("google_ads", "a", "11", "1"), ("google_ads", "a", "44", "4"), ("facebook_ads", "f", "11", "1")]
    shop.views = [("G", "a", "11", "1")]
    return shop


TOLD: list[tuple[dict[str, Any], str, tuple[str | None, ...]]] = [
    # By name, as it was when it was clicked; before anybody recorded it, as it was first.
    ({**GOOGLE, "mkt_campaign": "Herbst"}, "10", ("campaign name", "google_ads", "1", "Herbst", None)),
    ({**GOOGLE, "mkt_campaign": "Herbst"}, "03", ("campaign name", "google_ads", "1", "Herbst", None)),
    ({**GOOGLE, "mkt_campaign": "Herbst"}, "15", ("utm source", "google_ads", None, None, None)),
    (
        {**GOOGLE, "mkt_campaign": "Herbst 2026 🍂"},
        "15",
        ("campaign name", "google_ads", "1", "Herbst 2026 🍂", None),
    ),
    ({**GOOGLE, "mkt_campaign": "gone"}, "16", ("utm source", "google_ads", None, None, None)),
    # A name that two campaigns have tells the platform only, if it is not another platform's.
    ({**GOOGLE, "mkt_campaign": "shared"}, "20", ("utm source", "google_ads", None, None, None)),
    (
        {"mkt_medium": "paid_social", "mkt_source": "IG", "mkt_campaign": "Herbst"},
        "20",
        ("campaign name", "facebook_ads", "1", "Herbst", None),
    ),
    # An ad's id is surest, and an ad of a campaign that is gone has its last name.
    (
        {**GOOGLE, "mkt_content": "11", "mkt_campaign": "x"},
        "20",
        ("ad id in the URL", "google_ads", "1", "Herbst 2026 🍂", "11"),
    ),
    ({**GOOGLE, "mkt_content": "44"}, "20", ("ad id in the URL", "google_ads", "4", "gone", "44")),
    ({"mkt_source": "fb", "mkt_content": "11"}, "20", ("ad id in the URL", "facebook_ads", "1", "Herbst", "11")),
    (
        {"mkt_source": "x", "mkt_medium": "cpc", "mkt_content": "11"},
        "20",
        ("utm source", "twitter_ads", None, None, None),
    ),
    # Then what Google says of its own click.
    (
        {"click_network": "Google", "click_id": "G", "gclid": "G"},
        "10",
        ("click view", "google_ads", "1", "Herbst", "11"),
    ),
    ({"click_network": "Google", "click_id": "g"}, "10", ("click id", "google_ads", None, None, None)),
    ({"click_network": "TikTok", "click_id": "T"}, "10", ("click id", "tiktok_ads", None, None, None)),
    # The click id goes before what the source says.
    ({**GOOGLE, "click_network": "Twitter", "click_id": "T"}, "10", ("click id", "twitter_ads", None, None, None)),
    # Facebook marks every link out of it: only a paid one is an advertisement.
    ({"click_network": "Facebook", "click_id": "F"}, "10", (None, None, None, None, None)),
    (
        {"click_network": "Facebook", "mkt_medium": "social", "mkt_source": "facebook"},
        "10",
        (None, None, None, None, None),
    ),
    ({"click_network": "Facebook", "mkt_medium": "cpc"}, "10", ("click id", "facebook_ads", None, None, None)),
    (
        {"mkt_medium": "social", "mkt_source": "facebook", "mkt_campaign": "Herbst"},
        "10",
        (None, None, None, None, None),
    ),
    (
        {"click_network": "Microsoft", "mkt_medium": "cpc", "mkt_source": "bing"},
        "10",
        (None, None, None, None, None),
    ),
    ({"mkt_medium": "email", "mkt_source": "google"}, "10", (None, None, None, None, None)),
]
"""What a click says, the day in October on which it was made, and how it is to be matched."""


@pytest.fixture(scope="module")
def matched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The one row of each of `TOLD`."""
    shop = combined({str(n): [click("e", "", moment(day), **told)] for n, (told, day, _) in enumerate(TOLD)})
    for name in ("campaigns", "ads", "views"):
        setattr(shop, name, getattr(of_campaigns(), name))
    found = rows(shop.open(tmp_path_factory.mktemp("told"), "google_ads", "facebook_ads"))
    assert len(found) == len(TOLD)
    return {row["booking_id"]: row for row in found}


@pytest.mark.parametrize("number", range(len(TOLD)))
def test_what_a_click_says_of_its_advertisement(matched: dict[str, dict[str, Any]], number: int) -> None:
    row = matched[str(number)]
    names = ("match_method", "platform", "campaign_id", "campaign", "ad_id")
    assert tuple(row[name] for name in names) == TOLD[number][2]
    assert row["player"] == (row["platform"] or "Other")


def test_an_account_that_two_sources_read_is_matched_once(tmp_path: Path) -> None:
    shop = of_campaigns(
        click("e", "v", moment("10"), **GOOGLE, mkt_campaign="Herbst"),
        click("f", "v", moment("10"), **GOOGLE, mkt_content="11"),
    )
    made = shop.lake(tmp_path, "google_ads", "facebook_ads", "google_2", at=moment("31T13"))
    row = {"account_id": "a", "campaign_id": "1", "platform": "google_ads", "name": "Herbst"}
    made.write("google_2.campaigns", moment("06"), [row])
    made.write(
        "google_2.ads", moment("06"), [{"account_id": "a", "ad_id": "11", "platform": "google_ads", "campaign_id": "1"}]
    )
    made.release(moment("31T14"))
    assert [row["match_method"] for row in rows(made.open())] == ["campaign name", "ad id in the URL"]


def test_without_google_nobody_tells_of_clicks(tmp_path: Path) -> None:
    tiktok = {"click_network": "TikTok", "click_id": "T"}
    shop = one_user(click("e", "v", moment("10"), **tiktok))
    ws = shop.open(tmp_path, "tiktok_ads")
    assert [row["match_method"] for row in rows(ws)] == ["click id"]


def test_a_release_without_a_source_says_which(tmp_path: Path) -> None:
    made = one_user().lake(tmp_path, "google_ads")
    assert NAME in made.open().tables
    made = AdLake(tmp_path / "none", "google_ads")
    made.release(moment("02"))
    assert NAME not in made.open().tables
    with pytest.raises(
        LakeError, match=r"made of marketing\.touchpoints and clickstream\.identities and inventory_db\.b"
    ):
        made.open().table(NAME)


def test_who_it_was_does_not_leave(tmp_path: Path) -> None:
    ws = one_user(click("e", "v", moment("20"))).open(tmp_path, "google_ads")
    assert [column.name for column in ws.columns(NAME) if column.personal] == ["user_id"]
    assert [column.name for column in ws.columns(NAME) if column.key] == ["booking_id", "event_id"]
    assert set(ws.table(NAME).columns) - set(Discreet(ws).table(NAME).columns) == {"user_id"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> AdLake:
    return drawn(9).lake(tmp_path_factory.mktemp("drawn"))


@pytest.fixture(params=SERVERS_LONG)
def there(request: pytest.FixtureRequest, made: AdLake, server_url: Callable[[str], str]) -> Workspace:
    return made.open(engine=server_url(request.param))


def test_attribution_is_the_same_on_every_engine(made: AdLake, there: Workspace) -> None:
    here = made.open()
    assert alike(there.table(NAME), here.table(NAME))
    query = f"select player, sum(linear) as bookings, sum(value) as worth from {NAME} group by 1 order by 1"
    assert there.sql(query).to_pyarrow().to_pylist() == here.sql(query).to_pyarrow().to_pylist() != []
