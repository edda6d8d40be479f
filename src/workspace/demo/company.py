"""The company as a whole: founded, then living day by day."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING

from workspace.demo import market, people, trade
from workspace.demo.clickstream import Web
from workspace.demo.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workspace.demo.clickstream import Window
    from workspace.demo.world import Step, Transaction

_PARTS = (market.begin_day, people.begin_day, trade.begin_day)
_HANDLERS = market.HANDLERS | people.HANDLERS | trade.HANDLERS


def found(world: World) -> Iterator[Step]:
    """Make what exists on the first day, as insertions in no transaction."""
    world.web = Web()
    return chain(market.found(world), people.found(world))


def founded(seed: int, scale: float) -> World:
    """Give the world as it is when the first day begins."""
    world = World(seed, scale)
    for _ in found(world):
        pass
    return world


def trade_for_a_day(world: World) -> Iterator[Transaction]:
    """Live one day with nobody watching the website."""
    return world.play(_PARTS, _HANDLERS)


def live(world: World, deliver: Callable[[Window], None] | None = None) -> Iterator[Transaction]:
    """Live one day: first what the databases see of it, then what the website's pipeline delivers.

    Args:
        world: The company.
        deliver: Takes what the pipeline delivers; nobody does if it is None.

    Yields:
        The day's transactions in the order of time.
    """
    yield from trade_for_a_day(world)
    world.web.live(world, world.today - timedelta(days=1), deliver)
