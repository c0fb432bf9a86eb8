"""A finished session's record as a page, as Markdown or for a test server.

    python -m reports.page [RECORD.json] [--page FILE] [--markdown FILE] [--junit FILE]

RECORD is what a session left (default: reports/out/benchmarks.json; the files of its groups are
found beside it). Without an option the page goes beside it. The page holds its charts as SVG, needs
no script and nothing from elsewhere, and shows itself light or dark as its reader's screen does.
Names from the record are text, never markup.

Exit codes: 0 written, 1 the page is too large, 2 usage error, 4 the record or the page cannot be
used.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from reports import schema, session
from reports.documents import Document, opened
from reports.documents.files import write
from reports.documents.junit import junit
from reports.documents.markdown import markdown
from reports.load import UnusableFileError
from reports.page.html import MOST_BYTES, page
from reports.schema import RecordError, SessionRecord, Verdict, given_path
from reports.session import UsageError

NAME = "page"
RENDERERS = {"page": page, "markdown": markdown, "junit": junit}


def _parser() -> session.Parser:
    made = session.parser(program="python -m reports.page", description=__doc__ or "")
    made.add_argument("record", nargs="?", type=given_path, default=session.OUT / "benchmarks.json")
    for name, what in (
        ("page", "HTML (default: beside the record)"),
        ("markdown", "for a comment or a job's summary"),
        ("junit", "JUnit XML, for a test server"),
    ):
        made.add_argument(f"--{name}", type=given_path, metavar="FILE", help=what)
    return made


def _written(document: Document, wanted: dict[str, Path]) -> tuple[Verdict, str]:
    """Write each file that is wanted; the verdict is about the page's size alone."""
    words, verdict = [], Verdict.PASS
    for name, path in wanted.items():
        text = RENDERERS[name](document)
        write(path, text)
        size = len(text.encode())
        words.append(f"{session.shown(path)}: {size // 1024 + 1} KiB")
        if name == "page" and size > MOST_BYTES:
            verdict = Verdict.FAIL
            words[-1] += f", more than {MOST_BYTES // 1024} KiB"
    return verdict, "; ".join(words)


def main(given: Sequence[str] | None = None) -> int:
    """Render; the last line says where everything is."""
    out = session.OUT / f"{NAME}.json"
    try:
        options = _parser().parse_args(session.arguments(given))
        out = options.out
        asked = {name: getattr(options, name) for name in RENDERERS}
        wanted = {name: path for name, path in asked.items() if path is not None}
        verdict, words = _written(
            opened(options.record), wanted or {"page": options.record.with_suffix(".html")}
        )
    except UsageError as error:
        verdict, words = Verdict.USAGE, str(error)
    except UnusableFileError as error:
        verdict, words = error.verdict, str(error)
    except RecordError as error:
        is_missing = isinstance(error, schema.RecordMissingError)
        verdict, words = Verdict.USAGE if is_missing else Verdict.INVALID, str(error)
    except OSError as error:
        verdict, words = Verdict.INVALID, f"the page cannot be written: {error.strerror}"
    record = SessionRecord(name=NAME, verdict=verdict, summary=words)
    return session.finish(record, out, is_verdict=False)


if __name__ == "__main__":
    sys.exit(main())
