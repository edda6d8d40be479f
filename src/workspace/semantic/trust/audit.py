"""What the checks of a release found, as it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workspace import display

if TYPE_CHECKING:
    from workspace.engine.checks import Checked

_FIRST = ("failed", "warning", "tolerated", "holds")


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The outcome of all checks on one candidate.

    Attributes:
        release: The candidate's name.
        done: One entry a check, in order.
    """

    release: str
    done: tuple[Checked, ...]

    @property
    def failed(self) -> tuple[Checked, ...]:
        """The checks that forbid publication."""
        return self._of("failed")

    @property
    def warnings(self) -> tuple[Checked, ...]:
        """The checks that found something which does not forbid publication."""
        return self._of("warning")

    def __repr__(self) -> str:
        found = [checked for checked in self._sorted() if checked.verdict != "holds"]
        return "\n".join([self._title(), *(f"  {checked.verdict}: {checked.text}" for checked in found)])

    def _repr_html_(self) -> str:
        return display.html_table(self._view(), limit=len(self.done))

    def _of(self, verdict: str) -> tuple[Checked, ...]:
        return tuple(checked for checked in self.done if checked.verdict == verdict)

    def _sorted(self) -> list[Checked]:
        return sorted(self.done, key=lambda checked: _FIRST.index(checked.verdict))

    def _title(self) -> str:
        counts = [(len(self._of(verdict)), verdict) for verdict in _FIRST]
        return f"{self.release}: {len(self.done)} checks: {', '.join(f'{n} {_word(v, n)}' for n, v in counts if n)}"

    def _view(self) -> display.View:
        done = self._sorted()
        columns: dict[str, list[Any]] = {
            "verdict": [c.verdict for c in done],
            "check": [c.check.name for c in done],
            "what holds": [c.check.description for c in done],
            "rows against it": [c.violations for c in done],
        }
        return display.View(
            title=self._title(),
            columns=tuple(
                display.Column(name=name, kind="value" if name == "rows against it" else "category", unit="count")
                for name in columns
            ),
            rows=display.tabled(columns),
            count=len(done),
            notes=tuple(c.text for c in done if c.verdict != "holds"),
        )


def _word(verdict: str, count: int) -> str:
    if count == 1:
        return verdict
    return {"warning": "warnings", "holds": "hold"}.get(verdict, verdict)
