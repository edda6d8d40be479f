"""The MCP server, asked by a real client over a real process's standard input and output."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from cli.shop_home import ShopHome, january

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

    from typer.testing import Result

    from runs.homes import Home

SERVER = [sys.executable, "-c", "from workspace.cli import main; main()", "mcp"]
DOOR = "Personal columns do not leave through this door"


@dataclass(frozen=True)
class Talk:
    """A client whose server runs as long as the test needs it."""

    client: Client
    loop: asyncio.AbstractEventLoop

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=120)

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = self.wait(self.client.call_tool(tool, arguments))
        assert not result.is_error, result.content
        return dict(result.structured_content)

    def refused(self, tool: str, **arguments: Any) -> str:
        result = self.wait(self.client.call_tool(tool, arguments))
        assert result.is_error
        return str(result.content[0].text)


@contextmanager
def served(shop: ShopHome) -> Iterator[Talk]:
    """Start a server for a home, and a client of it in a thread of its own."""
    paths = os.pathsep.join([str(shop.path), *filter(None, sys.path)])
    environment = {"WORKSPACE_HOME": str(shop.path), "PYTHONPATH": paths}
    parameters = StdioServerParameters(command=SERVER[0], args=SERVER[1:], env=environment)
    loop = asyncio.new_event_loop()
    ready: list[Client] = []
    connected, done = threading.Event(), asyncio.Event()

    async def run() -> None:
        try:
            async with Client(parameters) as client:
                ready.append(client)
                connected.set()
                await done.wait()
        finally:
            connected.set()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    assert connected.wait(timeout=120)
    try:
        yield Talk(ready[0], loop)
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopHome]:
    """A home that no test may change."""
    with pytest.MonkeyPatch.context() as patch:
        yield made(tmp_path_factory.mktemp("shop"), patch)


@pytest.fixture(scope="module")
def talk(shop: ShopHome) -> Iterator[Talk]:
    with served(shop) as found:
        yield found


def made(path: Path, patch: pytest.MonkeyPatch) -> ShopHome:
    patch.syspath_prepend(path)
    patch.delitem(sys.modules, "shop_metrics", raising=False)
    return ShopHome.make(path)


def test_tools_say_what_they_do_and_change_nothing(talk: Talk) -> None:
    tools = {tool.name: tool for tool in talk.wait(talk.client.list_tools()).tools}
    assert sorted(tools) == ["describe", "list_metrics", "query", "rows"]
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools.values())
    assert all((tool.description or "").endswith(".") for tool in tools.values())
    assert "list_metrics" in (talk.client.instructions or "")


def test_metrics_are_listed_and_explained(talk: Talk) -> None:
    listed = talk.call("list_metrics")
    assert [metric["name"] for metric in listed["metrics"]] == ["basket", "orders", "reachable", "revenue"]
    assert (listed["release"], listed["as_of"]) == ("2026-01-03", "2026-01-04T00:00:00+00:00")
    told = talk.call("describe", metric="basket")
    said = (told["description"], told["unit"], told["formula"])
    assert said == ("Revenue an order", "EUR", "Orders.revenue / Orders.orders")
    assert told["tables"] == ["shop.orders"]
    assert "city" in told["split_by"]


def test_an_answer_says_what_it_is_of(talk: Talk) -> None:
    asked = talk.call("query", metrics=["revenue", "orders"], by=["city"])
    assert asked["rows"] == [
        {"city": "Paris", "revenue": 40.0, "orders": 2},
        {"city": "Rome", "revenue": 20.0, "orders": 1},
    ]
    assert asked["total"] == {"revenue": 60.0, "orders": 3}
    assert asked["units"] == {"revenue": "EUR", "orders": "count"}
    assert asked["definitions"].keys() == {"revenue", "orders"}
    assert asked["definitions"]["revenue"] == talk.call("describe", metric="revenue")["id"]
    assert (asked["count"], asked["cut"], asked["notes"]) == (2, False, [])
    assert (asked["release"], asked["as_of"]) == ("2026-01-03", "2026-01-04T00:00:00+00:00")


def test_rows_are_capped_and_the_answer_says_so(talk: Talk) -> None:
    asked = talk.call("query", metrics=["orders"], by=["day"], limit=2)
    assert asked["rows"] == [{"day": "2026-01-01", "orders": 1}, {"day": "2026-01-02", "orders": 1}]
    assert (asked["count"], asked["cut"]) == (3, True)
    assert "Only 2 of 3 rows" in asked["advice"]
    assert asked["total"] == {"orders": 3}
    assert "less than or equal to 1000" in talk.refused("query", metrics=["orders"], limit=5000)


def test_the_rows_behind_a_number(talk: Talk) -> None:
    paris = {"path": "buyer.city", "is": "==", "value": "Paris"}
    found = talk.call("rows", metric="revenue", where=[paris])
    assert [(row["id"], row["amount"]) for row in found["rows"]] == [(1, 10.0), (3, 30.0)]
    assert (found["count"], found["cut"], found["release"]) == (2, False, "2026-01-03")
    found = talk.call("rows", metric="revenue", limit=1)
    assert (len(found["rows"]), found["count"], found["cut"]) == (1, 3, True)


def test_what_is_refused_comes_with_its_cure(talk: Talk) -> None:
    said = talk.refused("query", metrics=["revenu"])
    assert "metrics[0]: there is no metric 'revenu'." in said
    assert "Did you mean revenue?" in said
    city = {"path": "city", "is": "==", "value": 7}
    assert "not comparable" in talk.refused("query", metrics=["orders"], where=[city])
    assert "no metric 'gbv'" in talk.refused("describe", metric="gbv")


def test_personal_columns_do_not_leave(talk: Talk) -> None:
    guess = {"path": "buyer.email", "is": "==", "value": "ada@x.org"}
    for said in (
        talk.refused("query", metrics=["orders"], by=["buyer.email"]),
        talk.refused("query", metrics=["orders"], where=[guess]),
        talk.refused("query", metrics=["reachable"]),
        talk.refused("rows", metric="orders", where=[guess]),
        talk.refused("rows", metric="reachable"),
    ):
        assert DOOR in said
        assert "shop.people.email" in said
    assert "@" not in str(talk.call("rows", metric="orders"))


def test_a_release_that_is_published_meanwhile_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = made(tmp_path, monkeypatch)
    with served(shop) as talk:
        assert talk.call("query", metrics=["orders"])["rows"] == [{"orders": 3}]
        shop.order(4, 2, 40, january(4, 10))
        shop.publish("two", 5)
        asked = talk.call("query", metrics=["orders"])
        assert (asked["rows"], asked["release"]) == ([{"orders": 4}], "2026-01-04")


def test_without_a_release_the_tools_say_so(tmp_path: Path) -> None:
    (tmp_path / "workspace.toml").write_text("[workspace]\n")
    with served(ShopHome(tmp_path)) as talk:
        assert "What to do" in talk.refused("list_metrics")


def test_without_the_extra_the_command_says_what_to_install(
    home: Home, workspace: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "mcp" else there(name, *rest))
    told = workspace("mcp")
    assert told.exit_code == 1
    assert "bookmyevent-workspace[mcp]" in told.stderr
