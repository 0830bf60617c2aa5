"""`waypost replay`: has the router's engine decide again what it has decided."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.errors import CliError
from deploy.cli.output import console, say, say_note, write_json
from deploy.cli.place import Place
from deploy.cli.tried_table import tell_tried

if TYPE_CHECKING:
    from deploy.cli.tried import Tried
    from services.router.adapters.checkpoints import Checkpoints
    from services.router.adapters.recorded import Place as RecordPlace
    from services.router.adapters.recorded import Recording
    from services.router.adapters.replaying import Comparison

Span = tuple[datetime | None, datetime | None]
"""From when to when; open where none."""

_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]

# The formats, which would stand there else, read as markup.
_TIME = "TIME"
Since = Annotated[
    datetime | None,
    typer.Option(
        "--from",
        formats=_TIMES,
        metavar=_TIME,
        help="Begin at the last checkpoint before, in UTC: 2026-11-23 or 2026-11-23T09:30.",
    ),
]
Until = Annotated[
    datetime | None,
    typer.Option("--to", formats=_TIMES, metavar=_TIME, help="Nothing later than this, in UTC."),
]


def replay(
    workspace: Annotated[str | None, typer.Option(help="The workspace; the one applied last.")] = None,
    since: Since = None,
    until: Until = None,
    file: Annotated[
        Path | None,
        typer.Option("--with", help="What if a workspace's file, or a router's part, had held?"),
    ] = None,
    without: Annotated[
        str, typer.Option("--without-agents", help="What if these agents, separated by commas, had been missing?")
    ] = "",
    within: Annotated[
        str, typer.Option(help="What if: the time in which work should be assigned, from when it was queued.")
    ] = "60s",
    check: Annotated[bool, typer.Option("--check", help="What if: say how well it simulates what was.")] = False,
    show: Annotated[int, typer.Option(min=0, help="How many differences to show.")] = 10,
    json: Annotated[Path | None, typer.Option(help="Write the result as JSON; - for the terminal.")] = None,
) -> None:
    """Decides again what was decided, from the recorded inputs, and compares every decision with its record.

    Ends with 1 if anything differs, or there is nothing to compare. With --with or --without-agents it tells
    instead what would have been: who would have got what, how long work would have waited, how busy everybody
    would have been.

    Reads the router's database (WAYPOST_DATABASE_URL) and changes nothing.
    """
    place = Place.here()
    workspace_id = workspace or place.workspace_id
    gone = [name.strip() for name in without.split(",") if name.strip()]
    if file is not None or gone:
        limit = _duration(within)
        tried = asyncio.run(_try(place, workspace_id, _span(since, until), (file, gone), limit, is_checked=check))
        tell_tried(tried, limit, show, json)
        return
    if check:
        raise CliError("--check tells of a simulation: add --with or --without-agents.")
    found = asyncio.run(_compare(place, workspace_id, _span(since, until), show))
    if found.is_same and not found.tickets:
        raise CliError("Nothing is recorded of tickets in that time: there is nothing to compare.")
    _tell(found, json)
    if not found.is_same:
        raise typer.Exit(1)


@asynccontextmanager
async def recording(place: Place, workspace_id: str) -> "AsyncIterator[tuple[Recording, Checkpoints]]":
    """A workspace's record in the router's database. CliError where that does not answer, or cannot be read."""
    from services.router.adapters.checkpoints import Checkpoints  # late: help needs none of this
    from services.router.adapters.recorded import Recording
    from shared.db.engine import open_engine
    from shared.db.unit_of_work import Database
    from shared.errors import Conflict, DatabaseUnavailable
    from shared.wakeups import RelaySignal

    engine = open_engine(place.login_url("router"), name="waypost-replay", pool_size=2)
    try:
        database = Database(engine, shards=1, relaying=RelaySignal())
        yield Recording(database, workspace_id), Checkpoints(database)
    except DatabaseUnavailable:
        raise CliError("The router's database does not answer: see WAYPOST_DATABASE_URL.") from None
    except Conflict as error:
        raise CliError(str(error)) from None
    finally:
        await engine.dispose()


async def _compare(place: Place, workspace_id: str, span: Span, show: int) -> "Comparison":
    from services.router.adapters.replaying import replay as run

    async with recording(place, workspace_id) as (record, checkpoints):
        start, end = await _extent(record, checkpoints, span)
        state = await checkpoints.state(workspace_id, start)
        return await run(record, state, start, end, to=span[1], most=show, progress=_say_progress)


async def _try(
    place: Place,
    workspace_id: str,
    span: Span,
    what: tuple[Path | None, list[str]],
    within: timedelta,
    *,
    is_checked: bool,
) -> "Tried":
    from deploy.cli.tried import adaptation, try_out
    from services.router.adapters.replaying import read_run

    adapt = adaptation(place, *what)
    async with recording(place, workspace_id) as (record, checkpoints):
        start, end = await _extent(record, checkpoints, span)
        run = await read_run(record, start, end, to=span[1], progress=_say_progress)
        if not run:
            raise CliError("Nothing is recorded of that time.")
        say_note(f"{len(run)} inputs read")
        states = [await checkpoints.state(workspace_id, start) for _ in range(3 if is_checked else 2)]
    return try_out(run, iter(states).__next__, adapt, within, is_checked=is_checked)


async def _extent(
    record: "Recording", checkpoints: "Checkpoints", span: Span
) -> "tuple[RecordPlace, RecordPlace]":
    """Where to begin in the record, and where it ends. CliError where there is none."""
    end = await record.end()
    if not end.input_id:
        raise CliError(f"The router has no record of a workspace {record.workspace_id}.")
    return await checkpoints.start(record.workspace_id, span[0]), end


def _say_progress(count: int, at: datetime) -> None:
    say_note(f"{count} inputs, up to {at:%Y-%m-%d %H:%M:%S}")


def _tell(found: "Comparison", file: Path | None) -> None:
    from deploy.cli.replayed import outline

    if file is not None:
        write_json(file, outline(found))
        if str(file) == "-":
            return
    verdict = "all alike" if found.is_same else f"{found.differing} differ"
    say(f"{len(found.tickets)} tickets, {found.decisions} decisions, {verdict}")
    for difference in found.first:
        cause = f"input {difference.input_id} ({difference.kind})" if difference.kind else "no input"
        console().print(f"\n{difference.decided_at.isoformat()}  {cause}")
        if difference.refusal is not None:
            say(f"  refused now: {difference.refusal}")
        for side, decided in (("recorded", difference.recorded), ("replayed", difference.replayed)):
            say(f"  {side}: {decided[0]} {decided[2]}" if decided else f"  {side}: nothing")


def _duration(text: str) -> timedelta:
    from shared.durations import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise CliError(f"--within: {error}.") from None


def _span(since: datetime | None, until: datetime | None) -> Span:
    return _utc(since), _utc(until)


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at else None
