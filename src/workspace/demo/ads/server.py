"""One HTTP server for the four platforms: real sockets, the right platform by the path, and a log of all calls."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import traceback
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from workspace.demo.ads.control import PREFIX, Control
from workspace.demo.ads.faults import TRANSPORT, Fault, gateway, send_broken, send_head, spoiled
from workspace.demo.ads.simulation import Reply, Request, Simulation, module_of, platform_of

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["AdServer", "Reply", "Request", "Simulation"]

_LOGGED = 100_000  # calls that are kept
_SECRET = {"access_token", "appsecret_proof", "secret", "client_secret", "refresh_token", "client_id", "input_token"}
_BROKEN = ("refuse", "reset_before", "reset_mid", "short", "slow")
_POLL = 0.02  # how soon the server notices that it is to stop, in seconds


class AdServer:
    """The four platforms on a port of this machine, while the block runs.

    Args:
        sim: What they know, and how they behave.
        port: Which; any free one if 0.

    Attributes:
        calls: The requests so far: platform, method, path, query, form, text, status, ms, and the fault that happened.
        faults: What is to go wrong.
        errors: Where a platform's own code failed: each is a mistake of ours.
    """

    def __init__(self, sim: Simulation, port: int = 0) -> None:
        self.sim = sim
        self.calls: deque[dict[str, Any]] = deque(maxlen=_LOGGED)
        self.faults: list[Fault] = []
        self.errors: list[str] = []
        self.control = Control(sim, self.calls, self.faults)
        self._http = _Http(("127.0.0.1", port), _handler(self))
        self.port: int = self._http.server_address[1]
        sim.base = self.url
        self._thread = self._serve()

    @property
    def url(self) -> str:
        """The address that every platform has here."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop, and close the port."""
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def answer(self, request: Request) -> tuple[Reply, Fault | None]:
        """Answer a request; give what is to happen to the answer on its way."""
        if request.path.startswith(PREFIX):
            with self.sim.lock:
                return self.control.answer(request), None
        platform = platform_of(request.path)
        if platform is None:
            return Reply(404, {"error": f"No platform has {request.path}."}), None
        with self.sim.lock:
            fault = next((fault for fault in self.faults if fault.due(platform, request)), None)
            return self._ask(platform, request, fault), fault

    def _ask(self, platform: str, request: Request, fault: Fault | None) -> Reply:
        if fault and fault.kind in ("html", "refuse"):
            return gateway(fault)
        reply: Reply | None = None
        try:
            if fault and fault.kind not in TRANSPORT:
                own = getattr(module_of(platform), "FAULTS", {})[fault.kind]
                reply = own(self.sim, request, fault.more)
            reply = reply or self.sim.answer(platform, request)
            reply.content()
        except Exception:  # noqa: BLE001  # whatever it is, the client gets an answer and the test is told
            self.errors.append(f"{request.method} {request.path}\n{traceback.format_exc()}")
            return Reply(500, b"the simulation failed", {}, "text/plain")
        return spoiled(fault.kind, reply) if fault and fault.kind in TRANSPORT else reply

    def refuse(self, seconds: float) -> None:
        """Close the port for a while: who comes meanwhile is refused."""
        self._http.shutdown()
        self._http.socket.close()
        time.sleep(seconds)
        self._http.listen_again()
        self._thread = self._serve()

    def _serve(self) -> threading.Thread:
        thread = threading.Thread(target=self._http.serve_forever, args=(_POLL,), daemon=True)
        thread.start()
        return thread


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def listen_again(self) -> None:
        address = self.server_address
        self.socket = socket.socket(self.address_family, self.socket_type)
        self.server_bind()
        self.server_activate()
        if self.server_address != address:
            raise RuntimeError("the port is another's by now")

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away."""


def _handler(server: AdServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # and one write an answer: otherwise each waits 40 ms for the client's TCP
        wbufsize = 65_536
        timeout = 60

        def log_message(self, *_: object) -> None:
            """Write nothing; the calls are kept."""

        def handle_any(self) -> None:
            begun = time.perf_counter()
            request = self._read()
            reply, fault = server.answer(request)
            if not request.path.startswith(PREFIX):
                server.calls.append(_logged(request, reply, fault, time.perf_counter() - begun))
            if fault and fault.kind in _BROKEN:
                if fault.kind == "refuse":
                    closed = threading.Thread(target=server.refuse, args=(float(fault.more.get("seconds", 0.2)),))
                    closed.start()
                    time.sleep(2 * _POLL)  # the port is to be closed when the client sees the reset
                with contextlib.suppress(OSError):
                    send_broken(self, fault.kind, fault, reply)
            else:
                self._send(reply)

        do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815  # the library's names

        def _read(self) -> Request:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length) if length else b""
            target = urlsplit(self.path)
            is_form = self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
            return Request(
                method=self.command,
                path=unquote(target.path),
                query=dict(parse_qsl(target.query, keep_blank_values=True)),
                form=dict(parse_qsl(body.decode(), keep_blank_values=True)) if is_form else {},
                body=body,
                headers={name.lower(): value for name, value in self.headers.items()},
                url=f"http://{self.headers.get('host', '')}{self.path}",
            )

        def _send(self, reply: Reply) -> None:
            content = reply.content()
            send_head(self, reply, len(content))
            self.wfile.write(content)
            self.wfile.flush()

    return Handler


def _logged(request: Request, reply: Reply, fault: Fault | None, seconds: float) -> dict[str, Any]:
    is_text = not request.form and request.path != "/token"
    return {
        "platform": platform_of(request.path),
        "method": request.method,
        "path": request.path,
        "query": {name: value for name, value in request.query.items() if name not in _SECRET},
        "form": {name: value for name, value in request.form.items() if name not in _SECRET},
        "text": request.body.decode(errors="replace") if is_text else "",
        "status": reply.status,
        "ms": round(seconds * 1000, 3),
        "fault": fault.kind if fault else None,
    }
