"""What a chain would do if nobody acted: when, and whom it would tell."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from services.escalation.domain.escalation import Circumstances, Escalation, Taken, advance
from services.escalation.domain.escalation_policy import Action, Repeat, Wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """A step that would be due. step: from 1; taken: none where its gate would not hold"""

    at: datetime
    step: int
    action: Action
    taken: Taken | None


def foresee(escalation: Escalation, seen: Callable[[datetime], Circumstances]) -> Iterator[Foreseen]:
    """Every step from the next one on, each when it would be due. seen: what would be found at a moment"""
    while (due := escalation.next_at) is not None:
        after, taken = advance(escalation, due, seen(due))
        by_step = {item.step: item for item in taken}
        for position in _passed(escalation, after):
            action = escalation.steps[position]
            if not isinstance(action, Wait | Repeat):
                yield Foreseen(at=due, step=position + 1, action=action, taken=by_step.get(position + 1))
        escalation = after


def _passed(before: Escalation, after: Escalation) -> range:
    """The positions between two waits. A repeat stands right behind a wait, so it can only be the first."""
    first = before.position
    step = before.steps[first] if before.has_more else None
    if isinstance(step, Repeat) and after.rounds > before.rounds:
        first = step.first
    return range(first, after.position)
