"""What a law is given: the subjects, the exploration that it judges, the profile's settings."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import SearchStrategy

from properties.law import law_of, not_offered
from properties.profiles import PROFILES, Profile
from properties.recording import NOT_JUDGED, RECORDER
from properties.rules import Exploration, explore
from properties.rules.kept import keep_history
from properties.rules.schedules import explore_schedules
from properties.simulation import corpus
from properties.simulation.scenario import Scenario, Trial
from properties.simulation.walking import walks
from properties.subjects import CORE_SUBJECTS, Offer, SubjectFactory
from properties.subjects.shares import (
    share_of,
    subjects_asked_a_share,
    subjects_asked_whole,
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the profile, so that plain pytest can ask a law too."""
    parser.addoption("--law-profile", choices=sorted(PROFILES), default="dev")
    parser.addoption("--law-minutes", type=float)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask each law of each subject that is due; see ``subjects.shares``."""
    if "subject_name" not in metafunc.fixturenames:
        return
    profile_name = metafunc.config.getoption("--law-profile")
    chosen = RECORDER.only_subjects
    names = subjects_asked_whole(profile_name, chosen)
    if hasattr(metafunc.module, "judge"):
        names += subjects_asked_a_share(profile_name, chosen)
    metafunc.parametrize("subject_name", names, indirect=True)


@pytest.fixture
def subject_name(request: pytest.FixtureRequest) -> str:
    """Each of our subjects by name; `--subject` chooses some."""
    return str(request.param)


@pytest.fixture(autouse=True)
def _is_offered(request: pytest.FixtureRequest) -> None:
    """Name a law that the subject cannot be asked, with the reason, instead of asking it.

    A case of a law may need more than the law: ``@pytest.mark.needs(Offer.GUARDS)``.
    """
    if "subject_name" in request.fixturenames:
        subject_name = request.getfixturevalue("subject_name")
        law = law_of(request.module)
        more = {need for mark in request.node.iter_markers("needs") for need in mark.args}
        law = replace(law, needs=law.needs | more)
        reason = not_offered(law, subject_name, CORE_SUBJECTS[subject_name]().offers)
        if reason is not None:
            pytest.skip(reason)


@pytest.fixture
def make_subject(subject_name: str) -> SubjectFactory:
    """The factory of the subject that is judged."""
    return CORE_SUBJECTS[subject_name]


@pytest.fixture
def profile(request: pytest.FixtureRequest) -> Profile:
    """The chosen profile."""
    chosen = PROFILES[request.config.getoption("--law-profile")]
    minutes: float | None = request.config.getoption("--law-minutes")
    chosen = chosen if minutes is None else chosen.within(minutes)
    parameters = getattr(getattr(request.node, "callspec", None), "params", {})
    return share_of(chosen, parameters.get("subject_name"), RECORDER.only_subjects)


@pytest.fixture
def drawn(
    profile: Profile, request: pytest.FixtureRequest
) -> Callable[[SearchStrategy[Any], Callable[[Any], None]], None]:
    """Check a law on cases drawn from a strategy, under the profile, and count them.

    Where another run's cases are to be met, on those.
    """
    strategies = itertools.count(1)

    def check(strategy: SearchStrategy[Any], holds: Callable[[Any], None]) -> None:
        tally = request.node.stash.setdefault(RECORDER.tally_key, Counter())
        name = f"{law_of(request.module).name}: {request.node.name} {next(strategies)}"

        def met(case: Any) -> None:
            tally["examples"] += 1
            _noting(name, tally)(case)
            holds(case)

        elsewhere = _drawn_elsewhere(name)
        if elsewhere is None:
            profile.drawn(given(strategy)(met))()
        for case in elsewhere or ():
            try:
                met(case)
            except AssertionError as error:
                error.add_note(f"Met again, as it was drawn elsewhere: {case!r}")
                raise

    return check


def _noting(name: str, tally: Counter[str]) -> Callable[[object], None]:
    def note(case: object) -> None:
        tally["drawn"] += 1
        RECORDER.cases.note(name, case)

    return note


def _drawn_elsewhere(name: str) -> Sequence[Any] | None:
    """Return the cases to be met, None where they are to be drawn; that there are none is told."""
    found = RECORDER.cases.given(name)
    if found is not None and not found:
        raise RECORDER.harness_error(f"no case was drawn elsewhere for {name}")
    return found


@pytest.fixture
def figure() -> Callable[[str, float], None]:
    """Put a number, rounded, among the session's figures."""

    def put(name: str, value: float) -> None:
        RECORDER.figures[name] = round(value, 1)

    return put


