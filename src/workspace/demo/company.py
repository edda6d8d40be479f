"""The company as a whole: founded, then living day by day."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from workspace.demo import market, people, trade
from workspace.demo.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workspace.demo.world import Step, Transaction

_PARTS = (market.begin_day, people.begin_day, trade.begin_day)
_HANDLERS = market.HANDLERS | people.HANDLERS | trade.HANDLERS


def found(world: World) -> Iterator[Step]:
    """Make what exists on the first day, as insertions in no transaction."""
    return chain(market.found(world), people.found(world))


def founded(seed: int, scale: float) -> World:
    """Give the world as it is when the first day begins."""
    world = World(seed, scale)
    for _ in found(world):
        pass
    return world


def live(world: World) -> Iterator[Transaction]:
    """Live one day."""
    return world.play(_PARTS, _HANDLERS)
