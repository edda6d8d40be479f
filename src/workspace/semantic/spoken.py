"""Spoken questions: a question as plain data, for whoever cannot write Python.

An assistant asks in it, a saved question is kept in it, a notebook takes it as a parameter. It says what
`m(m.gbv, by=[m.month], where=[m.event_type == "wedding"])` says, in JSON or TOML:

```json
{
  "metrics": ["gbv", {"metric": "gbv", "growth": "1 year"}],
  "by": ["month", "listing.city"],
  "where": [{"path": "event_type", "is": "==", "value": "wedding"}],
  "last": "12 weeks"
}
```

Beside `last` there are `between` (a first day, and the first day after), `top`, `overlap` and `fill`, as in Python.

A condition has a `path`, what it `is` and a `value`; `missing` and `there` take none, `in` takes a list. A path that is
a metric's name means groups (`bookings > 100`); with `per` it means rows, and can be grouped by too: `{"path":
"bookings", "per": "booker"}`, of all days or those of a `last` or `between` beside it. Conditions are combined by
`{"any": [...]}`, `{"all": [...]}` and `{"not": ...}`.

A metric may be an object with one operation; for two of them, put one object into the other. Nothing in a question is
ever executed.
"""

from __future__ import annotations

import functools
import json
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from workspace.errors import SemanticError, did_you_mean
from workspace.semantic.answers.answer import Answer
from workspace.semantic.language.words import Condition, Field, Per

if TYPE_CHECKING:
    from workspace.semantic.answers.ask import Metrics
    from workspace.semantic.language.words import By

SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
"""What compares a path with one value."""

BARE = {"missing": "isnull", "there": "notnull"}
"""What asks whether there is a value at all."""

SPANS = ("trailing", "to_date", "ago", "growth")
"""Operations on a metric that take a text, such as "28 days" or "month"."""

WORDS = ("metrics", "by", "where", "last", "between", "top", "overlap", "fill")
"""The entries of a question."""

_OPERATIONS = (*SPANS, "all_time", "after", "share", "where")
_ENTITY = ("per", "last", "between")
_JOINTS = ("any", "all", "not")


def ask(m: Metrics, question: str | Mapping[str, Any]) -> Answer:
    """Put a spoken question to a release.

    Args:
        m: Whom to ask.
        question: The question, as data or as JSON.

    Returns:
        The answer, lazy as any.

    Raises:
        SemanticError: It is no question, names something unknown, or has no right answer; says which entry it is.

    Examples:
        >>> from ibis import _
        >>> from workspace.semantic import Dataset, Model, dim, key, measure, time
        >>> class Orders(Dataset, table="shop.orders"):
        ...     order = key(_.id)
        ...     placed = time(_.created_at, default=True)
        ...     status = dim(_.status)
        ...     orders = measure(_.count(), unit="count")
        >>> m = Model(Orders, timezone="Europe/Berlin").bind(reader=None)
        >>> paid = {"path": "status", "is": "in", "value": ["paid", "sent"]}
        >>> ask(m, {"metrics": ["orders"], "by": ["month"], "where": [paid]}).question.text
        "orders by month where status in ['paid', 'sent']"
        >>> ask(m, '{"metrics": ["order"]}')
        Traceback (most recent call last):
        workspace.errors.SemanticError: metrics[0]: there is no metric 'order'.
        What to do: Did you mean orders?
    """
    given = _known(_parsed(question), WORDS, "The question")
    names = _several(given.get("metrics"), "metrics")
    if not names:
        raise SemanticError("The question asks for no metric.", cure='Write {"metrics": ["..."], ...}.')
    metrics = [_metric(m, name, f"metrics[{i}]") for i, name in enumerate(names)]
    options: dict[str, Any] = {
        "by": [_group(m, path, f"by[{i}]") for i, path in enumerate(_several(given.get("by"), "by"))],
        "where": [_condition(m, c, f"where[{i}]") for i, c in enumerate(_several(given.get("where"), "where"))],
    }
    options |= _days(given, "")
    if (top := given.get("top")) is not None:
        options["top"] = _of(top, int, "top", "10")
    for name in ("overlap", "fill"):
        if _of(given.get(name, False), bool, name, "true"):
            options[name] = True
    return m(*metrics, **options)


