"""`waypost clocks`: one ticket's clocks, with every stretch of time that was or was not counted."""

import asyncio
import sys
from typing import Annotated

import typer

from deploy.cli.errors import CliError
from deploy.cli.output import console, say, say_json
from deploy.cli.place import Place


def clocks(
    ticket: Annotated[str, typer.Argument(metavar="NUMBER|ID", help="The ticket.", show_default=False)],
    workspace: Annotated[str | None, typer.Option(help="The workspace; the one applied last.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print a table for spreadsheets.")] = False,
) -> None:
    """Shows how each clock of a ticket came to its time: when it ran or stood still, why, and what counted."""
    if json and csv:
        raise CliError("--json and --csv exclude each other.")
    asyncio.run(_show(Place.here(), ticket, workspace, as_json=json, as_csv=csv))


async def _show(place: Place, named: str, workspace_id: str | None, *, as_json: bool, as_csv: bool) -> None:
    from deploy.cli.api import services  # late: help needs none of this
    from deploy.cli.clock_answers import MeasuredClocks
    from deploy.cli.clock_table import measured
    from deploy.cli.story import find_ticket

    async with services(place, workspace_id=workspace_id) as reached:
        ticket = await find_ticket(reached["intake"], named)
        escalation, path = reached["escalation"], f"/v1/tickets/{ticket.ticket_id}/clocks"
        if as_csv:
            sys.stdout.write((await escalation.request("GET", f"{path}.csv")).text)
            return
        found = await escalation.get(path, MeasuredClocks)
    if as_json:
        say_json(found)
    elif found.items:
        console().print(measured(ticket, found.items))
    else:
        say(f"Nothing is promised for ticket #{ticket.number}.")
