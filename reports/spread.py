"""Every cell of a plan answered, here or on many machines; then joined, as `merge` joins.

    python -m reports.spread [--plan PLAN.json] [--workers N | --dask ADDRESS]

A cell whose answer is kept is not asked again, so whoever was stopped goes on with the same
command. Without an option one cell is asked after the other on this machine. With `--workers` so
many are asked at a time, by a Dask cluster of processes on this machine, with `--dask` by the
workers of that scheduler, each of which needs this checkout at --checkout. Both sides of a
comparison are one cell, and so on one machine.

Exit codes: those of `merge`, and 130 interrupted.
"""

import argparse
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from reports import merge, schema, session, terminal
from reports.cell import LIMIT_S, unanswered
from reports.documents import told
from reports.plan import ANSWERS, PLAN, words
from reports.processes import terminating_like_interrupt
from reports.progress import Progress
from reports.schema import Cell, CellRecord, RecordError, Verdict, given_path
from reports.session import UsageError
from reports.task import command

NAME = "spread"
INTERRUPTED = 130
Ended = subprocess.CompletedProcess[str] | str


def one_after_another(
    cells: Mapping[str, str], argv: Sequence[str], *, folder: str, limit_s: float
) -> Iterator[tuple[str, Ended]]:
    """Yield each cell, by its digest, as it ends; on this machine."""
    for digest, text in cells.items():
        try:
            yield (
                digest,
                subprocess.run(
                    [*argv],
                    input=text,
                    cwd=folder,
                    timeout=limit_s,
                    capture_output=True,
                    text=True,
                    check=False,
                ),
            )
        except subprocess.TimeoutExpired:
            yield digest, f"no answer within {limit_s:g} s, so it was ended"


def answer_of(cell: Cell, ended: Ended) -> CellRecord:
    """What a process printed, if that is the answer to this very cell; else why it is none."""
    if isinstance(ended, str):
        return unanswered(cell, Verdict.UNKNOWN, ended)
    last = next((each for each in reversed(ended.stderr.splitlines()) if each.strip()), "nothing")
    if ended.returncode != 0:
        why = f"its process ended with {ended.returncode} and said last: {last}"
        return unanswered(cell, Verdict.UNKNOWN, why)
    try:
        record = msgspec.json.decode(ended.stdout, type=CellRecord)
    except msgspec.DecodeError as error:
        return unanswered(cell, Verdict.UNKNOWN, f"its process printed no answer: {error}")
    if record.cell != cell:
        why = f"its process answered another question: {words(record.cell)}"
        return unanswered(cell, Verdict.UNKNOWN, why)
    return record


def left(cells: Sequence[Cell], folder: Path) -> list[Cell]:
    """The cells whose answer is not kept yet."""
    return [each for each in cells if not _is_kept(folder / f"{each.digest}.json")]


def _is_kept(path: Path) -> bool:
    try:
        return schema.read(path, CellRecord).is_settled
    except RecordError:
        return False


def _parser() -> session.Parser:
    description, _, rest = (__doc__ or "").partition("\n\n")
    made = session.parser(program="python -m reports.spread", description=description)
    made.epilog = rest
    made.add_argument("--plan", type=given_path, default=PLAN, metavar="FILE")
    made.add_argument(
        "--answers", type=given_path, default=session.ROOT / ANSWERS, metavar="FOLDER"
    )
    where = made.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, metavar="N", help="processes of this machine")
    where.add_argument("--dask", metavar="ADDRESS", help="a scheduler, as in tcp://host:8786")
    made.add_argument(
        "--checkout", default=str(session.ROOT), help="on each worker (default: as here)"
    )
    made.add_argument(
        "--interpreter", default=sys.executable, help="on each worker (default: as here)"
    )
    made.add_argument(
        "--limit", type=float, default=2 * LIMIT_S, metavar="SECONDS", help="for each cell"
    )
    return made


def _run(options: argparse.Namespace) -> int:
    if options.limit <= 0 or (options.workers is not None and options.workers < 1):
        raise UsageError("--limit and --workers take a number above 0.")
    plan = merge.read_plan(options.plan)
    asked = left(plan.cells, options.answers)
    progress = Progress(terminal.console())
    with terminating_like_interrupt(), progress:
        progress.say(f"{len(plan.cells)} cells, {len(plan.cells) - len(asked)} answered before")
        elapsed_s = _spread(options, asked, progress)
    paths = [options.answers / f"{each.digest}.json" for each in plan.cells]
    found = merge.answers_in(each for each in paths if each.exists())
    record = merge.joined(plan, found, name=NAME)
    figures = {**record.figures, "asked": len(asked), "elapsed_s": round(elapsed_s, 2)}
    record = msgspec.structs.replace(record, figures=figures)
    return session.finish(record, options.out, show=lambda: terminal.show(told(record)))


def _spread(options: argparse.Namespace, asked: Sequence[Cell], progress: Progress) -> float:
    """Ask what is left; returns how long that took once there was somebody to ask."""
    by_digest = {each.digest: each for each in asked}
    texts = {digest: msgspec.json.encode(each).decode() for digest, each in by_digest.items()}
    argv, folder = command(options.interpreter), str(options.checkout)
    limit_s = float(options.limit)
    if options.workers is None and options.dask is None:
        began = time.monotonic()
        alone = one_after_another(texts, argv, folder=folder, limit_s=limit_s)
        _keep(alone, by_digest, options.answers, progress)
        return time.monotonic() - began
    # Only here: who asks one cell after the other needs no Dask.
    from reports import cluster

    with cluster.connected(options.dask, options.workers or 0) as client:
        progress.say(f"workers: {' '.join(map(str, cluster.pids(client)))}")
        began = time.monotonic()
        ended = cluster.handed_out(client, texts, argv, folder=folder, limit_s=limit_s)
        _keep(ended, by_digest, options.answers, progress)
        return time.monotonic() - began


def _keep(
    ended: Iterator[tuple[str, Ended]],
    cells: Mapping[str, Cell],
    folder: Path,
    progress: Progress,
) -> None:
    """Write each answer as it comes, whole or not at all: who is stopped now keeps it."""
    for number, (digest, each) in enumerate(ended, 1):
        record = answer_of(cells[digest], each)
        schema.write(folder / f"{digest}.json", record)
        what = f"{number}/{len(cells)} {digest} {words(record.cell)}"
        progress.say(f"{what}: {record.problem or record.verdict.value}")


def main(given: Sequence[str] | None = None) -> int:
    """Run the session and return its exit code."""
    try:
        return _run(_parser().parse_args(session.arguments(given)))
    except UsageError as error:
        print(error, file=sys.stderr)
        print(f"{NAME}: usage: nothing was asked", flush=True)
        return Verdict.USAGE.exit_code
    except (OSError, RecordError) as error:
        print(error, file=sys.stderr)
        print(f"{NAME}: invalid: the cells cannot be handed out, or kept", flush=True)
        return Verdict.INVALID.exit_code
    except Exception:  # noqa: BLE001 - told in full, and never a verdict
        traceback.print_exc()
        print(f"{NAME}: invalid: the session itself failed, see above", flush=True)
        return Verdict.INVALID.exit_code
    except KeyboardInterrupt:
        print(f"{NAME}: invalid: interrupted; the same command goes on from here", flush=True)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
