"""The MCP server, asked by a real client over a real process's standard input and output."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from cli.shop_home import ShopHome, january

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from typer.testing import Result

    from runs.homes import Home

SERVER = [sys.executable, "-c", "from workspace.cli import main; main()", "mcp"]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ShopHome:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shop_metrics", raising=False)
    return ShopHome.make(tmp_path)


def served(shop: ShopHome, talk: Callable[[Client], Awaitable[None]]) -> None:
    """Start a server for a home, and talk with it."""
    paths = os.pathsep.join([str(shop.path), *filter(None, sys.path)])
    environment = {"WORKSPACE_HOME": str(shop.path), "PYTHONPATH": paths}
    parameters = StdioServerParameters(command=SERVER[0], args=SERVER[1:], env=environment)

    async def run() -> None:
        async with Client(parameters) as client:
            await talk(client)

    asyncio.run(run())


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return dict(result.structured_content or {})


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return str(getattr(result.content[0], "text", ""))


def test_metrics_are_listed_explained_and_asked(shop: ShopHome) -> None:
    async def talk(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert sorted(tools) == ["describe", "list_metrics", "query", "rows"]
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools.values())
        assert all((tool.description or "").endswith(".") for tool in tools.values())

        listed = await call(client, "list_metrics")
        assert [metric["name"] for metric in listed["metrics"]] == ["basket", "orders", "reachable", "revenue"]
        assert (listed["release"], listed["as_of"]) == ("2026-01-03", "2026-01-04T00:00:00+00:00")

        told = await call(client, "describe", metric="basket")
        assert (told["description"], told["unit"], told["formula"]) == (
            "Revenue an order",
            "EUR",
            "Orders.revenue / Orders.orders",
        )
        assert told["tables"] == ["shop.orders"]
        assert "city" in told["split_by"]

        asked = await call(client, "query", metrics=["revenue", "orders"], by=["city"])
        assert asked["rows"] == [
            {"city": "Paris", "revenue": 40.0, "orders": 2},
            {"city": "Rome", "revenue": 20.0, "orders": 1},
        ]
        assert asked["total"] == {"revenue": 60.0, "orders": 3}
        assert asked["units"] == {"revenue": "EUR", "orders": "count"}
        assert asked["definitions"].keys() == {"revenue", "orders"}
        assert asked["definitions"]["revenue"] == (await call(client, "describe", metric="revenue"))["id"]
        assert (asked["count"], asked["cut"], asked["notes"]) == (2, False, [])

    served(shop, talk)


def test_rows_are_capped_and_the_answer_says_so(shop: ShopHome) -> None:
    async def talk(client: Client) -> None:
        asked = await call(client, "query", metrics=["orders"], by=["day"], limit=2)
        assert asked["rows"] == [{"day": "2026-01-01", "orders": 1}, {"day": "2026-01-02", "orders": 1}]
        assert (asked["count"], asked["cut"]) == (3, True)
        assert "Only 2 of 3 rows" in asked["advice"]
        assert asked["total"] == {"orders": 3}
        assert "less than or equal to 1000" in await refused(client, "query", metrics=["orders"], limit=5000)

    served(shop, talk)


def test_the_rows_behind_a_number(shop: ShopHome) -> None:
    async def talk(client: Client) -> None:
        paris = {"path": "buyer.city", "is": "==", "value": "Paris"}
        found = await call(client, "rows", metric="revenue", where=[paris])
        assert [(row["id"], row["amount"]) for row in found["rows"]] == [(1, 10.0), (3, 30.0)]
        assert (found["count"], found["cut"], found["release"]) == (2, False, "2026-01-03")
        assert all("@" not in str(value) for row in found["rows"] for value in row.values())
        found = await call(client, "rows", metric="revenue", limit=1)
        assert (len(found["rows"]), found["count"], found["cut"]) == (1, 3, True)

    served(shop, talk)


def test_what_is_refused_comes_with_its_cure(shop: ShopHome) -> None:
    async def talk(client: Client) -> None:
        said = await refused(client, "query", metrics=["revenu"])
        assert "metrics[0]: there is no metric 'revenu'." in said
        assert "Did you mean revenue?" in said
        city = {"path": "city", "is": "==", "value": 7}
        assert "not comparable" in await refused(client, "query", metrics=["orders"], where=[city])
        assert "no metric 'gbv'" in await refused(client, "describe", metric="gbv")

    served(shop, talk)


def test_a_release_that_is_published_meanwhile_is_read(shop: ShopHome) -> None:
    async def talk(client: Client) -> None:
        assert (await call(client, "query", metrics=["orders"]))["rows"] == [{"orders": 3}]
        shop.order(4, 2, 40, january(4, 10))
        await asyncio.to_thread(shop.publish, "two", 5)
        asked = await call(client, "query", metrics=["orders"])
        assert (asked["rows"], asked["release"]) == ([{"orders": 4}], "2026-01-04")

    served(shop, talk)


def test_personal_columns_do_not_leave(shop: ShopHome) -> None:
    async def talk(client: Client) -> None:
        door = "Personal columns do not leave through this door"
        guess = {"path": "buyer.email", "is": "==", "value": "ada@x.org"}
        assert door in await refused(client, "query", metrics=["orders"], by=["buyer.email"])
        assert door in await refused(client, "query", metrics=["orders"], where=[guess])
        assert door in await refused(client, "query", metrics=["reachable"])
        assert "shop.people.email" in await refused(client, "query", metrics=["reachable"])
        assert door in await refused(client, "rows", metric="reachable")

    served(shop, talk)


def test_without_a_release_the_tools_say_so(shop: ShopHome) -> None:
    (shop.path / "workspace.toml").write_text('[workspace]\nmetrics = "shop_metrics"\nlake = "empty"\n')

    async def talk(client: Client) -> None:
        assert "What to do" in await refused(client, "list_metrics")

    served(shop, talk)


def test_without_the_extra_the_command_says_what_to_install(
    home: Home, workspace: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "mcp" else there(name, *rest))
    told = workspace("mcp")
    assert told.exit_code == 1
    assert "bookmyevent-workspace[mcp]" in told.stderr
