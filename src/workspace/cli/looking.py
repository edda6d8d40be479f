"""The commands that only look: status, releases, doctor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from workspace.cli.group import FAILED, servers

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from workspace.lake import Lake, Release
    from workspace.runs import Attempt, Ledger, Schedule
    from workspace.settings import Settings


def status() -> None:
    """Show how fresh every source and step is, what is due, what ran last, and the newest release."""
    from workspace.cli.shown import say, table
    from workspace.lake import Lake
    from workspace.runs import Ledger, due, load_schedule
    from workspace.settings import load_settings

    settings = load_settings()
    lake = Lake(settings.lake)
    schedule = load_schedule(settings.pipelines)
    now = settings.now()
    as_of = schedule.tick(now).end
    say(f"{settings.home}: business clock {_at(now)}")
    table("Sources", ("source", "read up to", "behind", "required", "in quarantine"), _sources(settings, lake))
    if gaps := _gaps(settings, lake):
        table("Gaps: gone before they were read", ("source", "where", "recorded (UTC)", "why"), gaps)
    with Ledger(settings.var) as ledger:
        columns = ("step", "every", "newest done", "fresh", "last attempt")
        table("Steps", columns, _steps(settings, schedule, ledger, now))
        runs = [(run.run, run.kind, run.state) for run in ledger.runs(5)]
        table("Last runs", ("run", "what", "state"), runs)
        plan = {
            name: jobs for name, jobs in due(schedule, as_of, ledger.done()).items() if _has(settings, schedule, name)
        }
        waiting = [f"{job.step} {job.period}" for jobs in plan.values() for job in jobs]
    table("Newest releases", _RELEASE, _release_rows(lake, 3))
    say(f"Due: {', '.join(waiting)}. `workspace tick` does it." if waiting else "Nothing is due.")


def releases() -> None:
    """List every release, published or rejected, the newest last."""
    from workspace.cli.shown import table
    from workspace.lake import Lake
    from workspace.settings import load_settings

    table("Releases", _RELEASE, _release_rows(Lake(load_settings().lake)))


def doctor() -> None:
    """Look at everything that work depends on, and say what to do where it is not as it must be."""
    from workspace.cli.checkup import examine
    from workspace.cli.shown import out, say
    from workspace.settings import load_settings

    settings = load_settings()
    with servers(settings):
        findings = examine(settings)
    marks = {"ok": ("ok", "green"), "warning": ("WARNING", "yellow"), "error": ("ERROR", "red")}
    for finding in findings:
        mark, style = marks[finding.level]
        say(f"{mark:8} {finding.subject}: {finding.message}", style if out.is_terminal else "")
        for line in finding.cure.splitlines():
            say(f"         {line}")
    errors = sum(finding.level == "error" for finding in findings)
    say(f"{len(findings)} things looked at, {errors} of them must be mended." if errors else "Work can begin.")
    if errors:
        raise typer.Exit(FAILED)


_RELEASE = ("release", "as of (UTC)", "status", "recorded (UTC)", "tables", "late", "failed checks")


def _release_rows(lake: Lake, newest: int = 0) -> list[tuple[str, ...]]:
    from workspace.lake import releases as recorded

    return [_release_row(release) for release in recorded(lake) if release.status != "candidate"][-newest:]


def _release_row(release: Release) -> tuple[str, ...]:
    late = ", ".join(source.source for source in release.sources if source.late)
    return (
        release.name,
        f"{release.as_of:%Y-%m-%d %H:%M}",
        release.status,
        f"{release.recorded_at:%Y-%m-%d %H:%M}",
        str(len(release.tables)),
        late,
        ", ".join(release.failed),
    )


def _sources(settings: Settings, lake: Lake) -> list[tuple[str, ...]]:
    now = settings.now()
    rows: list[tuple[str, ...]] = []
    for name, source in settings.sources.items():
        mark = lake.watermark(name)
        reached, behind = (_at(mark.reached), _span(now - mark.reached)) if mark else ("never", "")
        refused = f"{_refused(lake, name):,}" if mark else ""
        rows.append((name, reached, behind, "yes" if source.required else "no", refused))
    return rows


def _refused(lake: Lake, source: str) -> int:
    return lake.events(source).waiting() if lake.has_events(source) else int(lake.quarantined(source).num_rows)


def _gaps(settings: Settings, lake: Lake) -> list[tuple[str, ...]]:
    """List what a source has gone on without; a file that was read in the end is no gap any more."""
    rows: list[tuple[str, ...]] = []
    for name in filter(lake.has_events, settings.sources):
        log = lake.events(name)
        whole = {file["path"] for file in log.side("files").to_pylist() if file["lines"] is not None}
        for gap in log.side("gaps").sort_by("batch").to_pylist():
            if gap["file"] in whole:
                continue
            offsets = f"{gap['topic']}[{gap['partition']}] {gap['first']}..{gap['last']}" if gap["topic"] else ""
            rows.append((name, offsets or gap["file"], f"{gap['recorded_at']:%Y-%m-%d %H:%M}", gap["reason"]))
    return rows


def _steps(settings: Settings, schedule: Schedule, ledger: Ledger, now: datetime) -> list[tuple[str, ...]]:
    from workspace.runs import Period

    last: dict[str, Attempt] = {}
    for attempt in ledger.attempts(1000):
        last.setdefault(attempt.step, attempt)
    done = ledger.done()
    rows: list[tuple[str, ...]] = []
    for step in schedule.steps.values():
        ends = [Period.parse(label, step.period) for name, label in done if name == step.name]
        newest = max(ends, default=None)
        fresh = "" if step.freshness is None else "never"
        fresh = fresh if _has(settings, schedule, step.name) else "no such source"
        if newest and step.freshness is not None:
            fresh = "yes" if now - newest.end <= step.freshness else f"STALE: {_span(now - newest.end)} behind"
        told = f"{last[step.name].period} {last[step.name].state}" if step.name in last else ""
        rows.append((step.name, "by hand" if step.by_hand else step.period, str(newest or ""), fresh, told))
    return rows


def _has(settings: Settings, schedule: Schedule, step: str) -> bool:
    from workspace.runs import has_source

    return has_source(settings, schedule.steps[step])


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _span(length: timedelta) -> str:
    hours = length.total_seconds() / 3600
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"
