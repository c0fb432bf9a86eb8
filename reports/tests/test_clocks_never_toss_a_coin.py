"""The clocks on epochs with known truth: no false failure, no false pass, no missed slowdown."""

import dataclasses
import datetime
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
import pytest

from reports import looks, policy
from reports.ledger import Ledger
from reports.pairs import Epoch, Measured, Side
from reports.schema import BenchmarkOutcome, Environment, Verdict
from reports.timing import Timing, measure

TIME = policy.load().time
NOTHING_ACCEPTED = Ledger(lines=[], changes=[], today=datetime.date(2026, 1, 1))
PINNED = Environment(
    python_version="3",
    python_implementation="x",
    platform="x",
    sqlite_version="3",
    sqlite_source_id="x",
    libraries=[],
    cpu_count=1,
    cpu_affinity=[0],
)


def measured(costs: Mapping[str, float], failure: str | None = None) -> Measured:
    return Measured(
        rounds_s={} if failure else {name: [cost] for name, cost in costs.items()},
        cpu_rounds_s={},
        controls=frozenset({"control"}) & frozenset(costs),
        environment=PINNED,
        failure=failure,
    )


def pairs(
    draw: random.Random, ratios: Mapping[str, float], *, noise: float, worst: float = 4.0
) -> Iterator[tuple[Measured, Measured]]:
    """Pairs with heavy tails: a neighbour hits every tenth process, which takes up to `worst`."""

    def process(factors: Mapping[str, float]) -> Measured:
        weather = draw.uniform(1, worst) if draw.random() < 0.1 else 1.0
        return measured(
            {n: f * weather * draw.lognormvariate(0, noise) * 1e-3 for n, f in factors.items()}
        )

    while True:
        yield process(dict.fromkeys(ratios, 1.0)), process(ratios)


def epoch_of(pair: tuple[Measured, Measured], twin: Measured | None = None) -> Epoch:
    sides = {Side.BASELINE: pair[0], Side.CANDIDATE: pair[1]}
    return Epoch(sides=sides, twin=twin, cpu=0, elapsed_s=2.0)


def timed(
    source: Iterator[tuple[Measured, Measured]],
    *,
    budget_s: float = 80.0,
    book: Ledger = NOTHING_ACCEPTED,
    asked: list[tuple[str, ...]] | None = None,
) -> Timing:
    """Run `measure` on made pairs; each takes two seconds of a clock that is ours."""
    left = [budget_s]
    asked = [] if asked is None else asked

    def epoch(only: Sequence[str] | None) -> Epoch:
        left[0] -= 2.0
        before, after = next(source)
        if only is not None:
            asked.append(tuple(only))
            before, after = (
                dataclasses.replace(
                    each, rounds_s={n: v for n, v in each.rounds_s.items() if n in only}
                )
                for each in (before, after)
            )
        return epoch_of((before, after))

    return measure(
        epoch, TIME, left_s=lambda: left[0], say=lambda _: None, at=lambda _: None, ledger=book
    )


def verdict(timing: Timing) -> Verdict:
    return max(
        (reason.verdict for reason in timing.reasons),
        key=[Verdict.PASS, Verdict.UNKNOWN, Verdict.INVALID, Verdict.FAIL].index,
    )


def count(
    trials: int, seed: int, noise: float, *, worst: float = 4.0, **ratios: float
) -> dict[Verdict, int]:
    draw = random.Random(seed)
    made = {"control": 1.0, **ratios}
    found = [verdict(timed(pairs(draw, made, noise=noise, worst=worst))) for _ in range(trials)]
    return {each: found.count(each) for each in Verdict}


@pytest.mark.parametrize("noise", [0.01, 0.05, 0.3])
def test_one_release_against_itself_never_fails(noise: float) -> None:
    """In 180 runs over quiet and wild machines not one is a failure (bound: 0.0025 a run)."""
    seen = count(60, 1, noise, manager=1.0, bare=1.0, aiosqlite=1.0)
    assert 0 == seen[Verdict.FAIL]
    if noise == 0.01:
        assert 57 <= seen[Verdict.PASS]


