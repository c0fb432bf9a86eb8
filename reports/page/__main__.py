"""A finished run of `nox -s benchmarks` as one HTML page.

    python -m reports.page [RECORD.json] [--page FILE]

RECORD is the session's record (default: reports/out/benchmarks.json); the files of its groups are
found beside it. The page holds its charts as SVG, needs no script and nothing from elsewhere, and
shows itself light or dark as its reader's screen does. Names from the record are text, never HTML.

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
from reports.page import charts
from reports.page.content import sections
from reports.page.parts import Table
from reports.schema import Environment, RecordError, SessionRecord, Verdict
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
    """Return the page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    doubts = [
        line
        for name, value in record.figures.items()
        if name.endswith(".doubts") and isinstance(value, str)
        for line in value.split(" | ")
        if line
    ]
    return environment.get_template(TEMPLATE).render(
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
    asked.add_argument("record", nargs="?", type=Path, default=session.OUT / "benchmarks.json")
    asked.add_argument("--page", type=Path, default=None, metavar="FILE", help="default: beside it")
    out = session.OUT / f"{NAME}.json"
    try:
        options = asked.parse_args(session.arguments(given))
        out = options.out
        page = options.page or options.record.with_suffix(".html")
        record = schema.read(options.record, SessionRecord)
        groups = groups_of(record, options.record.parent / options.record.stem)
        if not groups:
            raise UsageError(
                f"{session.shown(options.record)} names no group's file. "
                "Run `nox -s benchmarks` without --json first."
            )
        text = rendered(record, groups)
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
    words = f"{session.shown(page)}: {len(groups)} groups, {size // 1024 + 1} KiB"
    if size > MOST_BYTES:
        return _finish(out, Verdict.FAIL, f"{words}, more than {MOST_BYTES // 1024} KiB")
    return _finish(out, Verdict.PASS, words)


def _finish(out: Path, verdict: Verdict, words: str) -> int:
    return session.finish(SessionRecord(name=NAME, verdict=verdict, summary=words), out)


if __name__ == "__main__":
    sys.exit(main())
