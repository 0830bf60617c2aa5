"""`waypost agent`: an agent's place in the terminal."""

import asyncio
from typing import Annotated

import typer

from deploy.cli.place import Place


def agent(
    slug: Annotated[str, typer.Argument(help="Who you are.", show_default=False)],
    workspace: Annotated[str | None, typer.Option(help="The workspace; the one applied last.")] = None,
) -> None:
    """Plays an agent: go available, see offers and how long they stand, accept, reply, transfer, solve.

    Type `help` in it for what there is. Leaving it makes the agent offline.
    """
    asyncio.run(_play(Place.here(), slug, workspace))


async def _play(place: Place, slug: str, workspace_id: str | None) -> None:
    from deploy.cli.player import playing  # late: help needs none of this
    from deploy.cli.session import Session
    from deploy.cli.terminal import open_terminal

    async with playing(place, slug, workspace_id) as player:
        with open_terminal() as terminal:
            await Session(player, terminal).run()
