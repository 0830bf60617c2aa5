"""What escalation policies have to keep to beyond the form of their fields."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from services.escalation.app.configuration import (
    EscalationPart,
    EscalationPolicyPart,
    GatePart,
    NotifyStep,
    NotifyTarget,
    RepeatStep,
    RequeueStep,
    RequeueTarget,
    StepPart,
    WaitStep,
)
from shared.configuration import Problem, names_of, unknown

LONGEST_WAIT = timedelta(days=30)


def chain_problems(pointer: str, chain: EscalationPolicyPart, part: EscalationPart) -> Iterator[Problem]:
    """Every rule that a chain breaks. part: the configuration in which it stands."""
    if chain.ack_timeout is not None and not timedelta(0) < chain.ack_timeout <= LONGEST_WAIT:
        yield f"{pointer}/ack_timeout", "is more than 0s and at most 30d"
    if all(isinstance(step, WaitStep | RepeatStep) for step in chain.steps):
        yield f"{pointer}/steps", "nothing is ever done"
    for index, step in enumerate(chain.steps):
        at = f"{pointer}/steps/{index}"
        yield from _step_problems(at, step, part)
        if not isinstance(step, WaitStep) and step.only_if is not None:
            yield from _gate_problems(f"{at}/only_if", step.only_if, part)
    yield from _repeat_problems(f"{pointer}/steps", chain.steps)


def _step_problems(at: str, step: StepPart, part: EscalationPart) -> Iterator[Problem]:
    match step:
        case WaitStep(wait=wait, calendar=calendar):
            if not timedelta(0) < wait <= LONGEST_WAIT:
                yield f"{at}/wait", "is more than 0s and at most 30d"
            yield from _calendar_problems(f"{at}/calendar", calendar, part)
        case RequeueStep(requeue=target) if target == RequeueTarget():
            yield f"{at}/requeue", "names no queue, tier, agent or manager, and does not widen"
        case RequeueStep(requeue=target) if target.agent is not None and target.manager:
            yield f"{at}/requeue/manager", "is somebody else than the agent"
        case NotifyStep(notify=target):
            if target == NotifyTarget(urgency=target.urgency):
                yield f"{at}/notify", "names nobody"
            chats = [item.id for item in part.chats]
            yield from unknown(f"{at}/notify/chats", target.chats, chats, "chat")
            webhooks, rotations = [item.id for item in part.webhooks], [item.id for item in part.rotations]
            yield from unknown(f"{at}/notify/webhooks", target.webhooks, webhooks, "webhook")
            yield from unknown(f"{at}/notify/on_call", target.on_call, rotations, "rotation")
            teams = names_of(team for contact in part.contacts for team in contact.teams)
            yield from unknown(f"{at}/notify/teams_in_turn", target.teams_in_turn, teams, "team with an address")


def _gate_problems(at: str, gate: GatePart, part: EscalationPart) -> Iterator[Problem]:
    if gate == GatePart():
        yield at, "names nothing: unassigned, within, outside or more_than"
    yield from _calendar_problems(f"{at}/within", gate.within, part)
    yield from _calendar_problems(f"{at}/outside", gate.outside, part)
    if gate.more_than is not None and not timedelta(0) < gate.more_than.per <= LONGEST_WAIT:
        yield f"{at}/more_than/per", "is more than 0s and at most 30d"


def _calendar_problems(at: str, name: str | None, part: EscalationPart) -> Iterator[Problem]:
    yield from unknown(at, [name] if name else [], [item.id for item in part.calendars], "calendar")


def _repeat_problems(at: str, steps: Sequence[StepPart]) -> Iterator[Problem]:
    """Nothing is repeated without a wait, and no repeat lies within another: five times stay five times."""
    passed = 0
    for index, step in enumerate(steps):
        if not isinstance(step, RepeatStep):
            continue
        if not index or not isinstance(steps[index - 1], WaitStep):
            yield f"{at}/{index}/repeat", "stands right behind a wait"
        if step.repeat.from_step > index:
            yield f"{at}/{index}/repeat/from_step", "is a step before this one, counted from 1"
        elif step.repeat.from_step <= passed:
            yield f"{at}/{index}/repeat/from_step", "lies before another repeat"
        passed = index + 1
