"""No single fault breaks a promise: wherever one operation fails, every law of the machine holds.

Each means of ``properties.faults`` strikes a sample of its operations during one attempt, once and
from then on; ``nox -s faults`` strikes all of them, and other calls too. Afterwards the fault is
lifted: the store must work again, know what became of the attempt, and have left nothing behind.
Where a means does not work, the others of its fault take over; the figures name it.
Not claimed: two faults at once. A BEGIN outside the try, a rollback that masks its cause, a retry
of an unknown commit, a connection left when a PRAGMA fails break it.
"""

from collections import Counter

import pytest

from properties import beside
from properties.faults import profiles as faults
from properties.faults.child import Child
from properties.faults.enumeration import enumerate_faults
from properties.faults.judges import machine_judges
from properties.faults.means import MEANS, standing_in
from properties.faults.plan import Phase
from properties.faults.report import Findings
from properties.profiles import Profile
from properties.recording import RECORDER
from properties.subjects import SubjectFactory

ASKED = (
    "interrupt",
    "authorizer",
    "cancel",
    "cancel-answered",
    "cancel-twice",
    "cancel-answered-twice",
    "callback-raises",
    "callback-is-busy",
    "locked-out",
    "overtaken",
    "full-0",
    "query-only",
    "damaged-page",
    "disk-open",
    "disk-read",
    "disk-write",
    "disk-sync",
    "disk-shm-lock",
    "clock-steps-back",
)


def test_the_store_works_again_and_tells_the_truth(
    make_subject: SubjectFactory,
    subject_name: str,
    profile: Profile,
    request: pytest.FixtureRequest,
) -> None:
    """Every law, by the store itself and by a fresh one, after each fault."""
    tally = request.node.stash.setdefault(RECORDER.tally_key, Counter())
    findings, judges = Findings({}), machine_judges(make_subject().offers)
    point_limit = max(profile.point_count, profile.explored_count // 10)
    chosen = list(ASKED)
    seed = request.config.getoption("--hypothesis-seed") or 0
    for name in chosen:
        if MEANS[name].not_offered(make_subject().offers):
            continue
        if MEANS[name].is_process_wide:
            points = faults.Profile(subjects=(subject_name,), attempt_points=point_limit)
            child = Child(name, subject_name, points, seed, Phase.ATTEMPT.value)
            why, found = child.result()
        else:
            why, found = MEANS[name].why_not(), []
        if why is not None:
            findings.absent[name] = why
            RECORDER.figures[f"faults, absent on this host: {name}"] = 1
            chosen += [each for each in standing_in(name) if each not in chosen]
        elif not MEANS[name].is_process_wide:
            found = [
                enumerate_faults(
                    make_subject,
                    subject_name,
                    MEANS[name],
                    Phase.ATTEMPT,
                    judges,
                    point_limit=point_limit,
                    seed=seed,
                )
            ]
        tally["examples"] += sum(each.fired for each in found)
        findings.found += found
    told = findings.told(f"nox -s faults --{beside.option()} --subject", chosen)
    if any(found.broken for found in findings.found):
        pytest.fail("\n".join(told), pytrace=False)
    unmet: tuple[str, ...] = getattr(make_subject(), "unmet", ())
    lacking = [each for each in findings.not_brought(chosen) if not each.startswith(unmet)]
    if lacking or any(found.unknown for found in findings.found):
        raise RECORDER.harness_error("\n".join(told))
