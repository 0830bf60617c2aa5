"""`waypost preview`: what a file's policies would make of the tickets that there are."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from pydantic import BaseModel

from deploy.cli.answers import Counted, Preview, Route
from deploy.cli.clock_answers import ClockTerms, SlaPreview
from deploy.cli.output import console, day_time, duration, safe, say, say_json, table
from deploy.cli.place import Place

if TYPE_CHECKING:
    from deploy.cli.api import Service
    from deploy.cli.parts import Part
    from deploy.cli.yaml_file import YamlFile


class Previews(BaseModel):
    """What a file's policies would change, for programs."""

    routing: Preview
    sla: SlaPreview


PreviewT = TypeVar("PreviewT", Preview, SlaPreview)

_EFFECTS = {
    "breaches": "would be broken at once",
    "warns": "would warn at once",
    "unwarns": "would not have warned",
    "starts": "would begin",
    "restarts": "would begin anew",
    "cancels": "would be cancelled",
    "earlier": "would be due earlier",
    "later": "would be due later",
    "terms": "would only change in what they say",
}


def preview(
    file: Annotated[Path, typer.Argument(help="The file that describes the workspace.", show_default=False)],
    last: Annotated[
        int, typer.Option(min=1, max=10_000, help="How many tickets are routed again, the newest first.")
    ] = 1000,
    rule: Annotated[
        str | None, typer.Option(help="Only tickets on which this routing rule decides, before or after.")
    ] = None,
    show: Annotated[int, typer.Option(min=0, max=200, help="How many changed tickets and clocks to show.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Compares a file's policies with those in force: where tickets would go, and what open ones are promised.

    Nothing is changed.
    """
    asyncio.run(_preview(Place.here(), file, {"last": last, "rule": rule, "limit": show}, as_json=json))


async def _preview(place: Place, path: Path, asked: dict[str, object], *, as_json: bool) -> None:
    from deploy.cli.api import services  # late: with the services' own models behind them
    from deploy.cli.parts import parts_of
    from deploy.cli.plan import read_workspace

    file, content = read_workspace(path, place.values)
    parts = {part.service: part for part in parts_of(content)}
    async with services(place, workspace_id=content.workspace) as reached:
        routing = await _compared(reached["router"], "routing", Preview, file, parts["router"], asked)
        only = {"limit": asked["limit"]}
        sla = await _compared(reached["escalation"], "sla", SlaPreview, file, parts["escalation"], only)
    if as_json:
        say_json(Previews(routing=routing, sla=sla))
        return
    _tell_routing(routing)
    say()
    _tell_sla(sla)
    for warning in [*routing.warnings, *sla.warnings]:
        console().print(f"[yellow]! {safe(warning)}[/]")


async def _compared(
    service: "Service",
    policies: str,
    model: type[PreviewT],
    file: "YamlFile",
    part: "Part",
    asked: dict[str, object],
) -> PreviewT:
    """Raises FileRefused with the places in the file where the service says no, and CliError."""
    from deploy.cli.api import Refused
    from deploy.cli.plan import placed
    from deploy.cli.yaml_file import FileRefused

    body = {**asked, "configuration": part.content.model_dump(mode="json")}
    try:
        found = await service.post(f"/v1/policies/{policies}/preview", model, body)
    except Refused as refused:
        wrong = [(pointer.removeprefix("/configuration"), text) for pointer, text in refused.problems]
        if not wrong:
            raise
        raise FileRefused(file.file, [file.problem(part.place(place), text) for place, text in wrong]) from None
    return found.model_copy(update={"warnings": [placed(file, part, text) for text in found.warnings]})


def _tell_routing(found: Preview) -> None:
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


def _tell_sla(found: SlaPreview) -> None:
    say(f"{found.changed} of {found.clocks} clocks of {found.tickets} open tickets would change.")
    for effect, count in found.effects.items():
        if count:
            say(f"  {count} {_EFFECTS.get(effect, effect)}")
    _count(
        "SLA policy",
        [Counted(name=each.policy, before=each.before, after=each.after) for each in found.policies],
    )
    for item in found.items:
        named = f"#{item.ticket_number}" if item.ticket_number is not None else str(item.ticket_id)
        effects = ", ".join(item.effects)
        metric = item.metric.replace("_", " ")
        say(f"  {named} {metric}: {_terms(item.before)} -> {_terms(item.after)} ({effects})")


def _count(name: str, counts: Sequence[Counted]) -> None:
    shown = table(name, "now", "then")
    for each in counts:
        shown.add_row(safe(each.name), str(each.before), str(each.after))
    console().print(shown)


def _terms(terms: ClockTerms | None) -> str:
    if terms is None:
        return "nothing"
    due = f", due {day_time(terms.due_at)}" if terms.due_at else ""
    return f"{terms.policy} {duration(terms.target_s)}, {terms.state}{due}"


def _route(route: Route) -> str:
    skills = "".join(f", {skill} {level}" for skill, level in sorted(route.skills.items()))
    return f"{route.queue}, tier {route.support_tier}{skills}, {route.priority} (rule {route.rule})"
