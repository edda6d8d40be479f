"""What an audit shows: first what was found, then what holds."""

from __future__ import annotations

from typing import Any

from workspace.engine import Check, Checked
from workspace.semantic.trust.audit import Audit


def checked(name: str, severity: Any, **found: Any) -> Checked:
    check = Check(
        name=name,
        description="Nothing is < 0.",
        severity=severity,
        violations=lambda reader: reader.table("x"),
        allowed=0.5,
    )
    return Checked(check=check, **{"violations": 0, **found})


DONE = (
    checked("sound", "error"),
    checked("few", "error", violations=1, rows=4),
    checked("shown", "warning", violations=3, rows=4, examples=("id 1", "id 2")),
    checked("bad", "error", violations=1200),
    checked("lost", "warning", problem="There is no table."),
)


def test_an_audit_tells_errors_from_warnings() -> None:
    audit = Audit(release="2026-10-31", done=DONE)
    assert [c.check.name for c in audit.failed] == ["bad", "lost"]
    assert [c.check.name for c in audit.warnings] == ["shown"]
    assert repr(audit).splitlines() == [
        "2026-10-31: 5 checks: 2 failed, 1 warning, 1 tolerated, 1 holds",
        "  failed: bad: 1,200 rows. Nothing is < 0.",
        "  failed: lost: cannot be asked. There is no table.",
        "  warning: shown: 3 of 4 rows (75 %). Nothing is < 0. Such as: id 1; id 2",
        "  tolerated: few: 1 of 4 rows (25 %). Nothing is < 0.",
    ]


def test_numbers_have_their_plural() -> None:
    shown = checked("shown", "warning", violations=3, rows=4)
    assert repr(Audit(release="r", done=(shown, shown, DONE[0], DONE[0]))).startswith("r: 4 checks: 2 warnings, 2 hold")


def test_an_audit_is_shown_as_a_table() -> None:
    page = Audit(release="2026-10-31", done=DONE)._repr_html_()
    order = [page.index(f"<td>{word}</td>") for word in ("failed", "warning", "tolerated", "holds")]
    assert order == sorted(order)
    assert "Nothing is &lt; 0." in page
    assert "1,200" in page
