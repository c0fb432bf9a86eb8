"""What an enumeration found, as lines for a reader and as a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from properties.faults.enumeration import Enumeration
from properties.faults.means import MEANS
from properties.faults.pinned import Pin, Pins, difference, pin_of
from properties.faults.plan import Repeat
from properties.faults.scene import Point
from properties.subjects.named import is_foreign
from reports.schema import Figure, Verdict

NOTHING = "nothing to strike"


@dataclass(slots=True)
class Findings:
    """All enumerations of a run, against what is pinned. ``absent`` are means and why they are.

    ``not_offered`` says, by somebody else's subject, what it cannot be asked: laws and means, each
    with the reason.
    """

    pinned: Pins
    absent: dict[str, str] = field(default_factory=dict)
    found: list[Enumeration] = field(default_factory=list)
    not_offered: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def differences(self) -> list[str]:
        """Each enumeration that is not as long as its pin says."""
        told = []
        for each in self.found:
            what = difference(self._pin(each), each)
            if what is not None:
                told.append(f"{each.means}, {each.phase.value}, {each.subject}: {what}")
        return told

    @property
    def unpinned(self) -> list[Enumeration]:
        """Each enumeration that has no pin for these releases."""
        return [
            each
            for each in self.found
            if self._pin(each) is None and not each.unknown and not is_foreign(each.subject)
        ]

    @property
    def _subjects(self) -> list[str]:
        """Who was struck; when nobody was, somebody of ours without a name."""
        return list(dict.fromkeys(each.subject for each in self.found)) or [""]

    def _missing(self, subject: str, chosen: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return why each of its chosen means did not bring a fault, by the faults not brought."""
        fired = {
            MEANS[each.means].fault for each in self.found if each.fired and each.subject == subject
        }
        missing: dict[str, dict[str, str]] = {}
        for name in chosen:
            if MEANS[name].fault not in fired:
                why = self.not_offered.get(subject, {}).get(name, NOTHING)
                missing.setdefault(MEANS[name].fault, {})[name] = self.absent.get(name, why)
        return missing

    def not_brought(self, chosen: Iterable[str]) -> list[str]:
        """Return the faults that every one of their chosen means failed to bring, and why.

        Of somebody else's subject, who may have nothing that a fault could strike, only those that
        this host keeps from being brought; but some fault must have come.
        """
        chosen = list(chosen)
        by_fault: dict[str, list[str]] = {}
        for subject in self._subjects:
            for fault, why in sorted(self._missing(subject, chosen).items()):
                if not is_foreign(subject) or self.absent.keys() & why.keys():
                    told = "; ".join(f"{name}: {each}" for name, each in why.items())
                    by_fault.setdefault(f"{fault} ({told})", []).append(subject)
            fired = (each.fired for each in self.found if each.subject == subject)
            if is_foreign(subject) and not any(fired):
                by_fault.setdefault(f"anything ({NOTHING})", []).append(subject)
        return [
            what if subjects == self._subjects else f"{what} to {', '.join(subjects)}"
            for what, subjects in by_fault.items()
        ]

    def not_asked(self, chosen: Iterable[str]) -> list[str]:
        """Return what somebody else's subject could not be asked, and why: laws, then faults."""
        chosen = list(chosen)
        lines = []
        for subject in filter(is_foreign, self._subjects):
            reasons = self.not_offered.get(subject, {})
            asked = {name: why for name, why in reasons.items() if name not in MEANS}
            for fault, by_means in self._missing(subject, chosen).items():
                if not self.absent.keys() & by_means.keys():
                    asked[fault] = "; ".join(sorted(set(by_means.values())))
            lines += [f"{what}: {subject}: {why}" for what, why in asked.items()]
        return lines

    def verdict(self, chosen: Iterable[str]) -> Verdict:
        """Return the session's verdict; a broken law counts whatever else went wrong."""
        if not self.found:
            return Verdict.INVALID
        if self.differences or any(each.broken for each in self.found):
            return Verdict.FAIL
        if self.not_brought(chosen) or any(each.unknown for each in self.found):
            return Verdict.UNKNOWN
        return Verdict.PASS

    def summary(self, chosen: Iterable[str]) -> str:
        """Return the figures of the last line."""
        total = self._total
        broken = {law for each in self.found for point in each.broken for law in point.broken}
        first = (
            f"{len({each.means for each in self.found})} means, {total['fired']} faults fired, "
            f"{total['durable']} durable yet raised, {total['absorbed']} absorbed, "
            f"{len(broken)} laws broken"
        )
        told = [first]
        told += [f"pinned otherwise: {len(self.differences)}"] if self.differences else []
        unknown = sum(bool(each.unknown) for each in self.found)
        told += [f"judge failed: {unknown}"] if unknown else []
        missing = self.not_brought(chosen)
        told += [f"not brought: {', '.join(each.partition(' (')[0] for each in missing)}"] * bool(
            missing
        )
        told += [f"means absent: {', '.join(sorted(self.absent))}"] if self.absent else []
        silent = sorted({each.partition(":")[0] for each in self.not_asked(chosen)})
        told += [f"{len(silent)} not asked: {', '.join(silent)}"] if silent else []
        told += [f"not pinned: {len(self.unpinned)}"] if self.unpinned else []
        return "; ".join(told)

    def figures(self) -> dict[str, Figure]:
        """Return what the record holds."""
        figures: dict[str, Figure] = dict(self._total)
        for each in self.found:
            name = f"{each.subject}, {each.means}, {each.phase.value}"
            figures[f"{name}: operations"] = each.operation_count
            figures[f"{name}: fired"] = each.fired
        return figures

    @property
    def _total(self) -> dict[str, int]:
        return {
            "fired": sum(each.fired for each in self.found),
            "durable": sum(each.durable_yet_raised for each in self.found),
            "absorbed": sum(each.absorbed for each in self.found),
        }

    def _pin(self, found: Enumeration) -> Pin | None:
        return pin_of(self.pinned, MEANS[found.means], found)

    # Lines for a reader.

    def table(self) -> list[str]:
        """Return a line an enumeration."""
        head = (
            f"{'subject and means':<44} {'phase':<8}{'N':>5} {'pinned':>7} {'once':>5} {'on':>5} "
            f"{'durable':>7} {'absorbed':>8} {'broken':>6}  answers"
        )
        lines = [head]
        for each in self.found:
            pin = self._pin(each)
            counts = [each.counts.get(repeat.value, 0) for repeat in Repeat]
            answers = ", ".join(f"{count} {told}" for told, count in sorted(each.answers.items()))
            name = f"{each.subject}: {each.means}"
            lines.append(
                f"{name:<44} {each.phase.value:<8}{each.operation_count:>5} "
                f"{'-' if pin is None else pin.operations:>7} {counts[0]:>5} {counts[1]:>5} "
                f"{each.durable_yet_raised:>7} {each.absorbed:>8} {len(each.broken):>6}  {answers}"
            )
        return lines

    def told(self, command: str, chosen: Iterable[str]) -> list[str]:
        """Return what is wrong, each with the command that shows it again."""
        lines: list[str] = []
        for each in self.found:
            for law in sorted({law for point in each.broken for law in point.broken}):
                points = [point for point in each.broken if law in point.broken]
                lines += broken_law(points[0], law, len(points), f"{command} {each.subject}")
                lines += [f"  {each.histories[law]}"] if law in each.histories else []
            lines += [f"unknown: {each.subject}: {text}" for text in each.unknown]
        lines += [f"fail: {text}" for text in self.differences]
        lines += [f"unknown: no means brought {text}" for text in self.not_brought(chosen)]
        lines += [f"not asked: {each}" for each in self.not_asked(chosen)]
        lines += [f"absent: {name}: {why}" for name, why in sorted(self.absent.items())]
        if self.unpinned:
            lines.append(
                f"not pinned: {len(self.unpinned)} numbers for these releases: add them by "
                "`nox -s faults -- --profile ci --pin`"
            )
        return lines


def broken_law(point: Point, law: str, count: int, command: str) -> list[str]:
    """Return a broken law, its smallest N, the timeline and the command."""
    by = f"by {count} faults, first at {point.fault.told()}" if point.fired else "without a fault"
    return [
        "",
        f"{law}: broken {by}:",
        f"  {point.broken[law]}",
        *(f"  {line}" for line in point.timeline.splitlines()),
        f"  Again: {command} {point.fault.told()}",
    ]
