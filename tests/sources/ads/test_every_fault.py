"""All that goes wrong on the way to a platform, met by whole runs: the same rows, at once or after a plain failure."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import workspace.sources.ads.deferral
from adserver import CREDENTIALS, NOW
from workspace.demo.ads.faults import TRANSPORT
from workspace.demo.ads.simulation import module_of
from workspace.errors import SourceError

if TYPE_CHECKING:
    from sources.ads.pulling import Home

pytestmark = pytest.mark.long

# What some faults need to be what they are called.
_MORE: dict[str, dict[str, Any]] = {
    "slow": {"seconds": 0.2},
    "refuse": {"seconds": 0.2},
    "html": {"status": 503},
}
_CODES = (40100, 40132, 40133, 61000, 50000, 50002, 51010, 60001, 40067, 40102, 40104, 40105, 40001, 40002, 40700)
_LIMITS = (4, 17, 32, 613, 80000, 80004)


def faults(platform: str) -> list[dict[str, Any]]:
    """Give every fault that the platform knows: at the first request, in the midst, three times in a row, by turns."""
    kinds = [{"kind": kind, **_MORE.get(kind, {})} for kind in TRANSPORT]
    kinds += [{"kind": "html", "status": status} for status in (500, 502, 504, 404)]
    own = [kind for kind in getattr(module_of(platform), "FAULTS", {}) if kind not in ("code", "rate_limit")]
    kinds += [{"kind": kind} for kind in own]
    if platform == "tiktok_ads":
        kinds += [{"kind": "code", "code": code, "message": f"code {code}"} for code in _CODES]
    if platform == "facebook_ads":
        kinds += [{"kind": "rate_limit", "code": code} for code in _LIMITS]
    if platform == "twitter_ads":
        kinds += [{"kind": "rate_limit"}]
    when: list[dict[str, Any]] = [{}, {"skip": 6}, {"skip": 2, "times": 3}]
    return [{**kind, **when[number % 3]} for number, kind in enumerate(kinds)]


def met(home: Home, now: datetime, outcomes: Counter[str]) -> str:
    """Read while something goes wrong, and again if that was too much; give what was said about it."""
    try:
        done = home.pull(now)
        if any("was left out" in note for note in done.notes):  # an account refused itself for once
            outcomes["an account left out, and said so"] += 1
            home.ads.control("DELETE", "faults")
            home.pull()
    except SourceError as error:
        outcomes[type(error).__name__ if error.cure else "an error without a cure"] += 1
        home.ads.control("DELETE", "faults")
        home.pull()
        return str(error) + repr(error.__cause__) + repr(error.__context__)
    outcomes["the same rows"] += 1
    return ""


def test_every_fault_leaves_the_rows_of_a_clean_pull(
    home: Home, subtests: pytest.Subtests, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(workspace.sources.ads.deferral, "away", lambda _: {})  # a quota's time passes at once
    home.pull()
    outcomes = Counter[str]()
    for number, fault in enumerate(faults(home.platform), 1):
        with subtests.test(**{name: value for name, value in fault.items() if name != "message"}):
            home.ads.control("DELETE", "faults")
            home.ads.control("DELETE", "calls")
            now = NOW + number * timedelta(days=1)
            home.ads.control("POST", "faults", [{"platform": home.platform, **fault}])
            said = met(home, now, outcomes)
            assert not [secret for secret in CREDENTIALS[home.platform].values() if secret in said]
            assert home.held() == home.told()
            assert home.lake.quarantined(home.platform).num_rows == 0
    written = capfd.readouterr()
    assert not [s for s in CREDENTIALS[home.platform].values() if s in written.out + written.err]
    assert not outcomes["an error without a cure"]
    assert outcomes["the same rows"] > sum(outcomes.values()) / 2, outcomes
    keys = Counter(
        (row["account_id"], row["entity_id"], row["placement"], row["day"]) for row in home.rows("performance")
    )
    assert max(keys.values()) == 1
