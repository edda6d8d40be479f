"""What is wrong with a source is said before anything is read, with the cure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from sources.postgres.shop import VARIABLE, Shop
from workspace.demo import PostgresServer
from workspace.errors import SourceError
from workspace.sources import postgres as room

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def errors(shop: Shop) -> dict[str, str]:
    """Give what is wrong: subject and cure."""
    return {f.subject: f.cure for f in room.preflight(shop.source) if f.level == "error"}


@pytest.fixture
def reader(shop: Shop, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A role that may do nothing but log in, which the source uses."""
    role = f"reader_{shop.slot}"
    shop.sql(f"create role {role} login password '{postgres.password(role)}'")
    database = shop.query("select current_database()")[0][0]
    monkeypatch.setenv(VARIABLE, postgres.dsn(database, user=role))
    yield role
    shop.sql(f"drop owned by {role}", f"drop role {role}")


def test_a_sound_source_has_no_errors(shop: Shop) -> None:
    shop.sql("create table t (id int primary key)")
    assert {f.level for f in room.preflight(shop.source)} == {"ok"}
    shop.ingest()
    assert {f.level for f in room.preflight(shop.source)} == {"ok"}


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://user:hunter22@127.0.0.1:1/nowhere",
        "postgresql://user:hunter22@127.0.0.1:notaport/nowhere",
        "host=127.0.0.1 password=hunter22 what is this",
        "hunter22",
    ],
)
def test_a_wrong_connection_string_shows_no_password(shop: Shop, monkeypatch: pytest.MonkeyPatch, dsn: str) -> None:
    monkeypatch.setenv(VARIABLE, dsn)
    with pytest.raises(SourceError) as caught:
        shop.ingest()
    trail: BaseException | None = caught.value
    while trail:
        assert "hunter22" not in str(trail)
        trail = trail.__cause__ or (None if trail.__suppress_context__ else trail.__context__)
    assert list(errors(shop)) == ["shop: connection"]


def test_a_wrong_password_and_a_missing_variable(
    shop: Shop, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, shop.dsn.replace(postgres.password("postgres"), "hunter22"))
    [finding] = room.preflight(shop.source)
    assert "password authentication failed" in finding.message
    assert "hunter22" not in finding.message
    monkeypatch.delenv(VARIABLE)
    [finding] = room.preflight(shop.source)
    assert VARIABLE in finding.message


def test_a_table_without_a_key_never_joins_the_publication(shop: Shop) -> None:
    shop.sql("create table t (id int)", "create table fine (id int primary key)")
    with pytest.raises(SourceError, match="It has no primary key") as caught:
        shop.ingest()
    assert "add primary key" in caught.value.cure
    assert shop.query("select from pg_publication") == []
    shop.sql("update t set id = 1")  # the application's own work is not disturbed


def test_no_table_at_all(shop: Shop) -> None:
    assert "shop: tables" in errors(shop)


def test_what_the_role_may_not(shop: Shop, reader: str) -> None:
    shop.sql("create table t (id int primary key)", "create schema s", "create table s.u (id int primary key)")
    object.__setattr__(shop.source, "tables", ("*.*",))
    found = errors(shop)
    assert found["shop: role"] == f'alter role "{reader}" replication;'
    assert f'grant usage on schema "s" to "{reader}"' in found["shop: s.u"]
    assert f'grant select on "public"."t" to "{reader}"' in found["shop: public.t"]
    assert found["shop: publication"] == f'create publication "{shop.slot}" for table "public"."t", "s"."u";'
    with psycopg.connect(shop.dsn) as admin:
        for cure in found.values():
            admin.execute(cure.encode())
    assert not errors(shop)
    shop.ingest()
    shop.sql("create table v (id int primary key)", f"grant select on v to {reader}")
    assert errors(shop) == {"shop: publication": f'alter publication "{shop.slot}" add table "public"."v";'}


def test_row_level_security_would_hide_rows(shop: Shop, reader: str) -> None:
    shop.sql("create table t (id int primary key)", "alter table t enable row level security")
    assert errors(shop)["shop: public.t"].endswith("bypassrls;") or "shop: public.t" in errors(shop)
    assert any("Row-level security" in f.message for f in room.preflight(shop.source))


def test_names_that_cannot_be(shop: Shop) -> None:
    shop.sql('create table a (id int primary key, "_op" int)', 'create table b (id int primary key, "ID" int)')
    shop.sql("create schema x", "create table x.y (id int primary key)", "create table x_y (id int primary key)")
    shop.sql("create table c (id int primary key)", "alter table c replica identity nothing")
    object.__setattr__(shop.source, "tables", ("public.*", "x.*"))
    found = errors(shop)
    assert set(found) == {"shop: public.a", "shop: public.b", "shop: public.c", "shop: tables"}
    assert "replica identity default" in found["shop: public.c"]


def test_a_slot_of_another_database(shop: Shop, postgres: PostgresServer) -> None:
    shop.sql("create table t (id int primary key)")
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as admin:
        admin.execute("select pg_create_logical_replication_slot(%s, 'pgoutput')", [shop.slot])
        try:
            assert "shop: slot" in errors(shop)
        finally:
            admin.execute("select pg_drop_replication_slot(%s)", [shop.slot])


def test_a_server_that_keeps_too_little_in_its_log(
    open_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"wal_level": "replica", "max_replication_slots": "0", "max_slot_wal_keep_size": "-1"}
    server = PostgresServer(open_folder / "plain", settings=settings).start()
    try:
        monkeypatch.setenv(VARIABLE, server.dsn("postgres"))
        shop = Shop(server.dsn("postgres"), tmp_path / "lake", "plain")
        shop.sql("create table t (id int primary key)")
        found = errors(shop)
        assert set(found) == {"shop: wal_level", "shop: max_replication_slots"}
        assert found["shop: wal_level"].startswith("alter system set wal_level = 'logical';")
        [warning] = [f for f in room.preflight(shop.source) if f.level == "warning"]
        assert "max_slot_wal_keep_size" in warning.cure
        with pytest.raises(SourceError, match="not logical"):
            shop.ingest()
    finally:
        server.remove()
