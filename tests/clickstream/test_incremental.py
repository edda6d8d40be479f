"""However events come in, the derived tables are what a build from nothing makes of them, and plain Python too."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from clickstream import oracle
from clickstream.rows import DAY, SOURCE, TABLES, append, archived, at, event, read
from workspace.clickstream import derivation
from workspace.clickstream.derivation import derive
from workspace.lake import Lake

if TYPE_CHECKING:
    from collections.abc import Iterator

PHASES = (Phase.explicit, Phase.generate)  # shrinking takes minutes: run a story that failed by hand
some = st.sampled_from


@st.composite
def copies(draw: st.DrawFn) -> dict[str, Any]:
    """One copy of one of few events; what it says need not be what another copy of it says."""
    number = draw(st.integers(1, 6))
    minutes = draw(some([0.0, 1.0, 7.0, DAY - 1.0, DAY + 0.0, DAY + 30.0, 2 * DAY + 5.0, 3 * DAY + 1.0]))
    page = draw(some([None, "p1", "p2", "p3"]))
    kind = draw(some(["page_view", "page_view", "page_ping", "unstruct"]))
    said: dict[str, Any] = {
        "event": kind,
        "event_name": "purchase" if kind == "unstruct" else kind,
        "event_fingerprint": draw(some(["a", "a", "b", None])),
        "domain_userid": draw(some(["v1", "v1", "v2", None])),
        "domain_sessionid": draw(some(["s1", "s2", "s3", None])),
        "user_id": draw(some([None, "u1", "u2"])),
        "useragent": draw(some([None, None, None, "Googlebot/2.1"])),
        "mkt_source": draw(some([None, "google", "tiktok"])),
        "dvce_created_tstamp": at(minutes + draw(some([0.0, 0.5, 1.0]))),
        "derived_tstamp": draw(some([None, at(minutes), at(minutes - DAY), at(30)])),
    }
    row = event(number, minutes, page=page, **said) | {"page": page}
    return row if draw(st.booleans()) else archived(row, 0)


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[list[dict[str, Any]], float]]:
    """Batches of copies, each followed by a derivation as of a time that does not go back."""
    batches = draw(st.lists(st.lists(copies(), min_size=3, max_size=12), min_size=2, max_size=3))
    ends = sorted(draw(some([1.0, DAY, DAY + 8.0, 2 * DAY, 4 * DAY])) for _ in batches)
    address = 0
    for batch in batches:
        for row in batch:
            address += 1
            row["_offset" if row["_topic"] else "_line"] = address
    return list(zip(batches, ends, strict=True))


@pytest.fixture(scope="module", autouse=True)
def small_slices() -> Iterator[None]:
    """Let every story go in several slices."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(derivation, "SLICE", 12)
        yield


def add(lake: Lake, batch: list[dict[str, Any]]) -> None:
    append(lake, [{name: value for name, value in row.items() if name != "page"} for row in batch])


def check(story: list[tuple[list[dict[str, Any]], float]]) -> None:
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        grown, built = Lake(one), Lake(other)
        done = [0] * 5
        for batch, minutes in story:
            add(grown, batch)
            add(built, batch)
            told = derive(SOURCE, grown, run="grown", as_of=at(minutes))
            counts = (told.events, told.natural, told.overlap, told.synthetic, told.bots)
            done = [before + more for before, more in zip(done, counts, strict=True)]
        derive(SOURCE, built, run="built", as_of=at(story[-1][1]))
        tables = {name: read(grown, name) for name in TABLES}
        for name, rows in tables.items():
            assert rows == read(built, name), name
        visible = [row for batch, _ in story for row in batch if row["collector_tstamp"] < at(story[-1][1])]
        compare(tables, visible, done)


def compare(tables: dict[str, list[dict[str, Any]]], visible: list[dict[str, Any]], done: list[int]) -> None:
    events = tables["clickstream.events"]
    expected = oracle.kept(visible)
    names = ("duplicate_of", "natural_copies", "overlap_copies", "event_at", "collector_tstamp", "event", "user_id")
    assert {row["event_id"]: [row[name] for name in names] for row in events} == {
        row["event_id"]: [row[name] for name in names] for row in expected
    }
    assert done == [
        len(events),
        sum(row["natural_copies"] for row in events),
        sum(row["overlap_copies"] for row in events),
        sum(row["duplicate_of"] is not None for row in events),
        sum(row["bot"] for row in events),
    ]
    assert len(visible) == done[0] + done[1] + done[2]
    for row in expected:
        row["bot"] = row["useragent"] is not None
    for table, key, wanted in (
        ("page_views", "page_view_id", oracle.page_views(expected)),
        ("sessions", "session_id", oracle.sessions(expected)),
    ):
        found = {row[key]: row for row in tables[f"clickstream.{table}"]}
        assert found.keys() == wanted.keys()
        assert {k: {name: found[k][name] for name in row} for k, row in wanted.items()} == wanted
    stretches = {tuple(list(row.values())[:4]) for row in tables["clickstream.identities"]}
    assert stretches == oracle.identities(expected)
    assert {row["domain_userid"] for row in tables["clickstream.visitors"]} == {
        row["domain_userid"] for row in tables["clickstream.sessions"]
    }


quick = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@quick
@given(stories())
def test_what_grew_equals_what_is_built_at_once(story: list[tuple[list[dict[str, Any]], float]]) -> None:
    check(story)


@pytest.mark.soak
@settings(quick, max_examples=300, derandomize=False)
@given(stories())
def test_what_grew_equals_what_is_built_at_once_for_long(story: list[tuple[list[dict[str, Any]], float]]) -> None:
    check(story)


def test_an_earlier_copy_moves_an_event_to_another_day(tmp_path: Any) -> None:
    lake = Lake(str(tmp_path))
    late = event(1, DAY + 5, page="p1")
    append(lake, [late])
    derive(SOURCE, lake, run="r", as_of=at(2 * DAY))
    append(lake, [archived(late | {"collector_tstamp": at(5)}, 1)])
    done = derive(SOURCE, lake, run="r", as_of=at(2 * DAY))
    (moved,) = read(lake, "clickstream.events")
    assert (moved["day"], moved["natural_copies"]) == (at(5).date(), 1)
    assert (done.events, done.natural) == (0, 1)
    (view,) = read(lake, "clickstream.page_views")
    assert view["day"] == at(5).date()
