"""One run of one workload: commit, checkpoint, kill, restart, re-read, until lost, hung or over."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

from properties.durability.acknowledged import Acknowledged, Audit, judged
from properties.durability.crew import Crew, HarnessError, Member
from properties.durability.launcher import Sqlite
from properties.durability.telling import Word
from properties.durability.workload import Outcome, Workload
from properties.scratch import scratch_folder

STALLED_S = 10.0
PATIENCE_S = 60.0
AUDIT_EVERY_S = 1.0
KILL_BETWEEN_S = (0.7, 2.5)
ALL_KILLED_SHARE = 0.2
TICK_S = 0.2
TOLD_EVERY_S = 2.0


class Run:
    """Runs a workload once. Every wait is bounded, and every process ends with it."""

    def __init__(
        self,
        workload: Workload,
        sqlite: Sqlite,
        *,
        seconds: float,
        process_count: int,
        choices: random.Random,
        progress: Callable[[str], None],
        stalled_s: float = STALLED_S,
    ) -> None:
        """Start nothing yet."""
        self._workload = workload
        self._sqlite = sqlite
        self._seconds = seconds
        self._committer_count = workload.committer_count(process_count)
        self._choices = choices
        self._progress = progress
        self._stalled_s = stalled_s
        self._truth = Acknowledged()
        self._outcome = Outcome()
        self._asked: tuple[float, dict[int, frozenset[int]]] | None = None
        self._audited_s = 0.0
        self._began_s = 0.0
        self._suspects: dict[int, tuple[float, int | None]] = {}

    def judge(self) -> Outcome:
        """Run to the end; a broken harness is `trouble`. Raises ``WrongSqliteError``."""
        began_s = time.monotonic()
        with scratch_folder() as folder:
            try:
                self._run(Path(folder))
            except HarnessError as error:
                self._outcome.trouble = str(error)
        outcome = self._outcome
        outcome.elapsed_s = time.monotonic() - began_s
        outcome.acknowledged_count = self._truth.count
        if outcome.is_clean and not outcome.trouble:
            outcome.trouble = self._not_tried()
        return outcome

    def _not_tried(self) -> str | None:
        outcome, workload = self._outcome, self._workload
        tried = {
            "nothing was acknowledged": outcome.acknowledged_count,
            "nothing was re-read": outcome.audit_count,
            "no checkpoint was made": outcome.checkpoint_count or not workload.has_checkpointer,
            "nobody was killed": outcome.kill_count or not workload.is_killed,
        }
        missed = [what for what, happened in tried.items() if not happened]
        return f"{', '.join(missed)}: give it more --seconds" if missed else None

    def _run(self, folder: Path) -> None:
        path = str(folder / "durability.sqlite3")
        with Crew(sqlite=self._sqlite, module=self._workload.module, folder=folder) as crew:
            self._make(crew, path)
            until = time.monotonic() + self._seconds
            auditor = crew.start("auditor", [path])
            crowd = [self._committer(crew, path, who) for who in range(self._committer_count)]
            if self._workload.has_checkpointer:
                crowd.append(crew.start("checkpointer", [path]))
            try:
                crowd = self._until_over(crew, path, crowd, auditor, until)
            except HarnessError as error:
                # What was acknowledged is looked for all the same: a loss outweighs our trouble.
                self._outcome.trouble = str(error)
                crowd = [member for member in crew.members if member is not auditor]
            self._end(crew, path, [*crowd, auditor])

    def _until_over(
        self, crew: Crew, path: str, crowd: list[Member], auditor: Member, until: float
    ) -> list[Member]:
        kill_s, told_s = self._next_kill(), 0.0
        self._began_s = time.monotonic()
        while self._goes_on(until, crowd):
            self._listen(crew, TICK_S)
            self._watch(crowd, auditor)
            now = time.monotonic()
            if self._workload.is_killed and kill_s < now < until:
                crowd = self._kill_some(crew, path, crowd)
                kill_s = self._next_kill()
            if self._asked is None and now > self._audited_s + AUDIT_EVERY_S:
                self._ask(auditor)
            if now > told_s + TOLD_EVERY_S:
                self._progress(
                    f"{self._truth.count} acknowledged, {max(0, until - now):.0f} s left"
                )
                told_s = now
        return crowd

    def _goes_on(self, until: float, crowd: list[Member]) -> bool:
        """Say whether time is left; after it everybody is to be heard once more: one may hang."""
        if self._outcome.lost or self._outcome.hung:
            return False
        now = time.monotonic()
        unheard = [member.role for member in crowd if member.heard_s < until]
        if unheard and now > until + PATIENCE_S:
            raise HarnessError(f"not heard any more at the end: {', '.join(unheard)}")
        return now < until or bool(unheard)

    def _make(self, crew: Crew, path: str) -> None:
        maker = crew.start("make", [path, self._committer_count])
        until = time.monotonic() + PATIENCE_S
        while not maker.has_ended:
            self._listen(crew, TICK_S)
            if time.monotonic() > until:
                raise HarnessError(f"the database was not made within {PATIENCE_S:.0f} s")
        self._require_good_end(maker)

    def _committer(self, crew: Crew, path: str, writer: int) -> Member:
        return crew.start("committer", [path, writer, self._truth.last(writer)])

    def _next_kill(self) -> float:
        return time.monotonic() + self._choices.uniform(*KILL_BETWEEN_S)

    def _kill_some(self, crew: Crew, path: str, crowd: list[Member]) -> list[Member]:
        everybody = self._choices.random() < ALL_KILLED_SHARE
        # One that has been silent for a while may hang: killing it would hide that.
        silent_s = time.monotonic() - self._stalled_s / 3
        speaking = [member for member in crowd if member.heard_s > silent_s]
        if not speaking:
            return crowd
        victims = speaking if everybody else [self._choices.choice(speaking)]
        for victim in victims:
            crew.kill(victim)
        for spoken in crew.heard_to_the_end(victims):
            self._note(*spoken)
        self._outcome.kill_count += len(victims)
        again = [
            crew.start("checkpointer", [path])
            if victim.role == "checkpointer"
            else self._committer(crew, path, int(victim.arguments[1]))
            for victim in victims
        ]
        return [member for member in crowd if member not in victims] + again

    def _listen(self, crew: Crew, wait_s: float) -> None:
        for spoken in crew.heard(wait_s):
            self._note(*spoken)

    def _note(self, member: Member, word: Word, rest: str) -> None:
        match word:
            case Word.ACKNOWLEDGED:
                writer, _, ordinal = rest.partition(" ")
                self._truth.note(int(writer), int(ordinal))
            case Word.CHECKPOINTS:
                self._outcome.checkpoint_count += int(rest)
            case Word.REREADS:
                self._outcome.reread_count += int(rest)
            case Word.LOST:
                self._lose([f"{member.role}: {rest}"])
            case Word.AUDIT if self._asked is not None:
                self._settle(judged(self._asked[1], rest))
            case _:
                pass

    def _settle(self, audit: Audit) -> None:
        self._asked, self._audited_s = None, time.monotonic()
        self._outcome.audit_count += 1
        self._outcome.reread_count += audit.reread_count
        self._outcome.integrity = audit.integrity
        self._lose([*audit.findings, *self._truth.twice])

    def _lose(self, what: list[str]) -> None:
        if what and not self._outcome.lost:
            self._outcome.first_loss_s = time.monotonic() - self._began_s
        self._outcome.lost += what

    def _ask(self, auditor: Member) -> None:
        assert auditor.process.stdin is not None  # noqa: S101 - Crew gives it to every auditor
        self._asked = (time.monotonic(), self._truth.copy())
        try:
            auditor.process.stdin.write(b"audit\n")
            auditor.process.stdin.flush()
        except BrokenPipeError:
            raise HarnessError(f"the auditor is gone: {auditor.last_words}") from None

    def _watch(self, crowd: list[Member], auditor: Member) -> None:
        for member in (*crowd, auditor):
            if member.has_ended and not self._outcome.lost:
                self._require_good_end(member)
                raise HarnessError(f"the {member.role} has ended by itself: {member.last_words}")
        if self._asked is not None and time.monotonic() - self._asked[0] > PATIENCE_S:
            raise HarnessError(f"the auditor did not answer within {PATIENCE_S:.0f} s")
        for member in crowd:
            self._suspect(member)

    def _require_good_end(self, member: Member) -> None:
        if member.process.returncode != 0 and not self._outcome.lost:
            raise HarnessError(
                f"the {member.role} ended with {member.process.returncode}: {member.last_words}"
            )

    def _suspect(self, member: Member) -> None:
        """Name a hang: silent for long, and for a whole second without any CPU time.

        One that has not proved anything yet is still starting, on a machine that may be busy.
        """
        now, key = time.monotonic(), member.process.pid
        if not member.is_proved and now - member.heard_s > PATIENCE_S:
            raise HarnessError(f"the {member.role} did not start: {member.last_words}")
        if not member.is_proved or now - member.heard_s < self._stalled_s:
            self._suspects.pop(key, None)
            return
        since_s, ticks = self._suspects.setdefault(key, (now, member.cpu_ticks()))
        if now - since_s < 1.0:
            return
        if member.is_runnable() or (ticks is not None and member.cpu_ticks() != ticks):
            self._suspects.pop(key)
            if now - member.heard_s > PATIENCE_S:
                raise HarnessError(f"the {member.role} computes and says nothing")
            return
        where = "; ".join(member.stands())
        self._outcome.hung.append(
            f"{self._workload.hang}: {now - member.heard_s:.0f} s without a word after "
            f"{self._truth.count} acknowledgements. Its threads: {where}"
        )

    def _end(self, crew: Crew, path: str, everybody: list[Member]) -> None:
        """Kill everybody at once, hear what they had said, and re-read all of it by a new one."""
        for member in everybody:
            crew.kill(member)
        self._asked = None
        for member, word, rest in crew.heard_to_the_end(everybody):
            if word is not Word.AUDIT:
                self._note(member, word, rest)
        auditor = crew.start("auditor", [path])
        self._ask(auditor)
        until = time.monotonic() + PATIENCE_S
        while self._asked is not None and not auditor.has_ended:
            self._listen(crew, TICK_S)
            if time.monotonic() > until:
                raise HarnessError(f"the last audit did not end within {PATIENCE_S:.0f} s")
        if self._asked is not None and not self._outcome.lost:
            self._require_good_end(auditor)
            raise HarnessError(f"the last audit gave no answer: {auditor.last_words}")
