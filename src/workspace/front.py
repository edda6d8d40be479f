"""The front door for people: a release, its tables, its metrics."""

from __future__ import annotations

import dataclasses
import importlib
from datetime import UTC, date, datetime
from html import escape
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workspace.engine import Engine, open_engine, run_checks, structure
from workspace.errors import LakeError, RunError, SettingsError, WorkspaceError, did_you_mean
from workspace.lake import Lake, find, prepare, publish, reject
from workspace.lake.schema import keys_of
from workspace.settings import Settings, SnowplowSource, load_settings

if TYPE_CHECKING:
    import ibis

    from workspace.engine import Checked
    from workspace.lake import Column, Release, View
    from workspace.semantic import Metrics
    from workspace.semantic.trust.audit import Audit

_BLOCKS = ".self_describing"
"""What the table of a source ends with that events and entities are read from by name."""

_CHECKS = pa.schema(
    [
        pa.field("candidate", pa.int64()),
        *(pa.field(name, pa.string()) for name in ("release", "run", "name", "severity")),
        pa.field("violations", pa.int64()),
        pa.field("description", pa.string()),
        pa.field("recorded_at", pa.timestamp("us", "UTC")),
    ]
)


def connect(
    release: str | None = None,
    *,
    known_by: str | date | None = None,
    candidate: str | None = None,
    as_of: str | datetime | None = None,
    engine: str | None = None,
    settings: Settings | None = None,
) -> Workspace:
    """Open a release of the lake for reading.

    What is seen never changes while it is open, whatever is written or published meanwhile.

    Args:
        release: A release by name, e.g. `2026-10-31`; the newest published one if nothing is asked for.
        known_by: The newest release that sees nothing after this day or moment.
        candidate: The unpublished candidate of a run, for the steps before publication.
        as_of: With `candidate`: cut it anew at this exclusive end (ISO, UTC).
        engine: What computes the answers, if not what the settings say: `duckdb`, or `sc://host:15002`.
        settings: The settings to use instead of those of the nearest `workspace.toml`.

    Returns:
        The release, with its tables and metrics.

    Raises:
        SettingsError: There is no usable `workspace.toml`, or the engine cannot be reached.
        ReleaseError: There is no such release, or it cannot be cut.
    """
    chosen = settings or load_settings()
    if engine is not None:
        chosen = dataclasses.replace(chosen, engine=engine)
    lake = Lake(chosen.lake)
    if candidate is not None and as_of is not None:
        sources = chosen.sources.values()
        cut = prepare(
            lake,
            run=candidate,
            as_of=_moment(as_of),
            required={source.name: source.required for source in sources},
            tables=chosen.required_tables,
            now=chosen.now(),
        )
        return Workspace(chosen, lake, cut)
    return Workspace(chosen, lake, find(lake, release, known_by=known_by, candidate=candidate))


def definitions(settings: Settings, name: str, *, default: Any = None) -> Any:
    """Give what the metrics module that the settings point to defines: its `model`, its `checks`, its `views`.

    Args:
        settings: What names the module.
        name: Of what it defines.
        default: What to give if the module is there and defines no such thing.

    Raises:
        SettingsError: The module cannot be imported, or defines no such thing and there is no default.
    """
    module = settings.metrics
    try:
        found = importlib.import_module(module)
        return getattr(found, name) if default is None else getattr(found, name, default)
    except (ImportError, AttributeError) as error:
        msg = f"The metrics module {module} has no {name}: {error}."
        raise SettingsError(msg, cure="Name a module that defines it in workspace.toml: metrics = ...") from error


