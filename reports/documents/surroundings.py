"""Where something ran, and figures that no other table shows."""

from collections.abc import Mapping

from reports.documents.model import Table
from reports.schema import Environment, Figure


def ran_on(seen: Environment | None) -> Table:
    """All that the process knew of its surroundings; libraries with the head of their digest."""
    if seen is None:
        return Table(heads=("the record names no environment",), rows=[], is_folded=True)
    plain = {
        name: getattr(seen, name)
        for name in seen.__struct_fields__
        if name != "libraries" and getattr(seen, name) is not None
    }
    libraries = {each.name: f"{each.version} ({each.sha256[:12]})" for each in seen.libraries}
    rows = [(name.replace("_", " "), str(value)) for name, value in {**plain, **libraries}.items()]
    return Table(heads=("what", "which"), rows=rows, is_folded=True)


def figures(found: Mapping[str, Figure]) -> Table:
    """Every figure by its name."""
    return Table(
        heads=("figure", "value"),
        rows=[(name, "-" if value is None else str(value)) for name, value in found.items()],
        numeric=frozenset({1}),
        is_folded=True,
    )
