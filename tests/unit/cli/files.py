"""Workspace files, as people write them."""

from pathlib import Path
from textwrap import dedent

from deploy.cli.place import ROOT

DEMO = ROOT / "deploy" / "demo" / "workspace.yaml"
DEMO_VALUES = {
    "WAYPOST_DEMO_WEBHOOK_URL": "http://127.0.0.1:9/waypost",
    "WAYPOST_DEMO_WEBHOOK_SECRET": f"whsec_{'A' * 43}=",
}


def a_file(folder: Path, text: str) -> Path:
    """The text as a file."""
    file = folder / "workspace.yaml"
    file.write_text(dedent(text), encoding="utf-8")
    return file
