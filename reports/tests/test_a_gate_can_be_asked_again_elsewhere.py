"""What a gate keeps, what it is compared with, and what it needs to be asked again elsewhere."""

import os
import tarfile
from pathlib import Path

import pytest

from reports import cleaning, gate, holding, policy, schema, session
from reports.environments import Builder
from reports.schema import GateRecord, LawOutcome, Verdict
from reports.tests.test_the_gate_answers import ask, texts, with_limits

ONE_LAW = ("--law", "work_is_done", "--time-budget", "1")


def versions(record: GateRecord) -> dict[str, tuple[str | None, str | None]]:
    """What both sides had of each library that differs or was asked for."""
    return {row.name: (row.baseline, row.candidate) for row in record.changes}


def test_an_archive_asks_the_same_question_elsewhere(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Same releases, same seed, the recorded schedules; and whatever differs is told."""
    packed = tmp_path / "planted.tar.gz"
    code, record = ask(checkout, "planted==3.0", "--archive", str(packed))
    assert (1, Verdict.FAIL) == (code, record.verdict)
    assert "nox -s gate -- --reproduce" in capsys.readouterr().out
    with tarfile.open(packed) as archive:
        names = set(archive.getnames())
    assert {"gate.json", "question.json", "baseline.txt", "candidate.txt"} <= names
    assert {"laws-baseline/laws.json", "behaviour/baseline/behaviour.json"} <= names
    code, again = ask(checkout, "--reproduce", str(packed), "--keep")
    assert (1, Verdict.FAIL, record.seed) == (code, again.verdict, again.seed)
    assert versions(record) == versions(again) == {"planted": ("1.0", "3.0")}
    said = capsys.readouterr().out
    assert "the archive says fail, this run fail" in said
    kept = checkout / "reports" / "out" / "gate"
    assert "walked" in (kept / "schedules.json").read_text()
    assert "replayed" in (kept / "behaviour" / "baseline" / "behaviour.json").read_text()
    # An answer that this run cannot confirm is told law by law.
    unpacked = tmp_path / "other"
    with tarfile.open(packed) as archive:
        archive.extractall(unpacked)  # noqa: S202 - made above
    answer = schema.read(unpacked / "gate.json", GateRecord)
    (unpacked / "gate.json").write_text(
        (unpacked / "gate.json").read_text().replace('"new failure"', '"holds"')
    )
    assert answer.verdict is Verdict.FAIL
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(unpacked, arcname=".")
    ask(checkout, "--reproduce", str(packed))
    said = capsys.readouterr().out
    assert "the law work_is_done [planted]: holds in the archive, new failure here" in said


def test_an_archive_that_is_none_is_a_usage_error(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No file, no archive, another archive, one that leads out of its folder."""
    evil = tmp_path / "evil.tar.gz"
    (tmp_path / "note").write_text("note")
    with tarfile.open(evil, "w:gz") as archive:
        archive.add(tmp_path / "note", arcname="../../escaped")
    other = tmp_path / "other.tar.gz"
    with tarfile.open(other, "w:gz") as archive:
        archive.add(tmp_path / "note", arcname="note")
    for path, words in (
        (tmp_path / "nowhere.tar.gz", "no archive of a gate"),
        (tmp_path / "note", "no archive of a gate"),
        (evil, "no archive of a gate"),
        (other, "question.json: no such file"),
    ):
        assert 2 == gate.main(["--reproduce", str(path)]), path
        assert words in capsys.readouterr().err
    assert not (tmp_path / "escaped").exists()
    assert 2 == gate.main(["planted==3.0", "--reproduce", str(other)])
    assert "take no REQUIREMENT" in capsys.readouterr().err


def test_an_archive_that_cannot_be_written_leaves_the_verdict(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answer stands, and says that it has no archive."""
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "planted.tar.gz"
    code, record = ask(checkout, "planted==3.0", "--archive", str(place))
    assert (1, Verdict.FAIL) == (code, record.verdict)
    assert any("the archive is not written" in each for each in record.weaknesses)


def test_a_baseline_may_be_another_release(checkout: Path) -> None:
    """Planted 3.0 breaks a law that 1.1 kept; from 3.0 to 9.0 it is kept again."""
    code, record = ask(checkout, "planted==9.0", "--baseline", "planted==3.0", *ONE_LAW)
    assert {"planted": ("3.0", "9.0")} == versions(record)
    assert [LawOutcome.FIXED] == [law.outcome for law in record.laws]
    assert record.verdict is not Verdict.PASS
    assert code == record.verdict.exit_code


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "flask==3\nplanted==2.0 \\\n    --hash=sha256:00\n"),
        ("uv.lock", '[[package]]\nname = "planted"\nversion = "2.0"\n[[package]]\nname = "x"\n'),
        ("pylock.toml", '[[packages]]\nname = "Planted"\nversion = "2.0"\n'),
    ],
)
def test_a_baseline_may_be_a_file(checkout: Path, tmp_path: Path, name: str, text: str) -> None:
    """Its pins of what is ours stand in the lock's place; the rest of it is left out."""
    (tmp_path / name).write_text(text)
    _, record = ask(checkout, "planted==3.0", "--baseline", str(tmp_path / name), *ONE_LAW)
    assert {"planted": ("2.0", "3.0")} == versions(record)


def test_a_baseline_that_says_nothing_of_ours_is_a_usage_error(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file without a pin of ours, a file that is no TOML, a name that is not ours."""
    (tmp_path / "a.txt").write_text("flask==3\n")
    (tmp_path / "b.lock").write_text("[[\n")
    for text, words in (
        (str(tmp_path / "a.txt"), "pins nothing that is part of this project"),
        (str(tmp_path / "b.lock"), "no TOML"),
        ("flask==3", "flask is not part of this project"),
        ("x" * 100_000, "too long for a requirement"),
    ):
        assert 2 == gate.main(["planted==3.0", "--baseline", text])
        assert words in capsys.readouterr().err


def test_what_came_along_is_shown(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Planted 16.0 brings a library that nobody asked about."""
    _, record = ask(checkout, "planted==16.0", *ONE_LAW)
    assert {"planted": ("1.0", "16.0"), "tagalong": (None, "1.0")} == versions(record)
    assert "tagalong: None -> 1.0 (came along)" in capsys.readouterr().out


def test_old_environments_make_room_and_used_ones_stay(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was used longest ago goes first; what somebody uses goes not at all."""
    releases = ("1.0", "1.1", "2.0")
    built = {each: builder.build(f"planted=={each}\n") for each in releases}
    folders = {each: built[each].folder for each in releases}
    for age, each in enumerate(("2.0", "1.0", "1.1")):
        os.utime(folders[each] / holding.USED, (age, age))
    del built["2.0"], built["1.1"]
    holding.make_room(builder.cache, 0)
    assert ["1.0"] == [each for each in releases if folders[each].exists()]
    again = builder.build("planted==2.0\n")
    assert again.folder == folders["2.0"] and again.python.exists()


def test_the_budget_of_the_disk_is_kept_by_each_gate(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, builder: Builder
) -> None:
    """With no room to speak of, a gate leaves only what it has used itself."""
    old = builder.build("planted==1.1\n").folder
    with_limits(monkeypatch, cache_mb=1e-6)
    ask(checkout, "planted==3.0", *ONE_LAW)
    assert not old.exists()
    assert 2 == len(list((checkout / ".gate" / "environments").iterdir()))
    assert policy.load().limits.cache_mb == 1e-6


def test_clean_spares_what_is_used(builder: Builder, capsys: pytest.CaptureFixture[str]) -> None:
    """An environment that a gate at work uses stays, and is named."""
    used = builder.build("planted==1.1\n")
    unused = builder.build("planted==2.0\n").folder
    words = cleaning.clean(session.ROOT / ".gate")
    assert (True, False) == (used.folder.exists(), unused.exists())
    assert "1 environments are used by a gate at work" in words
    del used
    cleaning.clean(session.ROOT / ".gate")
    assert not (session.ROOT / ".gate").exists()


def test_half_a_question_is_a_usage_error(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Options that contradict each other."""
    for arguments, words in (
        (["planted==3.0", "--resume"], "take no REQUIREMENT"),
        (["--resume", "--law", "x"], "take no REQUIREMENT"),
        (["--resume", "--reproduce", "x"], "not each other"),
        (["planted==3.0", "--index", "http://x", "--wheelhouse", "."], "excludes --index"),
    ):
        assert 2 == gate.main(arguments)
        assert words in capsys.readouterr().err
    assert not texts(schema.read(session.OUT / "gate.json", GateRecord), Verdict.PASS)
