"""Where new work goes, beside what the policy says: another queue may stand in for one that is closed, and help
out with what has waited for long."""

from dataclasses import replace

from services.router.domain.policy import Matched, Requirements, Step
from services.router.domain.state import RoutingState
from shared.vocabulary import ChannelKind


def admitted(state: RoutingState, matched: Matched, kind: ChannelKind) -> Matched:
    """What the policy says, in the first open queue of those that stand in for one that is closed.

    In the queue itself where none of them is open, or nobody there could ever take it.
    """
    wanted = queue = matched.requirements.queue
    if state.opening(wanted).is_open:
        return matched
    for _ in state.openings:
        if state.opening(queue).is_open:
            break
        queue = state.configuration.queue(queue).closed_to or queue
    elsewhere = replace(matched.requirements, queue=queue)
    if not state.opening(queue).is_open or not state.class_for(elsewhere, kind).members:
        elsewhere = matched.requirements
    notes = [matched.note, _closed(state, wanted, elsewhere.queue)]
    return replace(matched, requirements=elsewhere, note=", ".join(filter(None, notes)))


def may_stay(state: RoutingState, matched: Matched, base: Requirements) -> bool:
    """Whether what waits where `base` says is where the policy wants it, or in a queue that stands in for that.

    Only new work looks at which of them are open: what waits is not moved to and fro as they open and close.
    """
    queue: str | None = matched.requirements.queue
    seen: list[str] = []
    while queue is not None and queue not in seen:
        seen.append(queue)
        queue = state.configuration.queue(queue).closed_to
    return base.queue in seen and replace(base, queue=matched.requirements.queue) == matched.requirements


def overflowing(state: RoutingState, queue_id: str, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps of work that comes into a queue, with the queue's overflow among them in place of any other."""
    own = [step for step in steps if not step.is_overflow]
    overflow = state.configuration.queue(queue_id).overflow
    if overflow is not None:
        own.append(Step(after=overflow.after, also=(overflow.to,), is_overflow=True))
    return tuple(sorted(own, key=lambda step: step.after))


def _closed(state: RoutingState, wanted: str, taken: str) -> str:
    """What a record says of a queue that is closed."""
    until = state.opening(wanted).until
    hint = f" until {until:%Y-%m-%d %H:%M} UTC" if until else ""
    return f"queue {wanted} is closed{hint}" + (f", {taken} stands in for it" if taken != wanted else "")
