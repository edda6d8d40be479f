"""Delta tables: appended exactly once, folded, published as releases."""

from workspace.lake.crash import crash_point
from workspace.lake.lake import Lake
from workspace.lake.log import LogTable
from workspace.lake.schema import LOG_META, Column
from workspace.lake.watermarks import Watermark

__all__ = ["LOG_META", "Column", "Lake", "LogTable", "Watermark", "crash_point"]
