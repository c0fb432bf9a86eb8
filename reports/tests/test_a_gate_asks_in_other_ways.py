"""The gate's other questions: what lies here, what is newest, another Python, another SQLite."""

import shutil
import sys
from pathlib import Path

import pytest

from reports import requirements
from reports.schema import (
    GateRecord,
    LawOutcome,
    LibraryEvidence,
    Verdict,
    VersionChange,
    read,
)
from reports.session import UsageError
from reports.sides import controls_of
from reports.tests import stand_in
from reports.tests.test_the_gate_answers import ask, texts

ONE_LAW = ("--law", "always_holds", "--time-budget", "1")
THE_LAW = ("--law", "work_is_done", "--time-budget", "1")

BACKEND = """
import base64, hashlib, pathlib, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name, info = "planted-1.0-py3-none-any.whl", "planted-1.0.dist-info"
    files = {
        "planted/__init__.py": pathlib.Path("planted.py").read_text(),
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: planted\\nVersion: 1.0\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\n"
        "Tag: py3-none-any\\n",
    }
    lines = []
    for path, text in files.items():
        digest = hashlib.sha256(text.encode()).digest()
        digest = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(text)}\\n")
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as archive:
        for path, text in {**files, f"{info}/RECORD": "".join(lines)}.items():
            archive.writestr(path, text)
    return name
"""
SOUND = "def work(): return sum(range(4000))\n"
BROKEN = f"BREAKS_A_LAW = True\n{SOUND}"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A checkout of the library with a builder of its own, where spaces and quotes are."""
    folder = tmp_path / 'it\'s "my own" checkout'
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (folder / "backend.py").write_text(BACKEND)
    (folder / "planted.py").write_text(SOUND)
    return folder


def planted(record: GateRecord) -> LibraryEvidence:
    """What the candidate proves that it imported."""
    assert record.candidate is not None
    found = record.candidate.library("planted")
    assert found is not None
    return found


def test_a_checkout_is_asked_about_as_it_is_now(checkout: Path, own: Path) -> None:
    """Changed, it is another candidate, although its version is the same; changed back, the old."""
    seen = []
    for source in (SOUND, BROKEN, SOUND):
        (own / "planted.py").write_text(source)
        _, record = ask(checkout, str(own), *THE_LAW)
        (row,) = record.laws
        (asked,) = record.requirements
        seen.append((asked, row.outcome, planted(record).sha256))
        assert ("1.0", "1.0") == (record.changes[0].baseline, record.changes[0].candidate)
    first, second, third = seen
    assert LawOutcome.NEW_FAILURE is second[1], "an environment of the older state was used"
    assert LawOutcome.HOLDS is first[1]
    assert first == third
    assert 2 == len({each[0] for each in seen}) == len({each[2] for each in seen})
    assert first[0].startswith("planted @ file:///")


@pytest.mark.parametrize("form", ["{path}", "planted @ {uri}"])
def test_a_wheel_is_asked_about_by_its_path_or_its_address(
    checkout: Path, tmp_path: Path, form: str
) -> None:
    """With a version that no index has."""
    home = tmp_path / "my wheels"
    home.mkdir()
    wheel = stand_in.pack(home, "planted", "1.0+mine", {"planted/__init__.py": BROKEN})
    code, record = ask(checkout, form.format(path=wheel, uri=wheel.as_uri()), *THE_LAW)
    assert (1, Verdict.FAIL) == (code, record.verdict)
    assert "1.0+mine" == planted(record).version


def test_a_wheel_may_be_the_baseline(checkout: Path, tmp_path: Path) -> None:
    """What was released breaks the law no more."""
    wheel = stand_in.pack(tmp_path, "planted", "1.0+mine", {"planted/__init__.py": BROKEN})
    _, record = ask(checkout, "planted==1.1", "--baseline", str(wheel), *THE_LAW)
    assert [LawOutcome.FIXED] == [row.outcome for row in record.laws]


@pytest.mark.parametrize(
    ("text", "verdict", "words"),
    [
        ("{tmp}/nothing", Verdict.USAGE, "no such wheel or checkout"),
        ("{tmp}/nothing.whl", Verdict.USAGE, "no such wheel or checkout"),
        ("planted @ file://{tmp}/nothing.whl", Verdict.USAGE, "no such wheel or checkout"),
        ("{tmp}", Verdict.USAGE, "it has no pyproject.toml"),
        ("{tmp}/bad-1.0-py3-none-any.whl", Verdict.USAGE, "no wheel (File is not a zip file)"),
        ("{tmp}/bad.whl", Verdict.USAGE, "Invalid wheel filename"),
        ("unused @ {uri}", Verdict.USAGE, "names unused, and holds planted"),
        ("{other}", Verdict.USAGE, "foreign is not part of this project"),
        ("{broken}", Verdict.INVALID, "no wheel can be built of it here"),
    ],
)
def test_what_cannot_be_asked_about_is_told(
    checkout: Path, tmp_path: Path, own: Path, text: str, verdict: Verdict, words: str
) -> None:
    """A path that leads nowhere, a wheel that is none, a checkout that does not build."""
    for name in ("bad-1.0-py3-none-any.whl", "bad.whl"):
        (tmp_path / name).write_text("nothing")
    (own / "backend.py").write_text("raise RuntimeError('no')")
    home = tmp_path / "wheels"
    home.mkdir()
    wheel = stand_in.pack(home, "planted", "1.0", {"planted/__init__.py": SOUND})
    other = stand_in.pack(home, "foreign", "1.0", {"foreign/__init__.py": ""})
    asked = text.format(tmp=tmp_path, uri=wheel.as_uri(), other=other, broken=own)
    code, record = ask(checkout, asked, *THE_LAW)
    assert (verdict, verdict.exit_code) == (record.verdict, code)
    assert words in record.reasons[0].text, record.reasons


def test_what_is_only_here_is_not_packed_for_elsewhere(
    checkout: Path, tmp_path: Path, own: Path
) -> None:
    """The verdict stands, and says so."""
    packed = tmp_path / "gate.tar.gz"
    _, record = ask(checkout, str(own), *THE_LAW, "--archive", str(packed))
    assert "is only here" in record.weaknesses[-1]
    assert not packed.exists()


def wheelhouse(stand_in_folder: Path, folder: Path, *more: tuple[str, str]) -> Path:
    """What is locked, and a few releases more."""
    folder.mkdir()
    for pattern in ("planted-1.0-*", "unused-1.0-*", "msgspec-*"):
        for wheel in (stand_in_folder / "wheels").glob(pattern):
            shutil.copy(wheel, folder)
    for name, version in more:
        stand_in.pack(folder, name, version, {f"{name}/__init__.py": SOUND})
    return folder


def test_the_latest_are_asked_each_alone_and_all_together(
    checkout: Path, stand_in_folder: Path, tmp_path: Path
) -> None:
    """Two are newer, one of them twice: three questions, each with a record of its own."""
    newer = [("planted", "1.1"), ("planted", "1.2"), ("unused", "2.0"), ("msgspec", "99.0")]
    house = wheelhouse(stand_in_folder, tmp_path / "house", *newer)
    _, record = ask(checkout, "--latest", "--wheelhouse", str(house), *ONE_LAW)
    assert ["planted==1.2", "unused==2.0"] == record.requirements
    told = sorted(each.text.partition(": ")[0] for each in record.reasons)
    assert ["planted==1.2", "planted==1.2, unused==2.0", "unused==2.0"] == told
    for number, asked in enumerate((["planted==1.2"], ["unused==2.0"], record.requirements), 1):
        path = checkout / "reports" / "out" / f"gate-{number}.json"
        assert asked == read(path, GateRecord).requirements


def test_the_worst_of_the_latest_decides(
    checkout: Path, stand_in_folder: Path, tmp_path: Path
) -> None:
    """One that breaks a law fails all, whatever the other does."""
    house = wheelhouse(stand_in_folder, tmp_path / "house", ("unused", "2.0"))
    stand_in.pack(house, "planted", "1.2", {"planted/__init__.py": BROKEN})
    code, record = ask(checkout, "--latest", "--wheelhouse", str(house), *THE_LAW)
    assert (1, Verdict.FAIL) == (code, record.verdict)
    assert 2 == texts(record, Verdict.FAIL).count("planted==1.2")


def test_where_nothing_is_newer_that_is_the_answer(
    checkout: Path, stand_in_folder: Path, tmp_path: Path
) -> None:
    """And it names what was looked for."""
    house = wheelhouse(stand_in_folder, tmp_path / "house")
    code, record = ask(checkout, "--latest", "--wheelhouse", str(house))
    assert (0, "nothing is newer than planted, unused") == (code, record.summary)


@pytest.mark.parametrize(
    "more",
    [("planted==1.1",), ("--resume",), ("--sqlite", "3.3"), ("--archive", "x.tar.gz")],
)
def test_the_latest_are_no_part_of_another_question(checkout: Path, more: tuple[str, ...]) -> None:
    """Nothing is asked then."""
    code, record = ask(checkout, "--latest", *more)
    assert (2, Verdict.USAGE) == (code, record.verdict)


def test_both_sides_run_on_the_python_that_is_asked_for(checkout: Path) -> None:
    """By its path: the interpreter below this environment, not the one in it."""
    base = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    before = set((checkout / ".gate" / "environments").glob("*/"))
    _, record = ask(checkout, "planted==1.1", "--python", str(base), *ONE_LAW)
    assert [LawOutcome.HOLDS] == [row.outcome for row in record.laws]
    made = set((checkout / ".gate" / "environments").glob("*/")) - before
    homes = [dict(_lines(each / "pyvenv.cfg"))["home"] for each in made]
    assert set(homes) <= {str(base.parent)}
    code, record = ask(checkout, "planted==1.1", "--python", "9.9", *ONE_LAW)
    assert (2, True) == (code, "there is no Python 9.9" in record.reasons[0].text)


def _lines(path: Path) -> list[list[str]]:
    return [line.split(" = ") for line in path.read_text().splitlines() if " = " in line]


@pytest.mark.parametrize(
    ("before", "after", "outcomes"),
    [
        ("3.1", "3.3", {"assume_nothing_is_lost": LawOutcome.FIXED}),
        ("3.2", "3.3", {"assume_nothing_is_lost": LawOutcome.FIXED}),
        ("3.3", "3.2", {"assume_nothing_is_lost": LawOutcome.NEW_FAILURE}),
        ("3.2", "3.1", {"assume_nothing_is_lost": LawOutcome.FAILS_IN_BOTH}),
        ("3.3", "3.4", {"assume_nobody_hangs": LawOutcome.NEW_FAILURE}),
    ],
)
def test_another_sqlite_is_asked_by_several_processes_too(
    checkout: Path, before: str, after: str, outcomes: dict[str, LawOutcome]
) -> None:
    """What needs luck is believed of a version that is known for it, shown this time or not."""
    asked = ["--baseline", f"sqlite=={before}", "--sqlite", after, "--time-budget", "1"]
    code, record = ask(checkout, *asked, "--law", "always_holds")
    found = {row.law.partition(" ")[0]: row.outcome for row in record.laws}
    expected = {
        "always_holds": LawOutcome.HOLDS,
        "assume_nothing_is_lost": LawOutcome.HOLDS,
        "assume_nobody_hangs": LawOutcome.HOLDS,
        "transitions_stay": LawOutcome.HOLDS,
    }
    assert expected | outcomes == found
    assert (code == 1) is (LawOutcome.NEW_FAILURE in outcomes.values())
    assert ("sqlite", before, after, True) == (
        record.changes[0].name,
        record.changes[0].baseline,
        record.changes[0].candidate,
        record.changes[0].was_asked,
    )
    assert record.baseline is not None and record.candidate is not None
    assert (before, after) == (record.baseline.sqlite_version, record.candidate.sqlite_version)
    assert f"sqlite=={after}" in record.requirements


def change(name: str, candidate: str = "2") -> VersionChange:
    """A library of 1 on one side and of something else, or the same, on the other."""
    return VersionChange(name=name, baseline="1", candidate=candidate, was_asked=True)


@pytest.mark.parametrize(
    ("changes", "controls"),
    [
        ([change("aiosqlite")], {"control"}),
        ([change("sqlite")], {"bare_machine"}),
        ([change("sqlite"), change("aiosqlite")], {"bare_machine"}),
        ([change("sqlite"), change("python-statemachine", "1")], {"bare_machine"}),
        ([change("sqlite"), change("python-statemachine")], set()),
    ],
)
def test_the_control_is_what_the_upgrade_cannot_touch(
    changes: list[VersionChange], controls: set[str]
) -> None:
    """Plain SQLite unless it is another one; then the machine unless that is; then none."""
    assert controls == controls_of(changes)


def test_an_sqlite_that_nobody_offers_is_a_usage_error(checkout: Path) -> None:
    """Told before anything is asked."""
    code, record = ask(checkout, "sqlite==2.8.17", *ONE_LAW)
    assert (2, True) == (code, "cannot be reached" in record.reasons[0].text), record.reasons


def test_an_sqlite_is_asked_for_like_a_library() -> None:
    """In its own way of writing, once, and with a version."""
    assert (["aiosqlite"], "3.51.3") == requirements.split_sqlite(["aiosqlite", "SQLite == 3.51.3"])
    assert (["sqlite-utils==3"], None) == requirements.split_sqlite(["sqlite-utils==3"])
    for wrong in (["sqlite"], ["sqlite>=3"], ["sqlite==3.1", "sqlite==3.2"]):
        with pytest.raises(UsageError, match="write one SQLite"):
            requirements.split_sqlite(wrong)
