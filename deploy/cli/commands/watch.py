"""`waypost watch`: the floor, live in the terminal."""

import asyncio
import sys
from typing import Annotated

import typer

from deploy.cli.output import console, say_json
from deploy.cli.place import Place


def watch(
    once: Annotated[bool, typer.Option("--once", help="Show it once and end.")] = False,
    workspace: Annotated[str | None, typer.Option(help="The workspace; the one applied last.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print it once as JSON.")] = False,
) -> None:
    """Shows queues, agents, breaches, escalations and numbers as they change. Ctrl-C ends it."""
    asyncio.run(_watch(Place.here(), workspace, is_once=once or json or not sys.stdout.isatty(), as_json=json))


async def _watch(place: Place, workspace_id: str | None, *, is_once: bool, as_json: bool) -> None:
    from rich.live import Live  # late: help needs none of this

    from deploy.cli.api import services
    from deploy.cli.board import Board, render
    from deploy.cli.watching import keep_up, read_escalations

    board = Board(workspace_id or place.workspace_id)
    async with services(place, workspace_id=workspace_id, scopes=_SCOPES) as reached:
        await read_escalations(board, reached)
        if is_once:
            await keep_up(board, reached, lambda: False)
            if as_json:
                say_json(board.outline())
            else:
                console().print(render(board))
            return
        with Live(render(board), console=console(), auto_refresh=False, screen=True) as live:

            def draw() -> bool:
                live.update(render(board), refresh=True)
                return True

            await keep_up(board, reached, draw)


_SCOPES = ("metrics:read", "escalation:read", "tickets:read")