def _parsed(question: str | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(question, str):
        try:
            question = json.loads(question)
        except json.JSONDecodeError as error:
            raise SemanticError(f"The question is not JSON: {error}.", cure='Write {"metrics": ["..."]}.') from None
    if not isinstance(question, Mapping):
        raise SemanticError(f"{question!r} is no question.", cure='Write {"metrics": ["..."]}.')
    return question


def _metric(m: Metrics, given: Any, where: str) -> Answer:
    """Read a metric: its name, or an object that does one thing to another metric."""
    if isinstance(given, Mapping):
        entry = _known(given, ("metric", *_OPERATIONS), where)
        if len(entry) != 2 or "metric" not in entry:
            msg = f"{where} is not one metric and one of {', '.join(_OPERATIONS)}."
            raise SemanticError(msg, cure='Write {"metric": "...", "trailing": "28 days"}; nest objects for two.')
        inner = _metric(m, entry["metric"], f"{where}.metric")
        operation = next(name for name in entry if name != "metric")
        return _operated(m, inner, operation, entry[operation], f"{where}.{operation}")
    # `dir` names every word; only of metrics and paths can one ask further.
    found = getattr(m, given) if isinstance(given, str) and given in dir(m) else None
    if isinstance(found, Answer):
        return found
    known = [name for name in dir(m) if isinstance(getattr(m, name), Answer)]
    raise SemanticError(f"{where}: there is no metric {given!r}.", cure=did_you_mean(str(given), known))


def _operated(m: Metrics, metric: Any, operation: str, value: Any, where: str) -> Answer:
    made: Answer
    if operation in SPANS:
        span = _of(value, str, where, '"28 days"')
        made = getattr(metric, operation)(span)
    elif operation == "all_time":
        if value is not True:
            raise SemanticError(f"{where} is {value!r}.", cure="Write true.")
        made = metric.all_time()
    elif operation == "after":
        made = metric.after(_of(value, int, where, "2"))
    elif operation == "share":
        paths = _several(value, where)
        made = metric.share(within=tuple(_field(m, path, f"{where}[{i}]") for i, path in enumerate(paths)))
    else:
        made = metric.where(_condition(m, value, where))
    return made


def _group(m: Metrics, given: Any, where: str) -> By:
    """Read what is grouped by: a path, or what a metric is for each entity."""
    if not isinstance(given, Mapping):
        return _field(m, given, where)
    found = _subject(m, _known(given, ("path", *_ENTITY), where), where)
    if isinstance(found, Per):
        return found
    raise SemanticError(f"{where} lacks per.", cure='Write a path as text, or {"path": "bookings", "per": "booker"}.')


def _field(m: Metrics, path: Any, where: str) -> Field:
    found = _path(m, path, where)
    if isinstance(found, Field):
        return found
    msg = f"{where}: {path!r} is a metric, and nothing to group by."
    raise SemanticError(msg, cure="Name a path, e.g. month.")


def _path(m: Metrics, path: Any, where: str) -> Field | Answer:
    """Follow a path name by name; nothing but the words of the model is ever looked up."""
    if not isinstance(path, str):
        raise SemanticError(f"{where}: {path!r} is no path.", cure="Write a path as text, e.g. listing.city.")
    here: Any = m
    for name in path.split("."):
        known = [word for word in dir(here) if not word.startswith("_")]
        found = getattr(here, name) if name in known and not isinstance(here, Answer) else None
        if not isinstance(found, Field | Answer):
            words = known if here is m else [word for word in known if isinstance(getattr(here, word), Field)]
            words = [] if isinstance(here, Answer) else words
            raise SemanticError(f"{where}: {path!r} leads nowhere at {name!r}.", cure=did_you_mean(name, words))
        here = found
    return here  # type: ignore[no-any-return]


def _condition(m: Metrics, given: Any, where: str) -> Condition:
    if not isinstance(given, Mapping):
        msg = f"{where}: {given!r} is no condition."
        raise SemanticError(msg, cure='Write {"path": "event_type", "is": "==", "value": "wedding"}.')
    joints = [word for word in _JOINTS if word in given]
    if joints and len(given) == 1:
        return _joined(m, joints[0], given[joints[0]], f"{where}.{joints[0]}")
    entry = _known(given, ("path", "is", "value", *_ENTITY), where)
    if "path" not in entry or "is" not in entry:
        msg = f"{where} lacks {'path' if 'path' not in entry else 'is'}."
        raise SemanticError(msg, cure='Write {"path": "event_type", "is": "==", "value": "wedding"}.')
    return _compared(_subject(m, entry, where), entry, where)


def _subject(m: Metrics, entry: Mapping[str, Any], where: str) -> Any:
    """Read what is compared or grouped by: a path, a metric, or what a metric is for the entity of each row."""
    found = _path(m, entry.get("path"), f"{where}.path")
    if "per" in entry:
        if isinstance(found, Field):
            msg = f"{where}.per: {found.path} is no metric."
            raise SemanticError(msg, cure="Leave per out, or name a metric as path.")
        return found.per(_field(m, entry["per"], f"{where}.per"), **_days(entry, f"{where}."))
    if set(entry) & set(_ENTITY):
        raise SemanticError(f"{where} has days, but no per.", cure="Choose days for the whole question instead.")
    return found


def _joined(m: Metrics, word: str, given: Any, where: str) -> Condition:
    if word == "not":
        return ~_condition(m, given, where)
    parts = [_condition(m, part, f"{where}[{i}]") for i, part in enumerate(_several(given, where))]
    if not parts:
        raise SemanticError(f"{where} holds no condition.", cure="List conditions in it, or leave it out.")
    return functools.reduce(operator.or_ if word == "any" else operator.and_, parts)


def _compared(left: Any, entry: Mapping[str, Any], where: str) -> Condition:
    sign = entry["is"]
    if sign not in (*SIGNS, *BARE, "in", "like"):
        msg = f"{where}: is={sign!r} is no comparison."
        raise SemanticError(msg, cure=f"Use one of {', '.join([*SIGNS, 'in', 'like', *BARE])}.")
    if isinstance(left, Answer) and sign not in SIGNS:
        msg = f"{where}: a group's {entry['path']} is compared with a number, not by {sign!r}."
        raise SemanticError(msg, cure=f"Use one of {', '.join(SIGNS)}, or give per.")
    if sign in BARE:
        if "value" in entry:
            raise SemanticError(f"{where}: is={sign!r} takes no value.", cure="Leave value out.")
        bare: Condition = getattr(left, BARE[sign])()
        return bare
    if "value" not in entry:
        raise SemanticError(f"{where} lacks value.", cure=f"Say what {entry['path']} is compared with.")
    return _with_value(left, sign, entry["value"], where)


def _with_value(left: Any, sign: str, value: Any, where: str) -> Condition:
    made: Condition
    if sign == "in":
        made = left.isin([_value(each, where) for each in _several(value, f"{where}.value")])
    elif sign == "like":
        made = left.like(_of(value, str, f"{where}.value", '"Ber%"'))
    elif value is None:
        raise SemanticError(f"{where}: nothing is {sign} null.", cure='Write "is": "missing" or "is": "there".')
    else:
        made = SIGNS[sign](left, _value(value, where))
    return made


def _value(given: Any, where: str) -> Any:
    if given is None or isinstance(given, str | bool | int | float | date):
        return given
    raise SemanticError(f"{where}: {given!r} is no value.", cure="Use a text, a number, true, false or a date.")


def _days(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Read a choice of days, if there is one."""
    options: dict[str, Any] = {}
    if (span := given.get("last")) is not None:
        options["last"] = _of(span, str, f"{where}last", '"12 weeks"')
    if (bounds := given.get("between")) is not None:
        options["between"] = _bounds(bounds, f"{where}between")
    return options


def _bounds(given: Any, where: str) -> tuple[Any, Any]:
    days = _several(given, where)
    if len(days) != 2 or not all(isinstance(day, str | date) for day in days):
        msg = f"{where} is {given!r}, not a pair of days."
        raise SemanticError(msg, cure='Write ["2026-09-01", "2026-10-01"]; the second is the first day after.')
    return days[0], days[1]


def _known(given: Mapping[str, Any], words: Sequence[str], where: str) -> Mapping[str, Any]:
    for name in given:
        if name not in words:
            raise SemanticError(f"{where} has an unknown entry {name!r}.", cure=did_you_mean(str(name), words))
    return given


def _several(given: Any, where: str) -> list[Any]:
    if given is None:
        return []
    if isinstance(given, str | Mapping) or not isinstance(given, Sequence):
        raise SemanticError(f"{where} is {given!r}, not a list.", cure=f"Write [{json.dumps(given, default=str)}].")
    return list(given)


def _of(given: Any, kind: type, where: str, example: str) -> Any:
    wrong = isinstance(given, bool) != (kind is bool) or (kind is int and isinstance(given, int) and given < 1)
    if not isinstance(given, kind) or wrong:
        raise SemanticError(f"{where} is {given!r}.", cure=f"Write {where} as {example}.")
    return given
