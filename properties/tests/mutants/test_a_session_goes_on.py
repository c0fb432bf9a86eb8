"""What is finished is not run again after a kill, unless the code is another."""

from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from properties.mutants import progress
from properties.mutants.progress import Progress
from properties.mutants.trials import Result, Trial


def _result(seed: int) -> Result:
    trial = Trial(subject="s", laws=("a",), seed=seed, ends_at="end", cap_cpu_s=1.0, law_cap_s=1.0)
    return Result(trial=trial, said=[], sightings=[], ended="itself", cpu_s=0.5)


def test_whole_lines_are_known_again(tmp_path: Path) -> None:
    """A line that a kill has torn is not."""
    path = tmp_path / "p.jsonl"
    first = Progress(path)
    first.add(_result(1))
    first.add(_result(2))
    first.close(is_finished=False)
    torn = path.read_bytes()[:-9]
    path.write_bytes(torn)
    again = Progress(path)
    assert (_result(1), None) == (again.of(_result(1).trial), again.of(_result(2).trial))
    again.add(_result(3))
    again.close(is_finished=False)
    third = Progress(path)
    assert _result(3) == third.of(_result(3).trial)
    third.close(is_finished=True)


def test_other_code_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found of another core is not this one's."""
    path = tmp_path / "p.jsonl"
    first = Progress(path)
    first.add(_result(1))
    first.close(is_finished=False)
    monkeypatch.setattr(progress, "_digest", lambda modules: "another")
    again = Progress(path)
    assert None is again.of(_result(1).trial)
    again.close(is_finished=True)


def test_a_finished_session_leaves_no_file(tmp_path: Path) -> None:
    """The next one measures anew."""
    path = tmp_path / "p.jsonl"
    for is_finished in (False, True):
        known = Progress(path)
        known.add(_result(1))
        known.close(is_finished=is_finished)
        assert is_finished is not path.exists()


def test_another_familys_change_asks_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mutant's trial depends on the file that the mutant stands in, and on no other one's."""
    path = tmp_path / "p.jsonl"
    where, locks = (
        msgspec.structs.replace(
            _result(1), trial=msgspec.structs.replace(_result(1).trial, subject=subject)
        )
        for subject in ("properties.mutants.bugs.where:one", "properties.mutants.bugs.locks:two")
    )
    first = Progress(path)
    first.add(where)
    first.add(locks)
    first.close(is_finished=False)
    digest = progress._digest

    def changed(modules: Iterable[str]) -> str:
        of = list(modules)
        return digest(of) + ("changed" if of == ["properties.mutants.bugs.locks"] else "")

    monkeypatch.setattr(progress, "_digest", changed)
    again = Progress(path)
    assert (where, None) == (again.of(where.trial), again.of(locks.trial))
    again.close(is_finished=True)


def test_the_laws_are_part_of_what_a_trial_depends_on() -> None:
    """They are not kept out as the mutants are, nor is the core."""
    common = progress.common_modules()
    assert {"fsmcore.store", "properties.recording"} <= set(common)
    assert not [name for name in common if name.startswith("properties.mutants.bugs.")]
