"""The company's experiments: who sees which variant, and what it truly does.

What people do is given: bookings come from the databases' simulation. So it is the variant that is drawn, once it is
known what its unit did, with the probabilities of Bayes' rule: where a variant lifts the share of those who act by
`lift`, those who acted have seen it with probability (1 + lift) / (2 + lift), and the others as often as makes the
whole even. What the platform then observes is what it would have observed the other way round.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from workspace.demo.world import DAY

if TYPE_CHECKING:
    from random import Random

VARIANTS = ("control", "treatment")
PULL = 0.2  # how strongly chance is led back to what was planned, so that one company is enough to find a truth


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment, as it is registered, and the planted truth about it.

    Attributes:
        name: Its name.
        unit: What is assigned a variant: `user` or `visitor` (a `domain_userid`).
        begin: The first day (UTC).
        end: The day after the last.
        at: What exposes a unit: `begin_checkout`, `search`, `landing` or `view_item`.
        outcome: The event which counts, in the visit of the unit's first exposure and after it.
        lift: By how much the treatment raises the share of units with that outcome, relative to control.
        fades: The days in which that lift falls to 1/e; 0 if it lasts.
        share: The true share of the treatment; 0.5 was meant.
    """

    name: str
    unit: str
    begin: date
    end: date
    at: str
    outcome: str
    lift: float = 0.0
    fades: float = 0.0
    share: float = 0.5

    def lift_at(self, at: int) -> float:
        """Tell the true lift for those who are exposed at a time, in milliseconds of the epoch."""
        if not self.fades:
            return self.lift
        return self.lift * math.exp(-(at - begin_of(self)) / DAY / self.fades)


EXPERIMENTS = (
    Experiment("checkout_v2", "user", date(2026, 9, 8), date(2026, 10, 27), "begin_checkout", "purchase", 0.2),
    Experiment("search_ranking_b", "visitor", date(2026, 9, 14), date(2026, 10, 12), "search", "purchase"),
    Experiment("banner_test", "visitor", date(2026, 10, 5), date(2026, 10, 26), "landing", "search", share=0.53),
    Experiment(
        *("gallery_autoplay", "visitor", date(2026, 9, 10), date(2026, 10, 22), "view_item", "add_to_cart"),
        lift=0.6,
        fades=5,
    ),
)


def begin_of(experiment: Experiment) -> int:
    """Tell when an experiment begins, in milliseconds of the epoch."""
    return int(datetime.combine(experiment.begin, time(), UTC).timestamp()) * 1000


def end_of(experiment: Experiment) -> int:
    """Tell when an experiment is over, in milliseconds of the epoch."""
    return int(datetime.combine(experiment.end, time(), UTC).timestamp()) * 1000


class Assignment:
    """Who has which variant in one experiment.

    Attributes:
        units: The variant (1 is the treatment) of each unit, as long as the experiment runs.
        assigned: How many units have each variant.
        acted: How many of them had the outcome in the visit of their first exposure.
    """

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.units: dict[int, int] = {}
        self.assigned = [0, 0]
        self.acted = [0, 0]
        self._owed = [0.0, 0.0]  # treatments still due to those who did not act, and to those who did

    def running(self, at: int) -> bool:
        """Tell whether the experiment runs."""
        return begin_of(self.experiment) <= at < end_of(self.experiment)

    def variant(self, rng: Random, unit: int, at: int, *, acted: bool) -> str:
        """Give a unit's variant: the one it has, or a new one, given what it does in this visit."""
        if unit not in self.units:
            chance = self._chance(at, acted=acted)
            chosen = self.units[unit] = int(rng.random() < chance + PULL * self._owed[acted])
            self._owed[acted] += chance - chosen
            self.assigned[chosen] += 1
            self.acted[chosen] += acted
        return VARIANTS[self.units[unit]]

    def _chance(self, at: int, *, acted: bool) -> float:
        share, lift = self.experiment.share, self.experiment.lift_at(at)
        odds = (1 + lift) * share
        of_actors = odds / (odds + 1 - share)
        if acted or not lift:
            return of_actors
        base = (sum(self.acted) + 4) / (sum(self.assigned) + 10)  # how many act, as far as is known
        return min(1.0, max(0.0, (share - base * of_actors) / (1 - base)))

    def forget(self, today: date) -> None:
        """Let go of what nobody will ask for after the experiment's end."""
        if today > self.experiment.end:
            self.units = {}
