"""Reading an account of 2,000 ads again, 28 days of it: what that takes of a platform's budget, and of the lake.

HTTP calls of one such re-pull, against what the platform documents that it allows; aim: at most a tenth of it. Bytes
written to the lake where 1 %, 10 % or all of the 56,000 rows were restated: they should go with what changed, not with
what was read; aim: at most 1.2 times that share of the bytes where all were, with 0.1 MB for the commits (few rows pack
less well than many).

Waits are not slept but passed on the platforms' virtual clock; what counts here is how much is asked and written.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import ads_data
import workspace.sources.ads.http
from measure import report, size_of
from workspace.demo.ads.book import PLATFORMS
from workspace.demo.ads.server import AdServer, Simulation
from workspace.lake import Lake
from workspace.settings import AdsSource
from workspace.sources.ads import ingest

DAYS = 28
LAST = date(2026, 10, 28)
SHARES = (1, 10, 100)
COMMITS = 0.1  # MB
MUCH = 0.1  # of a budget
EVENING = datetime(LAST.year, LAST.month, LAST.day, 23, tzinfo=UTC)
# What a platform documents, as calls and as for what: basic access; an ad account of so many ads in the lowest tier;
# an app, in as many seconds as an hour has; reads of an account and its analytics, four windows of them an hour.
BUDGETS = {
    "google_ads": (15_000, "operations a day"),
    "facebook_ads": (300 + 40 * ads_data.CAMPAIGNS * ads_data.GROUPS * ads_data.ADS, "calls an hour"),
    "tiktok_ads": (10 * 3600, "calls an hour"),
    "twitter_ads": (4 * (10_000 + 250), "calls an hour"),
}


def described(platform: str, url: str) -> AdsSource:
    names = {}
    for name, value in ads_data.CREDENTIALS[platform].items():
        variable = f"BENCHMARK_{platform}_{name}".upper()
        os.environ[variable] = value
        names[name] = f"${variable}"
    since = LAST - timedelta(days=DAYS - 1)
    return AdsSource(name=platform, platform=platform, credentials=names, since=since, url=url)  # type: ignore[arg-type]


def measure(platform: str) -> None:
    book = ads_data.ManyAds(LAST - timedelta(days=DAYS - 1), DAYS)
    sim = Simulation(book, EVENING, credentials=ads_data.CREDENTIALS)

    def pass_by(seconds: float) -> None:
        with sim.lock:
            sim.now += timedelta(seconds=seconds)

    workspace.sources.ads.http.pause = pass_by
    with tempfile.TemporaryDirectory() as root, AdServer(sim) as server:
        source = described(platform, server.url)
        first, _, _ = pull(source, root, server, EVENING)
        least = DAYS * ads_data.CAMPAIGNS * ads_data.GROUPS * ads_data.ADS  # Twitter tells some by placement
        if first["performance"] < least:
            raise SystemExit(f"{platform}: {first['performance']:,} rows were read where {least:,} were to be")
        found = {}
        for day, percent in enumerate(SHARES, start=1):
            now = EVENING + timedelta(days=day)
            book.change(now - timedelta(hours=12), percent)
            found[percent] = pull(source, root, server, now)
    show(platform, found)


def pull(source: AdsSource, root: str, server: AdServer, now: datetime) -> tuple[Counter[str], int, int]:
    """Read the source at a time; give the rows written by table, the bytes, and the HTTP calls."""
    server.sim.now = now
    server.calls.clear()
    before = size_of(root)
    done = ingest(source, Lake(root), run=f"run {now}", as_of=now, now=now)
    rows = Counter({name.partition(".")[2]: counts.total() for name, counts in done.rows.items()})
    return rows, size_of(root) - before, len(server.calls)


def show(platform: str, found: dict[int, tuple[Counter[str], int, int]]) -> None:
    calls, (budget, unit) = found[100][2], BUDGETS[platform]
    verdict = "within" if calls / budget <= MUCH else "MISSES"
    spent = f"{calls:,} of {budget:,} {unit} = {calls / budget:.2%}"
    print(f"{platform}: HTTP calls of a re-pull of {DAYS} days: {spent} ({verdict} the aim of {MUCH:.0%})")
    whole = found[100][1] / 1e6
    for percent, (rows, size, _) in found.items():
        claim = f"{platform}: {percent} % restated, {rows['performance']:,} and {rows['conversions']:,} rows written"
        report(claim, size / 1e6, whole * percent / 100 + COMMITS, unit="MB", aim=1.2)


def main() -> None:
    for platform in PLATFORMS:
        measure(platform)


if __name__ == "__main__":
    main()
