"""A clickstream in a release is, row for row and type for type, the same on every engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from clickstream.rows import SOURCE, append, archived, at, contexts, event, unstruct
from engine.servers import SERVERS
from workspace.clickstream.derivation import derive
from workspace.errors import SourceError
from workspace.front import Workspace, connect
from workspace.lake import Lake, Watermark, prepare, publish
from workspace.settings import Settings, SnowplowSource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa

NAME = SOURCE.name
SEARCH, LISTING = "com.bookmyevent/search", "com.bookmyevent/listing"
WEB_PAGE = "iglu:com.snowplowanalytics.snowplow/web_page/jsonschema/1-0-0"
TABLES = [
    *(f"{NAME}.{name}" for name in ("atomic", "events", "identities", "page_views", "self_describing", "sessions")),
    *(f"{NAME}.visitors", "marketing.touchpoints"),
]


def search(version: str, data: Any) -> str:
    return unstruct(f"iglu:{SEARCH}/jsonschema/{version}", data)


def listings(*prices: Any) -> str:
    schema = f"iglu:{LISTING}/jsonschema/1-0-0"
    return contexts(
        (WEB_PAGE, {"id": "p1"}), *((schema, {"price": price, "name": "Käse 'n' \"Brot\""}) for price in prices)
    )


def rows() -> list[dict[str, Any]]:
    """Two days of a person who comes by an advert, searches, and logs in as one user and then as another."""
    advert = {"mkt_medium": "cpc", "mkt_source": "google", "page_url": "https://b.example/?utm_source=google&gclid=G1"}
    first = event(1, 10, page="p1", **advert, user_ipaddress="203.0.113.7", geo_latitude=52.52)
    searched = {"event": "unstruct", "event_name": "search"}
    return [
        first,
        archived(first, 1),
        event(2, 11, page="p1", event="page_ping", pp_yoffset_max=100, doc_height=1000),
        event(
            3, 12, **searched, unstruct_event=search("1-0-0", {"query": "ü\n'", "results": 7}), contexts=listings(9.5)
        ),
        event(
            4,
            13,
            **searched,
            unstruct_event=search("1-0-1", {"query": None, "results": "8", "near": True}),
            user_id="u1",
        ),
        event(5, 14, **searched, unstruct_event=search("1-0-1", {"results": "many", "near": "no"}), user_id="u1"),
        event(6, 15, **searched, unstruct_event="{no json", contexts=listings(1, "free", None)),
        event(7, 1500, page="p2", domain_sessionid="s2", user_id="u2", event="page_view"),
        event(8, 1501, page="p3", useragent="Googlebot/2.1", domain_userid="v2", domain_sessionid="s3"),
        event(7, 1502, page="p2", domain_sessionid="s2", event_fingerprint="another", user_id="u2"),
    ]


def write_schema(registry: Path, name: str, version: str, properties: dict[str, Any]) -> None:
    path = registry / name / "jsonschema" / version
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"properties": {field: {"type": kind} for field, kind in properties.items()}}))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with a clickstream of which one release was published."""
    home = tmp_path_factory.mktemp("clickstream")
    lake = Lake(str(home / "lake"))
    found = rows()
    append(lake, found[:6])
    batch = append(lake, found[6:])
    as_of = at(2880)
    mark = Watermark(source=NAME, position=batch, clock=None, reached=as_of, recorded_at=as_of, run="r", detail={})
    lake.advance(mark)
    derive(SOURCE, lake, run="r", as_of=as_of)
    prepare(lake, run="r", as_of=as_of, required={NAME: True}, now=as_of)
    publish(lake, run="r", now=as_of)
    registry = home / "iglu"
    write_schema(registry, SEARCH, "1-0-0", {"query": ["string", "null"], "results": "integer"})
    write_schema(registry, SEARCH, "1-0-1", {"query": ["string", "null"], "results": "integer", "near": "boolean"})
    write_schema(registry, LISTING, "1-0-0", {"name": "string", "price": ["number", "null"]})
    source = SnowplowSource(name=NAME, archive=str(home / "archive"), schemas=str(registry), conversions=("purchase",))
    places: dict[str, Any] = {"home": home, "lake": lake.layout.root, "var": home, "pipelines": home}
    return Settings(**places, sources={NAME: source})


@pytest.fixture(scope="module")
def here(settings: Settings) -> Workspace:
    return connect(settings=settings)


@pytest.fixture(scope="module", params=SERVERS)
def there(request: pytest.FixtureRequest, settings: Settings, server_url: Callable[[str], str]) -> Workspace:
    return connect(settings=settings, engine=server_url(request.param))


def read(table: Any) -> tuple[pa.Schema, list[dict[str, Any]]]:
    found = table.to_pyarrow()
    return found.schema, sorted(found.to_pylist(), key=repr)


def test_the_release_has_its_tables(here: Workspace) -> None:
    assert here.tables == TABLES
    assert [len(read(here.table(name))[1]) for name in TABLES] == [10, 9, 1, 2, 14, 2, 1, 1]


def test_events_by_name_have_the_types_of_their_schema(here: Workspace) -> None:
    schema, found = read(here.event(f"{SEARCH}/1"))
    assert schema.names == ["event_id", "event_at", "version", "query", "results", "near", "data"]
    assert sorted((row["version"], row["query"], row["results"], row["near"]) for row in found if row["query"]) == [
        ("1-0-0", "ü\n'", 7, None)
    ]
    assert {(row["results"], row["near"]) for row in found} == {(7, None), (8, True), (None, None)}
    assert [row["price"] for row in read(here.entity(f"{LISTING}/1"))[1]].count(None) == 2
    with pytest.raises(SourceError, match=r"There is no event com\.bookmyevent/serch/1") as caught:
        here.event("com.bookmyevent/serch/1")
    assert f"{SEARCH}/1" in caught.value.cure


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_the_same(here: Workspace, there: Workspace, name: str) -> None:
    assert there.tables == here.tables
    assert read(there.table(name)) == read(here.table(name))


def test_the_history_of_identities_is_the_same(here: Workspace, there: Workspace) -> None:
    name = f"{NAME}.identities"
    expected = read(here.history(name))
    assert [row["user_id"] for row in expected[1]] == ["u1", "u2"]
    assert read(there.history(name)) == expected
    for minute in (0, 13, 1499, 1500):
        moment = at(minute)
        assert read(there.valid_at(moment).table(name)) == read(here.valid_at(moment).table(name))


def test_events_and_entities_by_name_are_the_same(here: Workspace, there: Workspace) -> None:
    assert read(there.event(f"{SEARCH}/1")) == read(here.event(f"{SEARCH}/1"))
    assert read(there.entity(f"{LISTING}/1")) == read(here.entity(f"{LISTING}/1"))


def test_sql_is_the_same(here: Workspace, there: Workspace) -> None:
    query = (
        f"select s.session_id, count(*) as n, max(e.event_at) as last from {NAME}.events as e "
        f"join {NAME}.sessions as s on e.domain_sessionid = s.session_id where not e.bot group by 1 order by 1"
    )
    assert there.sql(query).to_pyarrow().to_pylist() == here.sql(query).to_pyarrow().to_pylist()
