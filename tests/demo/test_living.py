"""A demo lives on: the same in any steps, through any accident, and always in agreement with itself."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from collections import Counter, defaultdict
from contextlib import nullcontext
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import psycopg
import pytest

from workspace.demo import advance, running, sql, totals
from workspace.demo.home import read_clock
from workspace.demo.schema import DATABASES
from workspace.demo.world import VERSION
from workspace.errors import WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Advances, and dies before it sends the batch of the given number; its own or the server's process.
_DIES = """
import os, signal, sys
from workspace.demo import advance, write
home, flushes, victim = sys.argv[1], int(sys.argv[2]), sys.argv[3]
write.BATCH = 7
flush = write.Writer.flush

def dying_flush(self):
    global flushes
    flushes -= 1
    if flushes == 0 and victim == "client":
        self._texts.insert(len(self._texts) // 2, "select pg_sleep(0.3)")
        from threading import Timer
        Timer(0.1, os.kill, (os.getpid(), signal.SIGKILL)).start()
    if flushes == 0 and victim == "server":
        pid = int(open(f"{home}/postgres/cluster/postmaster.pid").readline())
        self._texts.insert(len(self._texts) // 2, "select pg_terminate_backend(pg_backend_pid())")
        os.kill(pid, signal.SIGKILL)
    flush(self)

write.Writer.flush = dying_flush
advance(home, days=6)
"""


def content(home: Path) -> dict[str, object]:
    """Digest every table, whatever the order of its rows."""
    digests: dict[str, object] = {}
    for database in DATABASES:
        tables = sql(home, database, "select table_name from information_schema.tables where table_schema = 'public'")
        assert isinstance(tables, list)
        for (table,) in tables:
            text = f"select count(*), md5(string_agg(t::text, ';' order by t::text)) from {table} t"
            digests[table] = sql(home, database, text)
    return digests


def test_steps_do_not_matter(new_demo: Callable[..., Path]) -> None:
    one, other, third = new_demo(), new_demo(), new_demo(seed=2)
    with running(one):
        summary = advance(one, days=10)
        expected = content(one)
    assert summary.days == 10
    assert summary.clock == datetime(2025, 10, 7, tzinfo=UTC)
    assert summary.rows["inventory_db.bookings"] > 10
    with running(other):
        parts = [advance(other, days=4), advance(other, until="2025-10-04")]
        (other / "world.state").unlink()
        parts.append(advance(other, until=date(2025, 10, 7)))
        assert content(other) == expected
    assert sum(part.transactions for part in parts) == summary.transactions
    assert sum((Counter(part.rows) for part in parts), Counter()) == summary.rows
    with running(third):
        advance(third, days=10)
        assert content(third) != expected


def die(home: Path, flushes: int, victim: str) -> None:
    with running(home):
        done = subprocess.run([sys.executable, "-c", _DIES, str(home), str(flushes), victim], check=False)
        assert done.returncode == (-signal.SIGKILL if victim == "client" else 1)
        assert read_clock(home) == datetime(2025, 9, 27, tzinfo=UTC)


@pytest.mark.parametrize("victim", ["client", "server"])
def test_a_day_that_was_cut_off_is_finished(new_demo: Callable[..., Path], victim: str) -> None:
    whole, home = new_demo(), new_demo()
    with running(whole):
        advance(whole, days=6)
        expected = content(whole)
    with running(home) if victim == "client" else nullcontext():  # the server then goes on with what it was sent
        for flushes in (3, 2):
            die(home, flushes, victim)
    with running(home):
        half = content(home)
        assert half != expected
        advance(home, days=6)
        assert content(home) == expected


# Checked when a transaction commits, so no commit may leave them violated.
_AGREEMENTS = """
create function agree() returns trigger language plpgsql as $$
declare
  key text := case tg_table_name when 'bookings' then 'id' else 'booking_id' end;
  this uuid := coalesce(to_jsonb(new), to_jsonb(old)) ->> key;
  booking bookings := (select b from bookings b where id = this);
  items numeric := (select coalesce(sum(amount), 0) from booking_items where booking_id = this);
  paid numeric := (select coalesce(sum(amount), 0) from payments where booking_id = this and status = 'paid');
begin
  if booking.total_amount is distinct from items - booking.discount_amount
    or booking.status in ('confirmed', 'completed') and paid <> booking.total_amount
    or booking.status = 'refunded' and paid <> 0 or booking.status = 'pending' and paid <> 0
    or (booking.cancelled_at is null) <> (booking.status not in ('cancelled', 'refunded'))
    or exists (select from booking_items where booking_id = this and amount <> quantity * unit_price)
  then raise 'booking % is % with % paid, items % and total %', this, booking.status, paid, items, booking.total_amount;
  end if;
  return null;
end $$;
create constraint trigger agree after insert or update on bookings
  deferrable initially deferred for each row execute function agree();
create constraint trigger agree after insert or update or delete on booking_items
  deferrable initially deferred for each row execute function agree();
create constraint trigger agree after insert or update on payments
  deferrable initially deferred for each row execute function agree();
"""
_FALSE = """
values (gen_random_uuid(), gen_random_uuid(), 'pending', 'wedding', '2026-06-06', 80, 'EUR', 0, 1, null, now(), now())
"""
_SLOT = "select 1 from pg_create_logical_replication_slot(current_database(), 'pgoutput')"
_HEARD = """
select data from pg_logical_slot_get_binary_changes(
  current_database(), null, null, 'proto_version', '1', 'publication_names', 'workspace', 'messages', 'true')
"""


class Heard:
    """What a reader of the write-ahead log hears of a database."""

    def __init__(self, messages: list[bytes]) -> None:
        self.commits = 0
        self.clocks: list[str] = []
        self.changes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.unchanged = 0  # values stored out of line that an update left alone
        self._names: dict[bytes, str] = {}
        for message in messages:
            self._hear(message[:1], message[1:])

    def _hear(self, kind: bytes, rest: bytes) -> None:
        if kind == b"R":
            schema, table = rest[4:].split(b"\0", 2)[:2]
            assert schema == b"public"
            self._names[rest[:4]] = table.decode()
        elif kind == b"M":
            prefix, content = rest[9:].split(b"\0", 1)
            assert (rest[:1], prefix) == (b"\1", b"workspace.clock")
            self.clocks.append(content[4:].decode())
        elif kind == b"C":
            self.commits += 1
        elif kind in b"IUD":
            op = "K" if rest[4:5] == b"K" and kind == b"U" else kind.decode()
            self.changes[self._names[rest[:4]]][op] += 1
            if op == "U":
                self.unchanged += self._kinds(rest[5:]).count("u")

    @staticmethod
    def _kinds(values: bytes) -> str:
        kinds, at = "", 2
        for _ in range(struct.unpack_from(">H", values)[0]):
            kinds += chr(values[at])
            at += 1 if kinds[-1] in "nu" else 5 + int(struct.unpack_from(">I", values, at + 1)[0])
        return kinds


def test_a_whole_life_agrees_with_itself_and_is_heard_exactly(new_demo: Callable[..., Path]) -> None:
    home = new_demo()
    with running(home):
        sql(home, "inventory_db", _AGREEMENTS)
        with pytest.raises(WorkspaceError, match="is pending with 0 paid"):
            sql(home, "inventory_db", f"insert into bookings {_FALSE}")
        for database in DATABASES:
            sql(home, database, _SLOT)
        for until in ("2026-03-01", "2026-06-01", "2026-11-01"):
            advance(home, until=until)
        heard = {}
        for database in DATABASES:
            rows = sql(home, database, _HEARD)
            assert isinstance(rows, list)
            heard[database] = Heard([bytes(data) for (data,) in rows])
        written = {name: sql(home, name, "select transactions from demo.progress") for name in DATABASES}
        orphans = "select count(*) from booking_items i where not exists (select from listings where id = i.listing_id)"
        assert sql(home, "inventory_db", orphans) == [(0,)]
        types = "select data_type from information_schema.columns where (table_name, column_name) in"
        assert sql(home, "inventory_db", f"{types} (('payments', 'id'))") == [("bigint",)]
        assert sql(home, "inventory_db", f"{types} (('bookings', 'source_app'))") == [("text",)]
        apps = "select bool_and(source_app is null), max(created_at) from bookings where created_at < '2026-02-10'"
        early = sql(home, "inventory_db", apps)
        assert isinstance(early, list)
        assert early[0][0]
    truth = totals(home)
    assert heard["user_db"].unchanged > 0
    for database, told in heard.items():
        assert len(told.clocks) == told.commits
        assert [(told.commits,)] == written[database]
        assert told.clocks == sorted(told.clocks)
        assert truth["rolled_back"][database] > 0
        for table, changes in told.changes.items():
            assert changes == truth["changes"][f"{database}.{table}"], table
    assert {f"{d}.{table}" for d, told in heard.items() for table in told.changes} == set(truth["changes"])


def test_a_change_by_hand_carries_the_business_clock(new_demo: Callable[..., Path]) -> None:
    home = new_demo()
    with running(home):
        advance(home, days=2)
        sql(home, "user_db", _SLOT)
        assert sql(home, "user_db", "update users set city = 'Köln' where role = 'customer'; select 42") == [(42,)]
        changed = sql(home, "user_db", "update users set city = 'Köln 100%' where city = 'Köln'")
        assert isinstance(changed, int)
        assert changed > 0
        rows = sql(home, "user_db", _HEARD)
        assert isinstance(rows, list)
        heard = Heard([bytes(data) for (data,) in rows])
        assert heard.clocks == ["2025-09-29T00:00:00+00:00"] * 2
        assert heard.changes == {"users": {"U": 2 * changed}}
        advance(home, days=1)


def test_mistakes_are_answered(new_demo: Callable[..., Path]) -> None:
    home = new_demo()
    with pytest.raises(WorkspaceError, match="does not run"):
        advance(home, days=1)
    with running(home):
        with pytest.raises(WorkspaceError, match="Did you mean user_db"):
            sql(home, "users_db", "select 1")
        with pytest.raises(WorkspaceError, match='user_db: relation "usres" does not exist'):
            sql(home, "user_db", "select * from usres")
        for wrong in ({}, {"days": 1, "until": "2025-10-01"}):
            with pytest.raises(WorkspaceError, match="either how many days"):
                advance(home, **wrong)  # type: ignore[arg-type]  # that is the mistake
        for until in ("2025-09-26", "2025-10-01T12:00"):
            with pytest.raises(WorkspaceError, match="cannot live on until"):
                advance(home, until=until)
        sql(home, "user_db", "alter schema demo rename to elsewhere")
        with pytest.raises(WorkspaceError, match="user_db cannot be written to"):
            advance(home, days=1)
        sql(home, "user_db", "alter schema elsewhere rename to demo")
        sql(home, "inventory_db", "alter table bookings rename column guests to people")
        with pytest.raises(WorkspaceError, match='column "guests" of relation "bookings" does not exist'):
            advance(home, days=3)
        sql(home, "inventory_db", "alter table bookings rename column people to guests")
        days: list[date] = []
        advance(home, days=3, progress=days.append)
        assert days == [date(2025, 9, 27), date(2025, 9, 28), date(2025, 9, 29)]
    with pytest.raises(WorkspaceError, match="not the settings file"):
        read_clock(home / "postgres")
    assert not {"DEMO_USER_DB_DSN", "DEMO_INVENTORY_DB_DSN"} & set(os.environ)


def test_a_demo_of_another_version_is_refused(first_day: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspace.demo.living.VERSION", VERSION + 1)
    with pytest.raises(WorkspaceError, match=f"version {VERSION} of the simulation"):
        totals(first_day)


def test_strings_reach_the_database_unharmed(new_demo: Callable[..., Path]) -> None:
    home = new_demo()
    with running(home) as engine, psycopg.connect(engine.dsn("user_db")) as connection:
        advance(home, days=60)
        names = {name for (name,) in connection.execute("select full_name from users")}
    assert {"王小明", "김민준"} & names
    assert any("O'Brien" in name for name in names)
