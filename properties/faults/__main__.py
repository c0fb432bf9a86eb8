"""``nox -s faults``: fail the Nth operation of each means until none fires, and judge all laws."""

from __future__ import annotations

import argparse
import logging
import random
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from properties import beside
from properties.environment import environment
from properties.faults import pinned
from properties.faults.child import Child, strike_in_a_child
from properties.faults.enumeration import Enumeration, enumerate_faults
from properties.faults.judges import laws_not_offered, machine_judges
from properties.faults.means import MEANS
from properties.faults.plan import Fault, Phase, Repeat
from properties.faults.profiles import PROFILES, Profile
from properties.faults.report import Findings, broken_law
from properties.faults.scene import strike_once
from properties.rules.kept import keep_history
from properties.session import CannotJudgeError, UsageError, begin, finish, parser, run
from properties.subjects import CORE_SUBJECTS
from properties.subjects.named import NotASubjectError, is_foreign, require_subject
from reports.schema import SessionRecord, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

QUIET_S = 4.0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    made = parser("faults", "Fail the Nth operation of each means until none fires, once and on.")
    made.add_argument(
        "--subject",
        action="append",
        default=[],
        metavar="NAME",
        help="only this; MODULE:FACTORY for one of yours",
    )
    beside.add_option(made)
    made.add_argument("--means", action="append", default=[], metavar="NAME", help="only this")
    made.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="MEANS",
        help="as on a host where it does not work: does another bring its fault?",
    )
    made.add_argument("--phase", choices=[each.value for each in Phase], help="only this call")
    made.add_argument("--profile", choices=sorted(PROFILES), default="dev", help="how hard to try")
    made.add_argument("--seed", type=int, help="which points a sample takes")
    made.add_argument("--nth", type=int, help="strike this operation of --means alone, and tell")
    made.add_argument(
        "--again", type=int, default=0, help="with --nth: so many operations later too"
    )
    made.add_argument("--persistently", action="store_true", help="with --nth: each later one too")
    made.add_argument("--pin", action="store_true", help="write the numbers of this run down")
    made.add_argument("--list", action="store_true", help="list means and subjects, strike nothing")
    options = made.parse_args(arguments)
    for name in filter(is_foreign, options.subject):
        try:
            require_subject(name)
        except NotASubjectError as error:
            raise UsageError(f"{name} is no subject: {error}. Give MODULE:FACTORY.") from error
    for asked, known, what in (
        (options.subject, CORE_SUBJECTS, "subject"),
        (options.means, MEANS, "means"),
        (options.without, MEANS, "means"),
    ):
        for name in asked:
            if name not in known:
                raise UsageError(f"no {what} is named {name!r}; --list shows all {len(known)}.")
    if options.nth is not None and (options.nth < 1 or len(options.means) != 1):
        raise UsageError("--nth strikes one operation, from 1 on, of one --means; name it.")
    if (options.persistently or options.again) and options.nth is None:
        raise UsageError("--again and --persistently say how --nth strikes; give that too.")
    return options


class Progress:
    """Says every few seconds how far it is."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.now = "starting"
        self.point_count = 0

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Say it while the block runs."""
        over, began = threading.Event(), time.monotonic()

        def say() -> None:
            while not over.wait(QUIET_S):
                elapsed_s = time.monotonic() - began
                line = f"faults: {elapsed_s:.0f} s, {self.point_count} points; {self.now}"
                print(line, file=sys.stderr, flush=True)

        thread = threading.Thread(target=say, name="progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _strike_all(
    options: argparse.Namespace, profile: Profile, seed: int, progress: Progress
) -> Findings:
    findings = Findings(pinned.pins())
    names = _chosen(options)
    subjects = options.subject or profile.subjects
    findings.absent = {name: "left out by --without" for name in names if name in options.without}
    names = [name for name in names if name not in options.without]
    findings.not_offered = {each: _not_offered(each) for each in subjects if is_foreign(each)}
    children = [
        Child(name, subject, profile, seed, options.phase)
        for name in names
        for subject in subjects
        if MEANS[name].is_process_wide and name not in findings.not_offered.get(subject, {})
    ]
    for name in names:
        if MEANS[name].is_process_wide:
            continue
        why = MEANS[name].why_not()
        if why is not None:
            findings.absent[name] = why
            continue
        for subject in subjects:
            if name in findings.not_offered.get(subject, {}):
                continue
            for phase in MEANS[name].phases:
                if options.phase in (None, phase.value):
                    progress.now = f"{name}, {phase.value}, {subject}"
                    findings.found.append(
                        _enumerated(subject, name, phase, profile, seed, progress)
                    )
    for child in children:
        progress.now = f"{child.means}, in a process of its own"
        why, found = child.result()
        if why is not None:
            findings.absent[child.means] = why
        findings.found += found
    return findings


