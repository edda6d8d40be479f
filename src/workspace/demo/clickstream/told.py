"""What the company knows of its website: the numbers that every report about it must come to."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from typing import TYPE_CHECKING, Any

from workspace.demo.clickstream.campaigns import ADS, LETTER, PLATFORMS, Click, click_id
from workspace.demo.clickstream.experiments import EXPERIMENTS, VARIANTS
from workspace.demo.ledger import month

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workspace.demo.world import World


def clickstream(world: World) -> dict[str, Any]:
    """Give what was delivered by the clock; see `workspace.demo.totals`."""
    books = world.web.books
    sums = books.by_now()
    return {
        "lines": _whole(books.lines),
        "malformed": _whole(books.malformed),
        "malformed_lines": _whole(books.refused),
        "overlap_copies": books.lines["both"] - books.refused["both"],
        "natural_duplicates": books.noted["natural_duplicates"],
        "natural_duplicates_at_once": books.noted["natural_duplicates_at_once"],
        "synthetic_duplicates": books.noted["synthetic_duplicates"],
        "late": books.noted["late"],
        "bots": books.noted["bots"],
        "unknown_schema": books.noted["unknown_schema"],
        "bad_rows": _whole(books.bad),
        "events": _whole(books.events),
        "sessions": _daily(sums.sessions),
        "engaged_sessions": _daily(sums.engaged),
        "converted_sessions": _daily(sums.converted),
        "engaged_seconds": _daily(sums.seconds),
        "page_views": _daily(sums.page_views),
        "visitors": {
            "total": len(set().union(*sums.visitors.values())),
            "month": {when: len(visitors) for when, visitors in sorted(sums.visitors.items())},
        },
        "stitched_visitors": len(sums.stretches),
        "stitched_users": len({user for stretches in sums.stretches.values() for _, user in stretches}),
        "identities": sum(map(len, sums.stretches.values())),
        "purchases": books.events["purchase"],
        "channels": {
            name: {
                "sessions": count,
                "converted_sessions": sums.conversions[name],
                "touchpoints": sums.touchpoints[name],
            }
            for name, count in sorted(sums.channels.items())
        },
        "ad_clicks": _whole(sums.clicks),
        "exposures": {
            experiment.name: {variant: books.exposures[f"{experiment.name}:{variant}"] for variant in VARIANTS}
            for experiment in EXPERIMENTS
        },
        "truths": {
            "experiments": {
                a.experiment.name: {"experiment": a.experiment, "assigned": a.assigned, "acted": a.acted}
                for a in world.web.assignments
            },
            "roas": {platform.name: platform.roas for platform in PLATFORMS},
        },
    }


def clicks(world: World) -> Iterator[Click]:
    """Give every click on an advertisement, in the order of their numbers."""
    book = world.web.clicks
    for number, (at, ad, visitor) in enumerate(zip(book.at, book.ad, book.visitor, strict=True)):
        if ad == LETTER:
            continue
        user = visitor // 4 if visitor >= 0 else None
        yield Click(number, at, ADS[ad], click_id(world.seed, ADS[ad].platform, number), visitor, user)


def causes(world: World) -> dict[str, int]:
    """Give, for each booking that an advertisement caused, the number of the one click that did."""
    book = world.web.clicks
    return {world.identity("booking", booking): click for booking, click in zip(book.booking, book.cause, strict=True)}


def _whole(counts: Counter[str]) -> dict[str, int]:
    parts = {name: count for name, count in sorted(counts.items()) if count}
    return {"total": sum(parts.values()), **parts}


def _daily(days: Counter[int]) -> dict[str, Any]:
    months: defaultdict[str, int] = defaultdict(int)
    for day, count in sorted(days.items()):
        months[month(day)] += count
    return {
        "total": days.total(),
        "month": dict(months),
        "day": {date.fromordinal(day): count for day, count in sorted(days.items())},
    }
