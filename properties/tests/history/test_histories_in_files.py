"""A history is written, read and judged from a file; what is no history is told in a sentence."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from properties.history import files
from properties.history.__main__ import CORPUS
from properties.history.generate import drawn

ROOT = Path(__file__).resolve().parents[3]


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "properties.history", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("index", range(12))
def test_what_was_written_is_read(index: int, tmp_path: Path) -> None:
    """Nothing is lost on the way, in a folder with any name."""
    history = drawn(5, index)[1]
    path = tmp_path / "a b'c" / "history.json"
    files.write(path, history)
    assert history == files.read(path)[1]


@pytest.mark.parametrize(
    ("name", "code", "line"),
    [
        ("stale-read", 1, "history: fail: 1 histories: 0 ok, 1 illegal, 0 unknown"),
        ("write-skew-is-legal", 0, "history: pass: 1 histories: 1 ok, 0 illegal, 0 unknown"),
    ],
)
def test_a_file_is_judged(name: str, code: int, line: str, tmp_path: Path) -> None:
    """An illegal one is a failure with its sentence, whatever the file expects of itself."""
    done = _run(str(CORPUS / f"{name}.json"), "--record", str(tmp_path / "r.json"))
    assert (code, line) == (done.returncode, done.stdout.splitlines()[-1])
    told = "A wrote version 1 and had returned before B, which read version 0, was called"
    assert (code == 1) == (told in done.stdout)


def test_the_corpus_is_judged_without_a_file(tmp_path: Path) -> None:
    """The corpus is as expected, both sorts of it."""
    count = len(list(CORPUS.glob("*.json")))
    done = _run("--record", str(tmp_path / "r.json"))
    last = f"history: pass: {count} of {count} histories of the corpus as expected"
    assert (0, last) == (done.returncode, done.stdout.splitlines()[-1])


GOOD = {
    "kind": "history",
    "schema_version": 1,
    "initial": {"x": {"version": 0, "value": "a"}},
    "operations": [
        {
            "name": "A",
            "process": "A",
            "key": "x",
            "kind": "read",
            "outcome": "ok",
            "call": 1,
            "return": 2,
            "version": 0,
            "value": "a",
        }
    ],
}


WRITE = {
    "process": "A",
    "key": "x",
    "kind": "compare-and-set",
    "call": 1,
    "return": 2,
    "expected": 0,
    "value": "b",
}
FAILED = {**WRITE, "name": "A", "outcome": "fail"}
UNKNOWN = {**WRITE, "name": "B", "outcome": "unknown"}


@pytest.mark.parametrize(
    ("operations", "code", "told"),
    [
        ([], 3, "of 0 operations none is ok or says why it failed"),
        ([FAILED], 3, "of 1 operations none is ok or says why it failed"),
        ([FAILED, UNKNOWN], 3, "of 2 operations none is ok or says why it failed"),
        ([{**FAILED, "only_in": ["a"]}], 0, "1 ok"),
        ([{**FAILED, "is_stale": True}], 1, "1 illegal"),
    ],
)
def test_a_file_in_which_nobody_saw_anything_is_unknown(
    operations: list[object], code: int, told: str, tmp_path: Path
) -> None:
    """Nothing that was seen could be wrong, so that nothing is wrong says nothing."""
    path = tmp_path / "h.json"
    path.write_text(json.dumps({**GOOD, "operations": operations}), encoding="utf-8")
    done = _run(str(path), "--record", str(tmp_path / "r.json"))
    assert code == done.returncode, done.stdout
    assert told in done.stdout


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (None, "no such file"),
        ("{", "not a record of this project"),
        ({"kind": "laws"}, "a record of kind 'laws', not 'history'"),
        ({"schema_version": 99}, "schema version 99"),
        ({"surprise": 1}, "unknown field `surprise`"),
        ({"operations": [{**GOOD["operations"][0], "call": -1}]}, "Expected `int` >= 0"),  # type: ignore[index]
        ({"operations": [{**GOOD["operations"][0], "kind": "write"}]}, "'write' is none of"),  # type: ignore[index]
        ({"operations": [{**GOOD["operations"][0], "return": 0}]}, "before it was called"),  # type: ignore[index]
    ],
)
def test_what_is_no_history_is_usage(
    change: dict[str, object] | str | None, said: str, tmp_path: Path
) -> None:
    """Exit code 2, what is wrong, where the format is described; nothing is judged."""
    path = tmp_path / "history.json"
    if change is not None:
        text = change if isinstance(change, str) else json.dumps({**GOOD, **change})
        path.write_text(text, encoding="utf-8")
    done = _run(str(path))
    assert (2, "history: usage: nothing was asked\n") == (done.returncode, done.stdout)
    assert said in done.stderr
    assert "docs/histories.md" in done.stderr


def test_a_history_is_exported_for_jepsen(tmp_path: Path) -> None:
    """An invocation and a completion a line; whoever is unknown ends in info."""
    target = tmp_path / "history.edn"
    done = _run(
        str(CORPUS / "unknown-after-a-later-refusal.json"),
        "--edn",
        str(target),
        "--record",
        str(tmp_path / "r.json"),
    )
    assert 0 == done.returncode, done.stderr
    expected = """\
{:process 0, :type :invoke, :f :cas, :value ["x" [0 nil] "uploading"], :time 1}
{:process 0, :type :info, :f :cas, :value ["x" [0 nil] "uploading"], :time 2}
{:process 1, :type :invoke, :f :cas, :value ["x" [1 nil] "processing"], :time 4}
{:process 1, :type :fail, :f :cas, :value ["x" [1 nil] "processing"], :time 5, :error :stale}
{:process 2, :type :invoke, :f :read, :value ["x" nil nil], :time 7}
{:process 2, :type :ok, :f :read, :value ["x" "uploading" 1], :time 8}
"""
    assert expected == target.read_text(encoding="utf-8")


def test_the_documented_example_is_what_the_documentation_says(tmp_path: Path) -> None:
    """Its file is read, and its verdict, sentence and timeline are printed as they stand there."""
    text = (ROOT / "docs" / "histories.md").read_text(encoding="utf-8")
    path = tmp_path / "example.json"
    path.write_text(text.partition("```json\n")[2].partition("```")[0], encoding="utf-8")
    done = _run(str(path), "--record", str(tmp_path / "r.json"))
    shown = text.partition("```text\n")[2].partition("```")[0]
    assert shown.split() == done.stdout.split()
