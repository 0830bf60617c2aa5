"""`waypost preview`: what a file's routing policy would make of the tickets that there are."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.answers import Counted, Preview, Route
from deploy.cli.output import console, safe, say, say_json, table
from deploy.cli.place import Place

if TYPE_CHECKING:
    from deploy.cli.api import Service
    from deploy.cli.parts import Part
    from deploy.cli.yaml_file import YamlFile


def preview(
    file: Annotated[Path, typer.Argument(help="The file that describes the workspace.", show_default=False)],
    last: Annotated[int, typer.Option(min=1, max=10_000, help="How many tickets, the newest first.")] = 1000,
    rule: Annotated[str | None, typer.Option(help="Only tickets on which it decides, before or after.")] = None,
    show: Annotated[int, typer.Option(min=0, max=200, help="How many of the changed tickets to show.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Asks the routing policy in force and a file's about recorded tickets. Nothing is changed."""
    asyncio.run(_preview(Place.here(), file, {"last": last, "rule": rule, "limit": show}, as_json=json))


async def _preview(place: Place, path: Path, asked: dict[str, object], *, as_json: bool) -> None:
    from deploy.cli.api import services  # late: with the services' own models behind them
    from deploy.cli.parts import parts_of
    from deploy.cli.plan import read_workspace

    file, content = read_workspace(path, place.values)
    part = next(part for part in parts_of(content) if part.service == "router")
    async with services(place, workspace_id=content.workspace) as reached:
        found = await _compared(reached["router"], file, part, asked)
    if as_json:
        say_json(found)
    else:
        _tell(found)


async def _compared(router: "Service", file: "YamlFile", part: "Part", asked: dict[str, object]) -> Preview:
    """Raises FileRefused with the places in the file where the router says no, and CliError."""
    from deploy.cli.api import Refused
    from deploy.cli.plan import placed
    from deploy.cli.yaml_file import FileRefused

    body = {**asked, "configuration": part.content.model_dump(mode="json")}
    try:
        found = await router.post("/v1/policies/routing/preview", Preview, body)
    except Refused as refused:
        wrong = [(pointer.removeprefix("/configuration"), text) for pointer, text in refused.problems]
        if not wrong:
            raise
        raise FileRefused(file.file, [file.problem(part.place(place), text) for place, text in wrong]) from None
    return found.model_copy(update={"warnings": [placed(file, part, text) for text in found.warnings]})


def _tell(found: Preview) -> None:
    say(
        f"{found.changed} of {found.looked_at} tickets would go another way; {found.unservable} nobody could take."
    )
    if not found.is_complete:
        say("Time was up before all of them were looked at: ask for fewer (--last).")
    if found.failed:
        say(f"On {found.failed} a condition could not be evaluated, and so did not hold.")
    for name, counts in (("rule", found.rules), ("queue", found.queues)):
        _count(name, counts)
    for each in found.items:
        nobody = "" if each.is_servable else "; nobody could take it"
        say(f"  {each.ticket_id}: {_route(each.before)} -> {_route(each.after)}{nobody}")
    for warning in found.warnings:
        console().print(f"[yellow]! {safe(warning)}[/]")


def _count(name: str, counts: Sequence[Counted]) -> None:
    shown = table(name, "now", "then")
    for each in counts:
        shown.add_row(safe(each.name), str(each.before), str(each.after))
    console().print(shown)


def _route(route: Route) -> str:
    skills = "".join(f", {skill} {level}" for skill, level in sorted(route.skills.items()))
    return f"{route.queue}, tier {route.support_tier}{skills}, {route.priority} (rule {route.rule})"
