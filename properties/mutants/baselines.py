"""What the laws' search is compared with: the two tests that people write first.

Both are given everything but the search: the same subject, the same real files, and all judges of
the laws as oracle, which is more than such a test has. What they lack is what is compared: chosen
schedules, cancellations, faults, lock-outs, overtaking, crashes. They go on until they are stopped.

* ``gather``: stress by plain ``asyncio.gather`` on real time. Ten attempts at once on two files,
  most of them legal, round after round on a fresh database.
* ``machine``: a plain Hypothesis state machine. One attempt, or a few at once on real time, with
  drawn events, guards and expected versions.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from properties.faults.judges import machine_judges
from properties.profiles import PROFILES
from properties.rules.contention import ContentionRules
from properties.rules.court import Court
from properties.rules.troubles import EVENT_ROUND, FILE_LIMIT, Work
from properties.subjects.named import subject_named

AT_ONCE = 10
ROUNDS = 8
EXAMPLES = 1_000_000
"""More than anybody waits for."""

plain_works = st.builds(
    Work,
    file_index=st.integers(0, FILE_LIMIT - 1),
    aim=st.sampled_from(["legal", "legal", "legal", "any"]),
    event_index=st.integers(0, EVENT_ROUND - 1),
    expecting=st.sampled_from(["any", "any", "now", "before"]),
    guard_says=st.sampled_from([True, True, True, False]),
    cancel_after_turns=st.none(),
    troubles=st.just(()),
)


class PlainRules(ContentionRules):
    """Attempts, and nothing that happens to them."""

    @rule(race=st.lists(plain_works, min_size=1, max_size=5))
    def workers_race(self, race: list[Work]) -> None:
        """Start them at once and wait for all."""
        self._run(self._race(race))
        self._has_news = True

    @rule(work=plain_works)
    def a_worker_is_alone(self, work: Work) -> None:
        """One."""
        self._run(self._race([work]))
        self._has_news = True


def _machine(subject_name: str) -> type[PlainRules]:
    factory = subject_named(subject_name)
    court = Court(machine_judges(factory().offers))
    namespace: dict[str, Any] = {
        "make_subject": staticmethod(factory),
        "court": court,
        "tally": Counter[str](),
    }
    return type("Plain", (PlainRules,), namespace)


def gather(subject_name: str, seed: int) -> None:
    """Stress until a judge finds a law broken."""
    draw = random.Random(seed)
    machine = _machine(subject_name)
    for _ in itertools.count():
        rules = machine()
        try:
            rules.a_file_is_tracked()
            for _ in range(ROUNDS):
                works = [_work(draw) for _ in range(AT_ONCE)]
                rules._run(rules._race(works))
                rules._has_news = True
                rules.every_law_holds()
        finally:
            rules.teardown()


def _work(draw: random.Random) -> Work:
    return Work(
        file_index=draw.randrange(2),
        aim="legal" if draw.random() < 0.8 else "any",
        edge_index=0,
        event_index=draw.randrange(EVENT_ROUND),
        expecting="any",
        guard_says=draw.random() < 0.8,
        cancel_after_turns=None,
        troubles=(),
    )


def machine(subject_name: str, _seed: int) -> None:
    """Let Hypothesis draw until a judge finds a law broken; its seed is the process's."""
    settings = PROFILES["dev"].explored
    run_state_machine_as_test(
        _machine(subject_name), settings=type(settings)(settings, max_examples=EXAMPLES)
    )


BASELINES = {"gather": gather, "machine": machine}
"""By the name of the instrument."""
