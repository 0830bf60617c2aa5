"""Finds the people whom steps tell, in one unit of work: who is on call, whose turn it is, who answers for it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from services.escalation.app.ports import Histories, Tracking
from services.escalation.domain.escalation_policy import Notify, Step
from services.escalation.domain.hand_over import OnDuty
from services.escalation.domain.people import next_in_turn
from services.escalation.domain.sla_policy import Policies
from services.escalation.domain.stand_in import StandIn, in_force
from shared.db.unit_of_work import Tx

AHEAD = timedelta(days=1)
"""How far ahead it is looked until when somebody is on call. Overrides and new versions have it looked at anew."""

Named = tuple[str, str]
"""A workspace and something in it."""

Chain = tuple[str, Sequence[Step]]
"""A workspace, and the steps of an escalation in it that may be taken now."""


class Concern(Protocol):
    """What an escalation is about, such as a ticket or a queue, as far as it says who is to be told."""

    @property
    def workspace_id(self) -> str:
        """Its workspace."""
        ...

    @property
    def queue(self) -> str | None:
        """The queue, or the one that it is in."""
        ...

    @property
    def agent_id(self) -> str | None:
        """Who has it."""
        ...


@dataclass(slots=True, kw_only=True)
class Finder:
    """What stood in the rows, and the turns that were taken here besides.

    stand_ins: those of the next day; last: by workspace and team, who had the last turn
    """

    now: datetime
    stand_ins: Sequence[StandIn] = ()
    last: dict[Named, str] = field(default_factory=dict)
    taken: dict[Named, str] = field(default_factory=dict)

    def on_duty(self, workspace_id: str, rotation_id: str, policies: Policies) -> OnDuty | None:
        """Who is on call for a rotation now; none where there is no such rotation."""
        rotation = policies.rotations.get(rotation_id)
        if rotation is None:
            return None
        here = workspace_id, rotation_id
        overrides = in_force(item for item in self.stand_ins if (item.workspace_id, item.rotation) == here)
        shift = next(rotation.shifts(self.now, self.now + AHEAD, overrides))
        return OnDuty(shift.agent, shift.end)

    def found(self, step: Notify, about: Concern, policies: Policies) -> Notify:
        """The step with everybody by name whom it tells. Where nobody is found, the name says who should be."""
        agents = [*step.agents, *self._found(step, about, policies)]
        return replace(step, agents=tuple(dict.fromkeys(agents)))

    def _found(self, step: Notify, about: Concern, policies: Policies) -> Iterator[str]:
        people, workspace_id, queue = policies.people, about.workspace_id, about.queue
        for rotation in step.on_call:
            on_duty = self.on_duty(workspace_id, rotation, policies)
            yield (on_duty.agent if on_duty else None) or f"on call: {rotation}"
        if step.manager:
            yield people.manager(about.agent_id, queue) or "manager"
        for team in step.teams_in_turn:
            yield self._next(workspace_id, team, policies) or f"team: {team}"
        if step.queue:
            yield from people.queues.get(queue or "", ()) or [f"queue: {queue}"]

    def _next(self, workspace_id: str, team: str, policies: Policies) -> str | None:
        key = workspace_id, team
        agent = next_in_turn(policies.people.teams.get(team, ()), self.last.get(key))
        if agent is not None:
            self.last[key] = self.taken[key] = agent
        return agent


async def open_finder(
    chains: Iterable[Chain], histories: Histories, *, tx: Tx, tracking: Tracking, now: datetime
) -> Finder:
    """What these chains may ask. Keeps others from the turns of the teams that they name."""
    teams = {(here, team) for here, steps in chains for team in _teams(steps)}
    on_call = {here for here, history in histories.items() if history.latest.rotations}
    last = await tracking.lock_turns(tx, teams) if teams else {}
    stand_ins = await tracking.stand_ins(tx, on_call, now, now + AHEAD) if on_call else ()
    return Finder(now=now, stand_ins=stand_ins, last=dict(last))


def _teams(steps: Iterable[Step]) -> Iterator[str]:
    for step in steps:
        if isinstance(step, Notify):
            yield from step.teams_in_turn
