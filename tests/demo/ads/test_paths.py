"""What truly led to each booking: the models by their definitions, and what they make of the company's own clicks."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from random import Random
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from demo.ads.conftest import lived
from workspace.demo.ads.book import PLATFORMS
from workspace.demo.ads.catalogue import Catalogue
from workspace.demo.ads.paths import HALF_LIFE, MODELS, Path, Touch, paths, truth
from workspace.demo.ads.told import advertising
from workspace.demo.clickstream import causes
from workspace.demo.clickstream.campaigns import ADS
from workspace.demo.clickstream.landings import land_by_ad
from workspace.demo.ledger import reporting_day
from workspace.demo.rates import Rates
from workspace.demo.world import DAY

if TYPE_CHECKING:
    from demo.ads.conftest import Company
    from workspace.demo.world import World


def path(*touches: tuple[int, str], gross: int = 100) -> Path:
    """A booking on day 100, with clicks so many days before it."""
    clicks = (Touch(n, (100 - days) * DAY, player, "") for n, (days, player) in enumerate(touches))
    return Path("b", 1, 100 * DAY, gross, "EUR", tuple(clicks))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("first", ["1", "0", "0", "0"]),
        ("last", ["0", "0", "0", "1"]),
        ("linear", ["1/4"] * 4),
        ("position", ["2/5", "1/10", "1/10", "2/5"]),
        ("time_decay", ["1/15", "2/15", "4/15", "8/15"]),
        ("shapley", ["1/6", "1/3", "1/6", "1/3"]),
    ],
)
def test_models_are_what_they_are_defined_to_be(model: str, expected: list[str]) -> None:
    week = HALF_LIFE // DAY
    credits_ = MODELS[model](path((3 * week, "a"), (2 * week, "b"), (week, "a"), (0, "c")))
    assert [credit.limit_denominator(10**9) for credit in credits_] == [Fraction(each) for each in expected]
    assert sum(credits_) == 1


@pytest.mark.parametrize(("count", "expected"), [(1, ["1"]), (2, ["1/2", "1/2"]), (3, ["2/5", "1/5", "2/5"])])
def test_few_touches_by_position(count: int, expected: list[str]) -> None:
    assert MODELS["position"](path(*((1, "a"),) * count)) == [Fraction(each) for each in expected]


def test_shapley_in_closed_form_is_shapley() -> None:
    """The value of the game, by its definition: what a player adds, averaged over all orders of joining."""
    told = [path((1, "a")), path((2, "a"), (1, "b")), path((3, "a"), (2, "b"), (1, "c")), path((1, "d"), (1, "b"))]
    players = sorted({touch.player for each in told for touch in each.touches})

    def worth(coalition: set[str]) -> int:
        return sum({touch.player for touch in each.touches} <= coalition for each in told)

    value: defaultdict[str, Fraction] = defaultdict(Fraction)
    orders = list(permutations(players))
    for order in orders:
        for place, player in enumerate(order):
            value[player] += Fraction(worth({*order[: place + 1]}) - worth({*order[:place]}), len(orders))
    closed: defaultdict[str, Fraction] = defaultdict(Fraction)
    for each in told:
        for touch, credit in zip(each.touches, MODELS["shapley"](each), strict=True):
            closed[touch.player] += credit
    assert closed == value


def test_credits_sum_to_one_to_the_last_digit(company: Company) -> None:
    lengths: Counter[int] = Counter()
    for told, models in truth(company.world):
        lengths[len(told.touches)] += 1
        assert models.keys() == MODELS.keys()
        for credits_ in models.values():
            assert sum(credits_) == 1
            assert all(credit.as_tuple().exponent == -9 and credit >= 0 for credit in credits_)
        assert [touch.at for touch in told.touches] == sorted(touch.at for touch in told.touches)
        assert told.at - 30 * DAY <= told.touches[0].at <= told.touches[-1].at <= told.at
    assert lengths[1] > lengths[2] > lengths[3] > 0


def test_a_click_that_caused_a_booking_is_on_its_path(company: Company) -> None:
    known = {each.booking: {touch.number for touch in each.touches} for each in paths(company.world)}
    blamed = {booking: click for booking, click in causes(company.world).items() if booking in known}
    found = sum(click in known[booking] for booking, click in blamed.items())
    # Where another user sat at the browser before, its clicks until the login are that user's.
    assert len(blamed) > 100
    assert found / len(blamed) > 0.97


def test_links_carry_what_each_account_lets_them_carry() -> None:
    shown = Catalogue().shown
    rng = Random(1)
    methods: Counter[str] = Counter()
    for place, ad in enumerate(ADS):
        for day in (date(2026, 10, 9), date(2026, 10, 10)):
            landing = land_by_ad(rng, 1, (place, day), 7)
            asked = {name: values[0] for name, values in parse_qs(landing.query).items()}
            fields = {f"mkt_{name.removeprefix('utm_')}": v for name, v in asked.items() if name.startswith("utm_")}
            ids = [value for name, value in asked.items() if not name.startswith("utm_")]
            assert {n: v for n, v in landing.market.items() if n not in ("mkt_clickid", "mkt_network")} == fields
            assert ids == [value for name, value in landing.market.items() if name == "mkt_clickid"]
            template = shown[place].ad
            if template:
                promised = parse_qs(urlsplit(template.url).query)
                assert promised.keys() == {name for name in asked if name.startswith("utm_")}
            account = (PLATFORMS[ad.platform], ad.campaign.account.currency)
            if asked.get("utm_content"):
                assert (asked["utm_content"], asked["utm_campaign"]) == (ad.id, ad.campaign.id)
                methods["ad id"] += 1
            elif asked.get("utm_campaign") == ad.campaign.name_on(day):
                methods["name"] += 1
            elif "utm_campaign" in asked:
                assert (asked["utm_campaign"], ids) == ("winter-uk", [])
                methods["source"] += 1
            else:
                assert (account, list(asked)) == (("google_ads", "USD"), ["gclid"])
                methods["tag" if ad.id else "platform"] += 1
    assert methods.keys() == {"ad id", "name", "source", "tag", "platform"}


def returns(world: World) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """Give the true return on spend of each platform, and the one by Shapley."""
    told = advertising(world)["platforms"]
    rates = Rates(date(2026, 11, 1))
    credited: defaultdict[str, Decimal] = defaultdict(Decimal)
    for each, models in truth(world):
        value = Decimal(each.gross) / 100 / rates.of(each.currency, reporting_day(each.at))
        for touch, credit in zip(each.touches, models["shapley"], strict=True):
            credited[touch.player] += value * credit
    true = {platform: told[platform]["roas"] for platform in PLATFORMS}
    return true, {platform: credited[platform] / told[platform]["spend"]["total"] for platform in PLATFORMS}


PLANTED = {"google_ads": 3.1, "facebook_ads": 1.9, "tiktok_ads": 0.8, "twitter_ads": 1.2}


@pytest.mark.slow
def test_money_comes_back_as_planted_and_shapley_sees_it() -> None:
    true, seen = returns(lived(1, 1.0).world)
    assert {name: float(value) for name, value in true.items()} == pytest.approx(PLANTED, rel=0.04)
    assert {name: float(value / true[name]) for name, value in seen.items()} == pytest.approx(
        dict.fromkeys(true, 1), rel=0.25
    )
    assert sorted(seen, key=lambda name: -seen[name]) == ["google_ads", "facebook_ads", "twitter_ads", "tiktok_ads"]


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_shapley_is_near_the_truth_for_nine_seeds_of_ten() -> None:
    near = ordered = 0
    for seed in range(1, 11):
        true, seen = returns(lived(seed, 1.0).world)
        near += all(abs(seen[name] / true[name] - 1) <= 0.25 for name in true)
        ordered += sorted(seen, key=lambda name: -seen[name]) == sorted(PLANTED, key=lambda name: -PLANTED[name])
    assert (near >= 9, ordered >= 9) == (True, True), (near, ordered)
