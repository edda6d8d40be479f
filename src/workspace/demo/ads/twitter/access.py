"""Who may ask X and how often: signatures by OAuth 1.0a, and rates by kind of question."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

if TYPE_CHECKING:
    from workspace.demo.ads.simulation import Request, Simulation

PLATFORM = "twitter_ads"
WINDOW = 900
"""Seconds of a rate's window."""

_SKEW = 300  # seconds that a timestamp may be off
_PAIR = re.compile(r'\s*([a-z_]+)="([^"]*)"\s*')
_LIMITS = {"accounts": 5, "analytics": 250, "core": 10_000, "other": 2_000}


def unsigned(sim: Simulation, request: Request) -> str | None:
    """Tell why a request is not properly signed, None if it is: the signature is computed anew."""
    told, known = _authorization(request), sim.credentials[PLATFORM]
    state = sim.state[PLATFORM]
    keys = told.get("oauth_consumer_key"), told.get("oauth_token")
    if keys != (known.get("consumer_key"), known.get("token")) or keys[1] in state.get("revoked", ()):
        return "a key is unknown or was revoked"
    if told.get("oauth_signature_method") != "HMAC-SHA1" or told.get("oauth_version", "1.0") != "1.0":
        return "the method is not HMAC-SHA1 of version 1.0"
    stamp = told.get("oauth_timestamp", "")
    clock = time.time() + float(sim.settings.get("twitter_clock_ahead", 0))
    if not stamp.isdigit() or abs(int(stamp) - clock) > _SKEW:
        return "the timestamp is out of bounds"
    used: set[tuple[str, str]] = state.setdefault("nonces", set())
    nonce = stamp, told.get("oauth_nonce", "")
    if not nonce[1] or nonce in used:
        return "the nonce was used before"
    expected = signature(request, told, known["consumer_secret"], known["token_secret"])
    if not hmac.compare_digest(expected, told.get("oauth_signature", "")):
        return "the signature does not match"
    used.add(nonce)
    return None


def _authorization(request: Request) -> dict[str, str]:
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme != "OAuth":
        return {}
    return {name: unquote(value) for name, value in _PAIR.findall(rest)}


def signature(request: Request, told: dict[str, str], consumer_secret: str, token_secret: str) -> str:
    """Compute the signature that a request should have.

    Args:
        request: The request, with its address as it was asked for.
        told: The parameters of its header, decoded.
        consumer_secret: The application's.
        token_secret: The user's.
    """
    address = urlsplit(request.url)
    pairs = parse_qsl(address.query, keep_blank_values=True)
    pairs += [(name, value) for name, value in told.items() if name not in ("oauth_signature", "realm")]
    pairs += list(request.form.items())
    written = "&".join(f"{name}={value}" for name, value in sorted((_quoted(n), _quoted(v)) for n, v in pairs))
    base = "&".join(
        (request.method, _quoted(f"{address.scheme}://{address.netloc.lower()}{address.path}"), _quoted(written))
    )
    key = f"{_quoted(consumer_secret)}&{_quoted(token_secret)}"
    return base64.b64encode(hmac.digest(key.encode(), base.encode(), hashlib.sha1)).decode()


def _quoted(text: str) -> str:
    return quote(text, safe="~")


def expire(sim: Simulation) -> None:
    """Revoke the token that is valid now; X's do not expire by themselves."""
    sim.state[PLATFORM].setdefault("revoked", set()).add(sim.credentials[PLATFORM].get("token"))


def limits(sim: Simulation) -> dict[str, Any]:
    """Tell what is allowed in a window, and what was used."""
    buckets: dict[tuple[str, str], _Bucket] = sim.state[PLATFORM].get("buckets", {})
    used = {" ".join(filter(None, key)): bucket.used for key, bucket in buckets.items()}
    return {"allowed": _allowed(sim), "used": used, "seconds": WINDOW}


def _allowed(sim: Simulation) -> dict[str, int]:
    return {**_LIMITS, **sim.settings.get("limits", {}).get(PLATFORM, {})}


class _Bucket:
    """One rate's window. It ends by whichever clock is first, so that several virtual days fit into a minute."""

    def __init__(self, sim: Simulation) -> None:
        self.used, self.begun, self.wall = 0, sim.now, time.time()

    def left(self, sim: Simulation) -> float:
        """Tell in how many seconds it ends."""
        passed = max((sim.now - self.begun) / timedelta(seconds=1), time.time() - self.wall)
        return WINDOW - passed


def spend(sim: Simulation, kind: str, account: str = "", endpoint: str = "") -> tuple[bool, dict[str, str]]:
    """Count a request; give whether it is still allowed, and the headers that tell of the rate.

    Args:
        sim: The simulation.
        kind: The kind of question: `accounts`, `analytics`, `core` or `other`.
        account: The account, where the rate is one per account.
        endpoint: The endpoint, where each has a rate of its own.
    """
    allowed = _allowed(sim)[kind]
    buckets: dict[tuple[str, str], _Bucket] = sim.state[PLATFORM].setdefault("buckets", {})
    bucket = buckets.get((account, endpoint or kind))
    if bucket is None or bucket.left(sim) <= 0:
        bucket = buckets[account, endpoint or kind] = _Bucket(sim)
    is_free = bucket.used < allowed
    bucket.used += is_free
    # Rounded up: who comes back at that second is let in.
    reset = str(-int(-(sim.now.timestamp() + bucket.left(sim)) // 1))
    scope = "x-account-rate-limit" if account else "x-rate-limit"
    told = {f"{scope}-limit": allowed, f"{scope}-remaining": allowed - bucket.used, f"{scope}-reset": reset}
    if account:  # the user's own is then a high one for all accounts together
        told |= {"x-rate-limit-limit": 100_000, "x-rate-limit-remaining": 99_999, "x-rate-limit-reset": reset}
    return is_free, {name: str(value) for name, value in told.items()}
