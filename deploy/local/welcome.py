"""What happens once everything runs: the demo workspace is there, and a person is told what to do next."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from deploy.cli.errors import CliError
from deploy.cli.layout import SERVICES
from deploy.cli.place import DEFAULT_WORKSPACE, ROOT, Place
from deploy.local.folder import Passwords
from deploy.local.ports import LOOPBACK

DEMO_FILE = ROOT / "deploy" / "demo" / "workspace.yaml"
_SAMPLE = "deploy/demo/inputs/1-login.eml"


def demo_values(webhook_port: int, passwords: Passwords) -> Mapping[str, str]:
    """What the demo workspace's file takes from the environment, for an installation on this machine."""
    return {
        "WAYPOST_DEMO_WEBHOOK_URL": f"http://{LOOPBACK}:{webhook_port}/waypost",
        "WAYPOST_DEMO_WEBHOOK_SECRET": f"whsec_{passwords.of('demo_webhook')}",
    }


def apply_demo(place: Place) -> str:
    """Applies the demo workspace to the services that were never told anything; a word about it for people.

    What people have changed stays as they have left it.
    """
    try:
        applied = asyncio.run(_apply(place))
    except CliError as error:
        return f"not applied: {error}"
    return f"applied from {DEMO_FILE.relative_to(ROOT)}" if applied else "as it was"


async def _apply(place: Place) -> list[str]:
    from deploy.cli.api import services  # late: after the first start none of this is needed

    async with services(place, workspace_id=DEFAULT_WORKSPACE) as reached:
        from deploy.cli.answers import Version

        versions = {name: await reached[name].get("/v1/configuration", Version) for name in SERVICES}
        fresh = [name for name, stored in versions.items() if stored.version == 0]
        if not fresh:
            return []
        from deploy.cli.plan import carry_out, make_plan, read_workspace

        plan = await make_plan(*read_workspace(DEMO_FILE, place.values), reached)
        return await carry_out(plan.only(fresh), reached)


def first_steps(place: Place, applied: str) -> str:
    """Where everything is, a token, and a first thing to try."""
    from deploy.cli.keys import signing_key
    from deploy.cli.tokens import mint

    ports = place.ports
    token = mint(signing_key(place.keys), workspace_id=DEFAULT_WORKSPACE, subject="operator", scopes=("admin",))
    smtp = f"{LOOPBACK}:{ports['smtp']}"
    curl = (
        f"curl smtp://{smtp} --crlf --mail-from ada@northwind.example"
        f" --mail-rcpt support@meridian.example --upload-file {_SAMPLE}"
    )
    elsewhere = "" if place.data == ROOT / ".waypost" else f"\n  export WAYPOST_DATA={place.data}"
    return f"""
Waypost is ready. Ctrl-C stops it; what it knows stays in {_shown(place.data)}.

  intake      {place.url("intake")}/docs   mail by SMTP at {smtp}, by LMTP at {LOOPBACK}:{ports["lmtp"]}
              {place.url("intake")}/chat/demo   a page with the chat widget
  router      {place.url("router")}/docs
  escalation  {place.url("escalation")}/docs
  metrics     {place.url("metrics")}/docs
  mail sink   {_shown(place.mail)}   keeps every mail that leaves, instead of sending it
  workspace   {DEFAULT_WORKSPACE}, {applied}
  token       {token}

Try this in a second terminal:
{elsewhere}
  alias waypost=.venv/bin/waypost
  {curl}
  waypost tickets        # it waits for somebody who knows about logins, and speaks English
  waypost agent ben      # type: available, accept, reply Good morning Ada, solve
  waypost tickets 1      # its path, with every decision explained
  waypost watch          # the numbers as they move
  make demo              # or let the whole desk work for a minute
"""


def _shown(path: Path) -> str:
    return f"{path.relative_to(ROOT)}/" if path.is_relative_to(ROOT) else str(path)
