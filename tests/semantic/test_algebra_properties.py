"""Metrics made of metrics, several steps deep, equal the same calculation by hand; together they are as apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from semantic.brute import Facts, Row, equal
from semantic.brute_time import Moved, by_period
from semantic.test_time_properties import EXAMPLES, MEASURES, MODEL, lines, shop, values, windows

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNTS = ("sales", "dear", "goods")
AS_OF = datetime(2028, 4, 17, 9, tzinfo=UTC)
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Leaf:
    """A measure of some rows and of some days."""

    measure: str
    status: str | None
    moved: Moved

    def of(self, m: Any) -> Any:
        metric = getattr(m, self.measure)
        return self.moved.of(metric if self.status is None else metric.where(m.status == self.status))

    def leaves(self) -> Iterator[Leaf]:
        yield self


@dataclass(frozen=True)
class Sum:
    """Two of them, or one and a number."""

    sign: str
    left: Any
    right: Any

    def of(self, m: Any) -> Any:
        left, right = (side.of(m) if isinstance(side, Leaf | Sum) else side for side in (self.left, self.right))
        return calculated(self.sign, left, right)

    def leaves(self) -> Iterator[Leaf]:
        for side in (self.left, self.right):
            yield from side.leaves() if isinstance(side, Leaf | Sum) else ()


def calculated(sign: str, left: Any, right: Any) -> Any:
    return (
        left + right if sign == "+" else left - right if sign == "-" else left * right if sign == "*" else left / right
    )


def worth(made: Any, known: dict[Leaf, dict[Key, Any]], key: Key) -> float | None:
    """What is missing makes all missing, and so does a division by 0; nothing counted is 0."""
    if isinstance(made, Leaf):
        value = known[made].get(key, 0 if made.measure in COUNTS else None)
        return None if value is None else float(value)
    if not isinstance(made, Sum):
        return float(made)
    left, right = worth(made.left, known, key), worth(made.right, known, key)
    if left is None or right is None or (made.sign == "/" and right == 0):
        return None
    found: float = calculated(made.sign, left, right)
    return found


measures = st.sampled_from(list(MEASURES))
statuses = st.sampled_from([None, None, "done", "returned"])


def made(moved: Moved) -> st.SearchStrategy[Any]:
    """Numbers of one length of time: to add others to them is refused."""
    backs = st.sampled_from([(), (), ("1 month",), ("1 year",)])
    leaf = st.builds(
        lambda measure, status, back: Leaf(measure, status, Moved(back, moved.trailing, moved.to_date, moved.all_time)),
        measures,
        statuses,
        backs,
    )
    numbers = st.sampled_from([2, 0.5, -1])

    def larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        signs = st.sampled_from("+-*/")
        return st.one_of(
            st.builds(Sum, signs, inner, inner),
            st.builds(Sum, signs, inner, numbers),
            st.builds(Sum, signs, numbers, inner),
        )

    return st.recursive(leaf, larger, max_leaves=4)


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[Any], list[str], tuple[date, date] | None]:
    moved = st.sampled_from([Moved(), Moved(), Moved(trailing="28 days"), Moved(to_date="year")])
    metrics = [draw(made(draw(moved))) for _each in range(draw(st.integers(1, 3)))]
    return metrics, draw(st.sampled_from([[], ["status"], ["country"]])), draw(windows("month"))


@EXAMPLES
def test_calculations_equal_brute_force(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(lines, questions())
    def check(rows: list[Any], question: Any) -> None:
        metrics, by, window = question
        reader = shop(rows, AS_OF)
        m, facts = MODEL.bind(reader), Facts(reader.rows).lines()

        def days(leaf: Leaf) -> dict[Key, Any]:
            kept: list[Row] = [row for row in facts if leaf.status in (None, row["status"])]
            return by_period(kept, by, "month", leaf.moved, MEASURES[leaf.measure], window=window, as_of=AS_OF)

        known = {leaf: days(leaf) for metric in metrics for leaf in metric.leaves()}
        spoken = [metric.of(m) for metric in metrics]
        named = [
            # A measure as it is has its name already.
            one.named(f"v{n}") if metric != Leaf(getattr(metric, "measure", ""), None, Moved()) else one
            for n, (metric, one) in enumerate(zip(metrics, spoken, strict=True))
        ]
        if len({answer.bare().name for answer in named}) < len(named):
            return  # asked for the same twice
        fields = [getattr(m, name) for name in ("month", *by)]
        found = values(m(*named, by=fields, between=window))
        assert {row[: len(fields)] for row in found} == {key for groups in known.values() for key in groups}
        for row in found:
            key = row[: len(fields)]
            for value, metric in zip(row[len(fields) :], metrics, strict=True):
                wanted = worth(metric, known, key)
                assert equal(value, wanted), (key, metric, value, wanted)

    check()


@settings(max_examples=10, deadline=None)
@given(lines, st.sampled_from(["month", "week", "day"]), st.sampled_from(["spent", "sales", "goods"]), st.booleans())
def test_growth_is_this_over_that_less_one(rows: list[Any], grain: str, name: str, split: bool) -> None:
    reader = shop(rows, AS_OF)
    m, facts = MODEL.bind(reader), Facts(reader.rows).lines()
    by = ["status"] if split else []
    fields = [getattr(m, word) for word in (grain, *by)]
    now, then = (
        by_period(facts, by, grain, moved, MEASURES[name], window=None, as_of=AS_OF)
        for moved in (Moved(), Moved(back=("1 year",)))
    )
    found = values(getattr(m, name).growth("1 year").by(*fields))
    assert {row[:-1] for row in found} == now.keys() | then.keys()
    absent = None if name == "spent" else 0
    for row in found:
        here, before = (known.get(row[:-1], absent) for known in (now, then))
        wanted = None if here is None or not before else float(here) / float(before) - 1
        assert equal(row[-1], wanted), row