def _chosen(options: argparse.Namespace) -> list[str]:
    """Return the chosen means that strike the chosen call."""
    names = options.means or list(MEANS)
    phases = {options.phase} if options.phase else {each.value for each in Phase}
    return [name for name in names if phases & {each.value for each in MEANS[name].phases}]


def _not_offered(subject: str) -> dict[str, str]:
    offers = CORE_SUBJECTS[subject]().offers
    reasons = {name: means.not_offered(offers) for name, means in MEANS.items()}
    return laws_not_offered(offers) | {name: why for name, why in reasons.items() if why}


def _enumerated(
    subject: str,
    name: str,
    phase: Phase,
    profile: Profile,
    seed: int,
    progress: Progress,
) -> Enumeration:
    def count(_point: object) -> None:
        progress.point_count += 1

    return enumerate_faults(
        CORE_SUBJECTS[subject],
        subject,
        MEANS[name],
        phase,
        machine_judges(CORE_SUBJECTS[subject]().offers),
        point_limit=profile.point_limit(phase),
        seed=seed,
        on_point=count,
    )


def _replay(options: argparse.Namespace, command: str) -> int:
    (name,) = options.means
    subject = options.subject[0] if options.subject else PROFILES["dev"].subjects[0]
    fault = Fault(
        means=name,
        nth=options.nth,
        again=options.again,
        repeat=Repeat.PERSISTENTLY if options.persistently else Repeat.ONCE,
        phase=Phase(options.phase or MEANS[name].phases[0].value),
    )
    why, point = None, None
    histories: list[str] = []
    if MEANS[name].is_process_wide:
        why, point = strike_in_a_child(subject, fault)
    else:
        why = MEANS[name].why_not()
        if why is None:
            point = strike_once(
                CORE_SUBJECTS[subject],
                MEANS[name],
                fault,
                machine_judges(CORE_SUBJECTS[subject]().offers),
                broke=lambda law, evidence: histories.append(
                    keep_history(law, f"{subject}-{name}", evidence)
                ),
            )
    if point is None:
        raise CannotJudgeError(f"{name} does not work here: {why}")
    verdict = Verdict.FAIL if point.broken else Verdict.PASS
    if point.unknown is not None or not point.fired:
        verdict = Verdict.FAIL if point.broken else Verdict.UNKNOWN
    lines = [point.timeline, f"answer: {point.answer}"]
    lines += [point.unknown] if point.unknown is not None else []
    for law in point.broken:
        lines += broken_law(point, law, 1, f"{command} {subject}")
    lines += [f"  {each}" for each in histories]
    here = environment()
    record = SessionRecord(
        name="faults",
        verdict=verdict,
        summary=(
            f"{subject}, {fault.told()}: "
            f"{'fired' if point.fired else f'not fired, {point.seen} operations were seen'}, "
            f"{len(point.broken)} laws broken"
        ),
        figures={"seen": point.seen, "fired": point.fired},
        versions=here.versions(),
        environment=here,
    )
    return finish(record, options.record, show=lambda: print("\n".join(lines)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = _options(arguments)
    if options.list:
        print("means:")
        for each in MEANS.values():
            print(f"  {each.name:<26} {each.fault}, at each {each.operation}")
        print("subjects:", *CORE_SUBJECTS, sep="\n  ")
        return 0
    logging.getLogger().addHandler(logging.NullHandler())  # a fault makes the subject warn, rightly
    command = f"nox -s faults --{beside.option()} --subject"
    begin(options.record)
    if options.nth is not None:
        return _replay(options, command)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    print(f"faults: profile {options.profile}, seed {seed}", file=sys.stderr, flush=True)
    progress = Progress()
    with progress.shown():
        findings = _strike_all(options, PROFILES[options.profile], seed, progress)
    chosen = _chosen(options)
    if options.pin:
        for found in findings.found:
            if not found.unknown and not found.broken and not is_foreign(found.subject):
                pinned.pin(findings.pinned, MEANS[found.means], found)
        pinned.write(findings.pinned)
    here = environment()
    record = SessionRecord(
        name="faults",
        verdict=findings.verdict(chosen),
        summary=f"{findings.summary(chosen)}; seed {seed}",
        figures=findings.figures(),
        versions=here.versions(),
        environment=here,
    )
    lines = [*findings.table(), *findings.told(command, chosen)]
    return finish(record, options.record, show=lambda: print("\n".join(lines)))


if __name__ == "__main__":
    run("faults", main)
