"""What the company itself knows to the cent: the numbers that every report about it must come to."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workspace.demo.ads.told import advertising
from workspace.demo.clickstream import clickstream
from workspace.demo.home import read_clock
from workspace.demo.ledger import month
from workspace.demo.living import world_at
from workspace.demo.market import RENUMBERED_BY, RENUMBERED_ON, SCHEMA_CHANGES, TIERS, UPLIFT
from workspace.demo.names import CITIES
from workspace.demo.people import LAPSE, LAPSE_HOURS, LAPSE_LATE
from workspace.demo.rates import Rates
from workspace.demo.world import OUTAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from workspace.demo.world import World


def totals(home: Path | str, as_of: datetime | None = None) -> dict[str, Any]:
    """Give the exact totals at a demo's business clock, worked out from the simulation alone.

    Months and days are those of Europe/Berlin. Money is in EUR, at the rate of the day of the booking as published by
    the clock (a refund's, too), unrounded.

    Args:
        home: The demo's folder; its server need not run.
        as_of: What the advertising platforms were telling at an earlier moment goes into `ads`; at the clock if None.

    Returns:
        `gbv` and `commission` by month, city and tier at booking; `refunds`, `bookings`, `bookers`, `cancelled`,
        `cancellation_rate`, `new_users` by month; `open_slots` by month and city; each with its `total`. `changes`
        are the row changes since the first day by table and operation (K: an update of a key), `rolled_back` the
        transactions that were, `truths` what was planted. `clickstream` tells what the website's pipeline has
        delivered by the clock:

        - `lines` in the archive, the topic or both; `malformed` lines by what is wrong with them, and
          `malformed_lines` by where they are; `bad_rows` of the topic `bad` by kind.
        - `events`: distinct events by name, that is by id and fingerprint, bots included. `natural_duplicates`: further
          copies of one, with their `..._at_once` of the same time of collection; `overlap_copies`: lines of events
          that are in both archive and topic; so lines in any place less malformed ones are events and natural
          duplicates. `synthetic_duplicates`: events under the id of an earlier one. `late`: events that were collected
          more than an hour after they happened; `bots`: events of machines; `unknown_schema`: events whose schema is
          not registered.
        - Of people alone, by days of Europe/Berlin: `sessions`, `engaged_sessions` (two page views, 20 seconds or a
          purchase), `converted_sessions` (with a purchase) and `engaged_seconds` (10 a ping of a page, less 5) by the
          day of the session's first event; `page_views` by their own; `visitors` with a session that began in the
          month; `stitched_visitors` on whose browser somebody has been logged in, the `stitched_users` who were, and
          `identities`: stretches of one browser and one user, a new one only where the user changes;
          `purchases`; `channels`: sessions, those with a purchase, and touchpoints (landings with utm parameters or a
          click id) by channel group; `ad_clicks`: those with a click id, by
          platform; `exposures` by experiment and variant.
        - `truths`: each experiment with how many units were assigned to control and treatment, and how many of those
          had the outcome in the visit of their first exposure; the true return on ad spend by platform.

        `ads` tells what the platforms say, and what is true, of the time in which the website is watched:

        - of each of `platforms`: `spend` in EUR and `native` spend by account, by month of the account's own days;
          `impressions`, `clicks`, `link_clicks`; purchases that it has `claimed` by month of the click or view, their
          `claimed_value` in EUR, and how many came after a view; the placed bookings that its ads truly `caused`, with
          their gross booking value, and `roas`: that by spend.
        - `bookings`: all that were made; `claims_a_booking`: what all platforms together claim, by those.
    """
    clock = read_clock(home)
    world = world_at(Path(home), clock)
    ledger = world.ledger
    rates = Rates(clock.date())
    slots = {when: sum(cities.values()) for when, cities in ledger.slots.items()}
    last = ledger.slots[max(slots)] if slots else {}
    rate = {when: Decimal(ledger.cancelled[when]) / count for when, count in ledger.bookings.items()}
    made, called_off = ledger.bookings.total(), ledger.cancelled.total()
    return {
        "clock": clock,
        **_sales(world, rates),
        "refunds": _summed(
            (when, Decimal(cents) / 100 / rates.of(CITIES[city].currency, day))
            for (when, day, city), cents in ledger.refunds.items()
        ),
        "bookings": _counted(ledger.bookings),
        "bookers": {
            "total": len(set().union(*ledger.bookers.values())),
            "month": {when: len(users) for when, users in sorted(ledger.bookers.items())},
        },
        "cancelled": _counted(ledger.cancelled),
        "cancellation_rate": {
            "total": Decimal(called_off) / made if made else None,
            "month": dict(sorted(rate.items())),
        },
        "new_users": _counted(ledger.users),
        "open_slots": {
            "total": sum(last.values()),
            "month": dict(sorted(slots.items())),
            "city": {CITIES[city].name: count for city, count in sorted(last.items())},
        },
        "changes": _changes(world),
        "rolled_back": dict(ledger.rolled_back),
        "truths": _truths(world),
        "clickstream": clickstream(world),
        "ads": advertising(world, as_of),
    }


def _sales(world: World, rates: Rates) -> dict[str, Any]:
    gbv: dict[str, defaultdict[str, Decimal]] = {cut: defaultdict(Decimal) for cut in ("month", "city", "tier")}
    commission: dict[str, defaultdict[str, Decimal]] = {cut: defaultdict(Decimal) for cut in gbv}
    for (day, city, tier), (cents, earned) in world.ledger.items.items():
        rate = rates.of(CITIES[city].currency, day)
        for cut, label in (("month", month(day)), ("city", CITIES[city].name), ("tier", TIERS[tier])):
            gbv[cut][label] += Decimal(cents) / 100 / rate
            commission[cut][label] += Decimal(earned) / 1_000_000 / rate
    return {
        name: {"total": sum(cuts["month"].values(), Decimal()), **{c: dict(sorted(v.items())) for c, v in cuts.items()}}
        for name, cuts in (("gbv", gbv), ("commission", commission))
    }


def _summed(parts: Iterable[tuple[str, Decimal]]) -> dict[str, Any]:
    months: defaultdict[str, Decimal] = defaultdict(Decimal)
    for when, amount in parts:
        months[when] += amount
    return {"total": sum(months.values(), Decimal()), "month": dict(sorted(months.items()))}


def _counted(months: Mapping[str, int]) -> dict[str, Any]:
    return {"total": sum(months.values()), "month": dict(sorted(months.items()))}


def _changes(world: World) -> dict[str, dict[str, int]]:
    tables: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (database, table, op), count in sorted(world.ledger.changes.items()):
        tables[f"{database}.{table}"][op] = count
    return dict(tables)


def _truths(world: World) -> dict[str, Any]:
    market = world.market
    listing = market.listings[market.renumbered]
    done = world.today > RENUMBERED_ON
    return {
        "tier_upgrades": [upgrade for upgrade in market.upgrades if upgrade.day < world.today],
        "tier_uplift": UPLIFT,
        "outage_day": OUTAGE,
        "lapse": {"hours": LAPSE_HOURS, "in_time": LAPSE, "late": LAPSE_LATE},
        "renumbered_listing": (
            listing.id - RENUMBERED_BY * done,
            listing.id + RENUMBERED_BY * (not done),
            RENUMBERED_ON,
        ),
        "schema_changes": {name: day for day, name in SCHEMA_CHANGES.items()},
        "noted": dict(world.ledger.noted),
    }
