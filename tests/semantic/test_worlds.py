"""Whatever the model: random stars and snowflakes answer random questions as brute force does.

References go in any direction without a circle, several to one dataset; keys are missing or lead nowhere; histories
have gaps, begin late and end early, and are read at the time of the row, of a row on the way, of a day, or as of now.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, note, settings
from hypothesis import strategies as st
from ibis import _

import workspace.semantic as ws
from semantic.brute import equal
from semantic.shop import connection
from semantic.worlds import ADDITIVE, COUNTS, Path, Raw, World, level, sums, worlds

if TYPE_CHECKING:
    from collections.abc import Callable

FEW_OR_MANY = pytest.mark.parametrize(
    "factor", [pytest.param(1, id="few"), pytest.param(15, id="many", marks=(pytest.mark.soak, pytest.mark.slow))]
)


def paths(world: World, home: int) -> list[Path]:
    walks = [walk for walk in world.walks(home) if len(walk) <= 3]
    return [Path(home, walk, column) for walk in walks for column in ("c", "id", "t") if walk or column != "t"]


@st.composite
def asked(draw: st.DrawFn) -> tuple[World, int, list[Path], str | None, Any, tuple[date, date] | None]:
    """A world, a home dataset, what to group by, a grain of time, how a path must be, and days."""
    world = draw(worlds())
    home = draw(st.sampled_from([0, 0, *range(len(world.tables))]))
    known = paths(world, home)
    by = draw(st.lists(st.sampled_from(known), max_size=2, unique_by=lambda path: (path.links, path.column)))
    grain = draw(st.sampled_from([None, None, "month", "day"]))
    condition = draw(st.sampled_from([None, *((path, how) for path in known if path.column == "c" for how in HOLDS)]))
    start = date(2026, 3, 20) + timedelta(days=draw(st.integers(0, 40)))
    window = draw(st.sampled_from([None, None, (start, start + timedelta(days=draw(st.integers(1, 40))))]))
    return world, home, by, grain, condition, window


HOLDS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], bool]]] = {
    "is": (lambda word: word == "a", lambda value: value == "a"),
    "is not": (lambda word: word != "a", lambda value: value != "a"),  # what is missing is not "a"
    "not": (lambda word: ~(word == "a"), lambda value: value != "a"),
    "missing": (lambda word: word.isnull(), lambda value: value is None),
    "one of": (lambda word: word.isin(["b", None]), lambda value: value in ("b", None)),
    "less": (lambda word: word < "b", lambda value: value is not None and value < "b"),
    "not less": (lambda word: ~(word < "b"), lambda value: value is None or value >= "b"),
    "either": (lambda word: (word == "a") | (word > "b"), lambda value: value is not None and value != "b"),
}
"""Conditions in the language, and what they mean."""


def measures(world: World, home: int) -> list[str]:
    table = world.tables[home]
    names = [f"{kind}{home}" for kind in ("sum", "rows", "some", "words", "least", "most", "mean", "middle", "quarter")]
    names += [f"through{home}{link.number}" for link in table.links]
    return names + ([f"last{home}", f"first{home}"] if table.links else [])


def ask(m: Any, names: list[str], by: list[Any], **how: Any) -> dict[tuple[Any, ...], dict[str, Any]]:
    rows = m(*(getattr(m, name) for name in names), by=by, **how).to_arrow().to_pylist()
    found = {
        tuple(row.values())[: len(by)]: dict(zip(names, list(row.values())[len(by) :], strict=True)) for row in rows
    }
    assert len(found) == len(rows), "a group came twice"
    return found


def period_of(world: World, home: int, grain: str | None) -> Callable[[Raw], Any]:
    def period(row: Raw) -> Any:
        day = world.tables[home].day(row) if grain else None
        return day.replace(day=1) if day and grain == "month" else day

    return period


def expected(question: Any, name: str) -> dict[tuple[Any, ...], Any]:
    """The home rows, of the days, of which the condition holds, by group; of a level the last ones of these days."""
    world, home, by, grain, condition, window = question
    table, period = world.tables[home], period_of(world, home, grain)
    rows = world.home(home)
    if window:
        rows = [row for row in rows if (day := table.day(row)) and window[0] <= day < window[1]]
    if name.startswith(("last", "first")):
        rows = level(table, rows, name.rstrip("0123456789"), period)
    if condition:
        path, how = condition
        rows = [row for row in rows if HOLDS[how][1](world.read(table, row, path))]
    groups: defaultdict[tuple[Any, ...], list[Raw]] = defaultdict(list)
    for row in rows:
        start = (period(row),) if grain else ()
        groups[*start, *(world.read(table, row, path) for path in by)].append(row)
    if not by and not grain:
        groups.setdefault((), [])
    return {key: sums(world, home, name, found) for key, found in groups.items()}


def spoken(question: Any, m: Any) -> tuple[list[Any], dict[str, Any]]:
    world, _home, by, grain, condition, window = question
    fields = [*([getattr(m, grain)] if grain else []), *(path.of(world, m) for path in by)]
    where = HOLDS[condition[1]][0](condition[0].of(world, m)) if condition else None
    return fields, {"where": where, "between": window}


@FEW_OR_MANY
def test_every_measure_equals_brute_force(factor: int) -> None:
    @settings(max_examples=25 * factor, deadline=None)
    @given(asked())
    def check(question: Any) -> None:
        world, home, *_rest = question
        m = world.load().model().bind(world)
        fields, how = spoken(question, m)
        names = measures(world, home)
        found = ask(m, names, fields, **how)
        wanted = {name: expected(question, name) for name in names}
        assert found.keys() == set().union(*wanted.values())
        for group, row in found.items():
            for name, value in row.items():
                absent = 0 if name.startswith(COUNTS) else None
                assert equal(value, wanted[name].get(group, absent)), (group, name, value)

    check()


@FEW_OR_MANY
def test_no_dimension_loses_or_repeats_a_row(factor: int) -> None:
    @settings(max_examples=10 * factor, deadline=None)
    @given(worlds())
    def check(world: World) -> None:
        m = world.load().model().bind(world)
        names = [f"{kind}0" for kind in ADDITIVE]
        total = ask(m, names, [])[()]
        for path in paths(world, 0):
            groups = ask(m, names, [path.of(world, m)])
            for name in names:
                values = [row[name] for row in groups.values() if row[name] is not None]
                assert equal(sum(values), total[name] or 0), (name, path)

    check()


@FEW_OR_MANY
def test_together_is_apart(factor: int) -> None:
    """Metrics of two datasets by what both refer to, in one way each."""

    @settings(max_examples=12 * factor, deadline=None)
    @given(worlds(), st.data())
    def check(world: World, data: Any) -> None:
        homes = data.draw(st.lists(st.integers(0, len(world.tables) - 1), min_size=2, max_size=2, unique=True))
        both = [ends_of(world, home) for home in homes]
        shared = sorted(n for n in both[0].keys() & both[1].keys() if both[0][n] == both[1][n] == 1)
        m = world.load().model().bind(world)
        fields = [getattr(m, f"c{n}") for n in shared[:1]] + data.draw(st.sampled_from([[], [m.month]]))
        # A metric that chooses its own days, one that chooses rows, one of each kind of aggregate.
        names = [f"{kind}{home}" for home in homes for kind in ("sum", "rows", "words", "most", "middle")]
        names += [f"last{home}" for home in homes if world.tables[home].links]
        together = ask(m, names, fields)
        apart = {name: ask(m, [name], fields) for name in names}
        note(f"{[f.path for f in fields]}")
        assert together.keys() == set().union(*apart.values())
        for group, row in together.items():
            for name, value in row.items():
                absent = 0 if name.startswith(COUNTS) else None
                assert value == (apart[name][group][name] if group in apart[name] else absent), (group, name)

    check()


def ends_of(world: World, home: int) -> dict[int, int]:
    """In how many ways each dataset can be reached."""
    found: defaultdict[int, int] = defaultdict(int)
    for walk in world.walks(home):
        found[world.end(home, walk)] += 1
    return found


@FEW_OR_MANY
def test_the_order_of_declarations_changes_nothing(factor: int) -> None:
    @settings(max_examples=8 * factor, deadline=None)
    @given(asked(), st.randoms())
    def check(question: Any, random: Any) -> None:
        world, home, *_rest = question
        order = list(range(len(world.tables)))
        random.shuffle(order)
        models = [world.model(), world.model(order, backwards=True)]
        world.load()
        for name in models[0].metrics:
            assert models[0].definition(name) == models[1].definition(name)
        answers = []
        for model in models:
            m = model.bind(world)
            fields, how = spoken(question, m)
            answers.append(ask(m, measures(world, home), fields, **how))
        assert answers[0] == answers[1]

    check()


@FEW_OR_MANY
def test_overlap_counts_each_row_once_for_each_value(factor: int) -> None:
    """By a word of the many that refer to a row: groups may add up to more, the total is that of the rows."""

    @settings(max_examples=15 * factor, deadline=None)
    @given(worlds(), st.data())
    def check(world: World, data: Any) -> None:
        ways = [
            (many.number, link)
            for many in world.tables
            for link in many.links
            if ends_of(world, many.number)[link.target] == 1
            and not any(
                ends_of(world, other.number)[many.number] and any(o.target == link.target for o in other.links)
                for other in world.tables
                if other is not many
            )
        ]
        assume(ways)
        many, link = data.draw(st.sampled_from(ways))
        one, home = link.target, world.tables[link.target]
        m = world.load().model().bind(world)
        word = getattr(m, f"c{many}")
        names = [name for name in measures(world, one) if not name.startswith(("last", "first"))]
        kept = data.draw(st.sampled_from([None, "a", "b"]))
        values = {
            row["id"]: {
                theirs["c"]
                for theirs in world.home(many)
                if theirs[f"r{link.number}"] == row["id"] and kept in (None, theirs["c"])
            }
            for row in world.home(one)
        }
        groups: defaultdict[Any, list[Raw]] = defaultdict(list)
        for row in world.home(one):
            for value in values[row["id"]] or ({None} if kept is None else ()):
                groups[value].append(row)
        where = None if kept is None else word == kept
        found = ask(m, names, [word], overlap=True, where=where)
        assert {key for (key,) in found} == groups.keys()
        for (group,), row in found.items():
            for name, value in row.items():
                assert equal(value, sums(world, one, name, groups[group])), (group, name)
        # Without groups a condition on the many keeps a row once, however many fulfil it.
        rows = [row for row in world.home(one) if kept is None or values[row["id"]]]
        (whole,) = ask(m, names, [], overlap=True, where=where).values()
        for name, value in whole.items():
            assert equal(value, sums(world, one, name, rows)), name
        answer = m(*(getattr(m, name) for name in names), by=[word], overlap=True, where=where)
        assert list(answer.total().to_arrow().to_pylist()[0].values()) == list(whole.values())
        assert home.number == one

    check()


def test_columns_may_have_any_names() -> None:
    """Also those that joined columns might be given: `customer__country` is not the country of the customer."""
    connection().raw_sql("create or replace table \"w.customers\" as select 1 as id, 'theirs' as country")
    connection().raw_sql(
        "create or replace table \"w.orders\" as select 1 as id, 1 as customer_id, 'mine' as customer__country,"
        " timestamptz '2026-06-01 00:00:00+00' as at, 'text' as at__wall, 5 as day__, 6 as who__"
    )

    class Customers(ws.Dataset, table="w.customers"):
        person = ws.key(_.id)
        country = ws.dim(_.country)

    class Orders(ws.Dataset, table="w.orders"):
        order = ws.key(_.id)
        customer = ws.ref(Customers, _.customer_id)
        at = ws.time(_.at, default=True)
        mine, noted = ws.dim(_.customer__country), ws.dim(_.at__wall)
        orders, days, people = ws.measure(_.count()), ws.measure(_.day__.sum()), ws.measure(_.who__.sum())

    m = ws.Model(Customers, Orders, timezone="Europe/Berlin").bind(World([]))
    answer = m(m.orders, m.days, m.people, by=[m.day, m.customer.country, m.mine, m.noted])
    assert answer.to_arrow().to_pylist() == [
        {
            "day": date(2026, 6, 1),
            "customer_country": "theirs",
            "mine": "mine",
            "noted": "text",
            "orders": 1,
            "days": 5,
            "people": 6,
        }
    ]
