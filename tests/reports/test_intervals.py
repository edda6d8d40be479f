"""The bootstrap's intervals hold what they say, and are the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from workspace.reports.intervals import resampled


def test_of_a_binomial_the_interval_is_known() -> None:
    # 100 of 1,000 bookings are worth 1: the sum is binomial, with a standard deviation of 9.487.
    low, high = resampled(np.ones((100, 1)), 1000, seed=1)
    assert low[0] == pytest.approx(100 - 1.96 * 9.487, abs=1.5)
    assert high[0] == pytest.approx(100 + 1.96 * 9.487, abs=1.5)


def test_without_chance_there_is_no_interval() -> None:
    low, high = resampled(np.full((50, 2), [2.0, 0.0]), 50, seed=1)
    assert low.tolist() == high.tolist() == [100.0, 0.0]


def test_of_nothing_it_is_nothing() -> None:
    low, high = resampled(np.zeros((0, 3)), 0, seed=1)
    assert low.tolist() == high.tolist() == [0.0, 0.0, 0.0]


def test_the_seed_decides() -> None:
    parts = np.random.default_rng(5).lognormal(3, 1, (200, 2))
    one, same, other = (np.concatenate(resampled(parts, 300, seed=seed)) for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()
    assert one == pytest.approx(other, rel=0.05)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    covered = 0
    for seed in range(300):
        drawn = rng.random(400) < 0.3
        parts = rng.lognormal(0, 0.5, (int(drawn.sum()), 1))
        low, high = resampled(parts, 400, seed=seed, repeats=400)
        covered += bool(low[0] <= 400 * 0.3 * np.exp(0.125) <= high[0])
    assert 0.92 <= covered / 300 <= 0.98


def test_many_units_are_drawn_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = np.ones((100, 1))
    whole = resampled(parts, 1000, seed=1)
    monkeypatch.setattr("workspace.reports.intervals._AT_ONCE", 1000)
    assert np.concatenate(resampled(parts, 1000, seed=1)).tolist() == np.concatenate(whole).tolist()
