"""What the runs of a session say: law by law, as a table, and as one verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from properties.durability.clean_runs import CleanRuns
from properties.durability.launcher import Sqlite
from properties.durability.workload import Outcome, Workload
from properties.known import KnownDefect, known_defects
from properties.report import verdict_on
from reports.schema import Figure, LawKind, LawRecord, LawVerdict, Verdict

SHOWN = 6


@dataclass(kw_only=True)
class Verdicts:
    """Judges outcomes of runs on one SQLite against the ledger, and counts the clean ones."""

    sqlite_version: str
    seconds: float
    seed: int
    clean_runs: CleanRuns
    stale: list[str] = field(default_factory=list)

    @cached_property
    def known(self) -> dict[str, KnownDefect]:
        """The ledger's entries for this SQLite."""
        return known_defects(versions=self._versions)

    @property
    def _versions(self) -> dict[str, str]:
        return {"sqlite": self.sqlite_version}

    def law(self, workload: Workload, outcomes: Sequence[Outcome]) -> LawRecord:
        """Return what the runs of one workload say of its law."""
        command = (
            f"nox -s durability -- --sqlite {self.sqlite_version} --workload {workload.name} "
            f"--seconds {self.seconds:g} --seed {self.seed}"
        )
        findings = [text for each in outcomes for text in (*each.lost, *each.hung)]
        troubles = [each.trouble for each in outcomes if each.trouble]
        reason = "; ".join(troubles) or None
        is_known = workload.law in self.known
        if is_known and (findings or not troubles):
            reason = self.known[workload.law].told(self._versions)
        if findings:
            verdict = LawVerdict.FAIL
        else:
            verdict = LawVerdict.UNKNOWN if troubles else LawVerdict.PASS
        self._count(workload, outcomes)
        return LawRecord(
            law=workload.law,
            kind=LawKind.MACHINE if workload.leans_on is None else LawKind.ASSUMPTION,
            sentence=workload.sentence,
            verdict=verdict,
            subject=f"SQLite {self.sqlite_version}",
            examples=len(outcomes),
            steps=sum(each.acknowledged_count for each in outcomes),
            elapsed_ms=1000 * sum(each.elapsed_s for each in outcomes),
            leans_on=workload.leans_on,
            failure="\n".join([*findings[:SHOWN], f"Again: {command}"]) if findings else None,
            reason=reason,
            is_known=is_known,
        )

    def _count(self, workload: Workload, outcomes: Iterable[Outcome]) -> None:
        """Count clean runs; only one as long as those of the recorded rate says something."""
        defect = self.known.get(workload.law)
        if defect is None:
            return
        for outcome in outcomes:
            has_shown = bool(outcome.lost or outcome.hung)
            is_long = defect.hit_rate is None or self.seconds >= defect.hit_rate.seconds
            if has_shown or (outcome.is_clean and is_long):
                count = self.clean_runs.note(
                    workload.law, self.sqlite_version, is_clean=not has_shown
                )
                if not has_shown and defect.is_stale(count) and workload.law not in self.stale:
                    self.stale.append(workload.law)
                elif has_shown and workload.law in self.stale:
                    self.stale.remove(workload.law)

    def verdict(self, laws: list[LawRecord]) -> Verdict:
        """Return the session's verdict: the ledger covers failures alone."""
        return verdict_on(laws, None, self.known)

    def summary(self, laws: list[LawRecord], outcomes: Mapping[str, Sequence[Outcome]]) -> str:
        """Return the figures of the last line."""
        every = [outcome for each in outcomes.values() for outcome in each]
        failed = {law.law for law in laws if law.verdict is LawVerdict.FAIL}
        held = sum(law.verdict is LawVerdict.PASS for law in laws)
        told = [f"SQLite {self.sqlite_version}", f"{held} of {len(laws)} laws hold"]
        told += [f"{len(failed - set(self.known))} fail"] if failed - set(self.known) else []
        unknown = sum(law.verdict is LawVerdict.UNKNOWN for law in laws)
        told += [f"{unknown} unknown"] if unknown else []
        told += [f"known: {len(failed & set(self.known))}"] if failed & set(self.known) else []
        told += [f"stale in the ledger: {len(self.stale)}"] if self.stale else []
        acknowledged = sum(outcome.acknowledged_count for outcome in every)
        kills = sum(outcome.kill_count for outcome in every)
        told += [f"{acknowledged} acknowledged, {kills} killed, seed {self.seed}"]
        return ", ".join(told)

    def figures(
        self, outcomes: Mapping[str, Sequence[Outcome]], *, elapsed_s: float
    ) -> dict[str, Figure]:
        """Return every figure of every run, by workload and run."""
        found: dict[str, Figure] = {"elapsed_s": round(elapsed_s, 1)}
        for name, runs in outcomes.items():
            for number, each in enumerate(runs, 1):
                for what, value in _row(each).items():
                    found[f"{name} {number}: {what}"] = value
        return found

    def print_laws(self, laws: list[LawRecord]) -> None:
        """Print law by law what held; a known defect loudly."""
        for law in laws:
            is_known = law.verdict is LawVerdict.FAIL and law.law in self.known
            print(f"  {'KNOWN' if is_known else law.verdict.value:<9} {law.sentence}")
            for text in (law.reason, law.failure):
                for line in (text or "").splitlines():
                    print(f"            {line}")
            defect = self.known.get(law.law)
            if defect is not None and law.verdict is LawVerdict.PASS:
                print(f"            {self._silence(defect)}")

    def _silence(self, defect: KnownDefect) -> str:
        count = self.clean_runs.counts.get(f"{defect.law} on SQLite {self.sqlite_version}", 0)
        if defect.law in self.stale:
            return (
                f"properties/known.toml: {defect.law} has held in {count} runs in a row; take its "
                "entry out or narrow it"
            )
        needed = 1 if defect.hit_rate is None else defect.hit_rate.clean_runs_needed
        at_least_s = 0 if defect.hit_rate is None else defect.hit_rate.seconds
        return (
            f"known defect of SQLite {self.sqlite_version}, not seen this time: {count} of the "
            f"{needed} clean runs of {at_least_s} s after which its entry is stale"
        )


def _row(outcome: Outcome) -> dict[str, Figure]:
    first = outcome.first_loss_s
    return {
        "acknowledged": outcome.acknowledged_count,
        "checkpoints": outcome.checkpoint_count,
        "kills": outcome.kill_count,
        "re-reads": outcome.reread_count,
        "audits": outcome.audit_count,
        "lost": len(outcome.lost),
        "hung": len(outcome.hung),
        "seconds to first loss": None if first is None else round(first, 1),
        "integrity_check": outcome.integrity,
        "seconds": round(outcome.elapsed_s, 1),
    }


def print_table(outcomes: Mapping[str, Sequence[Outcome]], sqlite: Sqlite) -> None:
    """Print one line a run."""
    print(f"SQLite {sqlite.version}, {sqlite.source_id}")
    columns = ("acknowledged", "checkpoints", "kills", "re-reads", "lost", "hung")
    print(
        f"  {'workload':<14}{''.join(f'{name:>14}' for name in columns)}  first loss s  integrity"
    )
    for name, runs in outcomes.items():
        for number, each in enumerate(runs, 1):
            row = _row(each)
            first = row["seconds to first loss"]
            cells = "".join(f"{row[column]:>14,}" for column in columns)
            print(
                f"  {f'{name} {number}':<14}{cells}  {'-' if first is None else first:>12}  "
                f"{str(row['integrity_check'])[:40]}"
            )
