"""How sure a sum over units is: the bootstrap.

Units are drawn again, as many as there were and each as likely as any other, and summed; the middle 95 % of many such
sums are the interval. Efron, B. (1979), "Bootstrap Methods: Another Look at the Jackknife", The Annals of Statistics
7(1), 1-26; the percentile interval is that of Efron, B. and Tibshirani, R. (1993), "An Introduction to the Bootstrap",
chapter 13. A unit is what does not depend on the others: a user with all bookings, not a booking, since one user's
bookings share clicks. That is the cluster bootstrap: Cameron, A. C., Gelbach, J. B. and Miller, D. L. (2008),
"Bootstrap-Based Improvements for Inference with Clustered Errors", The Review of Economics and Statistics 90(3),
414-427.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

REPEATS = 2000
COVERED = 0.95
_AT_ONCE = 4_000_000  # draws held in memory


def resampled(
    parts: NDArray[np.float64], units: int, *, seed: int, repeats: int = REPEATS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the bootstrap's interval of sums over units.

    Args:
        parts: One row a unit that adds anything, one column a sum.
        units: How many units there are in all, those that add nothing among them.
        seed: What the draws begin with; the same seed gives the same interval.
        repeats: How often all units are drawn again.

    Returns:
        The lower and the upper end for each sum.

    Examples:
        >>> low, high = resampled(np.array([[100.0]]), 1, seed=1)
        >>> float(low[0]), float(high[0])
        (100.0, 100.0)
    """
    rng = np.random.default_rng(seed)
    rows = len(parts)
    # Units that add nothing are drawn too, as one: that some users clicked on nothing is chance as well.
    chances = np.append(np.full(rows, 1 / units), max(0.0, 1 - rows / units)) if units else np.ones(1)
    sums = np.empty((repeats, parts.shape[1]))
    step = max(1, _AT_ONCE // (rows + 1))
    for first in range(0, repeats, step):
        drawn = rng.multinomial(units, chances, size=min(step, repeats - first))
        sums[first : first + step] = drawn[:, :rows] @ parts
    low, high = np.quantile(sums, [(1 - COVERED) / 2, (1 + COVERED) / 2], axis=0)
    return low, high
