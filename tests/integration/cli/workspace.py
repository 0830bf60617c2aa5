"""The demo's workspace file, made a workspace of one test's own."""

from collections.abc import Mapping
from pathlib import Path

from deploy.cli.api import services
from deploy.cli.place import ROOT, Place
from deploy.cli.plan import carry_out, make_plan, read_workspace

DEMO = ROOT / "deploy" / "demo" / "workspace.yaml"
VALUES = {
    "WAYPOST_DEMO_WEBHOOK_URL": "http://127.0.0.1:9/waypost",
    "WAYPOST_DEMO_WEBHOOK_SECRET": f"whsec_{'A' * 43}=",
}


def own_demo(folder: Path, workspace_id: str, **changes: str) -> Path:
    """The file, with addresses that nobody else has; `changes` are put in place of what stands there once."""
    text = DEMO.read_text(encoding="utf-8").replace("workspace: demo\n", f"workspace: {workspace_id}\n")
    text = text.replace("@meridian.example", f"@{workspace_id}.example")
    text = text.replace("address: meridian-chat", f"address: {workspace_id}-chat")
    for before, after in changes.items():
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    file = folder / f"{workspace_id}.yaml"
    file.write_text(text, encoding="utf-8")
    return file


async def apply(file: Path, environ: Mapping[str, str]) -> None:
    """What `waypost apply` does, without a process for it."""
    yaml, content = read_workspace(file, environ)
    async with services(Place(file.parent, environ), workspace_id=content.workspace) as reached:
        await carry_out(await make_plan(yaml, content, reached), reached)
