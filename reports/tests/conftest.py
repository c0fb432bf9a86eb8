"""The stand-in checkout is made once; each test sees its wheels as the only index."""

from pathlib import Path

import pytest

from reports import session
from reports.environments import Builder
from reports.tests import stand_in


@pytest.fixture(scope="session")
def stand_in_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the stand-in's checkout and wheels."""
    folder = tmp_path_factory.mktemp("stand-in")
    stand_in.make(folder)
    return folder


@pytest.fixture
def checkout(stand_in_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in in the place of this checkout, for one test."""
    for name, value in stand_in.index(stand_in_folder / "wheels").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(session, "ROOT", stand_in_folder / "checkout")
    return stand_in_folder / "checkout"


@pytest.fixture
def builder(checkout: Path) -> Builder:
    """A builder for the stand-in, with the cache that its gates use."""
    return Builder(root=checkout, cache=checkout / ".gate", pulse=lambda _: None)
