"""Text of other people's processes reaches the terminal as plain, short text."""

import io

from rich.console import Console

from reports import terminal
from reports.documents import words
from reports.documents.upgrades import law_table, version_table
from reports.progress import SILENCE_S, Progress
from reports.schema import (
    LawComparison,
    LawKind,
    LawOutcome,
    LawVerdict,
    Reason,
    Verdict,
    VersionChange,
)

TRACEBACK = """the judge failed:   + Exception Group Traceback (most recent call last):
  |   File "x.py", line 1, in f
  |     raise ExceptionGroup("several", [ValueError(1)])
  | ExceptionGroup: several
  +-+---------------- 1 ----------------
    | RuntimeWarning: coroutine was never awaited
    +------------------------------------
"""


def printed(*things: object) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=terminal.PLAIN_WIDTH, highlight=False)
    for each in things:
        console.print(each)
    return stream.getvalue()


def law(**changes: object) -> LawComparison:
    fields: dict[str, object] = {
        "law": "a_law [manager]",
        "kind": LawKind.MACHINE,
        "sentence": "A law.",
        "baseline": LawVerdict.PASS,
        "candidate": None,
        "outcome": LawOutcome.UNKNOWN,
        "reason": TRACEBACK,
    }
    return LawComparison(**{**fields, **changes})  # type: ignore[arg-type]


def test_square_brackets_are_text_and_not_markup() -> None:
    """A subject in brackets, or a hostile name, is printed as it is."""
    change = VersionChange(name="[bold]x", baseline="1", candidate=None, was_asked=True)
    said = printed(*map(terminal.table, (law_table([law()]), version_table([change]))))
    assert "a_law [manager]" in said
    assert "[bold]x" in said


def test_a_traceback_becomes_one_line() -> None:
    """What was raised last is told; a text without a traceback keeps its first line."""
    expected = "the judge failed: RuntimeWarning: coroutine was never awaited"
    assert expected == words.brief(TRACEBACK)
    assert "plain" == words.brief("\n  plain\nmore\n")
    assert "" == words.brief("\n")
    assert words.BRIEF_LENGTH == len(words.brief("x" * 9999))
    assert 2 <= printed(terminal.table(law_table([law()]))).count("\n") <= 6


def test_a_long_failure_keeps_its_beginning_and_its_replay() -> None:
    """The middle stays in the record; the end holds the command that replays it."""
    text = "\n".join([*(f"step {each}" for each in range(500)), "replay: x"])
    shown = words.excerpt(text).splitlines()
    assert ("step 0", "replay: x") == (shown[0], shown[-1])
    assert words.EXCERPT_HEAD + words.EXCERPT_TAIL + 1 == len(shown)
    assert "469 more lines" in shown[words.EXCERPT_HEAD]
    assert "one\ntwo" == words.excerpt("one\ntwo")


def test_control_characters_never_reach_the_terminal() -> None:
    """Escape codes in reasons and progress are shown as replaced characters."""
    stream = io.StringIO()
    console = Console(file=stream, width=80)
    terminal.print_reasons(console, [Reason(verdict=Verdict.FAIL, text="a\x1b[2Jb")], ["n\x07"])
    with Progress(console, clock=lambda: 0.0) as progress:
        progress.say("c\x1b[2Jd \r e")
    said = stream.getvalue()
    assert not set(said) & set("\x1b\x07\r")
    assert "c\N{REPLACEMENT CHARACTER}[2Jd" in said


def test_without_a_terminal_a_sign_of_life_comes_every_few_seconds() -> None:
    """A pulse a second prints a line only when nothing was printed for a while."""
    stream, now = io.StringIO(), [0.0]
    progress = Progress(Console(file=stream, width=80), clock=lambda: now[0])
    for second in range(10):
        now[0] = float(second)
        progress.at(f"pair {second}")
        progress.detail("words")
    lines = stream.getvalue().splitlines()
    assert 3 == len(lines)
    assert all(line.endswith(("pair 3", "pair 6", "pair 9")) for line in lines)
    assert SILENCE_S < 5
