from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy.local.environment import ensure


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "requirements").mkdir()
    for name in ("base", "local", "dev"):
        (tmp_path / "requirements" / f"{name}.txt").write_text("")
    (tmp_path / "pyproject.toml").write_text("")
    return tmp_path


class Installer:
    """Notes what it is asked for, instead of installing it."""

    def __init__(self, *, fails: bool = False) -> None:
        self.asked: list[list[str]] = []
        self.found_old: list[bool] = []
        self._fails = fails

    def install(self, root: Path, sets: Sequence[str]) -> None:
        python = root / ".venv" / "bin" / "python"
        self.asked.append(list(sets))
        self.found_old.append(python.exists())
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()
        if self._fails:
            raise SystemExit(1)


def test_second_start_installs_nothing(root: Path) -> None:
    installer = Installer()
    for _ in range(2):
        ensure(root, ["base", "local"], install=installer.install)
    assert installer.asked == [["base", "local"]]


def test_tests_add_to_what_is_there_and_running_needs_no_less(root: Path) -> None:
    installer = Installer()
    for sets in (["base", "local"], ["base", "local", "dev"], ["base", "local"]):
        ensure(root, sets, install=installer.install)
    assert installer.asked == [["base", "local"], ["base", "dev", "local"]]
    assert installer.found_old == [False, True]


def test_changed_requirements_are_installed_with_everything_that_was_there(root: Path) -> None:
    installer = Installer()
    ensure(root, ["base", "dev", "local"], install=installer.install)
    (root / "requirements" / "base.txt").write_text("more")
    ensure(root, ["base", "local"], install=installer.install)
    assert installer.asked == [["base", "dev", "local"]] * 2


def test_half_made_environment_is_made_anew(root: Path) -> None:
    with pytest.raises(SystemExit):
        ensure(root, ["base"], install=Installer(fails=True).install)
    installer = Installer()
    ensure(root, ["base"], install=installer.install)
    assert installer.found_old == [False]


def test_moved_environment_is_made_anew(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    ensure(root, ["base"], install=Installer().install)
    moved = root.rename(tmp_path_factory.mktemp("elsewhere") / "clone")
    installer = Installer()
    ensure(moved, ["base"], install=installer.install)
    assert installer.found_old == [False]
