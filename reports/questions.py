"""From a command line to the question of a gate, or of several."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from reports import kept, local, requirements, session
from reports.environments import Builder
from reports.requirements import SQLITE
from reports.schema import GateQuestion


def question(options: argparse.Namespace, asked: Sequence[str], builder: Builder) -> GateQuestion:
    """What is asked, so that it stays the same wherever and whenever the gate goes on."""
    limits = options.constraint and requirements.constraints(options.constraint)
    return GateQuestion(
        requirements=[local.located(each, builder) for each in asked],
        baseline=[_absolute(each, builder) for each in options.baseline],
        constraints=limits or "",
        law=options.law,
        python=options.python,
        subject=options.subject,
        beside=str(options.beside.absolute()) if options.beside is not None else None,
        seed=options.seed,
        sources=kept.digest_of_sources(),
    )


def _absolute(text: str, builder: Builder) -> str:
    """A file stays the same file wherever the gate goes on; a wheel or a checkout is kept."""
    is_lock = requirements.names_a_file(text) and not text.endswith(".whl")
    return str(Path(text).absolute()) if is_lock else local.located(text, builder)


def production(builder: Builder) -> dict[str, str]:
    """The libraries that the core itself needs, with their releases of the lock."""
    locked = requirements.pins(builder.lock_requirements())
    return {name: locked[name] for name in requirements.production(builder.root / "pyproject.toml")}


def newer(builder: Builder) -> list[str]:
    """What of them has a newer release on the index."""
    found = []
    for name, version in production(builder).items():
        newest = builder.newest(f"{name}>{version}", prereleases=False)
        found += [] if newest is None else [f"{name}=={newest}"]
    return found


def refuse_half(options: argparse.Namespace) -> None:
    """Refuse what is no question, or more than one, before anything is built for it."""
    asked = [*options.requirements, *([] if options.sqlite is None else [options.sqlite])]
    if options.latest and (asked or options.resume or options.reproduce or options.archive):
        raise session.UsageError(
            "--latest finds out what to ask: it takes no REQUIREMENT and no --sqlite (--baseline "
            f"{SQLITE}==VERSION gives both sides one), and no --resume, --reproduce or --archive."
        )
    if options.resume or options.reproduce is not None:
        given = [*asked, *options.baseline, options.law, options.constraint, options.python]
        given += [options.subject, options.beside]
        if any(given) or (options.resume and options.reproduce is not None):
            raise session.UsageError(
                "--resume and --reproduce ask what was asked before: they take no REQUIREMENT, "
                "--baseline, --constraint, --python, --sqlite, --law, --subject or --with, and not "
                "each other."
            )
    elif not asked and not options.latest:
        raise session.UsageError(
            "no REQUIREMENT was given, as in python-statemachine==3.2.2. `--list` names what "
            "can be asked about."
        )
    if options.beside is not None and options.subject is None:
        raise session.UsageError("--with says where a --subject MODULE:FACTORY is found; name it.")
    if options.index is not None and options.wheelhouse is not None:
        raise session.UsageError("--wheelhouse means no network, so it excludes --index.")
    if options.wheelhouse is not None and not options.wheelhouse.is_dir():
        raise session.UsageError(f"--wheelhouse {options.wheelhouse}: there is no such folder.")
