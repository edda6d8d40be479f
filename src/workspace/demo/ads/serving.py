"""The demo's advertising platforms while somebody needs them: what a home's company knows by the home's clock."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from workspace.demo.ads.catalogue import MANAGER
from workspace.demo.ads.described import CREDENTIALS, URL_VARIABLE, variable
from workspace.demo.ads.server import AdServer, Simulation
from workspace.demo.home import SETTINGS_FILE, read_clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from workspace.demo.ads.worldbook import WorldBook


def credentials(seed: int) -> dict[str, dict[str, str]]:
    """Give what the platforms accept in a home: always the same there, and easy to find where it must not be."""
    return {
        platform: {name: _credential(seed, platform, name) for name in names} for platform, names in CREDENTIALS.items()
    }


def _credential(seed: int, platform: str, name: str) -> str:
    if name == "login_customer_id":
        return MANAGER
    digest = blake2b(f"{seed}:{platform}:{name}".encode(), digest_size=16).hexdigest()
    if name == "app_id":
        return str(7_000_000_000_000_000_000 + int(digest[:12], 16))
    return f"demo-{platform}-{name}-{digest}".replace("_", "-")


class _Home:
    """A home's clock and its company, read again when the clock was moved."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._read = 0
        self._clock: datetime | None = None
        self._book: WorldBook | None = None
        self._day: datetime | None = None

    def clock(self) -> datetime:
        written = (self.home / SETTINGS_FILE).stat().st_mtime_ns
        if self._clock is None or written != self._read:
            self._clock, self._read = read_clock(self.home), written
        return self._clock

    def book(self) -> WorldBook:
        from workspace.demo.ads.worldbook import WorldBook
        from workspace.demo.living import world_at

        clock = self.clock()
        if self._book is None or self._day != clock:
            self._book, self._day = WorldBook(world_at(self.home, clock)), clock
        return self._book


def simulation(home: Path) -> Simulation:
    """Give the platforms of a home; the company is only loaded once somebody asks for it."""
    company = _Home(home)
    facts = json.loads((home / "world.json").read_text(encoding="utf-8"))
    return Simulation(company.book, company.clock, credentials=credentials(facts["seed"]))


@contextmanager
def serving(home: Path | str, port: int = 0) -> Iterator[AdServer]:
    """Keep ad platforms of one's own, their address and what they accept in the environment.

    Args:
        home: The demo's folder.
        port: Where to listen; any free port if 0.
    """
    with AdServer(simulation(Path(home)), port) as server:
        told = {URL_VARIABLE: server.url}
        for platform, named in server.sim.credentials.items():
            told |= {variable(platform, name): value for name, value in named.items()}
        before = {name: os.environ.get(name) for name in told}
        os.environ.update(told)
        try:
            yield server
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                os.environ.update({name: value} if value is not None else {})
