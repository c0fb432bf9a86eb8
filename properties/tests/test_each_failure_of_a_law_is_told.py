"""A law that two cases break tells of both, so that one that is expected hides no other one."""

import textwrap
from pathlib import Path

import pytest

from properties.recording import Recorder
from reports.schema import NEXT_FAILURE, LawVerdict

LAW = '''
    """Two cases of one law."""

    LEANS_ON = "nothing"


    def test_one():
        assert False, "raised at the call"


    def test_another():
        assert False, "LOSES THE EVENT"


    def test_the_same():
        assert False, "raised at the call"


    def test_another_one_like_it():
        assert False, "LOSES THE EVENT"
'''


def test_both_are_in_the_record(tmp_path: Path) -> None:
    """The second one after a line that begins with the mark and names its case."""
    (tmp_path / "test_a_law.py").write_text(textwrap.dedent(LAW))
    recorder = Recorder()
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:asyncio",
        "-c",
        "/dev/null",
        "--rootdir",
        str(tmp_path),
    ]
    code = pytest.main([str(tmp_path), "--import-mode=importlib", *options], plugins=[recorder])
    assert pytest.ExitCode.TESTS_FAILED == code
    (record,) = recorder.records("again")
    assert LawVerdict.FAIL is record.verdict
    assert record.failure is not None
    first, *others = record.failure.partition("\n\nAgain: ")[0].split(f"\n{NEXT_FAILURE}")
    assert "raised at the call" in first
    ((name, _, second),) = (other.partition("\n") for other in others)
    assert "test_another" == name
    assert "LOSES THE EVENT" in second
