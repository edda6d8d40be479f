"""Apache Ossie (once the Open Semantic Interchange): a model as YAML that other tools read, and back.

The format has datasets, fields, many-to-one relationships and metrics as SQL (version 0.2.0.dev0, one model a
document). It has no history, event time, snapshots, funnels, moved periods, units or owners. What it lacks goes into
`custom_extensions` of the vendor `WORKSPACE`, so that our own documents come back as they were; where the SQL alone
would say something else than the metric does, the metric is kept in the extension only, and noted.
"""

from __future__ import annotations

from workspace.semantic.ossie.export import to_ossie
from workspace.semantic.ossie.importing import from_ossie
from workspace.semantic.ossie.names import VERSION, notes_of

__all__ = ["VERSION", "from_ossie", "notes_of", "to_ossie"]
