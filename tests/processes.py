"""Which tests stay together where several processes run them (`pytest -n 2 --dist loadfile`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

SHARING = {
    "demo": ("tests/test_lab.py", "tests/test_notebooks.py", "tests/test_whole_demo"),
    "engines": ("tests/ads/", "tests/engine/", "tests/semantic/test_engines.py", "tests/clickstream/test_named.py"),
}
"""Tests by the beginnings of their paths that share what takes too long to make in every process."""


class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # it has no types
    """Deals out tests by file, those that share something at once, and long ones alone."""

    def _split_scope(self, nodeid: str) -> str:
        shared = (name for name, paths in SHARING.items() if nodeid.startswith(paths))
        alone = nodeid if self.config.option.markexpr == "long" else nodeid.partition("::")[0]
        return next(shared, alone)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """Deal out tests by what they share."""
    return Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None
