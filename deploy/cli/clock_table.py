"""Prints clocks so that every second can be added up."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Group
from rich.table import Table
from rich.text import Text

from deploy.cli.answers import Ticket
from deploy.cli.clock_answers import ClockSegment, MeasuredClock
from deploy.cli.output import exactly, printable, safe, table
from deploy.cli.story_table import CLOCK_COLOURS

_STANDINGS = {"running": "ran", "overdue": "ran overdue", "paused": "stood still", "ended": "was ended"}


def measured(ticket: Ticket, clocks: Sequence[MeasuredClock]) -> Group:
    """A ticket's clocks, each with its time piece by piece."""
    parts: list[Text | Table] = [Text(printable(f"#{ticket.number} {ticket.subject}"), style="bold")]
    for clock in clocks:
        parts += [Text(), *_heading(clock)]
        if clock.segments:
            parts.append(_pieces(clock.segments))
        parts += [Text(line, style="yellow") for line in _withdrawn(clock)]
    return Group(*parts)


def _heading(clock: MeasuredClock) -> Iterator[Text]:
    policy = f"{clock.agreement} {clock.policy}, version {clock.policy_version}"
    name = printable(f"{clock.metric.replace('_', ' ')} ({policy}) ")
    yield Text.assemble((name, "bold"), (clock.state, CLOCK_COLOURS.get(clock.state, "")))
    left = "overdue by" if clock.remaining_s < 0 else "left"
    facts = [
        f"target {exactly(clock.target_s)}",
        f"counted {exactly(clock.elapsed_s)}",
        f"{left} {exactly(abs(clock.remaining_s))}",
    ]
    zone = clock.segments[-1].time_zone if clock.segments else "UTC"
    for what, at in (("due", clock.due_at), ("breached", clock.breached_at), ("ended", clock.ended_at)):
        facts += [f"{what} {_wall(at, zone)}"] if at else []
    yield Text(", ".join(facts) + (" (breach not confirmed yet)" if clock.is_provisional else ""), style="dim")


def _pieces(segments: Sequence[ClockSegment]) -> Table:
    shown = table("from", "to", "it", "since", "until", "by", "adjusted", "counted", "total")
    for piece in segments:
        hours = "around the clock" if piece.calendar is None else f"{piece.calendar} ({piece.time_zone})"
        shown.add_row(
            _wall(piece.starts_at, piece.time_zone),
            _wall(piece.ends_at, piece.time_zone),
            _STANDINGS.get(piece.standing, piece.standing),
            safe(piece.began_by),
            safe(piece.ended_by or "now"),
            safe(hours),
            exactly(piece.adjusted_s) if piece.adjusted_s else "",
            exactly(piece.elapsed_s),
            exactly(piece.total_s),
        )
    return shown


def _withdrawn(clock: MeasuredClock) -> Iterator[str]:
    zone = clock.segments[-1].time_zone if clock.segments else "UTC"
    for each in clock.withdrawn:
        at, since = _wall(each.breached_at, zone), _wall(each.withdrawn_at, zone)
        yield printable(f"The breach of {at} was withdrawn at {since}: {each.cause} showed that it never was.")


def _wall(at: datetime, time_zone: str) -> str:
    """A moment on the calendar's own clock, with its offset: an hour may come twice."""
    return at.astimezone(ZoneInfo(time_zone)).isoformat(sep=" ", timespec="auto" if at.microsecond else "seconds")
