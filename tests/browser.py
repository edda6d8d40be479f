"""A real browser for tests, which tells what it asked for and what went wrong."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, Request, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@dataclass(frozen=True, kw_only=True)
class Browsed:
    """A page, all addresses that it asked for so far, and its errors."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def outside(self, *inside: str) -> list[str]:
        """List the requests for anything but what the page holds itself and addresses that begin like these."""
        return [url for url in self.requests if not url.startswith((*inside, "data:", "blob:"))]


@contextmanager
def browsing() -> Iterator[Browsed]:
    """Open an empty page in Chromium; the test is skipped where there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("No Chromium is installed: apt-get install chromium")
    # Neither a sandbox nor shared memory are to be had in every container.
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        browsed = Browsed(page=browser.new_page(viewport={"width": 1280, "height": 900}))

        def asked(request: Request) -> None:
            browsed.requests.append(request.url)

        browsed.page.on("request", asked)
        browsed.page.on("websocket", lambda socket: browsed.requests.append(socket.url))
        browsed.page.on("pageerror", lambda error: browsed.errors.append(str(error)))
        yield browsed
        browser.close()
