"""Answering a query: which rows, in which order, and how each is written."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from workspace.demo.ads.google.conditions import holds
from workspace.demo.ads.google.dates import oldest, segments
from workspace.demo.ads.google.fields import ACTIONS, DATES, FIELDS, MEASURED, owner
from workspace.demo.ads.google.rows import metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from workspace.demo.ads.google.gaql import Query
    from workspace.demo.ads.google.rows import Row, View

Range = tuple[date, date]


def answer(view: View, query: Query, asked: Range | None, today: date) -> list[Row]:
    """Give the rows that a checked query asks for, flat, in its order; all of them, whatever its limit.

    Args:
        view: The account.
        query: The query.
        asked: The days that it asks about, if any.
        today: The present day of the account.
    """
    tests = [holds(condition) for condition in query.where if condition.field not in DATES]
    if query.resource == "click_view":
        rows = view.clicks(asked[0]) if asked else []
    elif query.resource in MEASURED and _measures(query):
        first, last = asked or (date.min, today)
        rows = _measured(view, query, (max(first, oldest(today)), min(last, today)))
    else:
        rows = view.rows(query.resource)
    rows = [row for row in rows if all(passes(row) for passes in tests)]
    for ordering in reversed(query.order):
        rows.sort(key=_sorting(ordering.field), reverse=ordering.descending)
    return rows


def _sorting(name: str) -> Callable[[Row], tuple[bool, Any]]:
    return lambda row: (row.get(name) is not None, row.get(name) or 0)


def _measures(query: Query) -> bool:
    named = [*query.select, *(condition.field for condition in query.where)]
    return any(owner(name) in ("metrics", "segments") for name in named)


def _measured(view: View, query: Query, asked: Range) -> list[Row]:
    """Sum what happened for each entity, and for each value of the segments that are shown."""
    split = [name for name in query.select if owner(name) == "segments"]
    days = [holds(condition) for condition in query.where if condition.field in DATES]
    sums: dict[tuple[Any, ...], dict[str, Any]] = defaultdict(lambda: defaultdict(Decimal))
    for day in _days(asked):
        if all(passes(segments(day)) for passes in days):
            by_action = any(name in ACTIONS for name in split)
            for entity, told, counted in _pieces(view, query.resource, day, by_action=by_action):
                into = sums[entity, *(told[name] for name in split)]
                for name, value in counted.items():
                    into[name] += value
    entities = view.keyed(query.resource)
    if not split:  # then those that did nothing are shown, too
        for entity in entities.keys() - {key[0] for key in sums}:
            sums[(entity,)].update(_nothing())
    shown = [name for name in query.select if owner(name) == "metrics"]
    return [
        entities[key[0]] | dict(zip(split, key[1:], strict=True)) | _rated(counted)
        for key, counted in sorted(sums.items(), key=lambda each: (int(each[0][0]), *map(str, each[0][1:])))
        if not split or any(counted[name] for name in shown or tuple(counted))
    ]


def _days(asked: Range) -> Iterator[date]:
    first, last = asked
    for after in range((last - first).days + 1):
        yield first + timedelta(days=after)


def _pieces(view: View, resource: str, day: date, *, by_action: bool) -> Iterator[tuple[str, Row, Row]]:
    told = segments(day)
    for entity, facts in view.facts(resource, day):
        claimed = list(view.by_action(facts))
        if by_action:
            for names, counted in claimed:
                yield entity, told | names, counted
        else:
            yield entity, told, metrics(facts, [counted for _, counted in claimed])


def _nothing() -> Row:
    """Give the metrics of what did nothing: zeros, and zeros are sent."""
    return {name: Decimal() for name in FIELDS if owner(name) == "metrics"}


def _rated(counted: dict[str, Any]) -> Row:
    shown, clicked = counted.get("metrics.impressions"), counted.get("metrics.clicks", Decimal())
    rate = (Decimal(clicked) / Decimal(shown)).quantize(Decimal("1e-16")) if shown else Decimal()
    return {**counted, "metrics.ctr": rate}


def written(row: Row, select: Sequence[str], resource: str) -> dict[str, Any]:
    """Write a row as JSON has it: what was asked for, and the names of the resources that it comes from."""
    asked = [f"{resource}.resource_name", *select]
    for name in select:
        asked.append(f"{owner(name)}.resource_name")
        if name.startswith("ad_group_ad.ad."):
            asked.append("ad_group_ad.ad.resource_name")
    told: dict[str, Any] = {}
    for name in asked:
        value = row.get(name)
        if value is not None and name in FIELDS:
            *path, last = map(camel, name.split("."))
            into = told
            for part in path:
                into = into.setdefault(part, {})
            into[last] = _spelt(name, value)
    return told


def _spelt(name: str, value: Any) -> Any:
    kind = FIELDS[name]
    if kind == "int64":
        return str(int(value))
    if kind == "double":
        return Decimal(value).normalize() + 0
    return value.isoformat() if isinstance(value, date) else value


def mask(select: Sequence[str]) -> str:
    """Write the fields that were asked for as a field mask."""
    return ",".join(".".join(map(camel, name.split("."))) for name in select)


def camel(name: str) -> str:
    """Write a name as JSON does.

    Examples:
        >>> camel("cost_micros")
        'costMicros'
    """
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def summed(rows: Sequence[Row], select: Sequence[str]) -> dict[str, Any]:
    """Write the sums of the metrics that were asked for."""
    chosen = [name for name in select if owner(name) == "metrics" and name != "metrics.ctr"]
    return written({name: sum((row[name] for row in rows), Decimal()) for name in chosen}, chosen, "metrics")
