"""How metrics are declared: measures of a dataset, and metrics made of others."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from workspace.errors import SemanticError, did_you_mean
from workspace.semantic.language.declare import GRAINS, Ref, one_of, text_of
from workspace.semantic.language.metric import Arithmetic, Funnel, Made, Measure, Metric, Retention
from workspace.semantic.language.periods import Span


def measure(
    expr: Any,
    description: str = "",
    *,
    unit: str = "",
    owner: str = "",
    snapshot: Literal["first", "last"] | None = None,
    over: Ref | None = None,
) -> Measure:
    """Declare an aggregate of the dataset's rows. It is a metric by its name.

    Args:
        expr: Any Ibis aggregate, e.g. `_.amount.sum()`, `_.user_id.nunique()`, `_.count(where=_.status == "paid")`.
        description: What it means, in the words of its owner.
        unit: "EUR" or another currency, "count", "percent" (of a share between 0 and 1), "seconds", or empty.
        owner: Who decides about it.
        snapshot: "last" or "first" for a level rather than a flow: only each one's last rows in a period count.
        over: Whose last rows: a reference of the same dataset, e.g. `listing`.
    """
    text_of(expr)
    if snapshot is not None:
        one_of("snapshot", snapshot, ("first", "last"))
    if (snapshot is None) != (over is None):
        msg = f"measure({expr!r}) gives only one of snapshot= and over=."
        raise SemanticError(msg, cure='Write snapshot="last", over=<reference>.')
    return Measure(expr=expr, description=description, unit=unit, owner=owner, snapshot=snapshot, over=over)


def ratio(numerator: Metric, denominator: Metric, description: str = "", *, unit: str = "", owner: str = "") -> Metric:
    """Declare one metric over another, each aggregated on its own first. Missing where the denominator is 0."""
    return Arithmetic(
        sign="/", left=numerator, right=denominator, description=description, unit=unit, owner=owner, name=""
    )


def metric(made: Metric, description: str, *, unit: str = "", owner: str = "") -> Metric:
    """Say what a metric that is made of others means: `gbv_28d=metric(Items.gbv.trailing("28 days"), "...")`.

    Args:
        made: What it is calculated from.
        description: What it means, in the words of its owner.
        unit: Its unit, if it is not that of its parts.
        owner: Who decides about it, if it is not the owner of its parts.
    """
    if not isinstance(made, Made):
        msg = f"metric({getattr(made, 'name', made)!r}, ...) is not made of metrics."
        raise SemanticError(msg, cure="Describe a measure where its dataset declares it.")
    found: Metric = dataclasses.replace(
        made, description=description, unit=unit or made.unit, owner=owner or made.owner
    )
    return found


def funnel(*steps: Metric, by: str, within: str | None = None, description: str = "", owner: str = "") -> Funnel:
    """Declare a conversion: the share of the first step's rows from which the same one reaches the last step.

    A row of a later step is credited to the latest row of the step before it, at or before its own moment, that was
    reached itself; so each row counts for one entry at most, and an entry counts once however often it converts. The
    number belongs to the entry: its time, its dimensions.

    Args:
        steps: Counts of rows (`_.count()`), in their order; at least two.
        by: The name of the entity that all steps refer to, e.g. "booker" or a key's name such as "user".
        within: How long after the first step the last may come, e.g. "7 days"; any time if not given.
        description: What it means.
        owner: Who decides about it.
    """
    if len(steps) < 2:
        raise SemanticError("A funnel has at least two steps.", cure="Name them in their order.")
    span = None if within is None else Span.parse(within)
    if span is not None and span.unit not in ("minute", "hour", "day", "week"):
        msg = f"within={within!r} is not of one length."
        raise SemanticError(msg, cure="Give minutes, hours, days or weeks.")
    return Funnel(steps=steps, by=by, within=span, description=description, owner=owner)


def retention(
    first: Metric,
    back: Metric,
    *,
    by: str,
    grain: str = "month",
    after: int = 1,
    description: str = "",
    owner: str = "",
) -> Retention:
    """Declare how many of those who came first in a period were there again so many periods later.

    Only those count for whom that later period is over at the release's `as_of`: for the rest nobody can know yet.

    Args:
        first: Counts the rows with which each one begins, e.g. `Users.new_users`; the earliest one counts.
        back: Counts the rows that show that one is there, e.g. `Bookings.bookings`.
        by: The name of the entity that both refer to.
        grain: Of the periods: "day" to "year".
        after: How many periods later; 0 is the first period itself.
        description: What it means.
        owner: Who decides about it.
    """
    if grain not in GRAINS[1:]:
        raise SemanticError(f"grain={grain!r} is no period.", cure=did_you_mean(grain, GRAINS[1:]))
    return Retention(first=first, back=back, by=by, grain=grain, after=after, description=description, owner=owner)
