"""A tiny checkout with a lock, laws and benchmarks, around a package made for the purpose.

Everything is real but small: real wheels, a real lock, real environments built by uv, real
processes. `planted` is the library in question; each of its releases has one property that the
gate must see. Nothing comes from the network: msgspec is packed again from this environment.
"""

import hashlib
import importlib.metadata
import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from base64 import urlsafe_b64encode
from pathlib import Path

import reports
from reports.environments import uv_program

CHECKOUT = Path(reports.__file__).resolve().parent.parent

RELEASES = {
    "1.0": "def work(): return sum(range(4000))\n",
    "1.1": "# the same work, another release\ndef work(): return sum(range(4000))\n",
    "2.0": "def work(): return sum(range(4000)) + sum(range(4000))\n",
    "3.0": "BREAKS_A_LAW = True\ndef work(): return sum(range(4000))\n",
    "4.0": "raise RuntimeError('broken \\x1b[2Jrelease')\n",
    "5.0": "import time\ntime.sleep(600)\n",
    "6.0": "FAILS_IN_BENCHMARKS = True\ndef work(): return 0\n",
    # Rewrites itself on import, so that it is not what was installed.
    "7.0": "open(__file__, 'a').write('# changed\\n')\ndef work(): return 0\n",
    # Breaks what is assumed of it, and no promise of the machine.
    "9.0": "CHANGED_ON_PURPOSE = True\ndef work(): return sum(range(4000))\n",
    # Breaks no law, and answers otherwise.
    "10.0": "ANSWER = 'nearly done'\ndef work(): return sum(range(4000))\n",
    "8.0": "HIDES_A_LAW = True\ndef work(): return sum(range(4000))\n",
    "11.0": "print('\x1b[2Jbuy me ' * 100_000)\ndef work(): return sum(range(4000))\n",
    "12.0": "import os\nos.kill(os.getpid(), 11)\n",
    # Its record of the laws is no record, or one of an edition that is to come.
    "13.0": "SPOILS = 'corrupt'\ndef work(): return sum(range(4000))\n",
    "13.1": "SPOILS = 'newer'\ndef work(): return sum(range(4000))\n",
    # Its laws never end, after the first ones have been noted.
    "13.2": "SPOILS = 'hangs'\ndef work(): return sum(range(4000))\n",
    "14.0": "def work(): return sum(range(4000))\n",
    "14.1": "def work(): return sum(range(4000))\n",
    # Brings somebody along.
    "16.0": "import tagalong\ndef work(): return sum(range(4000))\n",
    # Says who it is, and waits for a word.
    "17.0": "import os, socket\nheard = socket.create_connection(('127.0.0.1', int(os.environ"
    "['PLANTED_PORT'])))\nheard.sendall(b'%d' % os.getpid())\nassert heard.recv(2) == b'go'\n"
    "def work(): return sum(range(4000))\n",
}
METADATA = {
    "14.0": "Requires-Python: >=4\n",
    "14.1": "Requires-Dist: unused>=2\n",
    "16.0": "Requires-Dist: tagalong\n",
}
SOURCE_ONLY = "15.0"
"""A release of the library without a wheel; what would build it is in no folder of wheels."""

PYPROJECT = """
[project]
name = "standin"
version = "1"
requires-python = ">=3.11"
dependencies = ["planted<2", "unused"]

[dependency-groups]
benchmarks = ["msgspec"]

[tool.uv]
constraint-dependencies = ["planted==1.0"]
"""

