"""The part of a question that one dataset answers: its rows, joined and filtered, aggregated by what was asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any

import ibis

from workspace.semantic.compile import aggregates
from workspace.semantic.compile.events import Activity, begin, counted_rows, enter_funnel, keys_of, steps_of
from workspace.semantic.compile.join import Joined, joined, repeat
from workspace.semantic.compile.plan import Entered, Leaf, Returned
from workspace.semantic.compile.rows import Trace
from workspace.semantic.language.metric import Measure, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from workspace.semantic.compile.join import Reader
    from workspace.semantic.compile.question import Question
    from workspace.semantic.compile.reading import Reading
    from workspace.semantic.compile.rows import Place
    from workspace.semantic.language.calendar import Window
    from workspace.semantic.language.declare import Spec
    from workspace.semantic.model import Model


@dataclass(frozen=True, kw_only=True)
class Part:
    """One table of a branch.

    Attributes:
        table: Keys and values.
        counts: The values that are 0 rather than missing where the table has no row.
        sums: The values that are 0 in a period in which nothing happened; counts among them.
    """

    table: Any
    counts: frozenset[str]
    sums: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Branch:
    """The leaves of a question that are aggregated together: one home, one kind of snapshot, one stretch of rows.

    Attributes:
        home: The dataset.
        leaves: What is aggregated, by the name of its column.
        window: The days whose rows are read; None for all.
        reading: Reads the question's words over the home rows.
    """

    model: Model
    reader: Reader
    question: Question
    home: Spec
    leaves: dict[str, Leaf]
    window: Window | None
    reading: Reading

    @property
    def first(self) -> Measure:
        """A measure of it; all have the same snapshot."""
        return next(iter(self.leaves.values())).measure

    @property
    def shared(self) -> tuple[Any, ...]:
        """The conditions that all leaves have: they choose rows. The others choose within an aggregate."""
        each = [leaf.conditions for leaf in self.leaves.values()]
        return each[0] if all(_same(conditions, each[0]) for conditions in each) else ()

    def rows(self, *, keyed: bool = False) -> Joined:
        """Join and filter the rows that are aggregated.

        Args:
            keyed: Whether their key and their time are read too, for people who look at them.

        Returns:
            The scope over those rows.
        """
        trace = Trace(self.model)
        home = trace.home(self.home)
        # The same words are said to the trace and to the joined rows, so that what is joined is what is read.
        self._read(home)
        if keyed:
            if self.home.time is not None:
                home.read(self.home.time.name)
            for column in keys_of(self.home):
                home.scope.column(home, column)
        scope = joined(self.model, self.reader, self.home, trace.needs)
        self._mark(scope)
        repeat(scope, self.home)
        early, late = self._conditions(timely=True), self._conditions(timely=False)
        scope.keep(condition(scope.home(self.home)) for condition in early)
        if self.first.over is not None:
            self._keep_level(scope)
        scope.keep(condition(scope.home(self.home)) for condition in late)
        self._keep_counted(scope)
        return scope

    def _read(self, home: Place) -> None:
        for field in self.reading.fields:
            self.reading.key(home, field)
        self.reading.touch(home)
        for condition in (*self._conditions(timely=True), *self._conditions(timely=False)):
            condition(home)
        for name, leaf in self.leaves.items():
            self._value(home, leaf)
            for condition in leaf.conditions:
                self.reading.asker(condition)(home)
            self._read_steps(home, name, leaf)
        if self.first.over is not None:
            home.keys_of(self.first.over)
        if (
            self.first.over is not None
            or self.window is not None
            or not all(leaf.shape.plain for leaf in self.leaves.values())
        ):
            home.event_moment()

    def _read_steps(self, home: Place, name: str, leaf: Leaf) -> None:
        """Note what funnels and retention need of the rows: who, when, and the key that decides between equals."""
        if isinstance(leaf.source, Measure):
            return
        home.event_moment()
        for column in keys_of(self.home):
            home.scope.column(home, column)
        if isinstance(leaf.source, Entered):
            steps_of(self.model, leaf.source.funnel.steps[:1], leaf.source.funnel.by, name)[0].read_who(home)
        else:
            home.scope.beside(home, self._activity(leaf), "there")

    def _mark(self, scope: Joined) -> None:
        """Write what happened later into the rows, before conditions take some away."""
        done: set[str] = set()
        for leaf in self.leaves.values():
            name = self.mark(leaf)
            entering = isinstance(leaf.source, Entered) and leaf.source.step == 0
            if isinstance(leaf.source, Measure) or entering or name in done:
                continue
            done.add(name)
            if isinstance(leaf.source, Entered):
                enter_funnel(scope, self.reader, leaf.source.funnel, name, asked=self.reading.asker, window=self.window)
            else:
                today = self.model.calendar.today(self.reader.release.as_of)
                begin(scope, leaf.source.retention, name, asked=self.reading.asker, as_of=ibis.literal(today))

    def mark(self, leaf: Leaf) -> str:
        """Name what is written into the rows for a leaf's funnel or retention; nothing for a measure.

        Two of them may be called alike, and one may be asked for by several steps: what tells them apart is what they
        are made of.
        """
        whole = leaf.whole
        if whole is None:
            return ""
        known = dict.fromkeys(other.whole for other in self.leaves.values() if other.whole is not None)
        return f"mark{list(known).index(whole)}"

    def _activity(self, leaf: Leaf) -> Activity:
        assert isinstance(leaf.source, Returned)  # noqa: S101 - for the type checker
        return Activity(
            model=self.model,
            reader=self.reader,
            retention=leaf.source.retention,
            name=f"{self.mark(leaf)}__back",
            asked=self.reading.asker,
        )

    def _value(self, home: Place, leaf: Leaf) -> Any:
        """Build a leaf's aggregate over the rows, without its conditions."""
        source = leaf.source
        if isinstance(source, Measure):
            return home.resolve(source.expr)
        mark = self.mark(leaf)
        kept = [counted_rows(home, leaf.measure)]
        if isinstance(source, Entered):
            kept += [home.scope.marked(f"{mark}__{source.step}")] if source.step else []
        else:
            kept.append(home.scope.marked(f"{mark}__first"))
            if source.back:
                kept.append(home.scope.beside(home, self._activity(leaf), "there").notnull())
        conditions = [condition for condition in kept if condition is not None]
        return home.scope.count(reduce(and_, conditions) if conditions else None)

    def _conditions(self, *, timely: bool) -> list[Callable[[Place], Any]]:
        """List the conditions on the rows, each as a function of the home row.

        Conditions on time choose among a snapshot's rows and come first; those on what the rows are choose among the
        last ones. Otherwise "last in Berlin" would find a listing in Berlin that has long moved away.
        """
        early: list[Callable[[Place], Any]] = []
        late: list[Callable[[Place], Any]] = []
        where, window = self.home.where, self.window
        if where is not None:
            early.append(lambda place: place.resolve(where))
        if window is not None and (window.start or window.end):
            early.append(lambda place: place.scope.within(place.event_moment(), window))
        for condition in (*self.question.where, *self.shared):
            if not self.reading.far(condition):
                about_time = self.reading.about_time(condition)
                (early if about_time else late).append(self.reading.asker(condition))
        return early if timely else late

    def _keep_counted(self, scope: Joined) -> None:
        """Drop the rows that no aggregate counts: a group of such rows only is none."""
        each = [leaf.conditions for leaf in self.leaves.values()]
        if not self.shared and all(each):
            home = scope.home(self.home)
            held = [reduce(and_, (self.reading.asker(one)(home) for one in conditions)) for conditions in each]
            scope.keep([reduce(or_, held)])

    def _keep_level(self, scope: Joined) -> None:
        """Keep each one's rows of its last (or first) moment, in each period that the question distinguishes."""
        measure = self.first
        assert measure.over is not None  # noqa: S101 - for the type checker
        home = scope.home(self.home)
        periods = [self.reading.value(home, field) for field in self.reading.own_times(self.reading.fields)]
        moment = home.event_moment()
        end = moment.max() if measure.snapshot == "last" else moment.min()
        scope.keep([moment == end.over(group_by=[*home.keys_of(measure.over), *periods])])

    def parts(self) -> list[Part]:
        """Aggregate: one table, or one for each way in which days count."""
        scope = self.rows()
        home = scope.home(self.home)
        values = {name: self.aggregate(home, leaf) for name, leaf in self.leaves.items()}
        own = self.reading.own_times(self.reading.fields)
        from workspace.semantic.compile.along import Along, by_day_first

        plain = all(leaf.shape.plain for leaf in self.leaves.values())
        if not own or (plain and not by_day_first(self, own, values)):
            keys = {field.column: self.reading.key(home, field) for field in self.reading.fields}
            found = scope.table.group_by(**keys).aggregate(**values) if keys else scope.table.aggregate(**values)
            return [self.part(found, values)]
        return Along(self, scope, own).parts()

    def part(self, table: Any, values: dict[str, Any]) -> Part:
        """Tell what kinds of values a table has. A level that was not taken is unknown, and not 0."""
        counts, sums = (
            frozenset(name for name, value in values.items() if is_kind(value))
            for is_kind in (aggregates.is_count, aggregates.is_sum)
        )
        return Part(table=table, counts=counts, sums=frozenset() if self.first.over is not None else sums)

    def aggregate(self, home: Place, leaf: Leaf) -> Any:
        """Build a leaf's aggregate over the rows."""
        value = aggregates.portable(self._value(home, leaf))
        if _same(leaf.conditions, self.shared):
            return value
        return aggregates.restrict(value, [self.reading.asker(condition)(home) for condition in leaf.conditions])


def _same(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    return tuple(map(said, a)) == tuple(map(said, b))
