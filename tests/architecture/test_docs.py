"""What the documents point to is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
_REQUIRED = re.compile(r"^([A-Za-z][\w-]*)", re.MULTILINE)
_ROW = re.compile(r"^\| ([^|]+) \|", re.MULTILINE)
_PATH = re.compile(r"`((?:services|shared|deploy|tests|docs)/[\w./-]+)`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_points_to_is_there(document: Path) -> None:
    content = document.read_text(encoding="utf-8")
    links = [document.parent / link for link in _LINK.findall(content)]
    paths = [ROOT / path for path in _PATH.findall(content)]
    assert [str(path) for path in [*links, *paths] if not path.exists()] == []


@pytest.mark.parametrize("folder", ["channels", "runbooks"])
def test_every_page_of_a_folder_stands_in_its_index(folder: str) -> None:
    index = ROOT / "docs" / folder / "README.md"
    listed = set(_LINK.findall(index.read_text(encoding="utf-8")))
    assert {page.name for page in index.parent.glob("*.md")} - listed == {"README.md"}


def test_every_library_says_why_it_is_there() -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    listed = {name for row in _ROW.findall(text) for name in re.findall(r"[\w*-]+", row.lower())}
    required = {
        name.lower()
        for file in (ROOT / "requirements").glob("*.in")
        for name in _REQUIRED.findall(file.read_text(encoding="utf-8"))
    }
    assert {name for name in required if not name.startswith("types-")} - listed == set()


def test_the_changelog_names_every_migration_that_there_is() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    made = {file.stem for file in (ROOT / "services").glob("*/migrations/versions/2*.py")}
    revisions = {f"{stem[:10].replace('-', '_')}{stem[10:]}" for stem in made}
    assert set(re.findall(r"`(\d{4}_\d\d_\d\d_\w+)`", text)) == revisions


def test_the_changelog_says_everything_once() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    entries = [
        " ".join(entry.split()).rstrip(".") for entry in re.findall(r"^- (.+(?:\n  .+)*)", text, re.MULTILINE)
    ]
    assert len(entries) > 20
    repeats = [
        entry
        for index, entry in enumerate(entries)
        if any(other.startswith(entry) for other in entries[:index] + entries[index + 1 :])
    ]
    assert repeats == []
