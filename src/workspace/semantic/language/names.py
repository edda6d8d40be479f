"""What names mean: where a path leads from a dataset, and what may follow it.

A path need not be spelled out: the end of a chain of references is enough as long as only one chain ends so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workspace.errors import SemanticError
from workspace.semantic.language.declare import Dim, Fact, Key, Member, Ref, Spec, Time, path_of

if TYPE_CHECKING:
    from workspace.semantic.language.words import Field
    from workspace.semantic.model import Model


class UnknownNameError(SemanticError, AttributeError):
    """A name that means nothing here; an AttributeError too, so that `hasattr` and completion work."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """Where a path leads from a metric's home: along which references, to which member (None: the row itself)."""

    walk: tuple[Ref, ...]
    spec: Spec
    member: Member | None


def find(model: Model, home: Spec, steps: tuple[str, ...]) -> list[Found]:
    """Find what a path can mean for the metrics of a dataset.

    A path that is spelled out from the dataset itself has only that one meaning.
    """
    found: list[Found] = []
    for walk in model.walks(home):
        end = model.end(home, walk)
        member = end.members.get(steps[-1])
        if isinstance(member, Dim | Fact | Time):
            if steps[:-1] == tuple(ref.name for ref in walk):
                return [Found(walk=walk, spec=end, member=member)]
            if _ends(model, home, walk, steps[:-1]):
                found.append(Found(walk=walk, spec=end, member=member))
        if _ends(model, home, walk, steps) and end.key is not None:
            if steps == tuple(ref.name for ref in walk):
                return [Found(walk=walk, spec=end, member=None)]
            found.append(Found(walk=walk, spec=end, member=None))
    return found


def _ends(model: Model, home: Spec, walk: tuple[Ref, ...], steps: tuple[str, ...]) -> bool:
    """Tell whether a chain ends with these names; the first may be what a row of the dataset there is called."""
    if not steps:
        return True
    start = len(walk) - len(steps)
    names = tuple(ref.name for ref in walk)
    if start >= 0 and names[start:] == steps:
        return True
    split = start + 1
    if split < 0 or names[split:] != steps[1:]:
        return False
    key = model.end(home, walk[:split]).key
    return key is not None and key.name == steps[0]


def endings(model: Model, steps: tuple[str, ...]) -> list[tuple[Spec, Member | None]]:
    """List what a path can mean anywhere in the model."""
    if not steps:
        return []
    ends: list[tuple[Spec, Member | None]] = _starts(model, steps[0])
    for name in steps[1:]:
        ends = [end for spec, member in ends if member is None for end in _step(model, spec, name)]
    return ends


def _starts(model: Model, name: str) -> list[tuple[Spec, Member | None]]:
    found: dict[tuple[str, str], tuple[Spec, Member | None]] = {}
    for spec in model.specs.values():
        if spec.key is not None and spec.key.name == name:
            found[spec.name, ""] = (spec, None)
        for end, member in _step(model, spec, name):
            found[end.name, member.name if member else ""] = (end, member)
    return list(found.values())


def _step(model: Model, spec: Spec, name: str) -> list[tuple[Spec, Member | None]]:
    match spec.members.get(name):
        case Ref() as ref:
            return [(model.target(ref), None)]
        case (Dim() | Fact() | Time()) as member:
            return [(spec, member)]
    return []


def following(field: Field) -> set[str]:
    """List what may follow a path."""
    if field.grain or not field.steps:
        return set()
    names: set[str] = set()
    for spec, member in endings(field.model, field.steps):
        if isinstance(member, Time):
            names.update(field.model.grains)
        elif member is None:
            names.update(name for name, m in spec.members.items() if isinstance(m, Dim | Fact | Time | Ref))
    return names


def heads(model: Model) -> set[str]:
    """List the names with which a path can begin."""
    return {
        name
        for spec in model.specs.values()
        for name, member in spec.members.items()
        if isinstance(member, Dim | Fact | Time | Ref | Key)
    }


def meaning(model: Model, found: Found) -> tuple[str, str]:
    """Name what a path leads to, so that two metrics can be seen to mean the same by it."""
    if isinstance(found.member, Time):
        return _same_time(model, found.spec, found.member)
    return found.spec.name, found.member.name if found.member else ""


def _same_time(model: Model, spec: Spec, time: Time) -> tuple[str, str]:
    """Find what a time really is: one that only takes over a reference's time is that one."""
    here = spec
    for name in path_of(time.expr) or ():
        member = here.members.get(name)
        if isinstance(member, Ref):
            here = model.target(member)
        elif isinstance(member, Time) and member is not time:
            return _same_time(model, here, member)
    return spec.name, time.name


def described(spec: Spec, member: Member | None) -> str:
    """Say in words what a path leads to."""
    if member is None:
        return f"a row of {spec.name}" + (f", {spec.key.description}" if spec.key and spec.key.description else "")
    return f"{spec.name}.{member.name}" + (f", {member.description}" if member.description else "")
