"""`waypost replay`: has the router's engine decide again what it has decided."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.errors import CliError
from deploy.cli.output import console, say, say_note, write_json
from deploy.cli.place import Place

if TYPE_CHECKING:
    from services.router.adapters.recorded import Recording
    from services.router.adapters.replaying import Comparison

_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]

Until = Annotated[datetime | None, typer.Option("--to", formats=_TIMES, help="Nothing later than this, in UTC.")]


def replay(
    workspace: Annotated[str | None, typer.Option(help="The workspace; the one applied last.")] = None,
    until: Until = None,
    show: Annotated[int, typer.Option(min=0, help="How many differences to show.")] = 10,
    json: Annotated[Path | None, typer.Option(help="Write the result as JSON; - for the terminal.")] = None,
) -> None:
    """Decides again what was decided, from the recorded inputs, and compares every decision with its record.

    Reads the router's database (WAYPOST_DATABASE_URL) and changes nothing. Ends with 1 if anything differs.
    """
    place = Place.here()
    found = asyncio.run(_compare(place, workspace or place.workspace_id, _utc(until), show))
    _tell(found, json)
    if not found.is_same:
        raise typer.Exit(1)


@asynccontextmanager
async def recording(place: Place, workspace_id: str) -> "AsyncIterator[Recording]":
    """A workspace's record in the router's database. CliError where there is none."""
    from services.router.adapters.recorded import Recording  # late: help needs none of this
    from shared.db.engine import open_engine
    from shared.db.unit_of_work import Database
    from shared.errors import DatabaseUnavailable
    from shared.wakeups import RelaySignal

    engine = open_engine(place.login_url("router"), name="waypost-replay", pool_size=2)
    try:
        yield Recording(Database(engine, shards=1, relaying=RelaySignal()), workspace_id)
    except DatabaseUnavailable:
        raise CliError("The router's database does not answer: see WAYPOST_DATABASE_URL.") from None
    finally:
        await engine.dispose()


async def _compare(place: Place, workspace_id: str, until: datetime | None, show: int) -> "Comparison":
    from services.router.adapters.recorded import Place as RecordPlace
    from services.router.adapters.replaying import replay as run
    from services.router.app.replay import blank

    async with recording(place, workspace_id) as record:
        end = await record.end()
        if not end.input_id:
            raise CliError(f"The router has no record of a workspace {workspace_id}.")
        start = RecordPlace(0, 0)
        return await run(record, blank(workspace_id), start, end, to=until, most=show, progress=_say_progress)


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
        console().print(f"\n{difference.decided_at.isoformat()}  input {difference.input_id} ({difference.kind})")
        if difference.refusal is not None:
            say(f"  refused now: {difference.refusal}")
        for side, decided in (("recorded", difference.recorded), ("replayed", difference.replayed)):
            say(f"  {side}: {decided[0]} {decided[2]}" if decided else f"  {side}: nothing")


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at else None
