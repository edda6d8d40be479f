"""Attribution by the book: clicks matched one by one, credits as fractions, Shapley values over all coalitions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from itertools import combinations
from math import factorial
from typing import TYPE_CHECKING, Any

from ads.shoplake import NETWORKS, Row, Shop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PLACED = ("confirmed", "completed", "cancelled", "refunded")
MODELS = ("first", "last", "linear", "position", "time_decay", "shapley")
SOURCES = {"google": "google_ads", "facebook": "facebook_ads", "ig": "facebook_ads", "tiktok": "tiktok_ads"}
SOURCES |= {"x": "twitter_ads", "twitter": "twitter_ads"}


def attribution(shop: Shop) -> list[Row]:
    """Give the rows that `marketing.attribution` must have, with credits as they are rounded there."""
    found = []
    placed = [row for row in shop.bookings if row["status"] in PLACED]
    for row in placed:
        touches = path(shop, row)
        players = [touch["player"] for touch in touches]
        ages = [_millis(row["created_at"]) - _millis(touch["clicked_at"]) for touch in touches]
        given = {name: rounded(values) for name, values in models(players, ages).items()}
        mine = sorted((one["created_at"], one["id"]) for one in placed if one["user_id"] == row["user_id"])
        for number, touch in enumerate(touches):
            found.append(
                touch
                | {"booking_id": row["id"], "user_id": row["user_id"], "booked_at": row["created_at"]}
                | {"value": row["total_amount"] + (row["discount_amount"] or 0), "currency": row["currency"]}
                | {"first_booking": mine[0] == (row["created_at"], row["id"])}
                | {"touch": number + 1, "touches": len(touches)}
                | {name: given[name][number] for name in MODELS}
            )
    return found


def path(shop: Shop, row: Row) -> list[Row]:
    """Give the clicks that may have led to a booking, in order."""
    end = row["created_at"]
    clicks = [one for one in shop.clicks if end - timedelta(days=30) <= one["clicked_at"] <= end]
    clicks = [one for one in clicks if user_of(shop, one["domain_userid"], one["clicked_at"]) == row["user_id"]]
    clicks.sort(key=lambda one: (one["clicked_at"], one["event_id"]))
    found = []
    for one in clicks:
        told = match(shop, one)
        shown = {name: one[name] for name in ("event_id", "clicked_at", "channel")}
        found.append(shown | told | {"player": told["platform"] or one["channel"]})
    return found


def user_of(shop: Shop, visitor: str, when: datetime) -> str | None:
    """Tell who it was: the last to log in by then, or the first one ever."""
    logins = sorted((since, user) for browser, user, since in shop.logins if browser == visitor)
    before = [user for since, user in logins if since <= when]
    return before[-1] if before else logins[0][1] if logins else None


def match(shop: Shop, one: Row) -> Row:
    """Go through the ways in which a click can be matched, the surest first."""
    networks = {word: platform for platform, word in NETWORKS.items()}
    by_id = networks.get(one.get("click_network") or "")
    by_source = SOURCES.get((one.get("mkt_source") or "").strip().lower())
    medium = (one.get("mkt_medium") or "").strip().lower()
    paid = "cp" in medium or medium == "retargeting" or medium.startswith("paid")
    sure = by_id is not None and by_id != "facebook_ads"
    platform = by_id if sure else (by_id or by_source) if paid else None

    def told(
        method: str | None,
        of: str | None,
        account: str | None = None,
        campaign: str | None = None,
        ad: str | None = None,
    ) -> Row:
        group = f"g{ad}" if ad else None
        name = _name(shop, of, account, campaign, one["clicked_at"])
        place = {"account_id": account, "campaign_id": campaign, "ad_group_id": group, "ad_id": ad, "campaign": name}
        return {"platform": of, "match_method": method, **place}

    for candidate in (by_id, by_source):
        ads = [ad for ad in shop.ads if candidate and ad[0] == candidate and ad[2] == one.get("mkt_content")]
        if len(ads) == 1:
            return told("ad id in the URL", ads[0][0], ads[0][1], ads[0][3], ads[0][2])
    click_id = one.get("gclid") or (one.get("click_id") if by_id == "google_ads" else None)
    views = [view for view in shop.views if view[0] == click_id]
    if len(views) == 1:
        return told("click view", "google_ads", views[0][1], views[0][3], views[0][2])
    if platform is None:
        return told(None, None)
    named = {
        (account, campaign)
        for of, account, campaign in {(c[0], c[1], c[2]) for c in shop.campaigns}
        if of == platform and one.get("mkt_campaign") is not None
        if _then(shop, (of, account, campaign), one["clicked_at"]) == one["mkt_campaign"]
    }
    if len(named) == 1:
        ((account, campaign),) = named
        return told("campaign name", platform, account, campaign)
    return told("click id" if platform == by_id else "utm source", platform)


def _history(shop: Shop, of: tuple[Any, ...]) -> list[tuple[datetime, str | None]]:
    return sorted((c[4], c[3]) for c in shop.campaigns if c[:3] == of)


def _then(shop: Shop, of: tuple[Any, ...], when: datetime) -> str | None:
    told = _history(shop, of)
    return next((name for since, name in reversed(told) if since <= when), told[0][1])


def _name(shop: Shop, platform: str | None, account: str | None, campaign: str | None, when: datetime) -> str | None:
    """Give the last name that a campaign was known by; the first one for clicks before it was known."""
    told = [(since, name) for since, name in _history(shop, (platform, account, campaign)) if name is not None]
    return next((name for since, name in reversed(told) if since <= when), told[0][1] if told else None)


def _millis(when: datetime) -> int:
    return (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def models(players: Sequence[str], ages: Sequence[int]) -> dict[str, list[Fraction]]:
    """Split 1 among the touches of a path by every model; decaying weights to forty places."""
    n = len(players)
    if not n:
        return {name: [] for name in MODELS}
    weights = [_power(age) for age in ages]
    position = [Fraction(1, 5) / (n - 2) if n > 2 else Fraction(0)] * n
    if n == 1:
        position = [Fraction(1)]
    else:
        position[0] = position[-1] = Fraction(2, 5) if n > 2 else Fraction(1, 2)
    return {
        "first": [Fraction(number == 0) for number in range(n)],
        "last": [Fraction(number == n - 1) for number in range(n)],
        "linear": [Fraction(1, n)] * n,
        "position": position,
        "time_decay": [weight / sum(weights) for weight in weights],
        "shapley": [Fraction(1, len(set(players)) * players.count(player)) for player in players],
    }


def _power(age: int) -> Fraction:
    with localcontext(Context(prec=40)):
        return Fraction(Decimal(2) ** (Decimal(-age) / Decimal(7 * 24 * 3600 * 1000)))


def rounded(values: Sequence[Fraction]) -> list[Decimal]:
    """Round running sums half up at nine places, and give their differences."""
    found, done, before = [], Fraction(0), Decimal(0)
    for value in values:
        done += value
        running = _nine(done)
        found.append(running - before)
        before = running
    assert not values or before == 1
    return found


def _nine(value: Fraction) -> Decimal:
    scaled = value * 10**9
    return Decimal((2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)).scaleb(-9)


def shapley(paths: Sequence[frozenset[str]]) -> Mapping[str, Fraction]:
    """Give each player's Shapley value by its definition: over all coalitions, of the game of all paths.

    A coalition is worth the conversions whose players are all in it.
    """
    players = sorted(frozenset().union(*paths))
    n = len(players)

    def worth(coalition: frozenset[str]) -> int:
        return sum(1 for one in paths if one <= coalition)

    found = {}
    for player in players:
        others = [other for other in players if other != player]
        total = Fraction(0)
        for size in range(n):
            weight = Fraction(factorial(size) * factorial(n - size - 1), factorial(n))
            for chosen in combinations(others, size):
                coalition = frozenset(chosen)
                total += weight * (worth(coalition | {player}) - worth(coalition))
        found[player] = total
    return found
