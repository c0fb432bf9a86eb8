"""Run one habit of the house, pass its output through, and record what it said.

    python -m reports.habit tests|lint|types|minimums [options of the tool]

A habit is a list of commands. Each runs whatever the others said, unless one that the rest needs
has not passed. The exit code is the session's verdict, the last line on stdout says it in words,
and reports/out/NAME.json holds it with the versions of what was used. No test collected is
*unknown*; a tool that is missing or crashed is *invalid*. Neither is ever a pass.
"""

import importlib.metadata
import importlib.util
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports import session
from reports.schema import INVOKED_FROM, SessionRecord, Verdict

# The worst wins. A finding that was made stands, whatever could not be judged beside it.
SEVERITY = (Verdict.PASS, Verdict.UNKNOWN, Verdict.INVALID, Verdict.USAGE, Verdict.FAIL)

TOOL_CODES = {0: Verdict.PASS, 1: Verdict.FAIL}
PYTEST_CODES = TOOL_CODES | {4: Verdict.USAGE, 5: Verdict.UNKNOWN}
SESSION_CODES = {verdict.exit_code: verdict for verdict in Verdict}

PYTEST_CLOSING = r"^[= ]*((?:\d+ \w+(?:, )?)+ in [\d.]+s|no tests ran in [\d.]+s)"
SESSION_CLOSING = r"^\w+: (?:pass|fail|unknown|invalid|usage): (.+)$"

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_TAIL_BYTES = 65_536
_GRACE_S = 5.0
LIMIT_S = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command of a habit: how it starts, and how its exit code and last words are read.

    `module` must be importable for the command to exist. The first group of the last match of
    `closing` in the output is the step's figures; only a step that `is_silent` may end without.
    An exit code that is not in `codes` is invalid.
    """

    label: str
    module: str
    arguments: tuple[str, ...] = ()
    code: str | None = None
    codes: Mapping[int, Verdict]
    closing: str = r"(?!)"
    is_silent: bool = False
    takes_options: bool = False
    is_needed_by_the_rest: bool = False

    def argv(self, options: Sequence[str]) -> list[str]:
        """The command line, on the interpreter that runs the habit."""
        start = ["-m", self.module] if self.code is None else ["-c", self.code]
        given = options if self.takes_options else ()
        return [sys.executable, *start, *self.arguments, *given]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one step concluded, in a few words."""

    label: str
    verdict: Verdict
    words: str


def _pytest(*arguments: str) -> Step:
    # pytest-benchmark is off: what is timed is timed by its own session, on purpose.
    return Step(
        label="pytest",
        module="pytest",
        arguments=("-p", "no:benchmark", *arguments),
        codes=PYTEST_CODES,
        closing=PYTEST_CLOSING,
        takes_options=True,
    )


def _session(label: str, module: str, *arguments: str, is_needed_by_the_rest: bool = False) -> Step:
    return Step(
        label=label,
        module=module,
        arguments=arguments,
        codes=SESSION_CODES,
        closing=SESSION_CLOSING,
        is_needed_by_the_rest=is_needed_by_the_rest,
    )


HABITS: Mapping[str, tuple[Step, ...]] = {
    "tests": (_pytest(),),
    "lint": (
        Step(
            label="ruff check",
            module="ruff",
            arguments=("check",),
            codes=TOOL_CODES,
            closing=r"^(Found \d+ errors?|All checks passed)",
            takes_options=True,
        ),
        Step(
            label="ruff format",
            module="ruff",
            arguments=("format", "--check"),
            codes=TOOL_CODES,
            closing=r"^(\d+ files? (?:would be|already).*)$",
        ),
        Step(
            label="import-linter",
            module="importlinter",
            code="from importlinter.cli import lint_imports_command as main; main()",
            arguments=("--no-logo",),
            codes=TOOL_CODES,
            closing=r"^Contracts: (.+)\.$",
        ),
        Step(
            label="towncrier",
            module="towncrier",
            arguments=("build", "--draft", "--version", "next"),
            codes=TOOL_CODES,
            is_silent=True,
        ),
    ),
    "types": (
        Step(
            label="mypy",
            module="mypy",
            codes=TOOL_CODES,
            closing=r"^(?:Success: )?(Found \d+ errors? .*|no issues found .*)$",
            takes_options=True,
        ),
    ),
    "minimums": (
        _session("lowest versions", "reports.lowest", is_needed_by_the_rest=True),
        _pytest("fsmcore/tests"),
        _session("laws", "properties", "--profile", "minimums"),
    ),
}


def run(step: Step, options: Sequence[str], limit_s: float = LIMIT_S) -> Said:
    """Run one step from the checkout's root; its output passes through as it comes.

    Ctrl-C reaches the command too: it is waited for, and the step is invalid. So is a command that
    has not ended after `limit_s`: a leaked worker thread can hang a process whose tests are green.
    """
    top = step.module.partition(".")[0]
    if importlib.util.find_spec(top) is None:
        words = f"{top} is not installed here; run the habit by its nox session"
        return Said(label=step.label, verdict=Verdict.INVALID, words=words)
    sys.stdout.flush()
    source, sink = os.pipe()
    process = subprocess.Popen(
        step.argv(options), cwd=session.ROOT, stdout=sink, env=_without_the_callers()
    )
    os.close(sink)
    tail = bytearray()
    reader = threading.Thread(target=_pass_through, args=(source, tail), daemon=True)
    reader.start()
    ended: str | None = None
    try:
        process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        ended = f"had not ended after {limit_s:g} s"
    except KeyboardInterrupt:
        ended = "interrupted"
    code = process.wait()
    # A process that the command left behind may hold the pipe open for ever.
    reader.join(_GRACE_S)
    if ended is not None:
        return Said(label=step.label, verdict=Verdict.INVALID, words=ended)
    return read(step, code, tail.decode("utf-8", "replace"))