@pytest.mark.parametrize("noise", [0.01, 0.05, 0.1])
def test_a_twofold_slowdown_of_one_benchmark_always_fails(noise: float) -> None:
    """The other benchmarks' silence does not hide it, and neither do neighbours that double."""
    ratios = {"manager": 1.0, "bare": 2.0, "aiosqlite": 1.0}
    assert 30 == count(30, 2, noise, worst=2.0, **ratios)[Verdict.FAIL]
    wild = count(30, 2, noise, worst=4.0, **ratios)
    assert wild[Verdict.FAIL] >= 27
    assert 0 == wild[Verdict.PASS]


def test_a_small_slowdown_is_found() -> None:
    """Four percent with rounds that agree within one: found in a minute of epochs."""
    assert count(30, 3, 0.005, worst=1.0, manager=1.04, bare=1.0)[Verdict.FAIL] >= 29


def test_a_slowdown_below_the_margin_is_slower_and_no_failure() -> None:
    """Half a percent, seen sharply: told as slower, and it passes."""
    source = pairs(random.Random(30), {"control": 1.0, "m": 1.005}, noise=0.002, worst=1.0)
    timing = timed(source)
    assert BenchmarkOutcome.SLOWER is timing.rows[0].outcome
    assert Verdict.PASS is verdict(timing)
    assert "slower for sure" in timing.reasons[0].text


def test_a_benchmark_just_beyond_the_tolerance_hardly_ever_passes() -> None:
    """At 4 % with scatter, a pass comes at most as often as the policy says."""
    seen = count(60, 3, 0.03, manager=1.04, bare=1.0)
    assert seen[Verdict.PASS] / 60 <= TIME.family_error


def test_a_clear_pass_stops_at_the_first_look() -> None:
    """Nobody waits for epochs that cannot change the answer."""
    source = pairs(random.Random(19), {"control": 1.0, "manager": 1.0}, noise=0.005, worst=1.0)
    timing = timed(source)
    assert (12, Verdict.PASS) == (timing.epoch_count, verdict(timing))


def test_what_is_settled_is_measured_no_longer() -> None:
    """Only the slow one goes on to its confirmation, with the control beside it."""
    asked: list[tuple[str, ...]] = []
    ratios = {"control": 1.0, "even": 1.0, "slow": 1.5}
    timing = timed(pairs(random.Random(20), ratios, noise=0.003, worst=1.0), asked=asked)
    assert {("slow", "control")} == set(asked)
    assert {"even": 12, "slow": 20} == {
        row.name: row.epoch_count for row in timing.rows if not row.is_control
    }


def test_a_lucky_bound_in_wild_scatter_is_no_pass() -> None:
    """Where half of everything is noise, a bound under the tolerance is luck: no pass."""
    assert 0 == count(20, 17, 0.4, worst=1.0, manager=1.0)[Verdict.PASS]
    assert 0 == count(20, 18, 0.4, worst=1.0, manager=0.6)[Verdict.PASS]


def test_a_baseline_that_differs_from_itself_makes_the_clocks_invalid() -> None:
    """The twin is the same release: where it seems five percent slower, nothing is believed."""
    draw = random.Random(21)
    seen = looks.Evidence(policy=TIME)
    even = {"control": 1.0, "m": 1.0}
    for _ in range(14):
        pair = next(pairs(draw, even, noise=0.001, worst=1.0))
        seen.add(epoch_of(pair, measured({"control": 1e-3, "m": 1.05e-3})))
    (said,) = seen.disbelief()
    assert said.startswith("the baseline against itself differs in m by a factor of 1.0")
    row = next(row for row in seen.rows() if row.name == "m")
    assert pytest.approx(1.05, abs=0.01) == row.twin_ratio


def working_between(outside: Mapping[Side, float], inside: Mapping[Side, float]) -> Timing:
    """Rounds of `manager` that take `inside`, and a process that works `outside` of them."""
    draw = random.Random(23)

    def process(side: Side) -> Measured:
        rounds = {
            name: [each * draw.lognormvariate(0, 0.002)] * 3
            for name, each in (("control", 1.0), ("manager", inside[side]))
        }
        return dataclasses.replace(
            measured({"control": 1.0}),
            rounds_s=rounds,
            cpu_rounds_s=rounds,
            cpu_outside_s={"control": 0.1, "manager": 0.1 + outside[side]},
        )

    def source() -> Iterator[tuple[Measured, Measured]]:
        while True:
            yield process(Side.BASELINE), process(Side.CANDIDATE)

    return timed(source())


