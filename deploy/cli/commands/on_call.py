"""`waypost on-call`: who is on call, who comes next, and where nobody does."""

import asyncio
from typing import Annotated

import typer

from deploy.cli.output import console, day_time, safe, say, say_json, table
from deploy.cli.place import Place


def on_call(
    rotation: Annotated[str | None, typer.Argument(help="One rotation: its shifts of the next 60 days.")] = None,
    workspace: Annotated[str | None, typer.Option(help="The workspace; the one applied last.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Shows who is on call, who comes next, and the gaps of the next 60 days."""
    place = Place.here()
    if rotation is None:
        asyncio.run(_everything(place, workspace, as_json=json))
    else:
        asyncio.run(_one(place, rotation, workspace, as_json=json))


async def _everything(place: Place, workspace_id: str | None, *, as_json: bool) -> None:
    from deploy.cli.answers import Gaps, OnCall  # late: help needs none of this
    from deploy.cli.api import services

    async with services(place, workspace_id=workspace_id, scopes=_SCOPES) as reached:
        found = await reached["escalation"].get("/v1/on-call", OnCall)
        ahead = await reached["escalation"].get("/v1/on-call/gaps", Gaps)
    if as_json:
        say_json([found, ahead])
        return
    if not found.items:
        say("There is nothing to be on call for: the workspace has no rotations.")
        return
    shown = table("rotation", "on call", "why", "until", "then")
    for item in found.items:
        until = day_time(item.until) if item.until else "-"
        then = (item.next.agent or _NOBODY) if item.next else "-"
        shown.add_row(item.rotation, safe(item.agent or _NOBODY), item.why, until, safe(then))
    console().print(shown)
    for gap in ahead.gaps:
        say(f"{gap.rotation}: nobody from {day_time(gap.start)} to {day_time(gap.end)}")


async def _one(place: Place, rotation: str, workspace_id: str | None, *, as_json: bool) -> None:
    from deploy.cli.answers import Shifts
    from deploy.cli.api import services

    async with services(place, workspace_id=workspace_id, scopes=_SCOPES) as reached:
        found = await reached["escalation"].get(f"/v1/on-call/{rotation}/shifts", Shifts)
    if as_json:
        say_json(found)
        return
    shown = table("from", "to", "on call", "why")
    for shift in found.items:
        shown.add_row(day_time(shift.start), day_time(shift.end), safe(shift.agent or _NOBODY), shift.why)
    console().print(shown)


_NOBODY = "nobody"
_SCOPES = ("escalation:read",)
