"""The commands about metrics: what there is, what it means, and its catalog."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from workspace.cli.group import FAILED

if TYPE_CHECKING:
    from workspace.front import Workspace
    from workspace.semantic import Model
    from workspace.settings import Settings

app = typer.Typer(invoke_without_command=True)

Name = Annotated[str, typer.Argument(help="A metric.")]


@app.callback()
def metrics(context: typer.Context) -> None:
    """List every metric; with a command, say more about them."""
    if context.invoked_subcommand:
        return
    from workspace.cli.shown import table
    from workspace.settings import load_settings

    model = _model(load_settings())
    found = [model.definition(name) for name in sorted(model.metrics)]
    rows = [(d.name, d.description, d.unit, d.owner, d.id) for d in found]
    table("Metrics", ("metric", "meaning", "unit", "owner", "definition"), rows)


@app.command()
def show(name: Name) -> None:
    """Say what one metric means, what it can be split by, and from which tables it comes."""
    from workspace.cli.shown import say
    from workspace.semantic.origins import lineage, splits
    from workspace.settings import load_settings

    model = _model(load_settings())
    definition, found = model.definition(name), lineage(model, name)
    paths = splits(model.bind(None), model, name)  # type: ignore[arg-type]  # nothing is read
    for label, value in (
        (name, definition.description),
        ("unit", definition.unit),
        ("owner", definition.owner),
        ("definition", definition.id),
        ("formula", definition.formula),
        ("measures", ", ".join(found.measures)),
        ("tables", ", ".join(sorted(set(found.tables.values())))),
        ("split by", ", ".join(paths)),
    ):
        say(f"{label}: {value or '-'}")
    say(f"\n{definition.text}", "dim")


@app.command()
def catalog(
    out: Annotated[Path | None, typer.Option(help="The folder to write to; var/catalog if not given.")] = None,
) -> None:
    """Write a page about all metrics: meaning, owner, formula, lineage, trend at the newest release, uses."""
    from workspace.cli.shown import say
    from workspace.reports import write_catalog
    from workspace.settings import load_settings

    settings = load_settings()
    folder = out or settings.var / "catalog"
    say(str(write_catalog(settings, _newest(settings), folder)))


@app.command()
def save(
    name: Annotated[str | None, typer.Argument(help="One saved question; all if not given.")] = None,
) -> None:
    """Keep the answers to the questions in pipelines/questions.toml as Delta tables of the newest release."""
    from workspace.cli.shown import say
    from workspace.front import connect
    from workspace.reports import load_questions
    from workspace.reports import save as keep
    from workspace.reports.saved import chosen
    from workspace.settings import load_settings

    settings = load_settings()
    questions = chosen(load_questions(settings.pipelines), name, settings.pipelines)
    workspace = connect(settings=settings)
    for question in questions:
        kept = keep(workspace, question)
        if kept.rows is None:
            say(f"{kept.name}: release {kept.release} is saved already")
        else:
            say(f"{kept.name}: {kept.rows:,} rows of release {kept.release} in {kept.uri}")


@app.command()
def diff(
    revision: Annotated[str, typer.Argument(metavar="REV", help="A commit, tag or branch of the metrics' checkout.")],
) -> None:
    """Show which definitions changed between a git revision and the working tree.

    Leaves with 0 when every metric means what it meant, and with 1 when one does not, or cannot be compared. Words for
    people may change: they are no part of a definition.
    """
    from workspace.cli.revisions import changes, meanings, meanings_at
    from workspace.cli.shown import say
    from workspace.settings import load_settings

    settings = load_settings()
    before, after = meanings_at(settings.metrics, revision), meanings(_model(settings))
    found = changes(before, after)
    for change in found:
        say(change.summary)
    for change in found:
        for line in change.lines(revision):
            say(line, _DIFF.get(line[:1], ""))
    if found:
        say(f"{len(found)} of {len({*before, *after})} metrics are not what they were at {revision}.")
        raise typer.Exit(FAILED)
    say(f"All {len(after)} metrics mean what they meant at {revision}.")


@app.command()
def export(
    to: Annotated[Path, typer.Option("--to", help="The file to write.")],
    name: Annotated[str, typer.Option(help="What the document calls the model.")] = "metrics",
) -> None:
    """Write all definitions as an Apache Ossie document (YAML) for other tools, and say what it cannot hold."""
    from workspace.cli.shown import say
    from workspace.semantic.ossie import notes_of, to_ossie
    from workspace.settings import load_settings

    text = to_ossie(_model(load_settings()), name)
    to.write_text(text, encoding="utf-8")
    for note in notes_of(text):
        say(note, "dim")
    say(str(to))


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="An Apache Ossie document (YAML).")],
) -> None:
    """Write an Apache Ossie document as declarations in Python to standard output, for you to look through and keep."""
    from workspace.errors import SemanticError
    from workspace.semantic.ossie import from_ossie

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SemanticError(f"{file} cannot be read: {error}", cure="Name a YAML file.") from None
    typer.echo(from_ossie(text), nl=False)


_DIFF = {"+": "green", "-": "red", "@": "cyan"}


def _model(settings: Settings) -> Model:
    from workspace.front import definitions

    model: Model = definitions(settings, "model")
    return model


def _newest(settings: Settings) -> Workspace | None:
    """Open the newest release; None where nothing was published yet."""
    from workspace.front import connect
    from workspace.lake import Lake, releases

    return connect(settings=settings) if releases(Lake(settings.lake), "published") else None
