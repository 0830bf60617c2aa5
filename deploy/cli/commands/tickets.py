"""`waypost tickets`: what there is, and one ticket's whole path."""

import asyncio
from typing import Annotated

import typer

from deploy.cli.output import console, say, say_json
from deploy.cli.place import Place


def tickets(
    ticket: Annotated[str | None, typer.Argument(metavar="[NUMBER|ID]", help="One ticket: its path.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="Any of these: new, open, pending, solved…")] = None,
    queue: Annotated[str | None, typer.Option(help="In this queue.")] = None,
    assignee: Annotated[str | None, typer.Option(help="In the hands of this agent.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="`key:value`; all of these.")] = None,
    priority: Annotated[list[str] | None, typer.Option(help="Any of these.")] = None,
    channel: Annotated[str | None, typer.Option(help="That came in by this channel.")] = None,
    text: Annotated[str | None, typer.Option(help="With these words.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most tickets to show.")] = 20,
    workspace: Annotated[str | None, typer.Option(help="The workspace; the one applied last.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Lists tickets, the newest first; or shows one ticket's path: messages, decisions, clocks, with times."""
    place = Place.here()
    if ticket is not None:
        asyncio.run(_show(place, ticket, workspace, as_json=json))
        return
    query = {
        "status": status,
        "queue": queue,
        "assignee": assignee,
        "label": label,
        "priority": priority,
        "channel": channel,
        "text": text,
    }
    asyncio.run(_list(place, query, limit, workspace, as_json=json))


async def _list(
    place: Place, query: dict[str, str | list[str] | None], most: int, workspace_id: str | None, *, as_json: bool
) -> None:
    from deploy.cli.answers import Ticket  # late: help needs none of this
    from deploy.cli.api import services
    from deploy.cli.story_table import ticket_list

    async with services(place, workspace_id=workspace_id) as reached:
        found = await reached["intake"].pages("/v1/tickets", Ticket, query, most=most)
    if as_json:
        say_json(found)
    elif found:
        console().print(ticket_list(found))
    else:
        say("There are no such tickets.")


async def _show(place: Place, named: str, workspace_id: str | None, *, as_json: bool) -> None:
    from deploy.cli.api import services
    from deploy.cli.story import find_ticket, outline, read_story
    from deploy.cli.story_table import path

    async with services(place, workspace_id=workspace_id) as reached:
        story = await read_story(reached, await find_ticket(reached["intake"], named))
    if as_json:
        say_json(outline(story))
    else:
        console().print(path(story))
