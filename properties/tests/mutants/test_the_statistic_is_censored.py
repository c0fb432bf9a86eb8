"""Times that were cut are later than the cap, and nobody takes them for short ones."""

from collections import Counter

from properties.mutants import bars
from properties.mutants.discovery import median_s, stratified
from properties.mutants.registry import all_mutants
from reports.schema import DiscoveryRecord

BUGS = [each for each in all_mutants().values() if not each.is_correct]


def _record(name: str, instrument: str, *times: float | None) -> DiscoveryRecord:
    return DiscoveryRecord(
        name=name,
        family="f",
        instrument=instrument,
        cap_s=5.0,
        cpu_s=list(times),
        elapsed_s=list(times),
        killers={},
    )


def test_the_median_counts_what_was_cut() -> None:
    """It is known where half were found, and above the cap where they were not."""
    assert 2.0 == median_s([2.0, 1.0, None])
    assert 1.0 == median_s([None, 1.0, None, 0.5])
    assert None is median_s([None, 1.0, None])
    assert None is median_s([])


def test_a_mutant_that_a_baseline_found_once_is_not_missed() -> None:
    """Both must have been asked, and neither have found it in any trial."""
    records = [
        _record("m", "laws", 1.0),
        _record("m", "gather", None, None),
        _record("m", "machine", None, None),
        _record("n", "laws", 1.0),
        _record("n", "gather", None, None),
        _record("n", "machine", None, 4.0),
        _record("o", "laws", 1.0),
        _record("o", "gather", None, None),
        _record("p", "laws", None),
        _record("p", "gather", None),
        _record("p", "machine", None),
    ]
    assert ["m"] == bars.missed_by_baselines(records)


def test_the_bars_of_the_statistic() -> None:
    """Nine of ten mutants in 19 of 20 seeds, a median of 2 s, 15 that both baselines miss."""
    often = [_record(f"m{n}", "laws", *[1.0] * 19, None) for n in range(9)]
    rarely = [_record("r", "laws", *[1.0] * 18, None, None)]
    assert [] == bars.short_of_discovery(often + rarely, is_all=True)
    assert 1 == len(bars.short_of_discovery(often[:8] + rarely, is_all=True))
    late = [_record(f"m{n}", "laws", *[3.0] * 20) for n in range(10)]
    assert ["the median time to a kill is 3.0 s, 2 s is the most"] == bars.short_of_discovery(
        late, is_all=True
    )
    beside = [_record(f"m{n}", other, None) for n in range(9) for other in ("gather", "machine")]
    assert ["both baselines miss 9 mutants, 15 is the fewest"] == bars.short_of_discovery(
        often + rarely + beside, is_all=True
    )


def test_the_sample_has_some_of_each_family() -> None:
    """As many as there are, at most as many as asked."""
    sample = stratified(BUGS, 2)
    whole = Counter(each.family for each in BUGS)
    assert {family: min(2, count) for family, count in whole.items()} == Counter(
        each.family for each in sample
    )
