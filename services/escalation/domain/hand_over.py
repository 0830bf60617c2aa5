"""What becomes of an open escalation when somebody else is on call than whom it told: they are told, once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from services.escalation.domain.escalation import Escalation
from services.escalation.domain.escalation_policy import Notify
from shared.vocabulary import EscalationState


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Who is on call, if anybody is, and until when that holds at least."""

    agent: str | None
    until: datetime


OnDutyOf = Callable[[str], OnDuty | None]
"""Who is on call for a rotation; none where there is no such rotation any more."""


def told_by(escalation: Escalation, step: Notify, on_duty: OnDutyOf) -> Escalation:
    """It keeps whom a step has told because they are on call. A step that tells others ends that."""
    found = {rotation: duty for rotation in step.on_call if (duty := on_duty(rotation))}
    return replace(
        escalation,
        on_call={rotation: duty.agent for rotation, duty in found.items()},
        hand_off_at=min((duty.until for duty in found.values()), default=None),
    )


def hands_over(escalation: Escalation, now: datetime) -> bool:
    """Whether it has to be looked who is on call now. What is acknowledged or put off is left where it is."""
    is_open = escalation.state is EscalationState.RAISED and escalation.resumes_at is None
    return is_open and escalation.hand_off_at is not None and escalation.hand_off_at <= now


def handed_over(escalation: Escalation, on_duty: OnDutyOf) -> tuple[Escalation, tuple[str, ...]]:
    """As it is kept from now on, and who has to be told. In a gap it stays with whoever was told."""
    found = {rotation: duty for rotation in escalation.on_call if (duty := on_duty(rotation))}
    on_call = {rotation: duty.agent or escalation.on_call[rotation] for rotation, duty in found.items()}
    known = set(escalation.on_call.values())
    newcomers = dict.fromkeys(agent for agent in on_call.values() if agent is not None and agent not in known)
    hand_off_at = min((duty.until for duty in found.values()), default=None)
    return replace(escalation, on_call=on_call, hand_off_at=hand_off_at), tuple(newcomers)


def telling(escalation: Escalation, newcomers: tuple[str, ...]) -> Notify:
    """What tells newcomers: as urgent as the step that told whoever was on call, and to the same systems."""
    steps = (step for step in reversed(escalation.steps[: escalation.position]) if isinstance(step, Notify))
    told = next((step for step in steps if step.on_call), Notify())
    return Notify(agents=newcomers, webhooks=told.webhooks, urgency=told.urgency)
