"""A company that has lived until its website was watched for two months."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, NamedTuple

import pytest

from workspace.demo.company import founded, live, trade_for_a_day
from workspace.demo.world import LENGTH

if TYPE_CHECKING:
    from workspace.demo.world import World

WATCHED, EARLIER = 340, 380


class Company(NamedTuple):
    """A company, and the same one some weeks before, as it was kept then."""

    world: World
    earlier: World


def lived(seed: int, scale: float) -> Company:
    world, kept = founded(seed, scale), b""
    for day in range(LENGTH):
        if day == EARLIER:
            kept = pickle.dumps(world)
        for _ in live(world) if day >= WATCHED else trade_for_a_day(world):
            pass
    return Company(world, pickle.loads(kept))  # noqa: S301  # written above


@pytest.fixture(scope="session")
def company() -> Company:
    """A company of a quarter of the size."""
    return lived(1, 0.25)
