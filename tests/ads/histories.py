"""Random histories of an account's days, and what they say, worked out in plain Python."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ads.adlake import AdLake, at, day

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

Row = dict[str, Any]
Key = tuple[Any, ...]
METRICS = ("spend", "impressions", "clicks", "conversions", "conversion_value")
KEY = ("source", "account_id", "level", "entity_id", "placement", "day")
OPEN = datetime(9999, 12, 31, tzinfo=UTC)
SOURCES = {"google_ads": "EUR", "google_2": "EUR", "twitter_ads": "JPY"}
PLATFORMS = {"google_ads": "google_ads", "google_2": "google_ads", "twitter_ads": "twitter_ads"}


def drawn(home: Path, seed: int, *, days: int = 12, until: float = 45) -> tuple[AdLake, dict[Key, list[Row]]]:
    """Make a lake in which days were read, restated, taken back and told again; and all versions of each row."""
    rng = random.Random(seed)
    made = AdLake(home, *SOURCES)
    versions: dict[Key, list[Row]] = defaultdict(list)
    for source in SOURCES:
        # Pulls, in the order of time; some at midnight, where an age ends.
        moments = sorted({rng.choice([float(n), n + rng.random()]) for n in rng.sample(range(int(until)), 12)})
        for moment in moments:
            told, gone = _pulled(rng, source, at(moment), versions, days)
            if told:
                made.write(f"{source}.performance", at(moment), told)
            if gone:
                made.write(f"{source}.performance", at(moment), gone, op="D")
    made.release(at(until))
    return made, dict(versions)


def _pulled(
    rng: random.Random, source: str, when: datetime, versions: dict[Key, list[Row]], days: int
) -> tuple[list[Row], list[Row]]:
    """Draw what is told anew and what is told no more, and add it to the versions."""
    told: list[Row] = []
    gone: list[Row] = []
    for number in range(days):
        # Where clocks are ahead of UTC, a day has begun before it has here.
        if day(number) > (when + timedelta(hours=9)).date():
            continue
        for entity in ("9007199254740993", "2"):
            key = (source, "a", "ad", entity, "ALL", day(number))
            live = bool(versions[key]) and versions[key][-1]["to"] == OPEN
            draw = rng.random()
            if draw < 0.15 and live:
                versions[key][-1]["to"] = when
                gone.append(_row(key))
            elif draw < 0.5:
                row = _row(key) | {"currency": SOURCES[source]} | _numbers(rng, source)
                if live:
                    versions[key][-1]["to"] = when
                versions[key].append({**row, "from": when, "to": OPEN})
                told.append(row)
    return told, gone


def _row(key: Key) -> Row:
    source, account, level, entity, placement, of = key
    place = {"account_id": account, "level": level, "entity_id": entity, "placement": placement, "day": of}
    return {**place, "platform": PLATFORMS[source], "ad_id": entity, "campaign_id": f"c{entity}"}


def _numbers(rng: random.Random, source: str) -> Row:
    amount = Decimal(rng.randrange(-1_000, 10**13)).scaleb(-6)
    return {
        "spend": amount,
        "impressions": rng.randrange(1000),
        "clicks": rng.choice([None, rng.randrange(100)]),
        "conversions": Decimal(rng.randrange(10**7)).scaleb(-6),
        # One platform never tells the value of what it claims.
        "conversion_value": None if source == "twitter_ads" else rng.choice([None, amount]),
    }


def performance_versions(versions: dict[Key, list[Row]]) -> list[Row]:
    return [
        {"key": key, "version": number, "from": row["from"], "to": row["to"]} | {m: row[m] for m in METRICS}
        for key, rows in versions.items()
        for number, row in enumerate(rows, 1)
    ]


def restatements(versions: dict[Key, list[Row]]) -> list[Row]:
    found = []
    for key, rows in versions.items():
        if not rows:
            continue
        gone = rows[-1]["to"] != OPEN
        last = rows[-1]["to"] if gone else rows[-1]["from"]
        found.append(
            {"key": key, "first_recorded_at": rows[0]["from"], "last_changed_at": last, "versions": len(rows)}
            | {"days_to_final": (last.date() - key[-1]).days, "deleted": gone}
            | {f"{name}_first": rows[0][name] for name in METRICS}
            | {name: None if gone else rows[-1][name] for name in METRICS}
        )
    return found


def completeness(versions: dict[Key, list[Row]], as_of: datetime) -> list[Row]:
    """For each age, go through the account's days, and see what was known of them at the end of that age."""
    found = []
    groups = sorted({(PLATFORMS[source], currency) for source, currency in SOURCES.items()})
    for platform, currency in groups:
        sources = [s for s in SOURCES if (PLATFORMS[s], SOURCES[s]) == (platform, currency)]
        rows = {key: told for key, told in versions.items() if key[0] in sources and told}
        for age in range(31):
            days = {(key[0], key[1], key[-1]) for key, told in rows.items() if _read(told[0]["from"], key[-1], age)}
            days = {one for one in days if _end(one[-1], 30) <= as_of}
            counted = {key: told for key, told in rows.items() if (key[0], key[1], key[-1]) in days}
            if not days:
                continue
            for metric in METRICS:
                known = [_known(told, _end(key[-1], age)) for key, told in counted.items()]
                final = [told[-1] if told[-1]["to"] == OPEN else None for told in counted.values()]
                one, two = (_sum(metric, some) for some in (known, final))
                share = None if one is None or not two else float(one) / float(two)
                if one is None and two is not None:
                    one, share = Decimal(0), 0.0 if two else None
                if two is None and one is not None:
                    two = Decimal(0)
                place = {"platform": platform, "currency": currency, "metric": metric, "age": age, "days": len(days)}
                found.append({**place, "known": one, "final": two, "share": share})
    return found


def _end(of: date, age: int) -> datetime:
    return datetime(of.year, of.month, of.day, tzinfo=UTC) + timedelta(days=age + 1)


def _read(first: datetime, of: date, age: int) -> bool:
    return first < _end(of, age)


def _known(told: list[Row], end: datetime) -> Row | None:
    return next((row for row in told if row["from"] < end <= row["to"]), None)


def _sum(metric: str, rows: list[Row | None]) -> Decimal | None:
    values = [row[metric] for row in rows if row is not None and row[metric] is not None]
    return sum((Decimal(value) for value in values), Decimal(0)) if values else None
