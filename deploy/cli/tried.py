"""What would have been with another configuration: the recorded run, and the same one otherwise, as JSON."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from deploy.cli.errors import CliError
from deploy.cli.misfits import in_words
from deploy.cli.parts import parts_of
from deploy.cli.place import Place
from deploy.cli.plan import read_workspace
from deploy.cli.yaml_file import FileRefused, YamlFile
from services.router.app.configuration import RouterPart, to_configuration
from services.router.app.observed import Observed
from services.router.app.outcome import Otherwise, Outcome, otherwise, outcome
from services.router.app.people import People, RecordedStep, learn
from services.router.app.what_if import ASSUMPTIONS, Adapt, World
from services.router.domain.configuration import Configuration
from services.router.domain.state import RoutingState
from shared.errors import InvalidInput


class TriedOutline(BaseModel):
    """Two runs beside each other.

    differing: work items that somebody else gets first; `first` holds the first of them. model: of how many work
    items the simulation says wrongly who got them with the recorded configuration, where that was asked
    """

    began: datetime
    ended: datetime
    within_s: float
    assumed: Sequence[str]
    recorded: dict[str, Any]
    what_if: dict[str, Any]
    differing: int
    first: Sequence[dict[str, Any]]
    left_out: dict[str, int]
    model: int | None


@dataclass(frozen=True)
class Tried:
    """A recorded run and what it would have been."""

    began: datetime
    ended: datetime
    recorded: Outcome
    what_if: Outcome
    changed: list[Otherwise]
    left_out: dict[str, int]
    model: int | None

    def outline(self, within: timedelta, most: int) -> TriedOutline:
        """As it is written. most: differences that are named"""
        return TriedOutline(
            began=self.began,
            ended=self.ended,
            within_s=within.total_seconds(),
            assumed=ASSUMPTIONS,
            recorded=asdict(self.recorded),
            what_if=asdict(self.what_if),
            differing=len(self.changed),
            first=[asdict(each) for each in self.changed[:most]],
            left_out=self.left_out,
            model=self.model,
        )


def try_out(
    run: Sequence[RecordedStep],
    beginning: Callable[[], RoutingState],
    adapt: Adapt,
    within: timedelta,
    *,
    is_checked: bool,
) -> Tried:
    """Simulates a recorded run otherwise. beginning: makes the state that was before it"""
    began, ended = run[0][0].decided_at, run[-1][0].decided_at
    people, before = learn(beginning(), run, began)
    before.end(ended)

    def simulated(how: Adapt) -> World:
        return _simulated(beginning(), people, how, began, ended)

    world = simulated(adapt)
    return Tried(
        began,
        ended,
        outcome(before, within),
        outcome(world.seen, within),
        otherwise(before, world.seen),
        dict(sorted(world.left_out.items())),
        len(otherwise(before, simulated(lambda same: same).seen)) if is_checked else None,
    )


def _simulated(state: RoutingState, people: People, adapt: Adapt, began: datetime, ended: datetime) -> World:
    world = World(state, people, Observed.beginning(state, began), adapt, began)
    world.live(ended)
    return world


def adaptation(place: Place, file: Path | None, without: Sequence[str]) -> Adapt:
    """The configuration of a file instead of any other, and without some agents. CliError, FileRefused."""
    given = _read(place, file) if file is not None else None
    gone = frozenset(without)

    def adapt(in_force: Configuration) -> Configuration:
        configuration = given or in_force
        if not gone & configuration.agents.keys():
            return configuration
        agents = {name: one for name, one in configuration.agents.items() if name not in gone}
        return replace(configuration, agents=agents)

    return adapt


def _read(place: Place, path: Path) -> Configuration:
    """The router's configuration of a workspace's file, or of a file that is the router's part itself."""
    document = YamlFile(path, place.values)
    if isinstance(document.content, dict) and "workspace" in document.content:
        _, content = read_workspace(path, place.values)
        part = next(part.content for part in parts_of(content) if part.service == "router")
    else:
        part = _router_part(document)
    assert isinstance(part, RouterPart)
    try:
        return to_configuration(1, part)
    except InvalidInput as refusal:
        told = "\n".join(f"  {pointer}  {what}" for pointer, what in refusal.problems)
        raise CliError(f"{path} does not hold together:\n{told}") from None


def _router_part(document: YamlFile) -> RouterPart:
    try:
        return RouterPart.model_validate(document.content)
    except ValidationError as error:
        problems = [document.problem(*told) for told in in_words(error.errors())]
        raise FileRefused(document.file, problems) from None
