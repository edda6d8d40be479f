"""The shop's answers by brute force: plain Python loops, no joins, no engine. Slow and obvious."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ZONE = ZoneInfo("Europe/Berlin")
Row = dict[str, Any]


def day(moment: datetime | None) -> Any:
    return None if moment is None else moment.astimezone(ZONE).date()


def month(moment: datetime | None) -> Any:
    return None if moment is None else day(moment).replace(day=1)


def one(rows: Iterable[tuple[Any, ...]], key: Any) -> tuple[Any, ...] | None:
    """The row with a key; none for NULL."""
    return next((row for row in rows if key is not None and row[0] == key), None)


def version(rows: Iterable[tuple[Any, ...]], key: Any, moment: datetime | None) -> tuple[Any, ...] | None:
    """The version of a key at a moment; the first known one also for everything before it."""
    known = sorted((row for row in rows if key is not None and row[0] == key), key=lambda row: row[-2])
    if moment is None or not known:
        return None
    if moment < known[0][-2]:
        return known[0]
    return next((row for row in known if row[-2] <= moment < row[-1]), None)


@dataclass
class Facts:
    """Every placed order, line and count as one flat dictionary."""

    rows: dict[str, list[tuple[Any, ...]]]

    def orders(self) -> list[Row]:
        return [self.order(order) for order in self.rows["shop.orders"] if order[2] not in ("draft", None)]

    def order(self, order: tuple[Any, ...]) -> Row:
        customer = one(self.rows["shop.customers"], order[1])
        return {
            "order": order[0],
            "customer": order[1],
            "status": order[2],
            "moment": order[3],
            "day": day(order[3]),
            "month": month(order[3]),
            "country": customer[1] if customer else None,
        }

    def lines(self) -> list[Row]:
        found = []
        for order_id, number, product_id, amount in self.rows["shop.lines"]:
            order = one(self.rows["shop.orders"], order_id)
            if order is not None and order[2] not in ("draft", None):
                row = self.order(order)
                found.append(
                    row | {"line": (order_id, number), "amount": amount} | self.product(product_id, row["moment"])
                )
        return found

    def counts(self) -> list[Row]:
        found = []
        for product_id, day, pieces in self.rows["shop.stock"]:
            moment = datetime.combine(day + timedelta(days=1), time(), ZONE).astimezone(UTC) - timedelta(microseconds=1)
            row = {"day": day, "month": day.replace(day=1), "pieces": pieces}
            found.append(row | self.product(product_id, moment))
        return found

    def product(self, key: Any, moment: datetime | None) -> Row:
        product = version(self.rows["shop.products"], key, moment)
        brand = version(self.rows["shop.brands"], product[1], moment) if product else None
        return {
            "product": key,
            "colour": product[2] if product else None,
            "brand": product[1] if product else None,
            "tier": brand[1] if brand else None,
            "fee": brand[2] if brand else None,
        }


def grouped(rows: Iterable[Row], by: list[str], measure: Callable[[list[Row]], Any]) -> dict[tuple[Any, ...], Any]:
    groups: defaultdict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in by)].append(row)
    return {key: measure(found) for key, found in groups.items()}


def total(name: str) -> Callable[[list[Row]], Any]:
    """Sum what is there; nothing if nothing is."""

    def measure(rows: list[Row]) -> Any:
        values = [row[name] for row in rows if row[name] is not None]
        return sum(values) if values else None

    return measure


def fees(rows: list[Row]) -> Any:
    values = [row["amount"] * row["fee"] for row in rows if row["amount"] is not None and row["fee"] is not None]
    return sum(values) if values else None


def last_counts(rows: list[Row], by: list[str]) -> list[Row]:
    """Keep each product's counts of its last day, in each period."""
    period = [name for name in by if name in ("month", "period")]
    newest: dict[tuple[Any, ...], Any] = {}
    for row in rows:
        place = (row["product"], *(row[name] for name in period))
        newest[place] = max(newest.get(place, row["day"]), row["day"])
    return [row for row in rows if row["day"] == newest[row["product"], *(row[name] for name in period)]]


def buyers(rows: list[Row]) -> int:
    return len({row["customer"] for row in rows} - {None})


def average(rows: list[Row]) -> Any:
    values = [row["amount"] for row in rows if row["amount"] is not None]
    return sum(values) / len(values) if values else None


def shares(rows: list[Row], by: list[str], within: list[str], measure: Callable[[list[Row]], Any]) -> dict[Any, Any]:
    """A group's number over that of all rows that agree with it in some of its dimensions."""
    wholes = grouped(rows, within, measure)
    found = {}
    for key, value in grouped(rows, by, measure).items():
        whole = wholes[tuple(part for name, part in zip(by, key, strict=True) if name in within)]
        found[key] = None if value is None or not whole else value / whole
    return found


def per(rows: list[Row], entity: str, measure: Callable[[list[Row]], Any], absent: Any) -> Callable[[Any], Any]:
    """What the metric is for an entity: `absent` for one that is in no row, nothing for none."""
    known = grouped(rows, [entity], measure)
    return lambda key: None if key is None else known.get((key,), absent)


def leading(groups: dict[tuple[Any, ...], Any], top: int) -> list[tuple[Any, ...]]:
    """The largest groups; those without a number come last, those with equal numbers by name, what is missing last."""

    def place(key: tuple[Any, ...]) -> Any:
        value = groups[key]
        return (value is None, -(value or 0), tuple((part is None, part if part is not None else 0) for part in key))

    return sorted(groups, key=place)[:top]


def equal(value: Any, wanted: Any) -> bool:
    """Both missing, or the same number at 1e-9."""
    if value is None or wanted is None:
        return value is wanted
    return abs(float(value) - float(wanted)) <= 1e-9 * max(1, abs(float(wanted)))
