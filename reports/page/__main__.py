"""A finished run of `nox -s benchmarks`, or of `nox -s mutants`, as one HTML page.

    python -m reports.page [RECORD.json] [--page FILE]

RECORD is the session's record (default: reports/out/benchmarks.json; the files of its groups are
found beside it). That of `nox -s mutants` is shown as the kill matrix, with each counterexample.
The page holds its charts as SVG, needs no script and nothing from elsewhere, and shows itself light
or dark as its reader's screen does. Names from the record are text, never HTML.

Exit codes: 0 written, 2 usage error, 4 the record or the page cannot be used.
"""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2

from reports import schema, session
from reports.load import BenchmarkFile, UnusableFileError, load
from reports.page import charts, mutants
from reports.page.content import sections
from reports.page.parts import Table
from reports.schema import (
    Environment,
    MutantsRecord,
    RecordError,
    SessionRecord,
    Verdict,
    given_path,
)
from reports.session import UsageError

NAME = "page"
MOST_BYTES = 300 * 1024
TEMPLATE = "page.html.j2"


def groups_of(record: SessionRecord, beside: Path) -> dict[str, BenchmarkFile]:
    """Load the file of each group that the record names; raises ``UnusableFileError``."""
    found = {}
    for name, value in record.figures.items():
        group, _, kind = name.rpartition(".")
        if kind == "file" and isinstance(value, str):
            found[group] = load(beside / Path(value).name)
    return found


def rendered(record: SessionRecord, groups: Mapping[str, BenchmarkFile]) -> str:
    """Return the page of benchmarks."""
    doubts = [
        line
        for name, value in record.figures.items()
        if name.endswith(".doubts") and isinstance(value, str)
        for line in value.split(" | ")
        if line
    ]
    return _template(TEMPLATE).render(
        title="What a transition costs",
        verdict=record.last_line,
        doubts=doubts,
        sections=list(sections(groups, record.figures)),
        environment=_ran_on(record.environment),
        width=charts.WIDTH,
        height=charts.HEIGHT,
        left=charts.LEFT,
        right=charts.RIGHT,
        top=charts.TOP,
        bottom=charts.BOTTOM,
    )


def matrix(record: MutantsRecord) -> str:
    """Return the page of mutants."""
    laws = mutants.laws_of(record)
    return _template(mutants.TEMPLATE).render(
        title=mutants.TITLE,
        verdict=record.last_line,
        is_matrix=record.is_matrix,
        laws=laws,
        families=list(mutants.rows_of(record, laws)),
        times=mutants.times_of(record),
    )


def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def _page_of(path: Path) -> tuple[str, str]:
    """Return the page of a record, and in a few words what is on it."""
    if schema.kind_of(path) == "mutants":
        found = schema.read(path, MutantsRecord)
        return matrix(found), f"{len(found.mutants)} mutants"
    record = schema.read(path, SessionRecord)
    groups = groups_of(record, path.parent / path.stem)
    if not groups:
        raise UsageError(
            f"{session.shown(path)} names no group's file. "
            "Run `nox -s benchmarks` without --json first."
        )
    return rendered(record, groups), f"{len(groups)} groups"


def _ran_on(seen: Environment | None) -> Table:
    if seen is None:
        return Table(heads=("the record names no environment",), rows=[])
    plain = {
        name: getattr(seen, name)
        for name in seen.__struct_fields__
        if name != "libraries" and getattr(seen, name) is not None
    }
    libraries = {each.name: f"{each.version} ({each.sha256[:12]})" for each in seen.libraries}
    rows = [(name.replace("_", " "), str(value)) for name, value in {**plain, **libraries}.items()]
    return Table(heads=("", ""), rows=rows)


def write(path: Path, text: str) -> None:
    """Write the page whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def main(given: Sequence[str] | None = None) -> int:
    """Render; the last line says where the page is."""
    asked = session.parser(program="python -m reports.page", description=__doc__ or "")
    asked.add_argument(
        "record", nargs="?", type=given_path, default=session.OUT / "benchmarks.json"
    )
    asked.add_argument(
        "--page", type=given_path, default=None, metavar="FILE", help="default: beside it"
    )
    out = session.OUT / f"{NAME}.json"
    try:
        options = asked.parse_args(session.arguments(given))
        out = options.out
        page = options.page or options.record.with_suffix(".html")
        text, what = _page_of(options.record)
        write(page, text)
    except UsageError as error:
        return _finish(out, Verdict.USAGE, str(error))
    except UnusableFileError as error:
        return _finish(out, error.verdict, str(error))
    except RecordError as error:
        verdict = Verdict.USAGE if isinstance(error, schema.RecordMissingError) else Verdict.INVALID
        return _finish(out, verdict, str(error))
    except OSError as error:
        return _finish(out, Verdict.INVALID, f"the page cannot be written: {error.strerror}")
    size = len(text.encode())
    words = f"{session.shown(page)}: {what}, {size // 1024 + 1} KiB"
    if size > MOST_BYTES:
        return _finish(out, Verdict.FAIL, f"{words}, more than {MOST_BYTES // 1024} KiB")
    return _finish(out, Verdict.PASS, words)


def _finish(out: Path, verdict: Verdict, words: str) -> int:
    return session.finish(SessionRecord(name=NAME, verdict=verdict, summary=words), out)


if __name__ == "__main__":
    sys.exit(main())
