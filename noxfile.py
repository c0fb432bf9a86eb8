"""The door: one verb a session, no logic.

`nox -l` lists the sessions, `nox -s NAME -- --help` explains one, and what follows `--` goes to
the session's tool unchanged. Every session runs from the checkout, in an environment that is
exactly uv.lock for its dependency group.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.11.12"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
# nox itself would reuse an environment of another Python, and test on that one without a word.
nox.options.envdir = f".nox/{sys.implementation.cache_tag}"
nox.options.sessions = ["tests", "lint", "types"]

# A caller's shell may say where the network and the cache are. It may not choose another project,
# interpreter, index, resolution or import path: the lock and this checkout decide what runs.
UV_KEPT = {
    "UV_CACHE_DIR",
    "UV_CONCURRENT_DOWNLOADS",
    "UV_HTTP_TIMEOUT",
    "UV_INSECURE_HOST",
    "UV_LINK_MODE",
    "UV_NATIVE_TLS",
    "UV_OFFLINE",
    "UV_SYSTEM_CERTS",
}
UNSET = {name for name in os.environ if name.startswith("UV_")} - UV_KEPT
UNSET |= {"PYTHONHOME", "PYTHONOPTIMIZE", "PYTHONPATH", "PYTHONSAFEPATH", "PYTHONSTARTUP"}


def lock(session: nox.Session, group: str) -> None:
    """Make the session's environment exactly what uv.lock says for `group`."""
    home = session.virtualenv.location
    session.env.update(dict.fromkeys(UNSET))
    uv, env = ["uv"], {"UV_PROJECT_ENVIRONMENT": home, "UV_NO_CONFIG": "1"}
    if session.venv_backend != "uv":
        # No uv in reach: fetch one, beside this environment's packages. The lock still decides.
        beside = str(Path(home, "uv"))
        pip = ("python", "-m", "pip", "install", "--quiet", "--target", beside)
        session.run_install(*pip, "uv>=0.9", silent=True)
        uv, env = ["python", "-m", "uv"], env | {"PYTHONPATH": beside}
    options = ("--quiet", "--locked", "--no-install-project", "--no-default-groups")
    session.run_install(*uv, "sync", *options, "--python", home, "--group", group, env=env)


def ask(session: nox.Session, group: str, *arguments: str) -> None:
    """Run python in the environment of `group`; a relative path after `--` is the caller's.

    A session that is interrupted gets the time to say what it knows: nox would kill it after half
    a second.
    """
    lock(session, group)
    session.run(
        "python",
        *arguments,
        env={"FSMCORE_INVOKED_FROM": session.invoked_from},
        interrupt_timeout=30,
        terminate_timeout=10,
    )


@nox.session
def properties(session: nox.Session) -> None:
    """The main job: every law, against every subject. -- --profile ci, -- --subject NAME."""
    ask(session, "properties", "-m", "properties", *session.posargs)


@nox.session
def faults(session: nox.Session) -> None:
    """Fail the Nth operation until none fires; all laws. -- --means interrupt, --nth 41."""
    ask(session, "properties", "-m", "properties.faults", *session.posargs)


@nox.session
def determinism(session: nox.Session) -> None:
    """Same choices, same run: over carriers, hash seeds, Pythons. -- --python 3.12."""
    # In the group with uv, which brings the libraries for other Pythons.
    ask(session, "durability", "-m", "properties.simulation.determinism", *session.posargs)


@nox.session
def exhaustive(session: nox.Session) -> None:
    """Every inequivalent schedule of small scenarios. -- --cancellations 1, --prove."""
    ask(session, "properties", "-m", "properties.simulation.exhaustive", *session.posargs)


@nox.session
def containment(session: nox.Session) -> None:
    """The simulator against real threads: what they show must lie in what it shows."""
    ask(session, "properties", "-m", "properties.simulation.containment", *session.posargs)


@nox.session
def rates(session: nox.Session) -> None:
    """Schedules a CPU second beside plain sqlite3, and where their time goes. -- --runs 500."""
    ask(session, "properties", "-m", "properties.simulation.rates", *session.posargs)


@nox.session
def durability(session: nox.Session) -> None:
    """Real processes commit, checkpoint, are killed; all acknowledged is re-read. -- --sqlite V."""
    ask(session, "durability", "-m", "properties.durability", *session.posargs)


@nox.session
def crashes(session: nox.Session) -> None:
    """Power loss, faults during recovery, SIGKILL: what was promised is there. -- --profile ci."""
    ask(session, "properties", "-m", "properties.crashes", *session.posargs)


@nox.session
def replay(session: nox.Session) -> None:
    """One schedule again: -- FILE|TOKEN [--step] [--carrier thread]."""
    ask(session, "properties", "-m", "properties.simulation.replay", *session.posargs)


@nox.session
def history(session: nox.Session) -> None:
    """Is this history linearizable? -- FILE.json ...; none: the corpus."""
    ask(session, "properties", "-m", "properties.history", *session.posargs)