def _without_the_callers() -> dict[str, str]:
    """This environment without PYTEST_ADDOPTS and its like: they could leave tests out unseen.

    Options that are meant for a session stand on its command line. Where it was called from is no
    matter of what a test starts, and what that says is not for the page of the job.
    """
    return {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("GITHUB_", "PYTEST_")) and name != INVOKED_FROM
    }


def _pass_through(source: int, tail: bytearray) -> None:
    """Copy a pipe to stdout until it closes, keeping the end of it."""
    with open(source, "rb", buffering=0) as pipe:
        while piece := pipe.read(_TAIL_BYTES):
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
            tail += piece
            del tail[:-_TAIL_BYTES]


def read(step: Step, code: int, output: str) -> Said:
    """Turn an exit code and the end of the output into a verdict and its figures.

    An exit code alone is not believed: a traceback also ends with 1, and a tool that was asked for
    its version with 0. Without closing words a fail is invalid and a pass is unknown.
    """
    found = re.findall(step.closing, _ANSI.sub("", output), re.MULTILINE)
    verdict = step.codes.get(code, Verdict.INVALID)
    if found:
        return Said(label=step.label, verdict=verdict, words=str(found[-1]))
    if step.is_silent:
        words = "clean" if verdict is Verdict.PASS else f"ended with {code}"
        return Said(label=step.label, verdict=verdict, words=words)
    unheard = {Verdict.PASS: Verdict.UNKNOWN, Verdict.FAIL: Verdict.INVALID}
    words = f"ended with {code} and without its closing line"
    return Said(label=step.label, verdict=unheard.get(verdict, verdict), words=words)


def run_all(steps: Sequence[Step], options: Sequence[str]) -> list[Said]:
    """Run the steps in order; stop after one that the rest needs."""
    said: list[Said] = []
    for step in steps:
        said.append(run(step, options))
        if step.is_needed_by_the_rest and said[-1].verdict is not Verdict.PASS:
            break
        if said[-1].words == "interrupted":
            break
    return said


def conclude(name: str, said: Sequence[Said], elapsed_ms: float) -> SessionRecord:
    """The habit's record: the worst verdict, and the words of every step."""
    worst = max((each.verdict for each in said), key=SEVERITY.index)
    single = len(said) == 1
    summary = "; ".join(each.words if single else f"{each.label}: {each.words}" for each in said)
    figures = {each.label: f"{each.verdict.value}: {each.words}" for each in said}
    return SessionRecord(
        name=name,
        verdict=worst,
        summary=summary,
        figures=figures | {"elapsed_ms": round(elapsed_ms)},
        versions=versions(),
    )


def versions() -> dict[str, str]:
    """Python, and every distribution in this environment, read after the habit has run."""
    found = {each.name.lower(): each.version for each in importlib.metadata.distributions()}
    return {"python": platform.python_version()} | dict(sorted(found.items()))


def explain(name: str) -> None:
    """Print what the habit runs, then the help of the tool that takes its options."""
    print(f"nox -s {name} -- [options]\n\nruns from the checkout, one after the other:")
    for step in HABITS[name]:
        what = "python -m " + " ".join([step.module, *step.arguments])
        print(f"  {what}{' [options]' if step.takes_options else ''}")
    print(f"\nand writes reports/out/{name}.json. Exit code of python -m reports.habit {name}:")
    print("  " + ", ".join(f"{each.exit_code} {each.value}" for each in Verdict))
    for step in HABITS[name]:
        if step.takes_options:
            print(f"\nThe options are those of {step.label}:\n")
            run(step, ["--help"])


def hear_interrupts() -> None:
    """Let SIGINT end this process and what it starts.

    A shell without job control lets whatever it puts into the background ignore it, for ever and
    for all its children: tests that interrupt a session would wait for a process that never ends.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def main(arguments: Sequence[str]) -> int:
    """Run the habit named first, with the other arguments as its tool's options."""
    name, options = (arguments[0], arguments[1:]) if arguments else ("", ())
    if name not in HABITS:
        print(f"habit: usage: name one of {', '.join(HABITS)}, not {name!r}")
        return Verdict.USAGE.exit_code
    if "--help" in options or "-h" in options:
        explain(name)
        return Verdict.PASS.exit_code
    try:
        session.OUT.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=session.OUT).close()
    except OSError as error:
        print(f"{name}: invalid: nothing was run: reports/out cannot be written ({error.strerror})")
        return Verdict.INVALID.exit_code
    hear_interrupts()
    started = time.perf_counter()
    said = run_all(HABITS[name], options)
    record = conclude(name, said, (time.perf_counter() - started) * 1000)
    return session.finish(record, session.OUT / f"{name}.json")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
