"""Where something ran, told from inside the process that ran it."""

from reports.schema.parts import Count, Record


class LibraryEvidence(Record, frozen=True, kw_only=True):
    """One library as the measured process really imported it.

    `location` is relative to the environment's site-packages; a library imported from anywhere
    else shows as `outside: NAME`. `sha256` is over one sorted line a file, NAME SHA256-OF-CONTENT,
    for all files of its importable packages except bytecode. The installer's RECORD lists the
    same digests, so the same number can be had without looking into the files. Some libraries are
    named whether or not `was_imported` says that this process has used them.
    """

    name: str
    version: str
    location: str
    sha256: str
    file_count: Count
    was_imported: bool = True


class Environment(Record, frozen=True, kw_only=True):
    """Where something ran, read from inside the process that ran it.

    What the system does not tell is None. `address_randomisation` is the kernel's
    randomize_va_space (0: off), `hash_seed` what PYTHONHASHSEED said, or "random".
    """

    python_version: str
    python_implementation: str
    platform: str
    sqlite_version: str
    sqlite_source_id: str
    libraries: list[LibraryEvidence]
    cpu_count: Count
    cpu_affinity: list[int] | None = None
    load_average: list[float] | None = None
    database_filesystem: str | None = None
    hypothesis_profile: str | None = None
    cpu_model: str | None = None
    cpu_governor: str | None = None
    memory_mib: Count | None = None
    address_randomisation: Count | None = None
    hash_seed: str | None = None
    clock_resolution_ns: float | None = None
    thread_switch_interval_ms: float | None = None
    is_gil_disabled: bool | None = None

    def library(self, name: str) -> LibraryEvidence | None:
        """The evidence for one distribution, or None where it is not installed."""
        return next((each for each in self.libraries if each.name == name), None)

    def versions(self) -> dict[str, str]:
        """Versions by name, Python and SQLite among them."""
        found = {"python": self.python_version, "sqlite": self.sqlite_version}
        return found | {each.name: each.version for each in self.libraries}
