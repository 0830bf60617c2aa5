"""How the tests are kept."""

from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_every_folder_is_a_package() -> None:
    """What the tests of a folder share ends with the folder; in one that is no package, with the whole run."""
    folders = {file.parent for file in TESTS.rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []
