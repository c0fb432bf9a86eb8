"""What is measured beside the simulation does the same work, and the shares are of one whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from properties.simulation.rates import BLOCK_RUNS, TIMED, GlueDivergedError, Rate, Ways
from properties.simulation.scenario import Trial
from properties.simulation.schedulers.random import RandomScheduler
from properties.simulation.stage import Stage


@pytest.mark.parametrize("name", TIMED)
def test_the_glue_comes_to_the_same_answers_and_rows(name: str) -> None:
    """In the order of each simulated run; another order is told from it."""
    with Stage(TIMED[name]()) as stage, Ways(stage, RandomScheduler(3)) as ways:
        ways.warm_up()
        ways.simulate()
        answers = [trial.outcome.answers for trial in ways.trials]
        assert BLOCK_RUNS == len(answers)
        assert len(set(answers)) > 1
        ways.glue()
        assert ways.trials[-1].outcome.rows == stage.rows()
        ways.trials = [_renamed(trial) for trial in ways.trials]
        with pytest.raises(GlueDivergedError, match="simulated"):
            ways.glue()


def _renamed(trial: Trial) -> Trial:
    (first, _), (second, other), *rest = trial.outcome.answers
    outcome = replace(trial.outcome, answers=((first, other), (second, "none"), *rest))
    return replace(trial, outcome=outcome)


def test_the_aiosqlite_and_the_plain_calls_leave_the_same_rows() -> None:
    """Each writes what the subject wrote: its statements, its parameters, its commits."""
    with Stage(TIMED["store-3"]()) as stage, Ways(stage, RandomScheduler(3)) as ways:
        ways.warm_up()
        ways.turn(0)
        expected = ways.trials[-1].outcome.rows
        for way in (ways.aiosqlite, ways.plain):
            stage.reset()
            assert expected != stage.rows()
            way()
            assert expected == stage.rows()


def test_shares_and_ratios_are_medians_of_the_turns() -> None:
    """One slow block of a noisy host changes neither."""
    found = Rate(
        scenario="made up",
        run_s={
            "simulated": [8.0, 16.0, 800.0],
            "glue": [4.0, 8.0, 4.0],
            "aiosqlite": [3.0, 6.0, 3.0],
            "plain": [2.0, 4.0, 2.0],
        },
        calls_per_run=1.0,
    )
    assert 0.25 == found.ratio("simulated")
    assert 0.5 == found.ratio("glue")
    assert 1 / 16 == found.per_s("simulated")
    shares = {
        "sqlite3": 0.25,
        "aiosqlite and asyncio": 0.125,
        "subject": 0.125,
        "simulator": 0.5,
    }
    assert shares == found.shares()
