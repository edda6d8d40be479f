"""What goes wrong at Meta each time it is told to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workspace.demo.ads.facebook import errors
from workspace.demo.ads.facebook.graph import VERSIONS, Call
from workspace.demo.ads.facebook.limits import PLATFORM

if TYPE_CHECKING:
    from collections.abc import Callable

    from workspace.demo.ads.facebook.errors import GraphError
    from workspace.demo.ads.simulation import Reply, Request, Simulation

    Kind = Callable[[Simulation, Request, dict[str, Any]], Reply | None]


def _said(make: Callable[[Call, dict[str, Any]], GraphError]) -> Kind:
    """Let an error be the answer."""

    def fault(sim: Simulation, request: Request, more: dict[str, Any]) -> Reply:
        call = Call(sim, request)
        reply = make(call, more).reply()
        reply.headers |= call.meter.headers(call.version)
        return reply

    return fault


def _rate_limit(sim: Simulation, request: Request, more: dict[str, Any]) -> Reply:
    """Refuse for want of quota: `code`, and `minutes` until there is some again; untold if there are none."""
    call = Call(sim, request)
    call.meter.fill(100, int(more.get("minutes", 0)))
    reply = errors.rate_limit(int(more.get("code", 80000))).reply()
    reply.headers |= call.meter.headers(call.version)
    return reply


def _usage(sim: Simulation, request: Request, more: dict[str, Any]) -> Reply:
    """Answer, and say that so many percent of the budgets are used."""
    call = Call(sim, request)
    reply = call.reply()
    call.meter.fill(int(more.get("percent", 96)), int(more.get("minutes", 0)))
    reply.headers |= call.meter.headers(call.version)
    return reply


def _fate(word: str, percent: int) -> Kind:
    """Begin a job that does not end well: at `percent`, and with what `error` has."""

    def fault(sim: Simulation, request: Request, more: dict[str, Any]) -> Reply | None:
        reply = Call(sim, request).reply()
        if isinstance(reply.body, dict) and "report_run_id" in reply.body:
            job = sim.state[PLATFORM]["jobs"][reply.body["report_run_id"]]
            job.fate = str(more.get("word", word)), int(more.get("percent", percent))
            job.error = dict(more.get("error", {}))
        return reply

    return fault


def _duplicate_row(sim: Simulation, request: Request, _: dict[str, Any]) -> Reply:
    """Send the last row of a page twice."""
    reply = Call(sim, request).reply()
    if isinstance(reply.body, dict) and reply.body.get("data"):
        reply.body["data"].append(dict(reply.body["data"][-1]))
    return reply


def _unknown_field(_: Call, more: dict[str, Any]) -> GraphError:
    return errors.invalid_fields([str(more.get("field", "inline_link_clicks"))])


FAULTS: dict[str, Kind] = {
    "rate_limit": _rate_limit,
    "usage": _usage,
    "transient": _said(lambda _, more: errors.transient(int(more.get("code", 2)), int(more.get("subcode", 0)))),
    "token_expired": _said(lambda *_: errors.token_expired()),
    "token_invalid": _said(lambda *_: errors.token_invalid()),
    "wrong_proof": _said(lambda *_: errors.wrong_proof()),
    "permission": _said(lambda call, _: errors.permission(call.meter.account_id)),
    "unknown_object": _said(lambda call, _: errors.unknown_object(call.node or "", call.request.method)),
    "version_retired": _said(lambda *_: errors.retired(VERSIONS[-1])),
    "too_old": _said(lambda *_: errors.too_old()),
    "too_many_rows": _said(lambda *_: errors.too_many_rows()),
    "reduce_data": _said(lambda *_: errors.reduce_data()),
    "cursor_invalid": _said(lambda *_: errors.invalid_cursor()),
    "unknown_field": _said(_unknown_field),
    "job_unfinished": _said(lambda *_: errors.unfinished()),
    "job_failed": _fate("Job Failed", 0),
    "job_skipped": _fate("Job Skipped", 0),
    "job_not_starting": _fate("Job Not Started", 0),
    "job_stuck": _fate("Job Running", 99),
    "duplicate_row": _duplicate_row,
}
