"""Shows what would have been with another configuration, beside what was."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.cli.output import console, duration, safe, say, table, write_json

if TYPE_CHECKING:
    from deploy.cli.tried import Tried
    from services.router.app.outcome import Waits

_NOBODY = "nobody"


def tell_tried(tried: "Tried", within: timedelta, most: int, file: Path | None) -> None:
    """Prints it, and writes it to a file."""
    outline = tried.outline(within, most)
    if file is not None:
        write_json(file, outline)
        if str(file) == "-":
            return
    say(f"From {tried.began:%Y-%m-%d %H:%M} to {tried.ended:%Y-%m-%d %H:%M} UTC. It is assumed that:")
    for assumed in outline.assumed:
        say(f"  - {assumed}")
    if tried.model is not None:
        say(f"With the recorded configuration the simulation gives {tried.model} work items to somebody else.")
    _tell_waits(tried, within)
    _tell_agents(tried)
    say(f"{len(tried.changed)} of {tried.recorded.waits.items} work items would have gone to somebody else.")
    for each in tried.changed[:most]:
        nth = "" if each.nth == 1 else f", opened again ({each.nth})"
        waits = f"after {_time(each.wait_before_s)}, {_time(each.wait_after_s)}"
        say(f"  {each.ticket_id}{nth}: {each.before or _NOBODY} -> {each.after or _NOBODY}, {waits}")
    if tried.left_out:
        say("Left out: " + ", ".join(f"{count} {kind}" for kind, count in tried.left_out.items()) + ".")


def _tell_waits(tried: "Tried", within: timedelta) -> None:
    level = f"within {duration(within.total_seconds())}"
    shown = table("queue", "", "items", "unassigned", "mean", "p50", "p90", "p99", level)
    sides = (("recorded", tried.recorded), ("what if", tried.what_if))
    for name, side in sides:
        shown.add_row("[bold]all[/]", name, *_cells(side.waits))
    for queue in sorted({*tried.recorded.queues, *tried.what_if.queues}):
        for name, side in sides:
            if queue in side.queues:
                shown.add_row(safe(queue), name, *_cells(side.queues[queue]))
    console().print(shown)


def _tell_agents(tried: "Tried") -> None:
    shown = table("agent", "assigned", "what if", "busy", "what if")
    for agent_id in sorted({*tried.recorded.agents, *tried.what_if.agents}):
        before, after = tried.recorded.agents.get(agent_id), tried.what_if.agents.get(agent_id)
        shown.add_row(
            safe(agent_id),
            str(before.assigned) if before else "-",
            str(after.assigned) if after else "-",
            _time(before.busy_s if before else None),
            _time(after.busy_s if after else None),
        )
    console().print(shown)


def _cells(waits: "Waits") -> tuple[str, ...]:
    level = "-" if waits.level is None else f"{waits.level:.1%}"
    times = (waits.mean_s, waits.p50_s, waits.p90_s, waits.p99_s)
    return (str(waits.items), str(waits.unassigned), *map(_time, times), level)


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else duration(seconds)
