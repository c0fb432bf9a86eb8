"""Power loss, faults during recovery, and SIGKILL: table, verdict and record."""

from __future__ import annotations

import argparse
import asyncio
import concurrent.futures
import functools
import logging
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from properties.crashes import pins
from properties.crashes.damage import Damage, ImageId, image_of
from properties.crashes.disk import disk_at
from properties.crashes.examination import Effort, Findings, chain_of, examine, process_pool
from properties.crashes.judging import breaches, heard
from properties.crashes.kills import kill_at_every_operation
from properties.crashes.modes import MODES, Mode
from properties.crashes.profiles import PROFILES, Profile
from properties.crashes.recording import Recording
from properties.crashes.recovery import fail_every_recovery
from properties.crashes.reopening import reopen, write_image
from properties.crashes.told import story
from properties.crashes.workload import DATABASE, record
from properties.environment import environment
from properties.faults.sqlite_abi import VfsUnsupportedError
from properties.scratch import scratch_folder
from properties.session import UsageError, begin, finish, parser
from reports.schema import Figure, SessionRecord, Verdict, given_path

PARTS = ("images", "recovery", "kills")
CUT_MODE = "full"
SAY_EVERY_S = 2.0


def _parser() -> argparse.ArgumentParser:
    made = parser("crashes", "Power loss, faults during recovery, and SIGKILL of real workers.")
    made.add_argument("--profile", choices=sorted(PROFILES), default="dev", help="how hard to try")
    made.add_argument("--mode", action="append", choices=sorted(MODES), help="only this mode")
    made.add_argument("--part", action="append", choices=PARTS, help="only this part")
    made.add_argument("--processes", type=int, default=2, metavar="N", help="that reopen images")
    made.add_argument("--image", metavar="ID", help="one image of one mode again")
    made.add_argument(
        "--into", type=given_path, metavar="FOLDER", help="keep the files of --image there"
    )
    return made


@dataclass(slots=True)
class Judged:
    """What the parts found so far. ``unknown`` is why something was not judged."""

    failures: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    table: list[str] = field(default_factory=list)
    figures: dict[str, Figure] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    image_count: int = 0
    image_seconds: float = 0.0

    @property
    def verdict(self) -> Verdict:
        """Fail before unknown before pass; nothing tried is unknown."""
        if self.failures:
            return Verdict.FAIL
        return Verdict.UNKNOWN if self.unknown or not self.counts else Verdict.PASS


