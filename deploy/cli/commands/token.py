"""`waypost token`: makes bearer tokens, and takes them back."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated

import typer

from deploy.cli.errors import CliError
from deploy.cli.output import say
from deploy.cli.place import Place
from shared.clock import SystemClock

app = typer.Typer(no_args_is_help=False, help="Makes a bearer token, and prints it and nothing else.")

_KEPT = timedelta(days=400)
"""For so long a revocation is kept where nobody says when the token would have ended."""


@app.callback(invoke_without_command=True)
def make(
    context: typer.Context,
    workspace: Annotated[str | None, typer.Option(help="Its workspace; the one applied last.")] = None,
    subject: Annotated[str, typer.Option(help="Who it is for: an agent's slug, or any name.")] = "operator",
    scope: Annotated[list[str] | None, typer.Option(help="What it allows; `admin` allows everything.")] = None,
    days: Annotated[
        int, typer.Option(min=1, max=3650, help="For how long. More than one: it can be revoked.")
    ] = 1,
) -> None:
    """Makes a bearer token, and prints it and nothing else.

    curl -H "Authorization: Bearer $(waypost token)" http://127.0.0.1:8101/v1/tickets
    """
    if context.invoked_subcommand is not None:
        return
    from deploy.cli.keys import signing_key  # late: cryptography takes its time
    from deploy.cli.tokens import mint

    place = Place.here()
    say(
        mint(
            signing_key(place.keys),
            workspace_id=workspace or place.workspace_id,
            subject=subject,
            scopes=tuple(scope or ("admin",)),
            lifetime=timedelta(days=days),
        )
    )


@app.command()
def revoke(
    token: Annotated[str, typer.Argument(metavar="JTI", help="Its jti, or the token itself.", show_default=False)],
    workspace: Annotated[str | None, typer.Option(help="Its workspace; the one applied last.")] = None,
) -> None:
    """Takes a token back: every service refuses it within seconds."""
    asyncio.run(_revoke(Place.here(), token, workspace))


async def _revoke(place: Place, token: str, workspace_id: str | None) -> None:
    from deploy.cli.api import services
    from deploy.cli.tokens import read

    jti, expires_at = token, SystemClock().now() + _KEPT
    if token.count(".") == 2:
        claims = read(token)
        if claims.jti is None:
            raise CliError("This token has no jti: it cannot be revoked, and ends within a day.")
        jti, workspace_id = claims.jti, workspace_id or claims.workspace_id
        expires_at = claims.expires_at or expires_at
    async with services(place, workspace_id=workspace_id) as reached:
        await reached["intake"].do("/v1/revocations", {"jti": jti, "expires_at": _written(expires_at)})
    say(f"{jti} is revoked.")


def _written(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
