"""`waypost apply`: makes a workspace what its file says."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.output import console, safe, say_json
from deploy.cli.place import Place

if TYPE_CHECKING:
    from deploy.cli.plan import Change, Plan

_SIGNS = {"added": "[green]+[/]", "removed": "[red]-[/]", "changed": "[yellow]~[/]", "reordered": "[yellow]↕[/]"}


def apply(
    file: Annotated[Path, typer.Argument(help="The file that describes the workspace.", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
) -> None:
    """Makes a workspace what its file says: checks it as a whole, shows what changes, changes it.

    Applying the same file twice changes nothing. `${NAME}` in a value stands for an environment variable.
    """
    asyncio.run(_apply(Place.here(), file, dry_run=dry_run, as_json=json))


async def _apply(place: Place, path: Path, *, dry_run: bool, as_json: bool) -> None:
    from deploy.cli.api import services  # late: with the services' own models behind them
    from deploy.cli.plan import carry_out, make_plan, outline, read_workspace

    file, content = read_workspace(path, place.values)
    async with services(place, workspace_id=content.workspace) as reached:
        plan = await make_plan(file, content, reached)
        if as_json:
            say_json(outline(plan))
        else:
            show(plan)
        if not dry_run:
            changed = await carry_out(plan, reached)
            place.remember_workspace(content.workspace)
            if not as_json:
                say_done(plan, changed)
        elif not as_json:
            console().print("Nothing was changed: this was a dry run." if plan.is_needed else "Nothing to do.")


def show(plan: "Plan") -> None:
    """Prints what would become of each service."""
    console().print(f"Workspace [bold]{plan.workspace_id}[/]")
    for part in plan.parts:
        state = (
            f"version {part.version} → {part.version + 1}"
            if part.is_needed
            else f"unchanged, version {part.version}"
        )
        console().print(f"  [bold]{part.part.service:<11}[/]{state}")
        for change in part.changes:
            console().print(f"    {_line(change)}")
        for warning in part.warnings:
            console().print(f"    [yellow]! {safe(warning)}[/]")
    for warning in plan.warnings:
        console().print(f"  [yellow]! {safe(warning)}[/]")


def say_done(plan: "Plan", changed: list[str]) -> None:
    """Prints what was changed."""
    if changed:
        console().print(f"[green]✓[/] {plan.workspace_id}: {', '.join(changed)} changed.")
    else:
        console().print("Nothing to do: everything is as the file says.")


def _line(change: "Change") -> str:
    return f"{_SIGNS.get(change.kind, '~')} {safe(change.path)}"
