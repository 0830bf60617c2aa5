from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy.local.errors import LocalError
from deploy.local.node import with_node
from deploy.local.widget import FOLDER, LIBRARIES, ensure


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (*LIBRARIES, "tsconfig.json", "vite.config.ts"):
        (tmp_path / name).write_text(name)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.ts").write_text("one")
    return tmp_path


class Npm:
    """Notes what it is asked for, and leaves what it would make."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        self._folder = folder

    def __call__(self, command: Sequence[str]) -> None:
        self.asked.append(" ".join(command[:2]))
        made = self._folder / ("node_modules" if command[1] == "ci" else "dist")
        made.mkdir(exist_ok=True)
        if made.name == "dist":
            (made / "widget.js").write_text("built")


def test_it_is_built_once_and_again_when_a_source_changes(folder: Path) -> None:
    npm = Npm(folder)
    assert [ensure(folder, run=npm), ensure(folder, run=npm)] == [True, False]
    assert npm.asked == ["npm ci", "npm run"]
    (folder / "src" / "main.ts").write_text("two")
    assert ensure(folder, run=npm)
    assert npm.asked == ["npm ci", "npm run", "npm run"]
    (folder / "package-lock.json").write_text("newer")
    assert ensure(folder, run=npm)
    assert npm.asked[3:] == ["npm ci", "npm run"]


def test_a_build_that_fails_is_tried_again(folder: Path) -> None:
    def fails(_: Sequence[str]) -> None:
        raise LocalError("no")

    for _ in range(2):
        with pytest.raises(LocalError):
            ensure(folder, run=fails)
    assert ensure(folder, run=Npm(folder))


def test_without_node_somebody_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.node.packaged", lambda: None)
    with pytest.raises(LocalError, match="Node"):
        with_node({"PATH": str(tmp_path)})


def test_a_node_that_is_too_old_gives_way_to_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, version in (("old", "v18.20.0"), ("new", "v24.0.0")):
        (tmp_path / name).mkdir()
        for program in ("node", "npm"):
            (tmp_path / name / program).write_text(f"#!/bin/sh\necho {version}\n")
            (tmp_path / name / program).chmod(0o755)
    monkeypatch.setattr("deploy.local.node.packaged", lambda: tmp_path / "new")
    path = with_node({"PATH": f"{tmp_path / 'old'}:/bin"})["PATH"]
    assert path.split(":") == [str(tmp_path / "new"), str(tmp_path / "old"), "/bin"]
    assert with_node({"PATH": path})["PATH"] == path


def test_the_lock_names_no_place_to_download_from() -> None:
    assert "resolved" not in (FOLDER / "package-lock.json").read_text()