@pytest.mark.parametrize(
    ("outside", "inside", "expected", "ratio"),
    [
        # What it does after its rounds is twice what the clock sees, or what the clock lost.
        ((0.0, 1.0), (1.0, 1.0), Verdict.FAIL, 2.0),
        ((0.0, 0.5), (1.0, 0.5), Verdict.PASS, 1.0),
        ((0.5, 0.0), (1.0, 1.0), Verdict.PASS, 0.667),
        ((0.5, 0.5), (1.0, 1.0), Verdict.PASS, 1.0),
        # As little as one release differs from itself by is no reason to leave the clock.
        ((0.0, 0.019), (1.0, 1.0), Verdict.PASS, 1.0),
    ],
)
def test_work_between_the_rounds_is_counted_in(
    outside: tuple[float, float], inside: tuple[float, float], expected: Verdict, ratio: float
) -> None:
    """A library that moves its work to a thread in the background gains nothing by it."""
    sides = tuple(Side)
    timing = working_between(
        dict(zip(sides, outside, strict=True)), dict(zip(sides, inside, strict=True))
    )
    assert expected is verdict(timing)
    row = next(each for each in timing.rows if not each.is_control)
    assert pytest.approx(ratio, abs=0.01) == row.ratio
    told = [reason.text for reason in timing.reasons if "works between its rounds" in reason.text]
    assert (abs(outside[1] - outside[0]) > 0.02) == bool(told)
    who = "candidate" if outside[1] > outside[0] else "baseline"
    assert bool(told) == (f"the {who} works between its rounds" in (row.reason or ""))


def test_one_release_against_itself_at_any_moment() -> None:
    """Stopping at the worst of fifty moments, alarms stay under the family's error."""
    draw = random.Random(22)
    alarms = failures = 0
    for _ in range(100):
        seen = looks.Evidence(policy=TIME)
        source = pairs(draw, {"control": 1.0, "a": 1.01, "b": 1.01}, noise=0.05)
        for _ in range(50):
            seen.add(epoch_of(next(source)))
        alarms += bool(seen.alarmed_at)
        failures += bool(seen.confirmed)
    assert alarms / 100 <= TIME.family_error
    assert failures <= 1


def test_a_control_that_moves_makes_the_clocks_invalid() -> None:
    """Even a twofold slowdown beside it is not believed, and neither is a speed-up."""
    for other in (0.5, 1.0, 2.0):
        draw = random.Random(4)
        timing = timed(pairs(draw, {"control": 1.3, "manager": other}, noise=0.02))
        assert Verdict.INVALID is verdict(timing)
        assert Verdict.PASS not in {reason.verdict for reason in timing.reasons}
    timing = timed(pairs(random.Random(4), {"control": 0.7, "manager": 1.0}, noise=0.02))
    assert Verdict.INVALID is verdict(timing)


def test_no_control_is_unknown() -> None:
    """Without a control nobody knows how quiet the machine was: neither pass nor fail."""
    for other in (1.0, 2.0):
        timing = timed(pairs(random.Random(5), {"manager": other}, noise=0.02))
        assert Verdict.UNKNOWN is verdict(timing)


def test_an_alarm_without_fresh_epochs_is_unknown() -> None:
    """With time for the first look only, a twofold slowdown is seen and not yet believed."""
    source = pairs(random.Random(6), {"control": 1.0, "manager": 2.0}, noise=0.02)
    timing = timed(source, budget_s=27.0)
    assert (12, Verdict.UNKNOWN) == (timing.epoch_count, verdict(timing))
    assert "did not confirm" in str(timing.rows[0].reason)


def test_an_alarm_that_fresh_epochs_deny_is_unknown() -> None:
    """A machine that was busy on one side until the alarm does not make a failure."""
    slow = pairs(random.Random(7), {"control": 1.0, "manager": 1.5}, noise=0.01)
    even = pairs(random.Random(8), {"control": 1.0, "manager": 1.0}, noise=0.01)

    def source() -> Iterator[tuple[Measured, Measured]]:
        for _ in range(13):
            yield next(slow)
        yield from even

    assert Verdict.UNKNOWN is verdict(timed(source()))


def test_too_little_time_is_unknown_and_says_what_to_do() -> None:
    """A budget without room for one look times nothing and claims nothing."""
    source = pairs(random.Random(9), {"control": 1.0, "manager": 1.0}, noise=0.01)
    timing = timed(source, budget_s=20.0)
    assert ([], Verdict.UNKNOWN) == (timing.rows, verdict(timing))
    assert timing.reasons[0].text.endswith("nothing was timed. Give them more time")


