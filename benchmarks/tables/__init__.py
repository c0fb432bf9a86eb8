"""The tables at the end of a run."""

from benchmarks.tables.whole import figures, heading, missing, table

__all__ = ["figures", "heading", "missing", "table"]
