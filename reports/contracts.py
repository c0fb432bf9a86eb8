"""An import-linter contract that says all that a package may import, not only what it may not.

A forbidden list has to name every package that nobody should import; the next one is not on it.
Only `nox -s lint` loads this module.
"""

import sys

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class ImportsOnlyContract(Contract):
    """Modules import themselves, the standard library and what is allowed. Direct imports only.

    - modules:         packages, each with all that is below it.
    - allowed_imports: packages they may import, each with all that is below it. (Optional.)
    - except_below:    a part of a name, such as `tests`, whose modules are not judged. (Optional.)
    """

    type_name = "imports_only"

    modules = fields.ListField(subfield=fields.StringField())
    allowed_imports = fields.ListField(subfield=fields.StringField(), required=False)
    except_below = fields.StringField(required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 its shape
        """Find every direct import of something else, in order of the module names."""
        modules, allowed = list(self._names("modules")), set(self._names("allowed_imports"))
        missing = [name for name in modules if name not in graph.modules]
        if missing:
            raise ValueError(f"no module {missing[0]!r}: correct the contract {self.name!r}")
        except_below: object = self.except_below
        excepted = str(except_below) if except_below else ""
        judged = {
            each
            for name in modules
            for each in {name} | graph.find_descendants(name)
            if excepted not in each.split(".")
        }
        broken = [
            (each, imported)
            for each in sorted(judged)
            for imported in sorted(graph.find_modules_directly_imported_by(each))
            if imported.partition(".")[0] not in sys.stdlib_module_names
            and not _is_below(imported, {*modules, *allowed})
        ]
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """One line an import."""
        for importer, imported in check.metadata["broken"]:
            output.print_error(f"{importer} imports {imported}", bold=False)

    def _names(self, option: str) -> list[str]:
        found = getattr(self, option)
        return [str(name) for name in found] if found else []


def _is_below(name: str, packages: set[str]) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in packages)
