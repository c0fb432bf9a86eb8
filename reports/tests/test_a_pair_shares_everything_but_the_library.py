"""An epoch's processes share CPU, hash seed and variables; their order is random."""

import random
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from reports import pairs
from reports.environments import Builder
from reports.pairs import Pairing, Seat, Side
from reports.processes import Ended, Pulse
from reports.tests import benchmark_files

Seen = tuple[str, str, int | None]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Seen]:
    """What each process would have been started with; it leaves a file of three rounds."""
    started: list[Seen] = []

    def run_together(
        commands: Mapping[Seat, list[str]],
        _: object,
        *,
        environ: dict[str, str],
        cpu: int | None,
        **__: object,
    ) -> dict[Seat, Ended]:
        for seat, argv in commands.items():
            started.append((seat.value, environ["PYTHONHASHSEED"], cpu))
            slow = 2.0 if argv[0] == "candidate" else 1.0
            rounds = {"control": [3e-3, 1e-3, 9e-3], "work": [7e-3, slow * 2e-3, slow * 1.0]}
            benchmark_files.write(Path(argv[argv.index("--json") + 1]), rounds)
        return {seat: Ended(exit_code=0, elapsed_s=1.5, tail="") for seat in commands}

    monkeypatch.setattr(pairs, "run_together", run_together)
    return started


def pairing(tmp_path: Path, seed: int = 1) -> Pairing:
    def silent(_: str) -> None:
        return None

    pulse: Pulse = silent
    return Pairing(
        starts={side: [side.value, "-m"] for side in Side},
        checkout=tmp_path,
        scratch=tmp_path,
        limit_s=1.0,
        draw=random.Random(seed),
        pulse=pulse,
    )


def test_what_the_sides_share_and_what_is_random(tmp_path: Path, seen: list[Seen]) -> None:
    """In 40 epochs every order and many hash seeds come up, and never two seeds in one epoch."""
    source = pairing(tmp_path)
    for _ in range(40):
        source.epoch()
    epochs = list(zip(seen[::3], seen[1::3], seen[2::3], strict=True))
    for epoch in epochs:
        assert {seat.value for seat in Seat} == {each[0] for each in epoch}
        assert 1 == len({each[1:] for each in epoch})
    assert 40 == len({epoch[0][1] for epoch in epochs})
    assert 6 == len({tuple(each[0] for each in epoch) for epoch in epochs})


def test_a_seed_repeats_the_order(tmp_path: Path, seen: list[Seen]) -> None:
    """The recorded seed gives the same CPUs, hash seeds and order again."""
    for number, seed in enumerate((7, 7)):
        folder = tmp_path / str(number)
        folder.mkdir()
        source = pairing(folder, seed)
        for _ in range(5):
            source.epoch()
    assert seen[:15] == seen[15:]


def test_the_median_of_neighbouring_rounds_counts(tmp_path: Path, seen: list[Seen]) -> None:
    """Each round is held against its neighbour in time, and the median of these ratios counts."""
    epoch = pairing(tmp_path).epoch()
    assert pytest.approx({"control": 0.0, "work": 0.6931472}) == epoch.log_ratios()
    assert {"control": 0.0, "work": 0.0} == epoch.twin_log_ratios()
    assert frozenset({"control"}) == epoch.sides[Side.BASELINE].controls
    assert (1.5, 3) == (epoch.elapsed_s, len(seen))


def test_only_what_is_asked_for_is_measured(tmp_path: Path) -> None:
    """The names become pytest's own choice, behind the options of the benchmarks."""
    command = pairing(tmp_path)._command(Seat.TWIN, "001-2", ["work", "control"])
    assert ["--", "-k", "test_work or test_control"] == command[-3:]
    assert "baseline" == command[0]


def test_a_process_that_failed_measured_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever stands in its file: a benchmark that ended in an error has no figures."""
    for folder, ended, words in (
        ("a", Ended(exit_code=1, elapsed_s=1.0, tail="ValueError: x\n"), "code 1: ValueError: x"),
        ("b", Ended(exit_code=None, elapsed_s=3.0, tail=""), "killed after 3 s"),
    ):
        (tmp_path / folder).mkdir()
        benchmark_files.write(tmp_path / folder / "001-0.json", {"work": [1e-3]})
        monkeypatch.setattr(pairs, "run_together", _all(ended))
        side = pairing(tmp_path / folder).epoch().sides[Side.BASELINE]
        assert {} == side.rounds_s
        assert words in str(side.failure)


def _all(ended: Ended) -> Callable[..., dict[Seat, Ended]]:
    return lambda commands, *_, **__: dict.fromkeys(commands, ended)


def test_a_process_that_left_no_file_measured_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Success without a record is a failure too."""
    fine = Ended(exit_code=0, elapsed_s=1.0, tail="")
    monkeypatch.setattr(pairs, "run_together", _all(fine))
    side = pairing(tmp_path).epoch().sides[Side.CANDIDATE]
    assert "no such file" in str(side.failure)


def test_real_processes_are_pinned_to_the_epochs_cpu(builder: Builder, tmp_path: Path) -> None:
    """Read from inside: each process's affinity is the one CPU that was drawn."""
    built = builder.build(builder.lock_requirements())
    real = Pairing(
        starts=dict.fromkeys(Side, built.start),
        checkout=builder.root,
        scratch=tmp_path,
        limit_s=20.0,
        draw=random.Random(3),
        pulse=lambda _: None,
    )
    epoch = real.epoch()
    assert epoch.is_pinned, epoch