Walk = Callable[..., Iterator[Trial]]


@pytest.fixture
def walked(profile: Profile, request: pytest.FixtureRequest) -> Walk:
    """Run a scenario under many schedules, each of which must keep its law, and count them.

    ``times`` multiplies the profile's number, ``fault_count`` is how many faults each may meet,
    ``fewer`` the same with fewer attempts, to show what breaks that too.
    """
    tally = request.node.stash.setdefault(RECORDER.tally_key, Counter())
    seed = int(request.config.getoption("--hypothesis-seed") or 0)

    def walk(
        scenario: Scenario, *, times: int = 1, fault_count: int = 0, fewer: Scenario | None = None
    ) -> Iterator[Trial]:
        count = profile.walk_count * times
        for trial in walks(scenario, seed=seed, count=count, fault_count=fault_count, fewer=fewer):
            tally["schedules"] += 1
            yield trial

    return walk


@pytest.fixture
def explored(
    request: pytest.FixtureRequest, subject_name: str, profile: Profile
) -> Callable[[], None]:
    """Ask what the exploration of the subject found against this module's ``judge``.

    The first law to ask lets the subject be explored once, for the judges of all laws collected:
    under drawn schedules of the simulation, and then on real time: what the first breaks can be
    replayed, and does not hang where somebody waits for ever.
    """

    def must_hold() -> None:
        if subject_name not in RECORDER.explored:
            offers = CORE_SUBJECTS[subject_name]().offers
            judges = {
                law_of(item.module).name: item.module.judge
                for item in request.session.items
                if isinstance(item, pytest.Function)
                and hasattr(item.module, "judge")
                and law_of(item.module).needs <= offers
            }
            tally = RECORDER.begin_exploration(subject_name)
            factory = CORE_SUBJECTS[subject_name]
            stops = RECORDER.stops_when_broken
            found = Exploration(tally=tally)
            if Offer.SCENARIOS in offers:
                name = f"schedules of {subject_name}"
                found = explore_schedules(
                    *(subject_name, factory, judges, profile.explored, tally),
                    until_broken=stops,
                    noted=_noting(name, tally),
                    given=_drawn_elsewhere(name),
                )
                _keep(found, subject_name)
            left = {law: judge for law, judge in judges.items() if law not in found.broken}
            if left and not found.is_cut:
                name = f"races of {subject_name}"
                real = explore(
                    *(factory, left, profile.explored, tally),
                    until_broken=stops,
                    noted=_noting(name, tally),
                    given=_drawn_elsewhere(name),
                )
                _keep(real, subject_name)
                _add(found, real)
            RECORDER.explored[subject_name] = found
        exploration = RECORDER.explored[subject_name]
        request.node.stash[RECORDER.tally_key] = exploration.tally
        counterexample = exploration.broken.get(law_of(request.module).name)
        if counterexample is not None:
            pytest.fail(counterexample, pytrace=False)  # seen, whatever went wrong after it
        if exploration.harness_error is not None:
            raise RECORDER.harness_error(exploration.harness_error)
        if exploration.is_cut:
            raise RECORDER.harness_error(NOT_JUDGED)

    return must_hold


def _keep(found: Exploration, subject_name: str) -> None:
    """Give each broken law its history, and a schedule to replay that is ready to be committed.

    What is left behind, or waits for ever, is in no answer: then there is no history to keep.
    """
    if not RECORDER.keeps_files:
        return
    for law, evidence in found.evidence.items():
        found.broken[law] += f"\n{keep_history(law, subject_name, evidence)}"
    for law, entry in found.entries.items():
        kept = corpus.keep(entry)
        if kept is not None:
            found.broken[law] += f"\nnox -s replay -- {kept}"


def _add(found: Exploration, real: Exploration) -> None:
    found.broken |= real.broken
    found.evidence |= real.evidence
    found.harness_error = found.harness_error or real.harness_error
    found.is_cut = found.is_cut or real.is_cut
