"""Logs of impressions of any size: what users were shown, read in batches of whole lists."""

from fairrec.impressions.batches import ImpressionBatch, impression_batches
from fairrec.impressions.counts import LogCounts
from fairrec.impressions.items import ItemTable, open_items
from fairrec.impressions.reading import ImpressionLog, open_log

__all__ = [
    "ImpressionBatch",
    "ImpressionLog",
    "ItemTable",
    "LogCounts",
    "impression_batches",
    "open_items",
    "open_log",
]
