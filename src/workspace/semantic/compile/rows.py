"""What `_` stands for in a declaration: a row, and through its references every row it belongs to.

The same expression is resolved twice. Over a `Trace` it only tells what it needs; over the joined table it becomes
Ibis. So a question joins exactly what it needs, each reference once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, Protocol

import ibis

from workspace.errors import SemanticError
from workspace.semantic.language.declare import Dim, Fact, Key, Ref, Spec, Time, path_of

if TYPE_CHECKING:
    from workspace.semantic.language.calendar import Window
    from workspace.semantic.model import Model

Chain = tuple[str, ...]


class Row:
    """The object that a deferred expression sees. Names are members first, then columns; `_["x"]` does the same."""

    __slots__ = ("_place",)

    def __init__(self, place: Place) -> None:
        self._place = place

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._place.read(name)

    def __getitem__(self, name: str) -> Any:
        return self._place.read(name)

    def count(self, where: Any = None) -> Any:
        """Count rows, all or those that fulfil a condition."""
        return self._place.scope.count(where)


@dataclass(frozen=True)
class Day:
    """A fixed day at whose beginning versions are read, instead of the time of some row."""

    model: Model
    day: date

    def event_moment(self) -> Any:
        """Give the moment at which the day begins in the reporting time zone."""
        return ibis.literal(self.model.calendar.midnight(self.day), "timestamp('UTC')")


class Extra(Protocol):
    """A table with a key, which a question puts beside the rows: a metric per booker, the largest groups, ..."""

    @property
    def name(self) -> str:
        """What its columns begin with."""

    @property
    def how(self) -> Literal["left", "inner", "semi"]:
        """Whether rows without a match stay ("left"), go ("inner"), or only those with one stay ("semi")."""

    @property
    def repeats(self) -> bool:
        """Whether a row may have several matches, or go for want of one."""

    def on(self, home: Place) -> list[Any]:
        """Read a row's values for the key."""

    def table(self) -> Any:
        """Give the table: `<name>__key0`, ... and its other columns, `<name>__...`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Place:
    """A dataset's row, some references away from the home row.

    Attributes:
        scope: Where columns come from.
        spec: The dataset.
        chain: The names of the references that lead here from home.
        event: Whose default time decides about versions, or a fixed day; None reads the newest ones. Unset at home:
            its own.
        own: Members that are being resolved; inside their own definition their names mean the column.
        instant: Whether times read as moments (UTC) rather than as wall clock.
    """

    scope: Scope
    spec: Spec
    chain: Chain = ()
    event: Place | Day | None = None
    own: frozenset[str] = frozenset()
    instant: bool = False

    def resolve(self, expr: Any) -> Any:
        """Resolve a deferred expression over this row."""
        return expr.resolve(Row(self))

    def read(self, name: str) -> Any:
        """Read a member or a column.

        Raises:
            SemanticError: The member is not a value of a row.
        """
        member = None if name in self.own else self.spec.members.get(name)
        if member is None:
            return self.scope.column(self, name)
        self.scope.reach(self.spec, name)
        match member:
            case Ref():
                return Row(self.follow(member))
            case Time():
                return self.raw(member) if self.instant else self.scope.wall(self, member)
            case Dim() | Fact():
                return self.inside(name).resolve(member.expr)
            case Key():
                # A key of several columns is no value, so its name is free for one of them.
                return self.scope.column(self, member.columns[0] if len(member.columns) == 1 else name)
        msg = f"{self.spec.name}.{name} is a measure and cannot be used as a value of a row."
        raise SemanticError(msg, cure="Use a column, a dim or a fact.")

    def inside(self, name: str) -> Place:
        """Go into the definition of a member."""
        return replace(self, own=self.own | {name})

    def raw(self, time: Time) -> Any:
        """Read a time as its expression has it."""
        return self.inside(time.name).resolve(time.expr)

    def follow(self, ref: Ref) -> Place:
        """Go to the row that a reference names."""
        model = self.scope.model
        if isinstance(ref.valid, date):
            event: Place | Day | None = Day(model, ref.valid)
        else:
            home = self.event if self.chain else self
            event = {None: home, "event": self, "now": None}[ref.valid]
        there = Place(
            scope=self.scope,
            spec=model.target(ref),
            chain=(*self.chain, ref.name),
            event=event,
            instant=self.instant,
        )
        self.scope.enter(self, ref, there)
        return there

    def keys_of(self, ref: Ref) -> list[Any]:
        """Resolve this row's values for the key of a reference's target."""
        inside = replace(self.inside(ref.name), instant=False)
        return [inside.resolve(expr) for expr in self.scope.model.key_exprs(ref)]

    def period(self, time: Time, grain: str) -> Any:
        """Read the period of a calendar in which one of this row's times lies: a grain, or the calendar's own."""
        calendar = self.scope.model.grains[grain]
        if calendar is None:
            return self.scope.truncate(self.scope.wall(self, time), grain)
        return self.follow(calendar_ref(calendar, time)).read(grain)

    def moment(self, time: Time) -> Any:
        """Read one of this row's times as a moment (UTC timestamp, or a date)."""
        self.scope.reach(self.spec, time.name)
        return replace(self, instant=True).raw(time)

    def event_moment(self) -> Any:
        """Read this row's default time as a moment.

        Raises:
            SemanticError: The dataset has none, but a version must be chosen by it.
        """
        time = self.spec.time
        if time is None:
            msg = f"{self.spec.name} has no default time by which a version could be chosen."
            cure = f'Declare time(..., default=True) in {self.spec.name}, or say ref(..., valid="now").'
            raise SemanticError(msg, cure=cure)
        return self.moment(time)


