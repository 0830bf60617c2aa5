"""Prints tickets and their paths."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group
from rich.table import Table
from rich.text import Text

from deploy.cli.answers import Clock, Ticket
from deploy.cli.output import clock_time, day_time, duration, printable, table
from deploy.cli.story import Story

_COLOURS = {"customer": "cyan", "router": "green", "escalation": "yellow", "intake": "dim"}
CLOCK_COLOURS = {"met": "green", "breached": "red", "running": "yellow", "paused": "dim", "cancelled": "dim"}


def ticket_list(tickets: Sequence[Ticket]) -> Table:
    """Tickets, one a line."""
    shown = table("#", "subject", "status", "priority", "queue", "tier", "agent", "language", "labels", "opened")
    for one in tickets:
        shown.add_row(
            str(one.number),
            Text(printable(one.subject)[:60] or "(no subject)"),
            one.status,
            one.priority,
            one.queue or "-",
            str(one.support_tier or "-"),
            one.assignee_id or "-",
            one.language or "-",
            Text(", ".join(f"{key}:{value}" for key, value in one.labels.items())),
            day_time(one.opened_at),
        )
    return shown


def path(story: Story) -> Group:
    """One ticket's path, with how long after its beginning each thing happened."""
    one = story.ticket
    title = Text.assemble((f"#{one.number} ", "bold"), (printable(one.subject) or "(no subject)", "bold"))
    facts = f"{one.status} · {one.priority} · {one.channel}"
    for name, value in (("queue", one.queue), ("tier", one.support_tier), ("agent", one.assignee_id)):
        facts += f" · {name} {value}" if value else ""
    facts += "".join(f" · {key}:{value}" for key, value in one.labels.items())
    parts: list[Text | Table] = [title, Text(printable(facts), style="dim"), _moments(story)]
    if story.clocks:
        parts.append(_clocks(story.clocks))
    parts += [Text(f"({name} does not answer)", style="yellow") for name in story.missing]
    return Group(*parts)


def _moments(story: Story) -> Table:
    shown = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    shown.add_column(no_wrap=True, style="dim")
    shown.add_column(no_wrap=True, justify="right", style="dim")
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    beginning = story.moments[0].at if story.moments else story.ticket.opened_at
    for moment in story.moments:
        style = "bold red" if moment.text.startswith("BREACH") else ""
        who = Text(printable(moment.who), style=_COLOURS.get(moment.who, "magenta"))
        shown.add_row(
            clock_time(moment.at), _after(beginning, moment.at), who, Text(printable(moment.text), style)
        )
    return shown


def _after(beginning: datetime, at: datetime) -> str:
    seconds = (at - beginning).total_seconds()
    return f"+{seconds:.2f}s" if seconds < 60 else f"+{duration(seconds)}"


def _clocks(clocks: Sequence[Clock]) -> Table:
    shown = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    for _ in range(3):
        shown.add_column(no_wrap=True)
    for clock in clocks:
        left = f"{duration(clock.elapsed_s)} of {duration(clock.target_s)}"
        if clock.is_running:
            left += f", {duration(clock.remaining_s)} left" if clock.remaining_s >= 0 else ", overdue"
        name = f"clock {clock.metric.replace('_', ' ')} ({clock.policy})"
        shown.add_row(
            Text(name, style="dim"), Text(clock.state, style=CLOCK_COLOURS.get(clock.state, "")), Text(left)
        )
    return shown
