"""``python -m properties.history [FILE ...]``: are these histories linearizable?

Without a file the corpus is judged, and each history must get the verdict that stands in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from properties.history import files
from properties.history.checker import check
from properties.history.records import MalformedHistoryError, Outcome, Record
from properties.history.verdicts import Finding, Judgement
from properties.session import UsageError, finish, parser, run
from reports.schema import RecordError, SessionRecord, Verdict, given_path

CORPUS = Path(__file__).resolve().parent / "corpus"

_VERDICTS = {
    Finding.OK: Verdict.PASS,
    Finding.ILLEGAL: Verdict.FAIL,
    Finding.UNKNOWN: Verdict.UNKNOWN,
}


def _saw(record: Record) -> bool:
    return record.outcome is Outcome.OK or record.is_refusal


def _judged(path: Path) -> tuple[Finding, str | None]:
    """Print what is to be said of a file; return the finding and the one it expects."""
    try:
        record, history = files.read(path)
    except MalformedHistoryError as error:
        raise UsageError(f"{path}: {error} docs/histories.md has the format.") from error
    except RecordError as error:
        raise UsageError(f"{error} docs/histories.md has the format.") from error
    judgement = check(history)
    if judgement.finding is Finding.OK and not any(map(_saw, history.records)):
        reason = (
            f"of {len(history.records)} operations none is ok or says why it failed: nobody saw "
            "anything, so there is nothing to judge"
        )
        judgement = Judgement(finding=Finding.UNKNOWN, reason=reason)
    title = f"  {record.title}" if record.title else ""
    print(f"{judgement.finding.value:<8} {path.name}{title}")
    if judgement.finding is not Finding.OK:
        print("".join(f"{'':11}{line}".rstrip() + "\n" for line in judgement.told().splitlines()))
    return judgement.finding, record.expected


def _of_corpus() -> tuple[Verdict, str, Counter[str]]:
    counted: Counter[str] = Counter()
    otherwise = []
    paths = sorted(CORPUS.glob("*.json"))
    for path in paths:
        finding, expected = _judged(path)
        counted[finding.value] += 1
        if finding.value != expected:
            otherwise.append(f"{path.name} is {finding.value}, not {expected}")
    if not paths:
        return Verdict.INVALID, "the corpus is empty", counted
    summary = f"{len(paths) - len(otherwise)} of {len(paths)} histories of the corpus as expected"
    summary = "; ".join([summary, *otherwise])
    return (Verdict.FAIL if otherwise else Verdict.PASS), summary, counted


def _of_files(paths: Sequence[Path]) -> tuple[Verdict, str, Counter[str]]:
    counted = Counter(_judged(path)[0].value for path in paths)
    worst = next(
        each for each in (Finding.ILLEGAL, Finding.UNKNOWN, Finding.OK) if counted[each.value]
    )
    told = ", ".join(f"{counted[each.value]} {each.value}" for each in Finding)
    return _VERDICTS[worst], f"{len(paths)} histories: {told}", counted


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    asked = parser("history", "Judge histories: ok, illegal or unknown. None: judge the corpus.")
    asked.add_argument(
        "files", nargs="*", type=given_path, metavar="FILE", help="see docs/histories.md"
    )
    asked.add_argument(
        "--edn", type=given_path, metavar="OUT", help="write one FILE as Jepsen's EDN"
    )
    options = asked.parse_args(arguments)
    if options.edn is not None:
        if len(options.files) != 1:
            raise UsageError(f"--edn exports one FILE, not {len(options.files)}; name it.")
        _export(options.files[0], options.edn)
    verdict, summary, counted = _of_files(options.files) if options.files else _of_corpus()
    record = SessionRecord(name="history", verdict=verdict, summary=summary, figures=dict(counted))
    return finish(record, options.record)


def _export(source: Path, target: Path) -> None:
    try:
        target.write_text(files.edn(files.read(source)[1]), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{target}: {error.strerror}; name a file that can be written.") from error
    except (RecordError, MalformedHistoryError) as error:
        raise UsageError(f"{source}: {error}") from error


if __name__ == "__main__":
    run("history", main)
