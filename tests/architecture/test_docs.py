"""What the documents point to is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
_PATH = re.compile(r"`((?:services|shared|deploy|tests|docs)/[\w./-]+)`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_points_to_is_there(document: Path) -> None:
    content = document.read_text(encoding="utf-8")
    links = [document.parent / link for link in _LINK.findall(content)]
    paths = [ROOT / path for path in _PATH.findall(content)]
    assert [str(path) for path in [*links, *paths] if not path.exists()] == []
