"""Old versions to new ones. Each step is a pure function from a contract to its successor."""

from collections.abc import Callable, Mapping

from shared.events.contract import Contract
from shared.events.escalations import (
    EscalationAcknowledgedV1,
    EscalationAcknowledgedV2,
    EscalationRaisedV1,
    EscalationRaisedV2,
    EscalationResolvedV1,
    EscalationResolvedV2,
)

Upcaster = Callable[[Contract], Contract]


def _any_escalation(successor: type[Contract]) -> Upcaster:
    """Once only tickets were escalated. Words that a person gave as a reason were never told."""
    return lambda data: successor.model_validate(data.model_dump(exclude={"reason"}))


UPCASTERS: Mapping[type[Contract], Upcaster] = {
    EscalationRaisedV1: _any_escalation(EscalationRaisedV2),
    EscalationAcknowledgedV1: _any_escalation(EscalationAcknowledgedV2),
    EscalationResolvedV1: _any_escalation(EscalationResolvedV2),
}
"""From a superseded contract's class to the function that gives its successor."""


def upcast(data: Contract, upcasters: Mapping[type[Contract], Upcaster] = UPCASTERS) -> Contract:
    """The newest version of what `data` says. Readers see nothing older."""
    while step := upcasters.get(type(data)):
        data = step(data)
    return data
