"""What becomes of an open escalation when somebody else is on call than whom it told: they are told, once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.escalation.domain.escalation import Escalation
from services.escalation.domain.escalation_policy import Notify
from shared.vocabulary import EscalationState

LOOK_AGAIN = timedelta(minutes=5)
"""So long after it told somebody on call it is looked once whether somebody else was put there meanwhile."""


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Who is on call, if anybody is, and until when that holds at least."""

    agent: str | None
    until: datetime


OnDutyOf = Callable[[str], OnDuty | None]
"""Who is on call for a rotation; none where there is no such rotation any more."""


def told_by(escalation: Escalation, steps: Iterable[Notify], on_duty: OnDutyOf) -> Escalation:
    """It keeps whom the steps of one moment have told because they are on call.

    Only somebody else on call takes the place of whoever was told before: rooms, systems and people by name do
    not, nor does a rotation in which nobody is.
    """
    named = dict.fromkeys(rotation for step in steps for rotation in step.on_call)
    found = {rotation: duty for rotation in named if (duty := on_duty(rotation))}
    moments = [duty.until for duty in found.values()]
    on_call: dict[str, str | None] = {}
    if not any(duty.agent for duty in found.values()):
        on_call = dict(escalation.on_call)
        moments += [escalation.hand_off_at] if escalation.hand_off_at else []
    on_call |= {rotation: duty.agent for rotation, duty in found.items()}
    return replace(escalation, on_call=on_call, hand_off_at=min(moments, default=None))


def looked_at_again(escalation: Escalation, now: datetime) -> Escalation:
    """Somebody else may be on call than whom it told: it is looked who, at the latest once it goes on."""
    if not escalation.is_live or escalation.hand_off_at is None or escalation.hand_off_at <= now:
        return escalation
    return replace(escalation, hand_off_at=now)


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
    # Behind a repeat the step that was taken last may stand further on.
    taken = reversed((*escalation.steps[escalation.position :], *escalation.steps[: escalation.position]))
    steps = (step for step in taken if isinstance(step, Notify))
    told = next((step for step in steps if not escalation.on_call.keys().isdisjoint(step.on_call)), Notify())
    return Notify(agents=newcomers, webhooks=told.webhooks, urgency=told.urgency)
