"""The import contracts hold, and each would notice."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
    )


@pytest.mark.parametrize(
    ("file", "planted", "broken"),
    [
        ("services/router/domain/agent.py", "import services.router.app.ports", "is layered"),
        ("services/router/domain/agent.py", "import sqlalchemy", "Rules do no I/O"),
        ("services/router/app/ports.py", "import services.intake.domain", "No service knows another"),
        ("shared/clock.py", "import services.router", "knows nobody"),
        ("services/router/service.py", "import aiokafka", "One module"),
        ("deploy/cli/place.py", "import deploy.local.folder", "no embedded stack"),
        ("services/router/helpers.py", "", "every module has its place"),
    ],
)
def test_a_planted_violation_breaks_its_contract(tmp_path: Path, file: str, planted: str, broken: str) -> None:
    for folder in ("shared", "services", "deploy"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.json"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    path = tmp_path / file
    before = path.read_text() if path.exists() else '"""Planted."""\n'
    path.write_text(f"{before}\n{planted}\n")
    result = lint(tmp_path)
    assert result.returncode == 1
    verdicts = [line for line in result.stdout.splitlines() if "BROKEN" in line]
    assert any(broken.lower() in line.lower() for line in verdicts), result.stdout
