"""The planted truths of the experiments: what a readout has to find."""

from __future__ import annotations

from random import Random

import pytest

from workspace.demo.clickstream.experiments import EXPERIMENTS, VARIANTS, Assignment, begin_of
from workspace.demo.world import DAY

BY_NAME = {experiment.name: experiment for experiment in EXPERIMENTS}


def rates(name: str, days: float, *, acting: float = 0.4) -> tuple[float, float]:
    """Assign many units some days after the begin; give the share of the treatment, and its lift."""
    rng, assignment = Random(name), Assignment(BY_NAME[name])
    at = begin_of(assignment.experiment) + int(days * DAY)
    for unit in range(60_000):
        assignment.variant(rng, unit, at, acted=rng.random() < acting)
    control, treatment = (acted / units for acted, units in zip(assignment.acted, assignment.assigned, strict=True))
    return assignment.assigned[1] / sum(assignment.assigned), treatment / control - 1


@pytest.mark.parametrize(
    ("name", "days", "share", "lift"),
    [
        ("checkout_v2", 3, 0.5, 0.2),
        ("search_ranking_b", 3, 0.5, 0.0),
        ("banner_test", 3, 0.53, 0.0),
        ("gallery_autoplay", 0, 0.5, 0.6),
        ("gallery_autoplay", 30, 0.5, 0.0),
    ],
)
def test_an_experiment_does_what_was_planted(name: str, days: float, share: float, lift: float) -> None:
    found_share, found_lift = rates(name, days)
    assert found_share == pytest.approx(share, abs=0.008)
    assert found_lift == pytest.approx(lift, abs=0.03)


def test_a_unit_keeps_its_variant() -> None:
    rng, assignment = Random(1), Assignment(EXPERIMENTS[0])
    at = begin_of(EXPERIMENTS[0])
    first = [assignment.variant(rng, unit, at, acted=False) for unit in range(50)]
    assert [assignment.variant(rng, unit, at + DAY, acted=True) for unit in range(50)] == first
    assert set(first) == set(VARIANTS)
    assert sum(assignment.assigned) == 50
