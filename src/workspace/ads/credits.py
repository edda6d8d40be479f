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

HALF_LIFE = 7 * 24 * 60 * 60
"""In seconds: of two clicks, the one that is this much older gets half the credit, by `time_decay`."""

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
    so_far = ibis.cumulative_window(group_by=conversion, order_by=_ORDER)
    numbered = touches.mutate(
        touch=(ibis.row_number().over(ibis.window(group_by=conversion, order_by=_ORDER)) + 1).cast("int64"),
        touches=_.count().over(path),
    )
    rows = _players(numbered.mutate(_weight=_weight(numbered)), conversion)
    rows = rows.mutate(_weighed=_._weight.sum().over(so_far), _weights=_._weight.sum().over(path))
    # Powers of a half are no exact numbers, so this model alone is a rounded sum of binary fractions.
    decayed = (rows._weighed / rows._weights * WHOLE + 0.5).floor().cast("int64")
    rows = rows.mutate(_decayed=ibis.ifelse(rows.touch == rows.touches, _int(WHOLE), decayed))
    before = rows._decayed.lag().over(ibis.window(group_by=conversion, order_by=_ORDER))
    rows = rows.mutate(_before=before.coalesce(0))
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
        middle = _int(ENDS) + _share(touch - 1, between, _int(WHOLE - 2 * ENDS))
        begun = ibis.ifelse(rows.touches == 2, _int(ENDS_OF_TWO), middle)
        return ibis.cases((touch == 0, _int(0)), (touch == rows.touches, _int(WHOLE)), else_=begun)

    return running(rows.touch) - running(rows.touch - 1)


def _time_decay(rows: ibis.Table) -> ibis.Value:
    return rows._decayed - rows._before


def _shapley(rows: ibis.Table) -> ibis.Value:
    """Share evenly between the players of the path, then each one's share evenly between its touches."""
    block = _share(rows._player, rows._players) - _share(rows._player - 1, rows._players)
    return _share(rows._turn, rows._turns, block) - _share(rows._turn - 1, rows._turns, block)


MODELS: Mapping[str, Callable[[ibis.Table], ibis.Value]] = {
    "first": _first,
    "last": _last,
    "linear": _linear,
    "position": _position,
    "time_decay": _time_decay,
    "shapley": _shapley,
}


def _weight(rows: ibis.Table) -> ibis.Value:
    age = _seconds(rows.converted_at, rows.clicked_at)
    return ibis.literal(2.0) ** (age.cast("float64") / -float(HALF_LIFE))


def _seconds(later: ibis.Value, earlier: ibis.Value) -> ibis.Value:
    """Count the whole seconds between two moments; engines have no difference of moments in common."""

    def of_day(moment: ibis.Value) -> ibis.Value:
        return (moment.hour() * 3600 + moment.minute() * 60 + moment.second()).cast("int64")

    days = later.date().delta(earlier.date(), unit="day").cast("int64")
    return days * 86_400 + of_day(later) - of_day(earlier)


def _players(rows: ibis.Table, conversion: str) -> ibis.Table:
    """Number the players of each path by their first touches, and each player's touches."""
    of_player = ibis.window(group_by=[conversion, "player"])
    found = rows.mutate(
        _entered=_.touch.min().over(of_player),
        _turns=_.count().over(of_player),
        _turn=(ibis.row_number().over(ibis.window(group_by=[conversion, "player"], order_by=_ORDER)) + 1).cast("int64"),
    )
    by_entry = ibis.window(group_by=conversion, order_by="_entered")
    found = found.mutate(_player=(ibis.dense_rank().over(by_entry) + 1).cast("int64"))
    return found.mutate(_players=_._player.max().over(ibis.window(group_by=conversion)))


def _share(part: ibis.Value, whole: ibis.Value, of: ibis.Value | None = None) -> ibis.Value:
    """Give `of` * `part` / `whole`, all whole numbers, rounded half up."""
    amount = _int(WHOLE) if of is None else of
    return ((part * amount * 2 + whole) // (whole * 2)).cast("int64")


def _int(number: int) -> ibis.Value:
    return ibis.literal(number, type="int64")
