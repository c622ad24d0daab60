"""Step 1: the log, the items, the snapshots and the applications' records, behind eight methods."""

from huaxiang.store.base import SCAN_SCHEMA, Appended, Erased, Record, Store, Subjects

__all__ = ["SCAN_SCHEMA", "Appended", "Erased", "Record", "Store", "Subjects"]