def failing(*sides: Side) -> Callable[[], Iterator[tuple[Measured, Measured]]]:
    def source() -> Iterator[tuple[Measured, Measured]]:
        words = [("it crashed" if side in sides else None) for side in Side]
        while True:
            yield measured({"control": 1e-3}, words[0]), measured({"control": 1e-3}, words[1])

    return source


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        ([Side.CANDIDATE], Verdict.FAIL),
        ([Side.BASELINE], Verdict.UNKNOWN),
        ([Side.BASELINE, Side.CANDIDATE], Verdict.UNKNOWN),
    ],
)
def test_a_workload_that_never_runs_is_the_candidates_fault_only_if_the_baseline_runs(
    sides: list[Side], expected: Verdict
) -> None:
    """Twice in a row on one side only is no accident."""
    assert expected is verdict(timed(failing(*sides)()))


def test_a_failure_now_and_then_is_no_pass() -> None:
    """Pairs that failed are not dropped in silence."""
    source = pairs(random.Random(10), {"control": 1.0, "manager": 1.0}, noise=0.01)

    def sometimes() -> Iterator[tuple[Measured, Measured]]:
        for number, (before, after) in enumerate(source):
            yield before, measured({}, "it crashed") if number == 5 else after

    timing = timed(sometimes())
    assert Verdict.UNKNOWN is verdict(timing)
    assert "failed with the candidate in 1 of" in timing.reasons[0].text


def test_a_benchmark_that_one_side_lacks_is_unknown() -> None:
    """A benchmark that vanished is not a benchmark that passed."""
    source = pairs(random.Random(11), {"control": 1.0, "manager": 1.0, "bare": 1.0}, noise=0.01)

    def lacking() -> Iterator[tuple[Measured, Measured]]:
        for before, after in source:
            kept = {name: v[0] for name, v in after.rounds_s.items() if name != "bare"}
            yield before, measured(kept)

    timing = timed(lacking())
    assert Verdict.UNKNOWN is verdict(timing)
    assert "only the baseline measured bare" in [each.text for each in timing.reasons]


def test_rounds_that_cannot_be_paired_are_unknown() -> None:
    """A benchmark of which one side measured fewer rounds gets no row, and no pass either."""
    source = pairs(random.Random(12), {"control": 1.0, "manager": 1.0, "bare": 1.0}, noise=0.01)

    def fewer() -> Iterator[tuple[Measured, Measured]]:
        for before, after in source:
            kept = {name: v for name, v in after.rounds_s.items() if name != "bare"}
            yield before, dataclasses.replace(after, rounds_s={**kept, "bare": [1e-3, 1e-3]})

    timing = timed(fewer())
    assert Verdict.UNKNOWN is verdict(timing)
    assert "nothing is known of bare" in timing.reasons[0].text


def test_a_pair_that_was_not_pinned_is_told() -> None:
    """An affinity that is not the epoch's CPU is a weaker result, and known as one."""
    loose = msgspec.structs.replace(PINNED, cpu_affinity=[0, 1])

    def source() -> Iterator[tuple[Measured, Measured]]:
        for before, after in pairs(random.Random(12), {"control": 1.0, "m": 1.0}, noise=0.01):
            yield before, dataclasses.replace(after, environment=loose)

    pinned = pairs(random.Random(12), {"control": 1.0, "m": 1.0}, noise=0.01)
    assert (True, False) == (timed(pinned).is_pinned, timed(source()).is_pinned)


def test_the_rows_say_what_was_seen() -> None:
    """A faster benchmark is faster, a quiet control is quiet, and the control stands last."""
    ratios = {"control": 1.0, "slow": 2.0, "fast": 0.5}
    timing = timed(pairs(random.Random(13), ratios, noise=0.02))
    assert [
        ("fast", BenchmarkOutcome.FASTER),
        ("slow", BenchmarkOutcome.REGRESSED),
        ("control", BenchmarkOutcome.QUIET),
    ] == [(row.name, row.outcome) for row in timing.rows]
    assert 20 == timing.epoch_count
    slow = timing.rows[1]
    assert math.isclose(2.0, slow.ratio, rel_tol=0.05)
    middles = [each[20] for each in (slow.baseline_quantiles_us, slow.candidate_quantiles_us)]
    assert [1000, 2000] == pytest.approx(middles, rel=0.05)
