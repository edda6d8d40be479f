"""Models of attribution: how the credit for what was sold is split among the clicks that led to it.

Credits are exact: whole parts of a billion, each the difference of two rounded running sums, so that those of one
conversion make exactly 1, and none is further from its true share than such a part. What the models mean, and what each
of them is blind to, is in docs/adr/0011.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
from ibis import _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WHOLE = 1_000_000_000
"""The parts that a credit of 1 has."""

HALF_LIFE = 7 * 24 * 60 * 60 * 1_000
"""In milliseconds: of two clicks, the one that is this much older gets half the credit, by `time_decay`."""

ENDS, ENDS_OF_TWO = 400_000_000, 500_000_000
"""What `position` gives to the first and to the last click; the others share the rest evenly."""

CREDIT = "decimal(18, 9)"

_ORDER = ("clicked_at", "event_id")


def credited(touches: ibis.Table, conversion: str) -> ibis.Table:
    """Add to each touch its number, how many there are, and its credit by every model.

    Args:
        touches: One row a conversion and a click that led to it, with `clicked_at`, `event_id`, `converted_at` and
            `player`: what stands for the click in the game that `shapley` is the value of.
        conversion: The column that tells conversions apart.
    """
    path = ibis.window(group_by=conversion)
    numbered = touches.mutate(
        touch=ibis.row_number().over(ibis.window(group_by=conversion, order_by=_ORDER)) + 1,
        touches=_.count().over(path),
    )
    rows = _turns(numbered, conversion)
    rows = rows.mutate(_time_decay=_weight(rows), _shapley=1.0 / (rows._turns * rows._players).cast("float64"))
    for model in ("time_decay", "shapley"):
        rows = _in_running(rows, model, conversion)
    parts = {name: model(rows) for name, model in MODELS.items()}
    shown = [*touches.columns, "touch", "touches"]
    found = rows.mutate(**{f"_{name}": part for name, part in parts.items()})
    part = ibis.literal("0.000000001").cast(CREDIT)
    exact = {name: (found[f"_{name}"].cast("decimal(18, 0)") * part).cast(CREDIT) for name in parts}
    return found.select(*shown, **exact)


def _first(rows: ibis.Table) -> ibis.Value:
    return ibis.ifelse(rows.touch == 1, _int(WHOLE), _int(0))


def _last(rows: ibis.Table) -> ibis.Value:
    return ibis.ifelse(rows.touch == rows.touches, _int(WHOLE), _int(0))


def _linear(rows: ibis.Table) -> ibis.Value:
    return _share(rows.touch, rows.touches) - _share(rows.touch - 1, rows.touches)


def _position(rows: ibis.Table) -> ibis.Value:
    """40 % each to the first and the last, 20 % to all between; half each of two; everything to a single one."""
    between = ibis.greatest(rows.touches - 2, 1)

    def running(touch: ibis.Value) -> ibis.Value:
        middle = _int(ENDS) + _share(touch - 1, between, WHOLE - 2 * ENDS)
        begun = ibis.ifelse(rows.touches == 2, _int(ENDS_OF_TWO), middle)
        return ibis.cases((touch == 0, _int(0)), (touch == rows.touches, _int(WHOLE)), else_=begun)

    return running(rows.touch) - running(rows.touch - 1)


def _time_decay(rows: ibis.Table) -> ibis.Value:
    return rows._now_time_decay - rows._before_time_decay


def _shapley(rows: ibis.Table) -> ibis.Value:
    """Share evenly between the players of the path, then each one's share evenly between its touches."""
    return rows._now_shapley - rows._before_shapley


MODELS: Mapping[str, Callable[[ibis.Table], ibis.Value]] = {
    "first": _first,
    "last": _last,
    "linear": _linear,
    "position": _position,
    "time_decay": _time_decay,
    "shapley": _shapley,
}


def _in_running(rows: ibis.Table, model: str, conversion: str) -> ibis.Table:
    """Round the running sum of a model's weights, and add it as of each touch and as of the one before.

    These weights are binary fractions: powers of a half have no exact form, and the shares of many players no common
    denominator that fits a number. Their error is a millionth of what is rounded to.
    """
    weight = rows[f"_{model}"]
    path = ibis.window(group_by=conversion)
    so_far = ibis.cumulative_window(group_by=conversion, order_by=_ORDER)
    rows = rows.mutate(_so_far=weight.sum().over(so_far), _in_all=weight.sum().over(path))
    rounded = (rows._so_far / rows._in_all * WHOLE + 0.5).floor().cast("int64")
    rows = rows.mutate(**{f"_now_{model}": ibis.ifelse(rows.touch == rows.touches, _int(WHOLE), rounded)})
    before = rows[f"_now_{model}"].lag().over(ibis.window(group_by=conversion, order_by=_ORDER))
    return rows.mutate(**{f"_before_{model}": before.coalesce(0)}).drop("_so_far", "_in_all")


def _weight(rows: ibis.Table) -> ibis.Value:
    age = _millis(rows.converted_at, rows.clicked_at)
    return ibis.literal(2.0) ** (age / -float(HALF_LIFE))


def _millis(later: ibis.Value, earlier: ibis.Value) -> ibis.Value:
    """Count the milliseconds between two moments; engines have no difference of moments in common."""

    def of_day(moment: ibis.Value) -> ibis.Value:
        # Spark's second has its fraction with it.
        seconds = (moment.hour() * 3600 + moment.minute() * 60).cast("float64") + moment.second().cast(
            "float64"
        ).floor()
        return seconds * 1000.0 + moment.millisecond()

    return (
        later.date().delta(earlier.date(), unit="day").cast("float64") * 86_400_000.0 + of_day(later) - of_day(earlier)
    )


def _turns(rows: ibis.Table, conversion: str) -> ibis.Table:
    """Count the touches of each player of a path, and the players."""
    of_player = ibis.window(group_by=[conversion, "player"])
    turn = ibis.row_number().over(ibis.window(group_by=[conversion, "player"], order_by=_ORDER))
    found = rows.mutate(_turns=_.count().over(of_player), _begins=(turn == 0).cast("int64"))
    return found.mutate(_players=_._begins.sum().over(ibis.window(group_by=conversion)))


def _share(part: ibis.Value, whole: ibis.Value, of: int = WHOLE) -> ibis.Value:
    """Give `of` * `part` / `whole`, all whole numbers, rounded half up.

    In floating point, where every number below 2**53 is exact: integers are narrower on Spark than Ibis takes them for.
    """
    doubled = part.cast("float64") * float(2 * of) + whole
    return (doubled / (whole.cast("float64") * 2.0)).floor().cast("int64")


def _int(number: int) -> ibis.Value:
    return ibis.literal(number, type="int64")
