"""`python -m deploy.demo`: plays a minute of the support desk against the running installation.

Exit code 0 only when everything happened as it should.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence

from rich.console import Console, Group
from rich.text import Text

from deploy.cli.answers import Agent, Kpis, Version
from deploy.cli.api import Service, services
from deploy.cli.board import KPIS, numbers
from deploy.cli.errors import CliError
from deploy.cli.output import console, fail
from deploy.cli.place import DEFAULT_WORKSPACE, Place
from deploy.cli.sse import follow
from deploy.cli.story import read_story
from deploy.cli.story_table import path
from deploy.demo.cast import casting
from deploy.demo.narrator import Narrator
from deploy.demo.scenes import SCENES, Scene
from deploy.demo.stage import Stage, eventually
from deploy.demo.webhooks import listening
from shared.clock import SystemClock
from shared.ids import SystemIds

CAST = ("grace", "hugo", "anna", "ben", "carlos", "elena", "ines", "jonas")
"""Who plays. The first two have waited longest, and so are asked first for what anybody could answer."""

_NUMBERS_WITHIN_S = 15.0


async def run(place: Place) -> bool:
    """Whether everything happened as it should. Raises CliError where the demo cannot be played."""
    out, narrator = console(), Narrator(console())
    values = place.values
    try:
        url, secret = values["WAYPOST_DEMO_WEBHOOK_URL"], values["WAYPOST_DEMO_WEBHOOK_SECRET"]
    except KeyError:
        raise CliError(f"There is no installation in {place.data}: start one with `make run`.") from None
    async with services(place, workspace_id=DEFAULT_WORKSPACE) as reached:
        await _prepare(reached)
        before = await _numbers(reached)
        since = SystemClock().now()
        with listening(url, secret) as hooks:
            async with asyncio.TaskGroup() as group, casting(place, CAST, narrator, since) as cast:
                frames = Frames(reached["metrics"])
                counting = group.create_task(frames.count())
                stage = Stage(
                    place=place,
                    services=reached,
                    cast=cast,
                    narrator=narrator,
                    hooks=hooks,
                    run=SystemIds().new().hex[-12:],
                    since=since,
                    since_ns=int(since.timestamp() * 1e9),
                )
                scenes = [Scene((play.__doc__ or "").strip(), play) for play in SCENES]
                failures = await asyncio.gather(*(_play(stage, scene) for scene in scenes))
                told = await _told(reached, before, frames)
                counting.cancel()
        await _tell_stories(out, reached, scenes)
        out.print(numbers((await reached["metrics"].get("/v1/kpis", Kpis, {"kpi": KPIS})).values))
        forged = f"{hooks.forged} webhooks had no good signature" if hooks.forged else None
        return _judge(out, scenes, [*failures, *told, forged])


async def _prepare(reached: Mapping[str, Service]) -> None:
    """Everybody leaves the floor: the demo needs it for itself."""
    configured = await reached["router"].get("/v1/configuration", Version)
    if configured.version == 0:
        raise CliError("The demo workspace is not there: `waypost apply deploy/demo/workspace.yaml`.")
    agents = await reached["router"].pages("/v1/agents", Agent)
    if missing := sorted(set(CAST) - {agent.agent_id for agent in agents}):
        raise CliError(f"The workspace has no agent {', '.join(missing)}: apply deploy/demo/workspace.yaml again.")
    for agent in agents:
        if agent.state != "offline":
            path_of = f"/v1/agents/{agent.agent_id}/state"
            await reached["router"].do(path_of, {"state": "offline", "reason": "the demo begins"}, method="PUT")


class Frames:
    """Counts what the live stream of numbers says."""

    def __init__(self, metrics: Service) -> None:
        self._metrics = metrics
        self.snapshots = 0
        self.deltas = 0

    async def count(self) -> None:
        """Counts until it is cancelled."""
        async for event in follow(self._metrics, "/v1/kpis/stream", {"kpi": KPIS}):
            self.snapshots += event.name == "snapshot"
            self.deltas += event.name == "delta"


async def _play(stage: Stage, scene: Scene) -> str | None:
    """What went wrong in a scene, if anything. What it leaves unsolved would be in the next demo's way."""
    failure = None
    try:
        await scene.play(stage, scene)
    except CliError as error:
        failure = f"{scene.title} {error}"
        if scene.ticket is not None:
            body = {"status": "solved"}
            await stage.services["intake"].do(f"/v1/tickets/{scene.ticket.ticket_id}", body, method="PATCH")
    return failure


Numbers = Mapping[str, float]


async def _numbers(reached: Mapping[str, Service]) -> Numbers:
    """Today's counts."""
    query = {"kpi": ["volume", "breaches"], "window": "today", "by": "workspace"}
    found = await reached["metrics"].get("/v1/kpis", Kpis, query)
    return {value.kpi: value.value or 0 for value in found.values}


async def _told(reached: Mapping[str, Service], before: Numbers, frames: Frames) -> list[str | None]:
    """What is wrong with the numbers, if anything."""
    opened = 7  # the scenes that open a ticket

    async def risen() -> bool:
        now = await _numbers(reached)
        if now["volume"] < before["volume"]:
            return True  # midnight has passed in the workspace
        return now["volume"] >= before["volume"] + opened and now["breaches"] >= before["breaches"] + 1

    failures: list[str | None] = []
    try:
        await eventually(risen, f"{opened} tickets and a breach are counted", _NUMBERS_WITHIN_S)
    except CliError as error:
        failures.append(str(error))
    if not frames.snapshots or not frames.deltas:
        failures.append(f"the stream told {frames.snapshots} snapshots and {frames.deltas} changes")
    return failures


async def _tell_stories(out: Console, reached: Mapping[str, Service], scenes: Sequence[Scene]) -> None:
    for scene in scenes:
        shown: list[Text | Group] = [Text(f"\n{scene.title}", style="bold cyan")]
        shown += [Text(note) for note in scene.notes]
        if scene.ticket is not None:
            ticket = await _now(reached, scene)
            shown.append(ticket)
        out.print(Group(*shown))


async def _now(reached: Mapping[str, Service], scene: Scene) -> Group:
    from deploy.cli.answers import Ticket

    assert scene.ticket is not None
    ticket = await reached["intake"].get(f"/v1/tickets/{scene.ticket.ticket_id}", Ticket)
    return path(await read_story(reached, ticket))


def _judge(out: Console, scenes: Sequence[Scene], failures: Sequence[str | None]) -> bool:
    found = [failure for failure in failures if failure]
    for failure in found:
        out.print(Text(f"✗ {failure}", style="bold red"))
    if not found:
        out.print(Text(f"✓ {len(scenes)} requests went as they should.", style="bold green"))
    return not found


def main() -> int:
    """Plays the demo; the exit code."""
    try:
        return 0 if asyncio.run(run(Place.here())) else 1
    except CliError as error:
        return fail(error)
    except BaseExceptionGroup as group:
        cause = group.exceptions[0]
        if isinstance(cause, CliError):
            return fail(cause)
        raise
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
