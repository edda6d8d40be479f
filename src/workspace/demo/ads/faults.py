"""What goes wrong between a platform and its client, each time it is told to: real resets, cut bodies, silence."""

from __future__ import annotations

import gzip
import re
import socket
import struct
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workspace.demo.ads.book import PLATFORMS
from workspace.demo.ads.simulation import Reply, module_of
from workspace.errors import WorkspaceError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping
    from http.server import BaseHTTPRequestHandler

    from workspace.demo.ads.simulation import Request

# Those that the server itself makes, for every platform.
TRANSPORT = (
    "refuse",  # the connection is reset, and the port closed for `seconds`
    "reset_before",  # the connection is reset once the request was served, before any header
    "reset_mid",  # ... in the middle of the body
    "short",  # the connection ends in the middle of the body
    "slow",  # the second half of the body comes `seconds` later
    "truncate",  # the body is cut, and the headers agree with that
    "html",  # a gateway's page, with `status`, 502 unless told; the platform is never asked
    "empty",  # 200 and nothing
    "bom",  # a byte order mark
    "charset",  # the wrong charset in the header
    "gzip_corrupt",  # a compressed body that is broken
    "duplicate_key",  # a key of the answer comes twice, the second time without its value
)
_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"


@dataclass
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: What; one of `TRANSPORT`, or of the platform's own `FAULTS`.
        platform: Where; anywhere if empty.
        path: A regular expression that the path must match.
        method: The method it is for; any if empty.
        skip: How many matching requests go well first.
        times: How often it happens then.
        more: What else the kind needs, such as `seconds` or `status`.
    """

    kind: str
    platform: str = ""
    path: str = ""
    method: str = ""
    skip: int = 0
    times: int = 1
    more: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Fault:
        """Read an entry of the control plane.

        Raises:
            WorkspaceError: It names no kind that the platform, or any, knows.
        """
        known = {name: entry[name] for name in ("kind", "platform", "path", "method", "skip", "times") if name in entry}
        fault = cls(**known, more={name: value for name, value in entry.items() if name not in known})
        kinds = {*TRANSPORT}
        for platform in [fault.platform] if fault.platform else PLATFORMS:
            module = module_of(platform)
            kinds |= set(getattr(module, "FAULTS", {}))
        if fault.kind not in kinds:
            raise WorkspaceError(f"There is no fault {fault.kind!r}.", cure=did_you_mean(fault.kind, kinds))
        re.compile(fault.path)
        return fault

    def due(self, platform: str, request: Request) -> bool:
        """Tell whether it happens to a request, and count that."""
        if self.times < 1 or (self.platform and self.platform != platform):
            return False
        if (self.method and self.method != request.method) or not re.search(self.path, request.path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True

    def told(self) -> dict[str, Any]:
        """Write it as the control plane does."""
        return {
            **{name: getattr(self, name) for name in ("kind", "platform", "path", "method", "skip", "times")},
            **self.more,
        }


def spoiled(kind: str, reply: Reply) -> Reply:
    """Give the reply as it looks where only its content is wrong."""
    body = reply.content()
    if kind == "truncate":
        body = body[: len(body) // 2]
    elif kind == "empty":
        body = b""
    elif kind == "bom":
        body = b"\xef\xbb\xbf" + body
    elif kind == "charset":
        return Reply(reply.status, body, dict(reply.headers), "application/json; charset=iso-8859-1")
    elif kind == "gzip_corrupt":
        return _corrupt(body, reply)
    elif kind == "duplicate_key":
        body = _doubled(body)
    return Reply(reply.status, body, dict(reply.headers), reply.content_type)


def _corrupt(body: bytes, reply: Reply) -> Reply:
    if body[:2] == b"\x1f\x8b":  # a file, compressed already
        return Reply(reply.status, body[: len(body) * 2 // 3], dict(reply.headers), reply.content_type)
    packed = gzip.compress(body, mtime=0)
    broken = packed[: len(packed) // 2] + bytes(b ^ 0xFF for b in packed[len(packed) // 2 :])
    return Reply(reply.status, broken, reply.headers | {"content-encoding": "gzip"}, reply.content_type)


def _doubled(body: bytes) -> bytes:
    """Give the outermost object's first key a second time, last, so that who takes the last takes nothing."""
    first, last = re.search(rb'"(?:[^"\\]|\\.)*"\s*:', body), body.rfind(b"}")
    return body if first is None or last < 0 else body[:last] + b"," + first.group() + b"null" + body[last:]


def gateway(fault: Fault) -> Reply:
    """Give what a gateway says when it has lost the platform."""
    return Reply(int(fault.more.get("status", 502)), _PAGE, {}, "text/html; charset=utf-8")


def send_broken(handler: BaseHTTPRequestHandler, kind: str, fault: Fault, reply: Reply) -> None:
    """Send a reply the way that it does not arrive, or not in time."""
    if kind in ("refuse", "reset_before"):
        reset(handler)
        return
    body = reply.content()
    half = len(body) // 2
    send_head(handler, reply, len(body))
    handler.wfile.write(body[:half])
    handler.wfile.flush()
    if kind == "reset_mid":
        reset(handler)
    elif kind == "short":
        handler.close_connection = True
    else:
        time.sleep(float(fault.more.get("seconds", 2)))
        handler.wfile.write(body[half:])
        handler.wfile.flush()


def send_head(handler: BaseHTTPRequestHandler, reply: Reply, length: int) -> None:
    """Send a reply's status and headers; a platform may tell its own time, by the virtual clock."""
    handler.send_response_only(reply.status)
    told = {
        "date": handler.date_time_string(),
        "content-type": reply.content_type,
        "content-length": str(length),
        **reply.headers,
    }
    for name, value in told.items():
        handler.send_header(name, value)
    handler.end_headers()


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Close a connection by a TCP reset, so that the other side sees it break off."""
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Not `close` alone: the handler's files hold the socket, too. Detached, the descriptor is ours to close for good.
    socket.close(handler.connection.detach())
