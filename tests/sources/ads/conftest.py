from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import workspace.sources.ads.http
from sources.ads.pulling import Home
from workspace.demo.ads.book import PLATFORMS

if TYPE_CHECKING:
    from pathlib import Path

    from adserver import Ads


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch, ads: Ads) -> list[float]:
    """Let time pass at once where a run waits, on the platforms' clock too; give how long each wait was."""
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        with ads.sim.lock:
            ads.sim.now += timedelta(seconds=seconds)
        if ads.server._http.socket.fileno() < 0:  # the port is closed for a while, and the wall's clock opens it
            time.sleep(0.1)

    monkeypatch.setattr(workspace.sources.ads.http, "pause", pause)
    return waited


@pytest.fixture(params=PLATFORMS)
def home(request: pytest.FixtureRequest, tmp_path: Path, ads: Ads) -> Home:
    """Each platform in turn, and an empty lake."""
    return Home(tmp_path / "lake", ads, request.param)
