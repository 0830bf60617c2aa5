"""`waypost parked`: records that a service could not apply."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.commands.operations import ServiceName, require_service
from deploy.cli.layout import SERVICES
from deploy.cli.output import console, day_time, safe, say, say_json, table
from deploy.cli.place import Place

if TYPE_CHECKING:
    from deploy.cli.answers import Parked

app = typer.Typer(no_args_is_help=True, help="Looks at records that could not be applied, and tries them again.")

ParkedId = Annotated[int, typer.Argument(help="The record's number.", show_default=False)]
Workspace = Annotated[str | None, typer.Option(help="The workspace; the one applied last.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_parked(
    service: Annotated[str | None, typer.Option(help="Only this service's.")] = None,
    workspace: Workspace = None,
    json: Json = False,
) -> None:
    """Lists parked records of all services, each with the reason."""
    if service is not None:
        require_service(service)
    rows = asyncio.run(_list(Place.here(), [service] if service else list(SERVICES), workspace))
    if json:
        say_json(rows)
        return
    if not rows:
        say("Nothing is parked.")
        return
    shown = table("service", "id", "subject", "seq", "reason", "what is wrong", "since", "asked for")
    for row in rows:
        sequence = "-" if row.sequence is None else str(row.sequence)
        what = (
            safe(row.subject),
            sequence,
            row.reason,
            safe(row.detail),
            day_time(row.parked_at),
            row.request or "",
        )
        shown.add_row(row.service, str(row.id), *what)
    console().print(shown)


@app.command()
def show(service: ServiceName, record: ParkedId, workspace: Workspace = None, json: Json = False) -> None:
    """Shows one record, with what it carries."""
    found = asyncio.run(_one(Place.here(), service, f"/v1/parked/{record}", workspace, method="GET"))
    if json:
        say_json(found)
        return
    for name, value in found.model_dump(exclude={"value"}).items():
        say(f"{name:<10} {value}")
    say(f"\n{found.value if found.value is not None else '(no value)'}")


@app.command()
def replay(service: ServiceName, record: ParkedId, workspace: Workspace = None) -> None:
    """Tries a record again, and then, in order, what follows it of the same subject."""
    asked = asyncio.run(_one(Place.here(), service, f"/v1/parked/{record}/replay", workspace, method="POST"))
    say(f"{service} tries {asked.subject} again from record {asked.id}.")


@app.command()
def discard(service: ServiceName, record: ParkedId, workspace: Workspace = None) -> None:
    """Gives a record up for good; what follows it of the same subject is tried again."""
    asked = asyncio.run(_one(Place.here(), service, f"/v1/parked/{record}/discard", workspace, method="POST"))
    say(f"{service} gives up record {asked.id} of {asked.subject}.")


async def _list(place: Place, names: list[str], workspace_id: str | None) -> "list[Parked]":
    from deploy.cli.answers import Parked  # late: help needs none of this
    from deploy.cli.api import services

    async with services(place, workspace_id=workspace_id) as reached:
        return [
            row.model_copy(update={"service": name})
            for name in names
            for row in await reached[name].pages("/v1/parked", Parked)
        ]


async def _one(place: Place, name: str, path: str, workspace_id: str | None, *, method: str) -> "Parked":
    from deploy.cli.answers import Parked
    from deploy.cli.api import services

    require_service(name)
    async with services(place, workspace_id=workspace_id) as reached:
        answer = await reached[name].request(method, path)
    return Parked.model_validate_json(answer.content).model_copy(update={"service": name})