PROPERTIES = """
import argparse
import sys
import time
import planted
from properties.environment import environment
from reports.schema import LawKind, LawRecord, LawsRecord, LawVerdict, Verdict, write

options = argparse.ArgumentParser()
for name in ("--profile", "--record", "--seed", "--with"):
    options.add_argument(name)
for name in ("--law", "--subject"):
    options.add_argument(name, action="append")
options = options.parse_args()
breaks = getattr(planted, "BREAKS_A_LAW", False)
theirs = options.subject[0] if vars(options)["with"] else "planted"
if theirs != "planted":
    sys.path.insert(0, vars(options)["with"])
    try:
        __import__(theirs)
    except Exception as error:
        print(theirs, "cannot be imported:", error)
        print("properties: usage: nothing was asked")
        sys.exit(2)
known = {"work_is_done": not breaks, "assume_it_is_eternal": False, "always_holds": True}
known["assume_it_is_lazy"] = not getattr(planted, "CHANGED_ON_PURPOSE", False)
if getattr(planted, "HIDES_A_LAW", False):
    del known["work_is_done"]
for name in options.law or []:
    if name not in known:
        print("no such law:", name)
        print("properties: usage: nothing was asked")
        sys.exit(2)
laws = [
    LawRecord(
        law=name, kind=LawKind.ASSUMPTION if "assume" in name else LawKind.MACHINE,
        sentence=name, subject=theirs, examples=1, steps=1,
        verdict=LawVerdict.PASS if holds else LawVerdict.FAIL, elapsed_ms=1,
        failure=None if holds else "work was not done\\nreplay: python -m properties",
        is_known=not holds and "eternal" in name,
    )
    for name, holds in known.items()
    if not options.law or name in options.law
]
if theirs != "planted":
    laws.append(LawRecord(
        law="guards_decide", kind=LawKind.MACHINE, sentence="Guards decide.", subject=theirs,
        examples=0, steps=0, verdict=LawVerdict.NOT_ASKED, elapsed_ms=0,
        reason=theirs + " does not offer guards",
    ))
is_kept = not any(law.verdict is LawVerdict.FAIL and not law.is_known for law in laws)
verdict = Verdict.PASS if is_kept else Verdict.FAIL
spoils = getattr(planted, "SPOILS", None)
if spoils == "hangs":
    write(options.record, LawsRecord(
        name="properties", verdict=Verdict.UNKNOWN, summary="2 of 4 laws were asked so far",
        profile=options.profile, seed=int(options.seed), laws=laws[:2], environment=environment(),
        is_partial=True,
    ))
    time.sleep(600)
write(options.record, LawsRecord(
    name="properties", verdict=verdict, summary="laws", profile=options.profile,
    seed=int(options.seed), laws=laws, environment=environment(),
    schema_version=999 if spoils == "newer" else 1,
))
if spoils == "corrupt":
    with open(options.record, "w") as stream:
        stream.write('{"kind": "laws", ')
sys.exit(verdict.exit_code)
"""

ON_SQLITE = """
import runpy
import sqlite3
import sys

version, *question = sys.argv[1:]
if version.startswith("2."):
    print(f"SQLite {version} cannot be reached from the package index")
    print("on: usage: nothing was asked")
    sys.exit(2)
sqlite3.sqlite_version = version  # as the proof from inside reads it
if question:
    sys.argv = question
    runpy.run_module(question[0], run_name="__main__", alter_sys=True)
"""

DURABILITY = """
import argparse
import sqlite3
import sys
from properties.environment import environment
from reports.schema import LawKind, LawRecord, LawsRecord, LawVerdict, Verdict, write

options = argparse.ArgumentParser()
for name in ("--sqlite", "--seconds", "--runs", "--seed", "--record"):
    options.add_argument(name)
options.add_argument("--until-shown", action="store_true")
options = options.parse_args()
sqlite3.sqlite_version = options.sqlite
# 3.1: loses rows, and shows it; 3.2: loses rows, in silence; 3.3: loses none; 3.4: hangs.
loses, shows, hangs = {"3.1": (1, 1, 0), "3.2": (1, 0, 0), "3.3": (0, 0, 0), "3.4": (0, 0, 1)}[
    options.sqlite
]


def law(name, kind, is_broken, is_known):
    return LawRecord(
        law=name, kind=kind, sentence=name, subject=f"SQLite {options.sqlite}", examples=2,
        steps=9, elapsed_ms=1, is_known=bool(is_known), reason="as known" if is_known else None,
        verdict=LawVerdict.FAIL if is_broken else LawVerdict.PASS,
        failure="it was seen" if is_broken else None,
    )


write(options.record, LawsRecord(
    name="durability", verdict=Verdict.PASS, summary="runs", profile="2 x 1 s", seed=1,
    environment=environment(), laws=[
        law("assume_nothing_is_lost", LawKind.ASSUMPTION, shows, loses),
        law("assume_nobody_hangs", LawKind.ASSUMPTION, hangs, hangs),
        law("transitions_stay", LawKind.MACHINE, False, loses),
    ],
))
"""

BEHAVIOUR = """
import argparse
import planted
from properties.environment import environment
from reports.schema import BehaviourRecord, Observation, Scene, Verdict, write

options = argparse.ArgumentParser()
for name in ("--record", "--seed", "--schedules"):
    options.add_argument(name)
options = options.parse_args()
answer = getattr(planted, "ANSWER", "done")
write(options.record, BehaviourRecord(
    name="behaviour", verdict=Verdict.PASS, environment=environment(),
    summary="replayed" if options.schedules else "walked",
    schedules=[], scenes=[Scene(
        name="work", when="at work", library="planted",
        observations=[Observation(event="work", fields={"returns": answer})],
    )],
))
"""

