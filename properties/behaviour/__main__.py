"""Write down what the libraries of this environment do, so that it can be compared with another.

    python -m properties.behaviour --record FILE [--seed N | --schedules FILE]

With `--schedules` the schedules of that record are replayed instead of walked: so both sides of an
upgrade run the same ones. Ends with *pass* when everything was written down; what it means is for
`nox -s gate` to say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from properties.environment import environment
from properties.session import CannotJudgeError, UsageError, finish, parser, run
from reports import schema
from reports.schema import BehaviourRecord, RecordError, Scene, Verdict, given_path


def _scenes(tokens: Sequence[str] | None, seed: int) -> tuple[list[str], list[Scene]]:
    """Play everything; returns the schedules and the scenes."""
    try:
        # Late: a release that cannot even be imported is told as such.
        from properties.behaviour import connections, costs, interfaces, machines, schedules
    except Exception as error:
        raise CannotJudgeError(f"the libraries cannot be imported: {error!r}") from error
    played: list[Callable[[], list[Scene]]] = [
        machines.scenes,
        connections.scenes,
        costs.scenes,
        interfaces.scenes,
    ]
    scenes = [scene for play in played for scene in play()]
    if tokens is not None:
        return list(tokens), [*scenes, *schedules.replayed(tokens)]
    walked = schedules.recorded(seed)
    return list(walked), [*scenes, *walked.values()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    made = parser("behaviour", "Write down what the libraries of this environment do.")
    made.add_argument("--seed", type=int, default=1, help="for the walks (default: 1)")
    made.add_argument(
        "--schedules", type=given_path, metavar="FILE", help="replay the schedules of this record"
    )
    options = made.parse_args(arguments)
    tokens = None
    if options.schedules is not None:
        try:
            tokens = schema.read(options.schedules, BehaviourRecord).schedules
        except RecordError as error:
            raise UsageError(str(error)) from error
    schedules, scenes = _scenes(tokens, options.seed)
    here = environment()
    problems = [scene for scene in scenes if scene.problem is not None]
    record = BehaviourRecord(
        name="behaviour",
        verdict=Verdict.PASS,
        summary=f"{len(scenes)} scenes with {sum(len(s.observations) for s in scenes)} events "
        f"written down, {len(problems)} could not be played",
        figures={"scenes": len(scenes), "problems": len(problems)},
        versions=here.versions(),
        environment=here,
        schedules=schedules,
        scenes=scenes,
    )
    return finish(record, options.record)


if __name__ == "__main__":
    run("behaviour", main)
