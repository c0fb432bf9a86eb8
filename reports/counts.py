"""Counts of two runs, compared by equality: what was counted in lock-step has no scatter."""

from collections.abc import Iterator, Mapping, Sequence

from reports.load import BenchmarkFile, short_name

OF_A_PYTHON = {"python_call_count"}
"""Counts that depend on the Python version."""

Counts = Mapping[str, Mapping[str, int]]
"""By benchmark: its whole numbers, by name."""


def counts_of(files: Sequence[BenchmarkFile]) -> Counts:
    """Return what was counted and not timed."""
    return {
        each.name: {
            name: value
            for name, value in each.extra_info.items()
            if isinstance(value, int) and not isinstance(value, bool)
        }
        for file in files
        for each in file.benchmarks.values()
        if each.is_counted
    }


def differences(one: Counts, other: Counts, *, same_python: bool) -> Iterator[str]:
    """Say where two places counted otherwise; a cell that only one has is a difference too."""
    for cell in sorted(one.keys() | other.keys()):
        if cell not in one or cell not in other:
            yield f"{short_name(cell)}: {cell.rpartition('::')[2]} is in one of them only"
            continue
        for name in sorted(one[cell].keys() | other[cell].keys()):
            if name in OF_A_PYTHON and not same_python:
                continue
            before, after = one[cell].get(name), other[cell].get(name)
            if before != after:
                yield f"{cell.rpartition('::test_')[2]}: {name} {before} and {after}"
