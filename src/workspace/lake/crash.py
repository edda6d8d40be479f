"""Named points at which a test kills the process, to show that a restart loses and doubles nothing."""

from __future__ import annotations

import os
import signal
from collections import Counter

VARIABLE = "WORKSPACE_CRASH"

_passed: Counter[str] = Counter()


def crash_point(name: str) -> None:
    """Kill this process at once if `WORKSPACE_CRASH` names this point; else do nothing.

    Args:
        name: The point. `WORKSPACE_CRASH=name` kills at the first pass, `name:3` at the third.
    """
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    point, _, count = wanted.partition(":")
    if point == name:
        _passed[name] += 1
        if _passed[name] == int(count or 1):
            os.kill(os.getpid(), signal.SIGKILL)