class Scope(ABC):
    """Where the columns of rows come from."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def home(self, spec: Spec) -> Place:
        """Start at a dataset's own row."""
        return Place(scope=self, spec=spec)

    @abstractmethod
    def column(self, place: Place, name: str) -> Any:
        """Read a column of a place's dataset."""

    @abstractmethod
    def wall(self, place: Place, time: Time) -> Any:
        """Read a time as the wall clock of the reporting time zone."""

    @abstractmethod
    def beside(self, home: Place, extra: Extra, column: str) -> Any:
        """Read a column of a table that stands beside the home row."""

    @abstractmethod
    def marked(self, name: str) -> Any:
        """Read what was written into the rows after they were joined."""

    @abstractmethod
    def count(self, where: Any) -> Any:
        """Count rows."""

    @abstractmethod
    def truncate(self, value: Any, grain: str) -> Any:
        """Round a wall clock time down to the start of its period."""

    @abstractmethod
    def within(self, value: Any, window: Window) -> Any:
        """Build the condition that a moment lies in a window."""

    def enter(self, place: Place, ref: Ref, there: Place) -> None:  # noqa: B027 - only a trace keeps a record
        """Note that a reference was followed."""

    def reach(self, spec: Spec, name: str) -> None:  # noqa: B027
        """Note that a member was used."""


@dataclass(frozen=True, kw_only=True)
class Join:
    """One reference that a question follows: from where, and whose time decides about versions."""

    ref: Ref
    owner: Place
    event: Place | Day | None


@dataclass(kw_only=True)
class Needs:
    """What expressions asked for while they were traced. Joins are in an order in which they can be made."""

    joins: dict[Chain, Join] = field(default_factory=dict)
    extras: dict[str, Extra] = field(default_factory=dict)
    columns: dict[Chain, set[str]] = field(default_factory=dict)
    walls: dict[Chain, dict[str, Time]] = field(default_factory=dict)
    members: set[tuple[str, str]] = field(default_factory=set)
    specs: set[str] = field(default_factory=set)


class Trace(Scope):
    """Resolves expressions to expressions, and notes what they need on the way."""

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self.needs = Needs()

    def home(self, spec: Spec) -> Place:
        """Start at a dataset's own row."""
        self.needs.specs.add(spec.name)
        self.needs.columns.setdefault((), set())
        return super().home(spec)

    def column(self, place: Place, name: str) -> Any:
        """Note the column."""
        self.needs.columns[place.chain].add(name)
        return getattr(ibis._, name)

    def enter(self, place: Place, ref: Ref, there: Place) -> None:
        """Note the join, after those that its keys and its event time need."""
        if there.chain in self.needs.joins:
            return
        place.keys_of(ref)
        if there.spec.history and there.event is not None:
            there.event.event_moment()
        self.needs.joins[there.chain] = Join(ref=ref, owner=place, event=there.event)
        self.needs.columns.setdefault(there.chain, set())
        self.needs.specs.add(there.spec.name)

    def wall(self, place: Place, time: Time) -> Any:
        """Note that the wall clock is needed, so that it is calculated once."""
        if is_plain(place.spec, time):
            self.needs.walls.setdefault(place.chain, {})[time.name] = time
        return place.raw(time)

    def beside(self, home: Place, extra: Extra, column: str) -> Any:
        """Note the table, and what its key needs of the row."""
        if extra.name not in self.needs.extras:
            extra.on(home)
            self.needs.extras[extra.name] = extra
        return getattr(ibis._, column)

    def marked(self, name: str) -> Any:
        """Name what will be there."""
        return getattr(ibis._, name)

    def count(self, where: Any) -> Any:
        """Count symbolically."""
        return ibis._.count(where)

    def truncate(self, value: Any, grain: str) -> Any:  # noqa: ARG002 - what is needed does not depend on it
        """Leave the time as it is."""
        return value

    def within(self, value: Any, window: Window) -> Any:  # noqa: ARG002
        """Leave the moment as it is."""
        return value

    def reach(self, spec: Spec, name: str) -> None:
        """Note a member, for the text of definitions."""
        self.needs.members.add((spec.name, name))


def calendar_ref(calendar: str, time: Time) -> Ref:
    """Make the reference from a time's day to the calendar's row for it."""
    ref = Ref(target=calendar, exprs=(ibis._[time.name].cast("date"),))
    ref.name, ref.dataset = f"{time.name}__calendar", time.dataset
    return ref


def is_plain(spec: Spec, time: Time) -> bool:
    """Tell whether a time is just a column of its dataset."""
    path = path_of(time.expr)
    return path is not None and len(path) == 1 and (path[0] == time.name or path[0] not in spec.members)
