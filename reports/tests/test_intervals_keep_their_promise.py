"""The statistics keep their stated error on samples where the truth is known."""

import math
import random

import pytest

from reports import statistics


def test_the_binomial_tail_is_the_sum_it_says() -> None:
    """The tail agrees with counting the tosses one by one."""
    for count in range(1, 9):
        for at_most in range(-1, count + 1):
            heads = [toss.bit_count() for toss in range(2**count)]
            expected = sum(1 for each in heads if each <= at_most) / 2**count
            assert expected == pytest.approx(statistics.binomial_tail(count, at_most), abs=1e-15)


def test_twelve_values_give_the_second_and_the_eleventh() -> None:
    """At the level of three benchmarks, 12 epochs are bounded by the second from each end."""
    interval = statistics.median_interval([float(each) for each in range(1, 13)], error=0.025 / 3)
    assert (2.0, 6.5, 11.0) == (interval.low, interval.middle, interval.high)
    assert 13 / 4096 == interval.error


def test_too_few_values_give_no_bound() -> None:
    """A bound that cannot keep its promise is absent, not guessed."""
    interval = statistics.median_interval([1.0, 2.0, 3.0], error=0.01)
    assert (None, 2.0, None) == (interval.low, interval.middle, interval.high)


@pytest.mark.parametrize("count", [12, 15, 24])
def test_an_interval_misses_no_more_often_than_stated(count: int) -> None:
    """On 4000 skewed, heavy-tailed samples each side misses about as often as it says."""
    draw = random.Random(count)
    missed_low = missed_high = trials = 0
    stated = 0.0
    for _ in range(4000):
        values = [math.exp(2 * draw.gauss(0, 1)) for _ in range(count)]
        interval = statistics.median_interval(values, error=0.03)
        assert interval.low is not None and interval.high is not None
        trials += 1
        stated = interval.error
        missed_low += interval.low > 1.0
        missed_high += interval.high < 1.0
    slack = 4 * math.sqrt(stated * (1 - stated) / trials)
    assert 0.003 < stated <= 0.03
    assert stated - slack <= missed_low / trials <= stated + slack
    assert stated - slack <= missed_high / trials <= stated + slack


def test_wealth_is_the_integral_it_says() -> None:
    """The closed form agrees with the mixture of bets, summed up step by step."""
    steps = 20_000
    for count, heads in ((1, 1), (5, 2), (12, 12), (12, 7), (30, 20)):
        mixed = 0.0
        for step in range(steps):
            bet = (step + 0.5) / steps
            mixed += (1 + bet) ** heads * (1 - bet) ** (count - heads) / steps
        assert pytest.approx(mixed, rel=1e-4) == statistics.wealth(count, heads)


def test_wealth_is_a_fair_bet_on_a_fair_coin() -> None:
    """Its mean over all tosses is 1 whatever the count, so nobody gets rich by looking longer."""
    for count in (1, 6, 12, 25):
        mean = sum(
            math.comb(count, heads) * statistics.wealth(count, heads) for heads in range(count + 1)
        )
        assert pytest.approx(2**count) == mean


def test_the_heads_needed_are_the_least() -> None:
    """One less would not do."""
    for count in range(1, 60):
        needed = statistics.heads_needed(count, 0.05)
        if needed is None:
            assert statistics.wealth(count, count) < 20
        else:
            assert statistics.wealth(count, needed) >= 20 > statistics.wealth(count, needed - 1)


def test_a_sequence_may_be_looked_at_after_every_value() -> None:
    """In 300 runs of 60 looks at skewed values, a bound that ever missed is as rare as it says."""
    draw = random.Random(3)
    missed_low = missed_high = 0
    for _ in range(300):
        values = [math.exp(2 * draw.gauss(0, 1)) for _ in range(60)]
        bounds = statistics.median_sequence(values, low_error=0.05, high_error=0.05)
        assert bounds.low is not None and bounds.high is not None
        missed_low += bounds.low > 1.0
        missed_high += bounds.high < 1.0
    assert 0 < missed_low / 300 <= 0.05
    assert 0 < missed_high / 300 <= 0.05


def test_the_sequence_and_its_p_value_agree() -> None:
    """A lower bound lies above the margin exactly when the p-value is at most the error."""
    draw = random.Random(5)
    seen = set()
    for _ in range(300):
        values = [draw.gauss(0.3, 0.5) for _ in range(20)]
        bounds = statistics.median_sequence(values, low_error=0.02, high_error=0.02)
        rejected = statistics.sign_p_value(values, above=0.05) <= 0.02
        assert rejected == (bounds.low is not None and bounds.low > 0.05)
        seen.add(rejected)
    assert {True, False} == seen


def test_a_tie_with_the_margin_is_no_alarm() -> None:
    """Values that equal the margin do not lie above it."""
    assert 1.0 == statistics.sign_p_value([0.05] * 12, above=0.05)


def test_the_bounds_of_a_proportion_are_clopper_and_pearsons() -> None:
    """Their values for 0 of 500, 5 of 100 and all of 20 stand in any table (two-sided 95 %)."""
    for hits, trials, low, high in (
        (0, 500, 0.0, 0.007351),
        (5, 100, 0.016432, 0.112835),
        (20, 20, 0.831566, 1.0),
    ):
        found = statistics.proportion_bounds(hits, trials, error=0.025)
        assert pytest.approx([low, high], abs=1e-5) == list(found)


def test_quantiles_begin_at_the_least_and_end_at_the_greatest() -> None:
    """In equal steps of rank, whatever the order; one value is all of its own quantiles."""
    assert [1.0, 2.0, 3.0, 4.0, 5.0] == statistics.quantiles([5.0, 1.0, 4.0, 2.0, 3.0], steps=4)
    assert [7.123, 7.123, 7.123] == statistics.quantiles([7.12345], steps=2)


def test_holm_asks_the_smallest_first_and_stops_at_the_first_refusal() -> None:
    """Holm's own example: levels grow while tests are rejected and stay where one is not."""
    levels = statistics.holm_levels({"a": 0.01, "b": 0.03, "c": 0.04}, error=0.05)
    assert {"a": 0.05 / 3, "b": 0.05 / 2, "c": 0.05 / 2} == levels
    assert 0.01 <= levels["a"] and 0.03 > levels["b"] and 0.04 > levels["c"]


def test_holm_rejects_a_true_hypothesis_no_more_often_than_stated() -> None:
    """Among three quiet benchmarks the chance of any alarm stays under the family's error."""
    draw = random.Random(11)
    alarms = 0
    for _ in range(3000):
        p_values = {
            name: statistics.sign_p_value([draw.gauss(0, 1) for _ in range(12)], above=0.0)
            for name in "abc"
        }
        levels = statistics.holm_levels(p_values, error=0.05)
        alarms += any(p_values[name] <= levels[name] for name in p_values)
    assert alarms / 3000 <= 0.05