class Workspace:
    """One release: tables, history, SQL and metrics, all read at the same cut.

    Attributes:
        release: Which one; its `as_of` is the exclusive end of what is seen.
        settings: Of the home that it was opened from.
    """

    def __init__(self, settings: Settings, lake: Lake, release: Release) -> None:
        self.release = release
        self.settings = settings
        self._lake = lake
        self._engine = open_engine(lake, release, settings.engine, self._views)
        self._metrics: Metrics | None = None
        self._typed: dict[str, ibis.Table] = {}

    @property
    def tables(self) -> list[str]:
        """The release's tables, by name, and the views over them that it has the sources for."""
        return self._engine.tables

    @property
    def metrics(self) -> Metrics:
        """Every metric that `workspace.toml` points to, asked of this release.

        Raises:
            SettingsError: The module that the settings name cannot be imported or defines no `model`.
        """
        if self._metrics is None:
            self._metrics = definitions(self.settings, "model").bind(self)
        return self._metrics

    def at(self, release: str) -> Workspace:
        """Open another release of the same lake, e.g. to compare an answer with what was known then.

        Raises:
            ReleaseError: There is none of this name.
        """
        return Workspace(self.settings, self._lake, find(self._lake, release))

    def table(self, name: str) -> ibis.Table:
        """Give a table's live rows, e.g. `inventory_db.bookings`.

        The self-describing events of a clickstream are tables too, by their names, and so are the entities that events
        carry: `clickstream.events:com.bookmyevent/search/1`, `clickstream.entities:com.bookmyevent/listing/1`.

        Raises:
            LakeError: The release has no such table.
        """
        return self._named(name) if ":" in name else self._engine.table(name)

    def columns(self, name: str) -> tuple[Column, ...]:
        """Give the columns of a table or view: their types, which are its key, and which hold personal data.

        Raises:
            LakeError: The release has no such table.
        """
        return self._engine.columns(name)

    def origins(self, name: str) -> set[str]:
        """Name the tables that a view is made of in the end; a table is its own."""
        return self._engine.virtual.origins(name)

    def event(self, name: str) -> ibis.Table:
        """Give the self-describing events of a name as a typed table, e.g. `com.bookmyevent/search/1`.

        Types are those of the schema in the source's Iglu registry, of all versions of the model together. A value that
        does not fit is NULL in its column; `data` has the JSON as it came.

        Args:
            name: `vendor/name/model`.

        Raises:
            LakeError: The release has no clickstream.
            SourceError: There is neither such an event nor its schema.
        """
        return self.table(f"{self._clickstream()}.events:{name}")

    def entity(self, name: str) -> ibis.Table:
        """Give the entities of a name as a typed table: one row an entity, `event_id` tells of which event.

        Args:
            name: `vendor/name/model`.

        Raises:
            LakeError: The release has no clickstream.
            SourceError: There is neither such an entity nor its schema.
        """
        return self.table(f"{self._clickstream()}.entities:{name}")

    def history(self, name: str) -> ibis.Table:
        """Give every version of a table's rows, with `valid_from` and `valid_to` (half-open, UTC).

        The version that is true now ends at 9999-12-31.

        Raises:
            LakeError: The release has no such table.
        """
        return self._engine.history(name)

    def valid_at(self, moment: str | date) -> ValidAt:
        """Travel in valid time: what was true at a moment, as known in this release.

        Args:
            moment: A day (its beginning, UTC) or a moment, as text or as date or datetime.

        Raises:
            RunError: The moment is not before the release's `as_of`: nothing is known about it.
        """
        at = _moment(moment)
        if at >= self.release.as_of:
            msg = f"Release {self.release.name} knows nothing of {at:%Y-%m-%d %H:%M} UTC."
            raise RunError(msg, cure=f"Ask for a moment before {self.release.as_of:%Y-%m-%d %H:%M} UTC.")
        return ValidAt(self._engine, at)

    def sql(self, text: str) -> ibis.Table:
        """Ask in SQL: `user_db.users` is a table's live rows, `user_db.users_history` its history.

        Raises:
            SemanticError: It is no single SELECT, or the engine refuses it.
        """
        return self._engine.sql(text)

    def audit(self) -> Audit:
        """Check an unpublished candidate, and reject it if a check fails.

        Runs the checks that follow from every table's key, those that follow from the model, and those of the metrics
        module, and records each outcome in `system.checks`.

        Raises:
            RunError: A check with severity error failed, or could not be asked; nothing will be published.
        """
        # Only this step needs the language; who opens a release to read a table does not.
        from workspace.semantic.trust.audit import Audit

        audit = Audit(release=self.release.name, done=tuple(self._checked()))
        self._lake.record("checks", self._recorded(audit))
        if audit.failed:
            failed = [checked.check.name for checked in audit.failed]
            reject(self._lake, run=self.release.run, failed=failed, now=self.settings.now())
            lines = "\n".join(f"  {checked.text}" for checked in audit.failed)
            title = "1 check" if len(failed) == 1 else f"{len(failed)} checks"
            msg = f"{title} failed, so {self.release.name} is not published:\n{lines}"
            raise RunError(msg, cure="Mend the source or the check, then run `workspace tick` again.")
        return audit

    def publish(self) -> Release:
        """Make this candidate the newest release, if its checks passed; once, however often it is called.

        Raises:
            RunError: The candidate was not checked.
            ReleaseError: A later release was published meanwhile.
        """
        done = self._lake.records("checks")
        audited = done is not None and self.release.sequence in done.column("candidate").to_pylist()
        if self.release.status == "candidate" and not audited:
            msg = f"The candidate {self.release.name} of run {self.release.run} was not checked."
            raise RunError(msg, cure="Run the check step first: nothing is published unchecked.")
        return publish(self._lake, run=self.release.run, now=self.settings.now())

    def _views(self) -> tuple[View, ...]:
        """Give the views that there may be: those of advertising, and the company's own."""
        from workspace import ads

        return *ads.VIEWS, *definitions(self.settings, "views", default=())

    def _clickstream(self) -> str:
        found = [name.partition(".")[0] for name in self.tables if name.endswith(_BLOCKS)]
        if not found:
            msg = f"Release {self.release.name} has no clickstream."
            raise LakeError(msg, cure="Describe one in workspace.toml, then `workspace tick`.")
        return found[0]

    def _has_schema(self, table: str) -> bool:
        """Tell whether events of a name can be read as a schema says; without one they have no fields."""
        try:
            return bool({*self._named(table).columns} - {"event_id", "place", "event_at", "version", "data"})
        except WorkspaceError:
            return False

    def _named(self, table: str) -> ibis.Table:
        """Give self-describing events or entities by the name that a table of theirs has."""
        from workspace.clickstream import named

        if table not in self._typed:
            kind, _, name = table.partition(":")
            source, _, kind = kind.partition(".")
            chosen = self.settings.sources.get(source)
            registry = chosen.schemas if isinstance(chosen, SnowplowSource) else ""
            read = {"events": named.event, "entities": named.entity}.get(kind)
            if read is None:
                raise LakeError(f"There is no table {table!r}.", cure=did_you_mean(kind, ["events", "entities"]))
            self._typed[table] = read(self._engine.table(f"{source}{_BLOCKS}"), name, registry)
        return self._typed[table]

    def _checked(self) -> list[Checked]:
        from workspace.semantic.trust import derived

        columns = {name: self._engine.columns(name) for name in self.release.tables}
        views = self._engine.virtual.names
        # A view's key follows from those of its tables; where a dataset relies on it, the model's checks ask.
        keys = {name: keys_of(known) for name, known in columns.items()} | dict.fromkeys(views, ())
        unchanging = [name for name in self.release.tables if not self._engine.has_history(name)]
        model = definitions(self.settings, "model")
        # Events by name are no tables of the release; what they are read from is.
        by_name = (spec.table for spec in model.specs.values() if ":" in spec.table)
        keys |= {name: () for name in by_name if self._has_schema(name)}
        asked = [
            *structure(keys, self._engine.deleted, unchanging=unchanging),
            *derived.checks(model, keys),
            *definitions(self.settings, "checks"),
        ]
        personal = {column.name for known in columns.values() for column in known if column.personal}
        personal = personal.union(*(self._engine.virtual.known[name].personal for name in views))
        return run_checks(self, asked, personal=personal)

    def _recorded(self, audit: Audit) -> pa.Table:
        entries = [
            {
                "candidate": self.release.sequence,
                "release": self.release.name,
                "run": self.release.run,
                "name": checked.check.name,
                "severity": checked.check.severity,
                "violations": checked.violations,
                "description": checked.check.description,
                "recorded_at": self.settings.now(),
            }
            for checked in audit.done
        ]
        return pa.Table.from_pylist(entries, schema=_CHECKS)

    def __repr__(self) -> str:
        lines = [f"Release {self.release.name}, as of {self.release.as_of:%Y-%m-%d %H:%M} UTC"]
        lines += [
            f"  {s.source}: read up to {s.reached:%Y-%m-%d %H:%M} UTC{' (late)' if s.late else ''}"
            for s in self.release.sources
        ]
        lines.append(f"  {len(self.release.tables)} tables: {', '.join(sorted(self.release.tables))}")
        if views := self._engine.virtual.names:
            lines.append(f"  {len(views)} views over them: {', '.join(views)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        sources = "".join(
            f"<tr><td>{escape(s.source)}</td><td>{s.reached:%Y-%m-%d %H:%M} UTC</td>"
            f"<td>{'late: older data is shown' if s.late else 'complete'}</td></tr>"
            for s in self.release.sources
        )
        tables = "".join(
            f"<tr><td>{escape(pin.table)}</td><td style='text-align:right'>{pin.rows:,}</td>"
            f"<td>{escape(pin.stopped)}</td></tr>"
            for pin in self.release.tables.values()
        )
        views = ", ".join(escape(name) for name in self._engine.virtual.names)
        return (
            f"<p><b>Release {escape(self.release.name)}</b>, as of {self.release.as_of:%Y-%m-%d %H:%M} UTC</p>"
            f"<table><tr><th>Source</th><th>Read up to</th><th></th></tr>{sources}</table>"
            f"<table><tr><th>Table</th><th>Rows</th><th></th></tr>{tables}</table>"
            f"{f'<p>Views over them: {views}</p>' if views else ''}"
        )


class ValidAt:
    """The tables of a release as they were at a moment."""

    def __init__(self, engine: Engine, moment: datetime) -> None:
        self.moment = moment
        self._engine = engine

    def table(self, name: str) -> ibis.Table:
        """Give the rows that were true at the moment.

        Raises:
            LakeError: The release has no such table.
        """
        return self._engine.valid_at(name, self.moment)

    def __repr__(self) -> str:
        return f"Release {self._engine.release.name}, as it was at {self.moment:%Y-%m-%d %H:%M} UTC"


def _moment(moment: str | date) -> datetime:
    parsed = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    if not isinstance(parsed, datetime):
        parsed = datetime(parsed.year, parsed.month, parsed.day, tzinfo=UTC)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
