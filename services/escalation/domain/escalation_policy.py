"""Escalation policies: ordered steps that are taken one after the other until somebody acts."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing happens for so long."""

    duration: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Requeue:
    """The work item moves to another queue or tier, is handed to an agent, or more agents are asked."""

    queue: str | None = None
    support_tier: int | None = None
    agent_id: str | None = None
    widen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisePriority:
    """The work item becomes more pressing by so many steps."""

    by: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """People and systems are told: agents and webhooks by their ids, anybody else by mail address."""

    agents: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    webhooks: tuple[str, ...] = ()


Step = Wait | Requeue | RaisePriority | Notify


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationPolicy:
    """A chain of steps."""

    policy_id: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Where an agent is told."""

    agent_id: str
    name: str | None
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A system that is told. secret: sealed; its repr hides it all the same"""

    webhook_id: str
    url: str
    secret: str

    def __repr__(self) -> str:
        return f"Webhook({self.webhook_id!r})"
