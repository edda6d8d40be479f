"""The language in which metrics are written: declarations like a glossary, questions like sentences.

Start with `Dataset` and `Model`; `Model.bind(reader)` gives the object that is asked.
"""

from __future__ import annotations

from workspace.semantic.answers.answer import Answer
from workspace.semantic.answers.ask import Metrics
from workspace.semantic.compile.join import Reader
from workspace.semantic.definition import Definition
from workspace.semantic.language.declare import Dataset, dim, exact, fact, key, ref, time
from workspace.semantic.language.making import funnel, measure, metric, ratio, retention
from workspace.semantic.language.metric import Metric
from workspace.semantic.language.words import Condition, Field
from workspace.semantic.model import Model
from workspace.semantic.trust.rules import agree, none, rules

__all__ = [
    "Answer",
    "Condition",
    "Dataset",
    "Definition",
    "Field",
    "Metric",
    "Metrics",
    "Model",
    "Reader",
    "agree",
    "dim",
    "exact",
    "fact",
    "funnel",
    "key",
    "measure",
    "metric",
    "none",
    "ratio",
    "ref",
    "retention",
    "rules",
    "time",
]
