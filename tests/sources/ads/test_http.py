"""What a question over HTTP says when it fails, and what it never says."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from adserver import CREDENTIALS
from sources.ads.pulling import describe
from workspace.errors import SourceError
from workspace.sources.ads.answers import Ok
from workspace.sources.ads.google import open_google
from workspace.sources.ads.http import ATTEMPTS, Http

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adserver import Ads

SECRET = "EAA" + "secret" * 10


class _Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"." * 280 + SECRET.encode()
        self.send_response(int(self.path.removeprefix("/")))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called there
        """Say nothing."""


@pytest.fixture
def echo() -> Iterator[str]:
    """A server whose pages end in the secret, where a message cuts them."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("status", [200, 502])
def test_no_part_of_a_secret_is_shown_where_a_page_is_cut(echo: str, status: int) -> None:
    http = Http("Facebook", echo, classify=lambda _: Ok(), secrets=[SECRET])
    with pytest.raises(SourceError, match=f"status {status}") as raised:
        http.ask("GET", f"/{status}")
    http.close()
    assert "EAA" not in str(raised.value)
    assert ".[secret]" in str(raised.value)


def test_a_request_that_cannot_be_sent_is_tried_once_and_does_not_show_why(ads: Ads) -> None:
    headers = {"Authorization": f"Bearer {SECRET}\nmore"}
    http = Http("Facebook", ads.url, classify=lambda _: Ok(), headers=headers, secrets=[f"{SECRET}\nmore"])
    with pytest.raises(SourceError, match="Facebook: a request cannot be sent as it is") as raised:
        http.ask("GET", "/")
    http.close()
    assert http.calls == 1
    assert "EAA" not in str(raised.value)
    assert "credentials" in raised.value.cure


def test_what_comes_in_place_of_an_access_token_is_not_shown(ads: Ads) -> None:
    google = open_google(describe("google_ads", ads.url), CREDENTIALS["google_ads"])
    ads.fault("truncate", "google_ads", path="^/token$", times=ATTEMPTS)
    with pytest.raises(SourceError, match="no access token: status 200 and a body that is no JSON") as raised:
        google.accounts()
    google.http.close()
    assert ads.control("GET", "faults") == []
    assert "access_token" not in str(raised.value)
