"""Escalation policies: ordered steps that are taken one after the other until somebody acts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.calendar import ALWAYS, Calendar, NoOpening


class Urgency(StrEnum):
    """Whether people are told whatever the hour, or once their quiet hours are over."""

    HIGH = "high"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Often:
    """The policy was set off more than so many times in the time up to now."""

    count: int
    per: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """When a step is taken: everything that is named holds at that moment.

    is_unassigned: nobody has the work; within, outside: the calendar is open, or closed
    """

    is_unassigned: bool = False
    within: Calendar | None = None
    outside: Calendar | None = None
    more_than: Often | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """A step that may have a gate. Where it does not hold, the chain goes on as if the step were not there."""

    only_if: Gate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing happens for so much of a calendar's open time."""

    duration: timedelta
    calendar: Calendar = ALWAYS

    def until(self, start: datetime, left: timedelta) -> datetime:
        """When so much of it has passed. A calendar that never opens again holds up nobody."""
        try:
            return self.calendar.add(start, left)
        except NoOpening:
            return start + left

    def left(self, now: datetime, until: datetime) -> timedelta:
        """What is still to be waited; nothing where that moment has passed."""
        return self.calendar.elapsed(now, max(now, until))


@dataclass(frozen=True, slots=True, kw_only=True)
class Requeue(Gated):
    """The work item moves to another queue or tier, is handed to an agent, or more agents are asked.

    to_manager: the agent is the manager of whoever has it, or else of its queue, found when the step is taken
    """

    queue: str | None = None
    support_tier: int | None = None
    agent_id: str | None = None
    widen: bool = False
    to_manager: bool = False

    @property
    def asks(self) -> bool:
        """Whether the router is asked for anything."""
        return self.widen or (self.queue, self.support_tier, self.agent_id) != (None, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisePriority(Gated):
    """The work item becomes more pressing by so many steps."""

    by: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify(Gated):
    """People and systems are told: agents, chats and webhooks by their ids, anybody else by mail address.

    on_call: rotations of which whoever is on call is told; teams_in_turn: teams of which one after the other is
    manager: whoever answers for the agent who has the work, or for its queue; queue: everybody in its queue
    """

    agents: tuple[str, ...] = ()
    on_call: tuple[str, ...] = ()
    manager: bool = False
    teams_in_turn: tuple[str, ...] = ()
    queue: bool = False
    emails: tuple[str, ...] = ()
    chats: tuple[str, ...] = ()
    webhooks: tuple[str, ...] = ()
    urgency: Urgency = Urgency.HIGH


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat(Gated):
    """Goes back, so many times, and then on. first: the step to go back to, from 0"""

    times: int
    first: int = 0


Action = Requeue | RaisePriority | Notify
"""What a step does to the work or tells to somebody."""

Step = Wait | Action | Repeat


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationPolicy:
    """A chain of steps.

    ack_timeout: whoever acknowledges has so long before the chain goes on at its next step; none: it does not
    """

    policy_id: str
    steps: tuple[Step, ...]
    ack_timeout: timedelta | None = None


def rates(steps: tuple[Step, ...]) -> Iterator[Often]:
    """How often its gates ask whether a policy was set off."""
    for step in steps:
        if not isinstance(step, Wait) and step.only_if and step.only_if.more_than:
            yield step.only_if.more_than


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Where an agent is told.

    notify_by: in their own order, of `email` and `chat`; none for both, in this order
    quiet_outside: the calendar whose closed time is quiet for them; none for the workspace's
    """

    agent_id: str
    name: str | None
    email: str | None = None
    chat: str | None = None
    notify_by: tuple[str, ...] = ()
    quiet_outside: Calendar | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A chat room or person behind an incoming webhook. url: sealed; its repr hides it all the same"""

    chat_id: str
    url: str

    def __repr__(self) -> str:
        return f"Chat({self.chat_id!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A system that is told. secret: sealed; its repr hides it all the same"""

    webhook_id: str
    url: str
    secret: str

    def __repr__(self) -> str:
        return f"Webhook({self.webhook_id!r})"