@nox.session
def crosscheck(session: nox.Session) -> None:
    """The history checker against three others on drawn histories. -- --histories 100000."""
    ask(session, "crosscheck", "-m", "properties.history.crosscheck", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """What the laws find of seeded bugs. -- --mutant NAME, --matrix, --seeds 20."""
    ask(session, "properties", "-m", "properties.mutants", *session.posargs)


@nox.session
def operators(session: nox.Session) -> None:
    """Each line of the core changed by an operator: who notices? -- --module fsmcore/retry.py."""
    ask(session, "operators", "-m", "reports.operators", *session.posargs)


@nox.session
def evidence(session: nox.Session) -> None:
    """The numbered promises of the core, shown one by one on real files."""
    ask(session, "properties", "-m", "properties.evidence", *session.posargs)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Counts and clocks of every workload, as pytest-benchmark JSON. -- --group ladder."""
    ask(session, "benchmarks", "-m", "benchmarks", *session.posargs)


@nox.session
def page(session: nox.Session) -> None:
    """A record as HTML, Markdown, JUnit: -- [RECORD.json] --markdown FILE --junit FILE."""
    ask(session, "reports", "-m", "reports.page", *session.posargs)


@nox.session
def sweep(session: nox.Session) -> None:
    """The benchmarks on other releases, other Pythons: -- --with REQUIREMENT --python 3.12."""
    ask(session, "reports", "-m", "reports.sweep", *session.posargs)


@nox.session
def peers(session: nox.Session) -> None:
    """The same bugs and controls under other tools, in an environment thrown away after."""
    ask(session, "benchmarks", "-m", "benchmarks.peers", *session.posargs)


@nox.session
def compare(session: nox.Session) -> None:
    """Two finished benchmark records side by side: -- A.json B.json."""
    ask(session, "reports", "-m", "reports.compare", *session.posargs)


@nox.session
def gate(session: nox.Session) -> None:
    """May we upgrade? -- python-statemachine==3.2.2 [more requirements]."""
    ask(session, "reports", "-m", "reports.gate", *session.posargs)


@nox.session
def bisect(session: nox.Session) -> None:
    """Which release changed it? -- aiosqlite 0.19.0 0.22.1 [--law NAME]."""
    ask(session, "reports", "-m", "reports.bisect", *session.posargs)


@nox.session
def matrix(session: nox.Session) -> None:
    """Which laws hold where: releases x Pythons x SQLites. -- --group aiosqlite, --write-docs."""
    ask(session, "reports", "-m", "reports.matrix", *session.posargs)


@nox.session
def plan(session: nox.Session) -> None:
    """Which cells a question is made of: -- --group aiosqlite, --with aiosqlite==0.20.0."""
    ask(session, "reports", "-m", "reports.plan", *session.posargs)


@nox.session
def cell(session: nox.Session) -> None:
    """One question that one machine answers alone: -- CELL.json [--out ANSWER.json]."""
    ask(session, "reports", "-m", "reports.cell", *session.posargs)


@nox.session
def spread(session: nox.Session) -> None:
    """Every cell of the plan answered, here or on many machines: -- --workers 3, --dask ADDRESS."""
    ask(session, "cluster", "-m", "reports.spread", *session.posargs)


@nox.session
def merge(session: nox.Session) -> None:
    """The answers to the plan, joined: one verdict, and nothing silently gone. -- [FOLDER]."""
    ask(session, "reports", "-m", "reports.merge", *session.posargs)


@nox.session
def campaign(session: nox.Session) -> None:
    """How often the gate's clocks err: real comparisons, kept as data. -- --slowdown 3, --table."""
    ask(session, "reports", "-m", "reports.campaign", *session.posargs)


@nox.session
def upstream(session: nox.Session) -> None:
    """Real regressed releases: does the named law tell each from its mend? -- --pair NAME."""
    ask(session, "reports", "-m", "reports.upstream", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """The tests of all four packages. Options are pytest's: -- -k stale -x."""
    ask(session, "tests", "-m", "reports.habit", "tests", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, format, which package may import which, and the changelog fragments."""
    ask(session, "lint", "-m", "reports.habit", "lint", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The pages of docs/ as a site in docs/_build; a warning is an error."""
    strict = ("--fail-on-warning", "--keep-going", "--nitpicky", "--quiet")
    ask(session, "docs", "-m", "sphinx", *strict, *session.posargs, "docs", "docs/_build")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict over all four packages. Options are mypy's."""
    ask(session, "types", "-m", "reports.habit", "types", *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build wheel and sdist, look inside, install elsewhere, take a real transition."""
    ask(session, "types", "-m", "reports.wheel", *session.posargs)


@nox.session
def minimums(session: nox.Session) -> None:
    """The core's tests and laws on the oldest supported python-statemachine and aiosqlite."""
    ask(session, "tests", "-m", "reports.habit", "minimums", *session.posargs)
