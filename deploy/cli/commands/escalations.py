"""`waypost escalations`: what is escalated, and what is done about it by hand."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.output import console, day_time, safe, say, say_json, table
from deploy.cli.place import Place

if TYPE_CHECKING:
    from deploy.cli.answers import Escalation

app = typer.Typer(no_args_is_help=True, help="Shows escalations, takes them on, puts them off, ends them.")

EscalationId = Annotated[str, typer.Argument(help="The escalation's id.", show_default=False)]
Workspace = Annotated[str | None, typer.Option(help="The workspace; the one applied last.")]
_OPEN = ("raised", "acknowledged")


@app.command("list")
def list_escalations(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    workspace: Workspace = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Lists escalations, the newest first."""
    rows = asyncio.run(_list(Place.here(), workspace, is_all=everything))
    if json:
        say_json(rows)
        return
    if not rows:
        say("Nothing is escalated.")
        return
    shown = table("id", "about", "because of", "policy", "level", "state", "next step")
    for row in rows:
        about = str(row.ticket_id) if row.ticket_id else " of ".join(filter(None, (row.kpi, row.queue)))
        next_at = row.next_step_at or row.resumes_at
        shown.add_row(
            str(row.escalation_id),
            safe(about),
            (row.metric or row.trigger).replace("_", " "),
            row.policy,
            str(row.level),
            f"{row.state}, put off" if row.next_step_at is None and row.resumes_at else row.state,
            day_time(next_at) if next_at else "-",
        )
    console().print(shown)


@app.command()
def acknowledge(escalation: EscalationId, workspace: Workspace = None) -> None:
    """Takes it on: no further step is taken, unless its policy limits how long you may take."""
    row = asyncio.run(_act(Place.here(), escalation, "acknowledge", None, workspace))
    until = f", until {day_time(row.resumes_at)}" if row.resumes_at else ""
    say(f"{row.escalation_id} is {row.state}{until}.")


@app.command()
def snooze(
    escalation: EscalationId,
    duration: Annotated[str, typer.Argument(help="For how long, such as 30m or 4h.", show_default=False)],
    workspace: Workspace = None,
) -> None:
    """Puts it off: then it goes on where it was."""
    row = asyncio.run(_act(Place.here(), escalation, "snooze", {"duration": duration}, workspace))
    say(f"{row.escalation_id} is put off until {day_time(row.resumes_at) if row.resumes_at else '-'}.")


@app.command()
def resolve(escalation: EscalationId, workspace: Workspace = None) -> None:
    """Ends it: steps to come are dropped."""
    row = asyncio.run(_act(Place.here(), escalation, "resolve", None, workspace))
    say(f"{row.escalation_id} is {row.state}.")


async def _list(place: Place, workspace_id: str | None, *, is_all: bool) -> "list[Escalation]":
    from deploy.cli.answers import Escalation  # late: help needs none of this
    from deploy.cli.api import services

    async with services(place, workspace_id=workspace_id) as reached:
        if is_all:
            return await reached["escalation"].pages("/v1/escalations", Escalation)
        found = [
            row
            for state in _OPEN
            for row in await reached["escalation"].pages("/v1/escalations", Escalation, {"state": state})
        ]
        return sorted(found, key=lambda row: row.escalation_id, reverse=True)


async def _act(
    place: Place, escalation_id: str, what: str, body: object, workspace_id: str | None
) -> "Escalation":
    from deploy.cli.answers import Escalation
    from deploy.cli.api import services
    from deploy.cli.errors import CliError

    # An id and nothing else: it becomes a part of the path.
    if not escalation_id.replace("-", "").isalnum():
        raise CliError(f"{escalation_id} is no escalation's id: `waypost escalations list` shows them.")
    async with services(place, workspace_id=workspace_id) as reached:
        path = f"/v1/escalations/{escalation_id}/{what}"
        answer = await reached["escalation"].request("POST", path, body=body)
    return Escalation.model_validate_json(answer.content)
