"""An epoch's two processes share CPU, hash seed and variables; their order is random."""

import random
from pathlib import Path

import pytest

from reports import pairs
from reports.environments import Builder
from reports.pairs import Pairing, Side
from reports.processes import Ended, Pulse
from reports.tests import benchmark_files

Seen = tuple[str, str, int | None]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Seen]:
    """What each process would have been started with; it leaves a file of three rounds."""
    started: list[Seen] = []

    def run(argv: list[str], *, environ: dict[str, str], cpu: int | None, **_: object) -> Ended:
        started.append((argv[0], environ["PYTHONHASHSEED"], cpu))
        slow = 2.0 if argv[0] == "candidate" else 1.0
        rounds = {"control": [3e-3, 1e-3, 9e-3], "work": [7e-3, slow * 2e-3, 1.0]}
        benchmark_files.write(Path(argv[-1]), rounds)
        return Ended(exit_code=0, elapsed_s=1.5, tail="")

    monkeypatch.setattr(pairs, "run", run)
    return started


def pairing(tmp_path: Path, seed: int = 1) -> Pairing:
    def silent(_: str) -> None:
        return None

    pulse: Pulse = silent
    return Pairing(
        pythons={Side.BASELINE: Path("baseline"), Side.CANDIDATE: Path("candidate")},
        checkout=tmp_path,
        scratch=tmp_path,
        limit_s=1.0,
        draw=random.Random(seed),
        pulse=pulse,
    )


def test_what_two_sides_share_and_what_is_random(tmp_path: Path, seen: list[Seen]) -> None:
    """In 40 epochs both orders and many hash seeds come up, and never two in one epoch."""
    source = pairing(tmp_path)
    for _ in range(40):
        source.epoch()
    epochs = list(zip(seen[::2], seen[1::2], strict=True))
    for first, second in epochs:
        assert {"baseline", "candidate"} == {first[0], second[0]}
        assert first[1:] == second[1:]
    assert 40 == len({first[1] for first, _ in epochs})
    assert 8 <= sum(first[0] == "baseline" for first, _ in epochs) <= 32


def test_a_seed_repeats_the_order(tmp_path: Path, seen: list[Seen]) -> None:
    """The recorded seed gives the same CPUs, hash seeds and order again."""
    for seed in (7, 7):
        source = pairing(tmp_path, seed)
        for _ in range(5):
            source.epoch()
    assert seen[:10] == seen[10:]


def test_the_least_disturbed_round_counts(tmp_path: Path, seen: list[Seen]) -> None:
    """The ratio is that of the least rounds: a neighbour's hit on the others is not in it."""
    epoch = pairing(tmp_path).epoch()
    ratios = epoch.log_ratios()
    assert 0.0 == ratios["benchmarks/test_gate.py::test_control"]
    assert pytest.approx(0.6931472) == ratios["benchmarks/test_gate.py::test_work"]
    assert {"benchmarks/test_gate.py::test_control"} == epoch.sides[Side.BASELINE].controls
    assert (3.0, 2) == (epoch.elapsed_s, len(seen))


def test_a_process_that_failed_measured_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever stands in its file: a benchmark that ended in an error has no figures."""
    benchmark_files.write(tmp_path / "001-0.json", {"work": [1e-3]})
    for ended, words in (
        (Ended(exit_code=1, elapsed_s=1.0, tail="ValueError: x\n"), "exit code 1: ValueError: x"),
        (Ended(exit_code=None, elapsed_s=3.0, tail=""), "killed after 3 s"),
    ):
        monkeypatch.setattr(pairs, "run", lambda *_, ended=ended, **__: ended)
        side = pairing(tmp_path).epoch().sides[Side.BASELINE]
        assert {} == side.undisturbed_s
        assert words in str(side.failure)


def test_a_process_that_left_no_file_measured_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Success without a record is a failure too."""
    fine = Ended(exit_code=0, elapsed_s=1.0, tail="")
    monkeypatch.setattr(pairs, "run", lambda *_, **__: fine)
    side = pairing(tmp_path).epoch().sides[Side.CANDIDATE]
    assert "no such file" in str(side.failure)


def test_real_processes_are_pinned_to_the_epochs_cpu(builder: Builder, tmp_path: Path) -> None:
    """Read from inside: each process's affinity is the one CPU that was drawn."""
    python = builder.build(builder.lock_requirements()).python
    real = Pairing(
        pythons=dict.fromkeys(Side, python),
        checkout=builder.root,
        scratch=tmp_path,
        limit_s=20.0,
        draw=random.Random(3),
        pulse=lambda _: None,
    )
    epoch = real.epoch()
    assert epoch.is_pinned, epoch
