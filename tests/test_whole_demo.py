"""The main job end to end, as `make demo` does it, held against the databases and the company's own totals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from workspace.demo import advance, create, running, totals
from workspace.front import Workspace, connect
from workspace.lake import Lake, releases
from workspace.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

NAMES = [f"2026-10-{day:02}" for day in (3, 10, 17, 24, 29, 30, 31)]
SOURCES = ("user_db", "inventory_db")


def workspace_command(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "workspace"), *arguments]
    environment = {**os.environ, "WORKSPACE_HOME": str(home)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def settings(whole_demo: Path) -> Settings:
    return load_settings(whole_demo)


@pytest.fixture(scope="module")
def newest(settings: Settings) -> Workspace:
    return connect(settings=settings)


@pytest.fixture(scope="module")
def twin(open_folder: Path) -> Iterator[Path]:
    """The same company once more: what its databases held at each cut."""
    home = open_folder / "twin"
    create(home)
    with running(home):
        yield home


def in_source(dsn: str, table: str, columns: list[str], keys: list[str]) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        connection.execute("set timezone to 'UTC'")
        asked = "select column_name, data_type from information_schema.columns where table_name = %s"
        kinds: dict[str, str] = dict(connection.execute(asked, [table]).fetchall())
        text = {"uuid", "jsonb", "USER-DEFINED"}
        shown = [f"{name}::text" if kinds.get(name, "") in text else name for name in columns if name in kinds]
        order = ", ".join(f'{key} collate "C"' if kinds[key] == "text" else key for key in keys)
        return connection.execute(f"select {', '.join(shown)} from {table} order by {order}").fetchall()


def in_release(workspace: Workspace, table: str, keys: list[str]) -> list[tuple[Any, ...]]:
    rows = workspace.table(table).order_by(keys).to_pyarrow().to_pylist()
    return [tuple(row.values()) for row in rows]


def test_there_are_seven_releases(settings: Settings) -> None:
    assert [release.name for release in releases(Lake(settings.lake), "published")] == NAMES


def test_every_row_of_every_release_equals_the_source_at_its_cut(settings: Settings, twin: Path) -> None:
    for name in NAMES:
        workspace = connect(release=name, settings=settings)
        advance(twin, until=workspace.release.as_of)
        compared = 0
        for table in workspace.tables:
            source, _, bare = table.partition(".")
            if source not in SOURCES:
                continue
            log = Lake(settings.lake).log(table)
            keys = list(log.keys)
            columns = workspace.table(table).columns
            expected = in_source(os.environ[f"DEMO_{source.upper()}_DSN"], bare, list(columns), keys)
            found = in_release(workspace, table, keys)
            assert len(found) == len(expected), (name, table)
            differing = [(f, e) for f, e in zip(found, expected, strict=True) if f != e]
            assert differing[:3] == [], (name, table)
            compared += len(found)
        assert compared > 50_000


def test_history_replays_to_every_earlier_release(settings: Settings, newest: Workspace) -> None:
    for name in NAMES[:-1]:
        earlier = connect(release=name, settings=settings)
        then = newest.valid_at(earlier.release.as_of - timedelta(microseconds=1))
        for table in earlier.tables:
            if table.partition(".")[0] in SOURCES:
                keys = list(Lake(settings.lake).log(table).keys)
                columns = earlier.table(table).columns
                replayed = then.table(table).select(columns).order_by(keys).to_pyarrow().to_pylist()
                assert replayed == earlier.table(table).order_by(keys).to_pyarrow().to_pylist(), (name, table)


def by(answer: Any, field: Any) -> dict[str, float]:
    frame = answer.by(field).to_arrow().to_pylist()
    rows = [tuple(row.values()) for row in frame]
    return {f"{key:%Y-%m}" if hasattr(key, "strftime") else key: value for key, value in rows if key is not None}


@pytest.mark.parametrize(
    ("metric", "known"),
    [
        ("gbv", "gbv"),
        ("commission", "commission"),
        ("refunds", "refunds"),
        ("bookings", "bookings"),
        ("bookers", "bookers"),
        ("undone_bookings", "cancelled"),
        ("cancellation_rate", "cancellation_rate"),
        ("new_users", "new_users"),
        ("open_slots", "open_slots"),
    ],
)
def test_metrics_equal_the_companys_own_totals(whole_demo: Path, newest: Workspace, metric: str, known: str) -> None:
    expected = totals(whole_demo)[known]
    m = newest.metrics
    answer = getattr(m, metric)
    assert float(answer.value()) == pytest.approx(float(expected["total"]), rel=1e-9)
    fields = {"month": m.month, "city": m.listing.city if metric != "new_users" else None}
    if metric in ("gbv", "commission"):
        fields["tier"] = m.listing.vendor.tier
    for name, field in fields.items():
        if name in expected:
            # A month in which nothing happened is nothing on one side and zero on the other.
            found = {key: float(value) for key, value in by(answer, field).items() if value}
            known_by = {key: float(value) for key, value in expected[name].items() if value}
            assert found == pytest.approx(known_by, rel=1e-9), name


@pytest.mark.parametrize(
    ("metric", "known"),
    [
        ("sessions", "sessions"),
        ("converted_sessions", "converted_sessions"),
        ("engaged_time", "engaged_seconds"),
        ("page_views", "page_views"),
    ],
)
def test_visits_equal_those_that_the_company_simulated_day_by_day(
    whole_demo: Path, newest: Workspace, metric: str, known: str
) -> None:
    expected = totals(whole_demo)["clickstream"][known]
    m = newest.metrics
    answer = getattr(m, metric)
    assert answer.value() == expected["total"]
    found = {day: value for day, value in pairs(answer.by(m.day)) if value}
    assert found == {day: value for day, value in expected["day"].items() if value}
    assert by(answer, m.month) == expected["month"]


def test_people_and_channels_equal_those_that_the_company_simulated(whole_demo: Path, newest: Workspace) -> None:
    expected = totals(whole_demo)["clickstream"]
    m: Any = newest.metrics
    assert m.visitors.value() == m.new_visitors.value() == expected["visitors"]["total"]
    assert by(m.visitors, m.month) == expected["visitors"]["month"]
    assert m.bounced_sessions.value() == expected["sessions"]["total"] - expected["engaged_sessions"]["total"]
    identities = newest.history("clickstream.identities")
    assert identities.count().execute() == expected["identities"]
    assert identities.domain_userid.nunique().execute() == expected["stitched_visitors"]
    assert identities.user_id.nunique().execute() == expected["stitched_users"]
    for name in ("sessions", "converted_sessions", "touchpoints"):
        found = {channel: value for channel, value in pairs(getattr(m, name).by(m.session.channel)) if value}
        assert found == {channel: each[name] for channel, each in expected["channels"].items() if each[name]}, name
    networks = {"Google": "google", "Facebook": "facebook", "TikTok": "tiktok", "Twitter": "twitter", None: None}
    clicks = {networks[network]: value for network, value in pairs(m.touchpoints.by(m.click_network))}
    assert sum(value for network, value in clicks.items() if network) == expected["ad_clicks"]["total"]
    assert {name: clicks[name] for name in expected["ad_clicks"] if name != "total"}.items() <= clicks.items()


def test_active_users_are_those_who_were_logged_in_or_the_first_to_be(newest: Workspace) -> None:
    asked = newest.sql("""
        with stretches as (
            select *, valid_from = min(valid_from) over (partition by domain_userid) as first
            from clickstream.identities_history
        )
        select count(distinct user_id) as users from clickstream.sessions join stretches using (domain_userid)
        where started_at < valid_to and (valid_from <= started_at or first)
    """)
    assert newest.metrics.active_users.value() == asked.to_pyarrow().to_pylist()[0]["users"]


def test_events_equal_those_that_the_company_simulated(whole_demo: Path, newest: Workspace) -> None:
    expected = totals(whole_demo)["clickstream"]
    m: Any = newest.metrics
    names = dict(pairs(m.events.by(m.event_name)))
    assert {"total": m.events.value(), **names} == expected["events"]
    assert m.purchases.value() == expected["purchases"]
    assert m.events.by(where=m.bot == True).value() == expected["bots"]  # noqa: E712 - a condition, not a comparison
    counted = newest.sql("""
        select sum(natural_copies) as natural, sum(overlap_copies) as overlap, count(duplicate_of) as synthetic,
            count(*) filter (collector_tstamp > event_at + interval '1 hour') as late
        from clickstream.events
    """)
    (found,) = (tuple(row.values()) for row in counted.to_pyarrow().to_pylist())
    planted = ("natural_duplicates", "overlap_copies", "synthetic_duplicates", "late")
    assert found == tuple(expected[name] for name in planted)
    exposed = newest.table("clickstream.self_describing")
    versions = exposed.filter(exposed.kind == "event", exposed.version == "2-0-0").count().execute()
    assert versions == expected["unknown_schema"]


def pairs(answer: Any) -> list[tuple[Any, Any]]:
    return [tuple(row.values()) for row in answer.to_arrow().to_pylist()]


def test_the_data_of_a_release_agree_with_each_other(newest: Workspace) -> None:
    found = {checked.check.name: checked.verdict for checked in newest.audit().done if checked.verdict != "holds"}
    # Users are deleted for good while their bookings stay, which the reference declares.
    assert found == {"Bookings.booker: reference": "tolerated"}


def test_nothing_due_publishes_nothing(whole_demo: Path, settings: Settings) -> None:
    before = len(releases(Lake(settings.lake)))
    done = workspace_command(whole_demo, "tick")
    assert done.returncode == 0, done.stderr
    assert "nothing" in done.stdout.lower()
    assert len(releases(Lake(settings.lake))) == before
    assert [release.name for release in releases(Lake(settings.lake), "published")] == NAMES


@pytest.mark.parametrize("report", ["weekly_business", "product_weekly", "marketing_weekly"])
def test_a_report_shows_the_week_and_loads_nothing(settings: Settings, report: str) -> None:
    page = (settings.var / "reports" / report / "2026-W43.html").read_text()
    assert "19 to 25 October 2026" in page
    assert "Release 2026-10-2" in page or "Release 2026-10-31" in page
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "https://" not in page


def test_after_a_power_cut_a_tick_goes_on_and_adds_nothing_twice(
    whole_demo: Path, settings: Settings, copied_demo: Callable[[Path], Path]
) -> None:
    home = copied_demo(whole_demo)
    with running(home):
        advance(home, days=1)
    pid = home / "postgres" / "cluster" / "postmaster.pid"
    with running(home):
        os.kill(int(pid.read_text().split()[0]), signal.SIGKILL)
    done = workspace_command(home, "tick")
    assert done.returncode == 0, done.stdout + done.stderr
    copied = load_settings(home)
    assert [release.name for release in releases(Lake(copied.lake), "published")] == [*NAMES, "2026-11-01"]
    workspace = connect(settings=copied)
    assert workspace.release.as_of == datetime(2026, 11, 2, tzinfo=UTC)
    found = float(workspace.metrics.gbv.value())
    assert found == pytest.approx(float(totals(home)["gbv"]["total"]), rel=1e-9)