BENCHMARKS = """
import argparse
import json
import socket
import sys
import time
import msgspec
import planted
from properties.environment import environment
from reports.schema import GO, TurnRequest

options = argparse.ArgumentParser()
options.add_argument("--group")
options.add_argument("--json")
options.add_argument("--turns")
options, _ = options.parse_known_args()
turns = socket.socket(socket.AF_UNIX)
turns.connect(options.turns)
if getattr(planted, "FAILS_IN_BENCHMARKS", False):
    print("work: fast and wrong")
    sys.exit(1)


def rounds(name, work):
    found = []
    for number in range(15):
        request = TurnRequest(benchmark=name, round=number)
        turns.sendall(msgspec.json.encode(request) + b"\\n")
        assert turns.recv(3) == GO
        began = time.perf_counter()
        for _ in range(4):
            work()
        found.append((time.perf_counter() - began) / 4)
    return found


work = rounds("work", planted.work)
control = rounds("control", lambda: sum(range(4000)))
content = {
    "version": "5.3.1",
    "machine_info": {"fsmcore_environment": msgspec.to_builtins(environment())},
    "benchmarks": [
        {"fullname": "b.py::test_work", "stats": {"data": work}},
        {"fullname": "b.py::test_control", "stats": {"data": control}},
    ],
}
with open(options.json, "w") as stream:
    json.dump(content, stream)
"""


def make(folder: Path) -> Path:
    """Make the stand-in in `folder`, with its wheels beside it, and lock it on planted 1.0."""
    checkout, wheels = folder / "checkout", folder / "wheels"
    wheels.mkdir(parents=True)
    for version, source in RELEASES.items():
        more = METADATA.get(version, "")
        pack(wheels, "planted", version, {"planted/__init__.py": source}, metadata=more)
    pack(wheels, "unused", "1.0", {"unused/__init__.py": ""})
    pack(wheels, "tagalong", "1.0", {"tagalong/__init__.py": ""})
    pack_source(wheels, "planted", SOURCE_ONLY)
    repack(wheels, "msgspec")
    for package in ("properties", "benchmarks", "reports"):
        (checkout / package).mkdir(parents=True)
        (checkout / package / "__init__.py").touch()
    shutil.copytree(CHECKOUT / "reports" / "schema", checkout / "reports" / "schema")
    for name in ("environment.py", "machine.py"):
        shutil.copy(CHECKOUT / "properties" / name, checkout / "properties")
    (checkout / "properties" / "__main__.py").write_text(PROPERTIES)
    (checkout / "properties" / "behaviour").mkdir()
    (checkout / "properties" / "behaviour" / "__init__.py").touch()
    (checkout / "properties" / "behaviour" / "__main__.py").write_text(BEHAVIOUR)
    (checkout / "properties" / "durability").mkdir()
    (checkout / "properties" / "durability" / "__init__.py").touch()
    (checkout / "properties" / "durability" / "on.py").write_text(ON_SQLITE)
    (checkout / "properties" / "durability" / "__main__.py").write_text(DURABILITY)
    (checkout / "benchmarks" / "__main__.py").write_text(BENCHMARKS)
    (checkout / "pyproject.toml").write_text(PYPROJECT)
    subprocess.run(
        [uv_program(), "lock", "--quiet", "--python", sys.executable],
        cwd=checkout,
        env={**os.environ, **index(wheels)},
        check=True,
    )
    return checkout


def index(wheels: Path) -> dict[str, str]:
    """The environment variables that make uv see these wheels and nothing else."""
    return {"UV_FIND_LINKS": str(wheels), "UV_NO_INDEX": "1", "UV_OFFLINE": "1"}


def pack(
    wheels: Path, name: str, version: str, files: dict[str, str], *, metadata: str = ""
) -> Path:
    """A pure wheel."""
    info = f"{name}-{version}.dist-info"
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    wheel = wheels / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", _record({k: v.encode() for k, v in content.items()}))
    return wheel


def pack_source(wheels: Path, name: str, version: str) -> Path:
    """A source distribution, which needs a build."""
    stem = f"{name}-{version}"
    files = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "pyproject.toml": '[build-system]\nrequires = ["hatchling"]\n'
        f'build-backend = "hatchling.build"\n[project]\nname = "{name}"\nversion = "{version}"\n',
        f"{name}/__init__.py": "",
    }
    packed = wheels / f"{stem}.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(f"{stem}/{path}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return packed


def repack(wheels: Path, name: str) -> Path:
    """A wheel of what is installed here."""
    distribution = importlib.metadata.distribution(name)
    text = distribution.read_text("WHEEL") or ""
    tag = next(line.partition(": ")[2] for line in text.splitlines() if line.startswith("Tag: "))
    content = {
        file.as_posix(): Path(str(distribution.locate_file(file))).read_bytes()
        for file in distribution.files or ()
        if ".." not in file.parts and "__pycache__" not in file.parts
    }
    info = next(path.split("/")[0] for path in content if path.endswith(".dist-info/WHEEL"))
    for own in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
        content.pop(f"{info}/{own}", None)
    wheel = wheels / f"{name}-{distribution.version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, payload in content.items():
            archive.writestr(path, payload)
        archive.writestr(f"{info}/RECORD", _record(content))
    return wheel


def _record(content: dict[str, bytes]) -> str:
    lines = []
    for path, payload in content.items():
        digest = urlsafe_b64encode(hashlib.sha256(payload).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(payload)}\n")
    return "".join(lines)
