"""From triggers as they are written to what sets off escalations, and the rules that they keep to."""

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from typing import assert_never

from services.escalation.app.configuration import EscalationPolicyPart, RaiseStep, RequeueStep
from services.escalation.app.trigger_parts import (
    OF_NO_TICKET,
    SIGNS,
    BreachedPart,
    KpiAlertPart,
    LabelledPart,
    OldestWaitingPart,
    QueueLengthPart,
    RatedPart,
    ReopenedPart,
    SignPart,
    TriggerPart,
    WarnedPart,
)
from services.escalation.domain import trigger as t
from services.escalation.domain.sla_policy import FIELDS
from shared.conditions import compile_condition
from shared.configuration import Problem, repeated, unknown

LONGEST_AGE = timedelta(days=366)


def to_trigger(part: TriggerPart) -> t.Trigger:
    """A trigger of a part that was checked."""
    ((name, written),) = part.signs().items()
    return t.Trigger(
        trigger_id=part.id,
        name=f"sla.{name}" if name in ("warned", "breached") else name,
        sign=_sign(written),
        condition=compile_condition(part.when, FIELDS),
        escalation=part.escalation,
    )


def _sign(part: SignPart) -> t.Sign:
    match part:
        case bool():
            return t.Opened()
        case WarnedPart(metrics=metrics, at_percent=percent):
            return t.Warned(metrics=frozenset(metrics), at_percent=percent)
        case BreachedPart(metrics=metrics):
            return t.Breached(metrics=frozenset(metrics))
        case LabelledPart(label=label, value=value):
            return t.Labelled(label=label, value=value)
        case RatedPart(at_most_percent=percent, survey=survey):
            return t.Rated(at_most_percent=percent, survey=survey)
        case ReopenedPart(times=times):
            return t.Reopened(times=times)
        case QueueLengthPart(queue=queue, more_than=most):
            return t.QueueLength(queue=queue, more_than=most)
        case OldestWaitingPart(queue=queue, longer_than=longest):
            return t.OldestWaiting(queue=queue, longer_than=longest)
        case KpiAlertPart(kpi=kpi, queue=queue):
            return t.KpiAlert(kpi=kpi, queue=queue)
        case _:
            assert_never(part)


def trigger_warnings(triggers: Sequence[TriggerPart], policies: Sequence[EscalationPolicyPart]) -> Iterator[str]:
    """Steps that ask the router about a ticket, set off by what is about none."""
    asking = {
        policy.id for policy in policies if any(isinstance(step, RequeueStep | RaiseStep) for step in policy.steps)
    }
    for index, trigger in enumerate(triggers):
        if trigger.escalation in asking and not trigger.signs().keys().isdisjoint(OF_NO_TICKET):
            yield (
                f"/escalation_triggers/{index}/escalation: escalation policy {trigger.escalation} moves work,"
                " and this sign is about no ticket: such steps do nothing"
            )


def trigger_problems(triggers: Sequence[TriggerPart], policies: Collection[str]) -> Iterator[Problem]:
    """Every rule that triggers break. policies: the escalation policies that there are"""
    yield from repeated("/escalation_triggers", [trigger.id for trigger in triggers])
    for index, trigger in enumerate(triggers):
        at = f"/escalation_triggers/{index}"
        yield from unknown(f"{at}/escalation", [trigger.escalation], policies, "escalation policy")
        try:
            compile_condition(trigger.when, FIELDS, written=True)
        except ValueError as error:
            yield f"{at}/when", str(error)
        signs = trigger.signs()
        if len(signs) != 1:
            yield at, f"names {'none' if not signs else 'more than one'} of {', '.join(SIGNS)}"
        elif next(iter(signs)) in OF_NO_TICKET and trigger.when != "true":
            yield f"{at}/when", "is about tickets, and this sign is about none"
        waiting = trigger.oldest_waiting
        if waiting is not None and not timedelta(0) < waiting.longer_than <= LONGEST_AGE:
            yield f"{at}/oldest_waiting/longer_than", "is more than 0s and at most 366d"
