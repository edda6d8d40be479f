"""Delta tables: appended exactly once, folded, published as releases."""

from workspace.lake.crash import crash_point
from workspace.lake.events import ADDRESS, EVENT_META, FILES, GAPS, REFUSED, TAKEN, EventLog, Side
from workspace.lake.lake import QUARANTINE, Lake
from workspace.lake.log import LogTable
from workspace.lake.maintenance import Maintained, maintain
from workspace.lake.pins import Pin, SourceCut
from workspace.lake.releases import Release, find, prepare, publish, reject, releases
from workspace.lake.schema import LOG_META, Column
from workspace.lake.virtual import Reads, View, made_of
from workspace.lake.watermarks import Watermark

__all__ = [
    "ADDRESS",
    "EVENT_META",
    "FILES",
    "GAPS",
    "LOG_META",
    "QUARANTINE",
    "REFUSED",
    "TAKEN",
    "Column",
    "EventLog",
    "Lake",
    "LogTable",
    "Maintained",
    "Pin",
    "Reads",
    "Release",
    "Side",
    "SourceCut",
    "View",
    "Watermark",
    "crash_point",
    "find",
    "made_of",
    "maintain",
    "prepare",
    "publish",
    "reject",
    "releases",
]
