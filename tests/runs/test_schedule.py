"""pipeline.toml: what it may say, and how a slip is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from workspace.errors import RunError
from workspace.runs import load_schedule
from workspace.runs.plan import fingerprints

if TYPE_CHECKING:
    from runs.homes import Home

NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)


def test_a_step_says_when_and_how_it_runs(home: Home) -> None:
    home.notebook("a", parameters='source: str = ""\nsince: str = ""')
    home.schedule("""
[steps.a]
notebook = "a.ipynb"
parameters = { source = "x", since = 2026-10-01 }
period = "week"
catch_up = true
start = 2026-10-14
retries = 2
timeout = "90s"
freshness = "8d"
required = false
""")
    step = load_schedule(home.settings.pipelines).step("a")
    assert step.parameters == {"source": "x", "since": "2026-10-01"}
    assert step.timeout == timedelta(seconds=90)
    assert step.freshness == timedelta(days=8)
    assert (step.retries, step.required) == (2, False)
    assert [str(period) for period in step.periods(NOVEMBER)] == ["2026-W42", "2026-W43"]


def test_only_the_newest_period_is_due_without_catch_up(home: Home) -> None:
    home.notebook("a")
    home.schedule('[steps.a]\nnotebook = "a.ipynb"')
    schedule = load_schedule(home.settings.pipelines)
    assert [str(period) for period in schedule.step("a").periods(NOVEMBER)] == ["2026-10-31"]
    assert str(schedule.tick(NOVEMBER + timedelta(hours=5))) == "2026-10-31"


def test_a_step_by_hand_is_never_due(home: Home) -> None:
    home.notebook("a")
    home.schedule('[steps.a]\nnotebook = "a.ipynb"\nby_hand = true')
    assert load_schedule(home.settings.pipelines).step("a").periods(NOVEMBER) == ()


def test_a_tick_stands_for_an_hour_where_a_step_is_hourly(home: Home) -> None:
    home.notebook("a")
    home.schedule('[steps.a]\nnotebook = "a.ipynb"\nperiod = "hour"\n[steps.b]\nnotebook = "a.ipynb"')
    schedule = load_schedule(home.settings.pipelines)
    tick = schedule.tick(NOVEMBER + timedelta(hours=5, minutes=1))
    assert str(tick) == "2026-11-01T04"
    assert [str(period) for period in schedule.step("b").periods(tick.end)] == ["2026-10-31"]


def test_steps_come_after_what_they_need(home: Home) -> None:
    home.notebook("n")
    home.schedule("""
steps.c = { notebook = "n.ipynb", after = ["b"] }
steps.b = { notebook = "n.ipynb", after = ["a"] }
steps.a = { notebook = "n.ipynb" }
steps.other = { notebook = "n.ipynb" }
""")
    schedule = load_schedule(home.settings.pipelines)
    names = list(schedule.steps)
    assert names.index("a") < names.index("b") < names.index("c")
    assert schedule.downstream("a") == ("b", "c")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[step.a]", "unknown section [step]"),
        ("steps.a = 1", "steps.a is not a table"),
        ("[steps.a]", "[steps.a] names no notebook"),
        ('[steps.a]\nnotebok = "n.ipynb"', "unknown entry 'notebok'.\nWhat to do: Did you mean notebook?"),
        ('[steps.a]\nnotebook = "m.ipynb"', "n.ipynb"),
        ('[steps."a/b"]\nnotebook = "n.ipynb"', "letters, digits and underscores only"),
        ('[steps.a]\nnotebook = "n.ipynb"\nafter = "b"', "after = 'b' is not as it should be"),
        ('[steps.a]\nnotebook = "n.ipynb"\nafter = ["b"]', "[steps.a] comes after 'b', which is no step"),
        ('[steps.a]\nnotebook = "n.ipynb"\nafter = ["a"]', "go round in a circle: a -> a"),
        ('[steps.a]\nnotebook = "n.ipynb"\nperiod = "dya"', "no period 'dya'.\nWhat to do: Did you mean day?"),
        ('[steps.a]\nnotebook = "n.ipynb"\nretries = true', "retries = True is not as it should be"),
        ('[steps.a]\nnotebook = "n.ipynb"\nretries = -1', "retries = -1 is not as it should be"),
        ('[steps.a]\nnotebook = "n.ipynb"\ntimeout = "30"', "timeout = '30' is no length of time"),
        ('[steps.a]\nnotebook = "n.ipynb"\ntimeout = "0m"', "timeout = '0m' is no length of time"),
        ('[steps.a]\nnotebook = "n.ipynb"\ncatch_up = true', "`start` and `catch_up = true` need each other"),
        ('[steps.a]\nnotebook = "n.ipynb"\nparameters = { perid = "x" }', "declares no parameter 'perid'"),
        ('[steps.a]\nnotebook = "n.ipynb"\nparameters = { run = "x" }', "run is set by the runner"),
        (
            '[steps.a]\nnotebook = "n.ipynb"\nparameters = { limit = "x" }',
            "limit = 'x' is not of the declared type",
        ),
        ("[steps.a", "is not valid TOML"),
    ],
)
def test_a_slip_is_told_with_file_and_step(home: Home, text: str, message: str) -> None:
    home.notebook("n", parameters='run: str = ""\nperiod: str = ""\nlimit: int = 1')
    home.schedule(text)
    with pytest.raises(RunError) as caught:
        load_schedule(home.settings.pipelines)
    assert message in str(caught.value)
    assert str(home.settings.pipelines / "pipeline.toml") in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3


def test_a_circle_is_named(home: Home) -> None:
    home.notebook("n")
    home.schedule("".join(f'steps.{a} = {{ notebook = "n.ipynb", after = ["{b}"] }}\n' for a, b in ("ab", "bc", "ca")))
    with pytest.raises(RunError, match=r"circle: (a -> c -> b -> a|b -> a -> c -> b|c -> b -> a -> c)"):
        load_schedule(home.settings.pipelines)


def test_a_missing_schedule_is_told(home: Home) -> None:
    with pytest.raises(RunError, match=r"There is no .*pipeline.toml"):
        load_schedule(home.settings.pipelines)


def test_a_runner_parameter_of_another_type_is_refused(home: Home) -> None:
    home.notebook("n", parameters="run: int = 1")
    home.schedule('[steps.a]\nnotebook = "n.ipynb"')
    with pytest.raises(RunError, match="the notebook declares run as int"):
        load_schedule(home.settings.pipelines)


def test_the_fingerprint_is_of_code_parameters_and_upstreams(home: Home) -> None:
    def prints() -> dict[str, str]:
        return fingerprints(load_schedule(home.settings.pipelines))

    text = 'steps.a = { notebook = "a.ipynb" }\nsteps.b = { notebook = "b.ipynb", after = ["a"] }\n'
    home.notebook("a", "1")
    home.notebook("b", "2", parameters="limit: int = 1")
    home.schedule(text)
    first = prints()
    home.notebook("b", "3", parameters="limit: int = 1")
    second = prints()
    assert second["a"] == first["a"]
    assert second["b"] != first["b"]
    home.schedule(text.replace('"b.ipynb",', '"b.ipynb", parameters = { limit = 2 },'))
    assert prints()["b"] not in (first["b"], second["b"])
    home.schedule(text)
    assert prints() == second
    home.notebook("a", "11")
    assert all(prints()[name] != second[name] for name in ("a", "b"))