class _Progress:
    """One line on stderr every other second, so that nobody thinks it hangs."""

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, what: str) -> None:
        now = time.monotonic()
        if now - self._last >= SAY_EVERY_S:
            self._last = now
            print(f"  {what}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the session; returns its exit code."""
    options = _parser().parse_args(arguments)
    if options.processes < 0:
        raise UsageError("--processes is negative; 0 reopens in this process.")
    logging.getLogger("fsmcore").setLevel(logging.ERROR)  # unknown outcomes are what is asked for
    profile = PROFILES[options.profile]
    modes = [MODES[name] for name in options.mode or MODES]
    if options.image is not None or options.into is not None:
        return _one_image(options, profile, modes)
    begin(options.record)
    parts = options.part or (PARTS if options.mode is None else ("images",))
    judged = Judged()
    judge_parts(judged, parts, modes, profile, options.processes)
    judged.unknown += [
        f"not as pinned: {line}" for line in pins.unpinned(profile.name, judged.counts)
    ]
    return _finish(judged, options.record)


def judge_parts(
    judged: Judged, parts: Sequence[str], modes: list[Mode], profile: Profile, process_count: int
) -> None:
    """Run the chosen parts, each to its end whatever the others found."""
    say = _Progress()
    with process_pool(process_count) as pool:
        for mode in modes if "images" in parts else ():
            step = functools.partial(_images, judged, mode, profile, pool, say)
            _attempt(judged, f"images of {mode.name}", step)
    if "recovery" in parts:
        _attempt(judged, "recovery", functools.partial(_recovery, judged, profile, say))
    if "kills" in parts:
        _attempt(judged, "kills", functools.partial(_kills, judged, profile, say))


def _attempt(judged: Judged, name: str, step: Callable[[], None]) -> None:
    """Run a step. An error of the harness makes it unknown; it never passes, and never fails."""
    try:
        step()
    except VfsUnsupportedError as error:
        judged.unknown.append(f"{name}: the VFS shim does not work on this host: {error}")
    except Exception as error:  # noqa: BLE001 - becomes unknown, with its trace
        traceback.print_exc()
        judged.unknown.append(f"{name}: {type(error).__name__}: {error}")


def recorded(mode: Mode, profile: Profile) -> Recording:
    """Record a mode's workload in a folder of its own."""
    with scratch_folder() as folder:
        return asyncio.run(record(mode, folder, profile.workload))


def _images(
    judged: Judged,
    mode: Mode,
    profile: Profile,
    pool: concurrent.futures.Executor | None,
    say: _Progress,
) -> None:
    began = time.perf_counter()
    recording = recorded(mode, profile)
    findings = examine(
        recording,
        effort_of(profile, mode),
        pool=pool,
        progress=lambda found: say(f"{mode.name}: {found.image_count} images"),
    )
    judged.image_count += findings.image_count
    judged.image_seconds += time.perf_counter() - began
    judge_mode(judged, mode, recording, findings, profile)


def effort_of(profile: Profile, mode: Mode) -> Effort:
    """Return the profile's effort; one mode's WAL is cut too."""
    return Effort(
        subset_count=profile.effort.subset_count,
        most_changes=profile.effort.most_changes,
        cut_stride=profile.cut_stride if mode.name == CUT_MODE else None,
    )


def judge_mode(
    judged: Judged, mode: Mode, recording: Recording, findings: Findings, profile: Profile
) -> None:
    """Hold the findings against what the mode promises and must show."""
    broken, not_shown = mode.broken(findings), mode.not_shown(findings)
    for breach in broken:
        image, example = findings.examples[breach][0]
        command = f"nox -s crashes -- --profile {profile.name} --mode {mode.name} --image {image}"
        judged.failures.append(
            f"{mode.name}: {mode.says}: broken in {findings.broken[breach]} images\n"
            + story(recording, image, [example], command=command)
        )
    if not_shown:
        words = ", ".join(repr(breach.value) for breach in not_shown)
        judged.unknown.append(f"{mode.name}: {words} was not seen; is the instrument blind?")
    word = "fail" if broken else "unknown" if not_shown else "ok"
    seen = ", ".join(
        f"{count} {breach.value}"
        for breach, count in sorted(findings.broken.items(), key=lambda item: item[0].value)
    )
    judged.table.append(f"  {word:<8} {mode.name}: {mode.says}")
    kinds = ", ".join(
        f"{findings.images[damage.value]} {damage.value}"
        for damage in Damage
        if findings.images[damage.value]
    )
    judged.table.append(f"           {findings.image_count} images: {kinds}")
    judged.table.append(
        f"           {findings.judged} judgements: {seen or 'no breach'}"
        + (f"; at most {findings.most_lost} acknowledged lost in one" if findings.most_lost else "")
    )
    judged.counts[f"{mode.name}_images"] = findings.image_count
    judged.counts[f"{mode.name}_judgements"] = findings.judged
    judged.figures[f"{mode.name}_most_lost"] = findings.most_lost
    for breach, count in findings.broken.items():
        judged.figures[f"{mode.name}_{breach.name.lower()}"] = count


def _recovery(judged: Judged, profile: Profile, say: _Progress) -> None:
    recording = recorded(MODES["full"], profile)
    found = fail_every_recovery(
        recording,
        image_count=profile.recovered_images,
        progress=lambda found: say(f"recovery: {found.run_count} faults"),
    )
    judged.counts["recovery_faults"] = found.run_count
    judged.failures += [f"fault during recovery: {line}" for line in found.wrong[:5]]
    judged.table.append(
        f"  {'fail' if found.wrong else 'ok':<8} faults during recovery: {found.run_count}, in "
        f"{found.image_count} images, once and persistently"
    )


def _kills(judged: Judged, profile: Profile, say: _Progress) -> None:
    found = kill_at_every_operation(
        MODES["full"],
        file_count=profile.workload.file_count,
        stride=profile.kill_stride,
        progress=lambda found: say(f"kills: {found.kill_count}"),
    )
    judged.counts["kills"] = found.kill_count
    judged.counts["kill_operations"] = found.operation_count
    judged.failures += [f"SIGKILL: {line}" for line in found.wrong[:5]]
    judged.table.append(
        f"  {'fail' if found.wrong else 'ok':<8} SIGKILL: {found.kill_count} of "
        f"{found.operation_count} operations of a worker's life, {found.acknowledged_count} "
        "acknowledgements re-read"
    )


def _one_image(options: argparse.Namespace, profile: Profile, modes: list[Mode]) -> int:
    if options.image is None or len(modes) != 1:
        raise UsageError(
            "--image and --into need an image and one --mode, as the last line of its story says: "
            "--mode full --image 12/one-lost/3/0."
        )
    (mode,) = modes
    try:
        image = ImageId.parse(options.image)
    except ValueError as error:
        raise UsageError(
            f"--image {options.image!r} is no POINT/DAMAGE/AT/SECTORS, as a story names it."
        ) from error
    recording = recorded(mode, profile)
    if not 1 <= image.point <= len(recording.events):
        raise UsageError(f"--image: the recording has {len(recording.events)} events.")
    disk = disk_at(recording, image.point)
    if image.at >= max(1, len(disk.pending)) and image.damage not in ("cut", "subset"):
        raise UsageError(f"--image: {len(disk.pending)} changes are pending there.")
    files = image_of(disk, image)
    if options.into is not None:
        options.into.mkdir(parents=True)
        write_image(str(options.into), files)
    with scratch_folder() as folder:
        write_image(folder, files)
        recovered = reopen(folder, DATABASE, recording.layout)
    chain = frozenset(chain_of(recording)[: image.point + 1])
    found = breaches(recovered, chain, heard(recording.told(image.point)), recording.lifecycle)
    judged = Judged(counts={"images": 1}, image_count=1)
    command = f"nox -s crashes -- --profile {profile.name} --mode {mode.name} --image {image}"
    text = story(recording, image, found, command=command)
    if any(each.breach in mode.never for each in found):
        judged.failures.append(text)
    else:
        judged.table.append(text)
    return _finish(judged, options.record)


def _finish(judged: Judged, path: Path) -> int:
    here = environment()
    rate = judged.image_count / judged.image_seconds if judged.image_seconds else 0.0
    said = [f"{judged.image_count} images"]
    said += [f"{rate:.0f}/s"] if rate else []
    for name, words in (("recovery_faults", "recovery faults"), ("kills", "kills")):
        said += [f"{judged.counts[name]} {words}"] if name in judged.counts else []
    said += [f"{len(judged.failures)} broken"] if judged.failures else []
    said += [f"{len(judged.unknown)} not judged"] if judged.unknown else []
    figures = {**judged.counts, **judged.figures, "images": judged.image_count}
    session = SessionRecord(
        name="crashes",
        verdict=judged.verdict,
        summary=", ".join(said),
        figures={**figures, "images_per_second": round(rate)},
        versions=here.versions(),
        environment=here,
    )

    def show() -> None:
        for text in (*judged.table, *judged.failures, *(f"unknown: {t}" for t in judged.unknown)):
            print(text)

    return finish(session, path, show=show)
