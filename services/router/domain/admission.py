"""Where work goes beside what the policy or an escalation says: another queue may stand in for one that is closed,
and help out with what has waited for long."""

from dataclasses import replace
from datetime import timedelta

from services.router.domain.policy import Matched, Requirements, Step, relaxed
from services.router.domain.state import RoutingState
from services.router.domain.work_item import WorkItem
from shared.vocabulary import ChannelKind


def admitted(state: RoutingState, matched: Matched, kind: ChannelKind) -> Matched:
    """What the policy says, in a queue that is open, if one stands in for the policy's own."""
    requirements, closed = standing_in(state, matched.requirements, kind)
    if closed is None:
        return matched
    note = ", ".join(filter(None, (matched.note, closed)))
    return replace(matched, requirements=requirements, note=note)


def standing_in(
    state: RoutingState, wanted: Requirements, kind: ChannelKind, steps: tuple[Step, ...] = ()
) -> tuple[Requirements, str | None]:
    """What is wanted in the first open queue of those that stand in for one that is closed; what to say of that.

    In the queue itself where none of them is open, or nobody there could ever take it, even after these steps.
    """
    queue = wanted.queue
    if state.opening(queue).is_open:
        return wanted, None
    for _ in state.openings:
        if state.opening(queue).is_open:
            break
        queue = state.configuration.queue(queue).closed_to or queue
    elsewhere = replace(wanted, queue=queue)
    if not state.opening(queue).is_open or not state.class_for(relaxed(elsewhere, steps), kind).members:
        elsewhere = wanted
    return elsewhere, _closed(state, wanted.queue, elsewhere.queue)


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


def overflowing(
    state: RoutingState, queue_id: str, steps: tuple[Step, ...], *, since: timedelta = timedelta()
) -> tuple[Step, ...]:
    """The steps of work that comes into a queue, with the queue's overflow among them in place of any other.

    since: how long after the work's start that is
    """
    own = [step for step in steps if not step.is_overflow]
    overflow = state.configuration.queue(queue_id).overflow
    if overflow is not None:
        own.append(Step(after=since + overflow.after, also=(overflow.to,), is_overflow=True))
    return tuple(sorted(own, key=lambda step: step.after))


def steps_behind_next(state: RoutingState, item: WorkItem) -> tuple[Step, ...]:
    """The item's steps once its next one is open: where that leads into another queue, with the overflow of it."""
    opened, queue_id = item.step + 1, item.steps[item.step].queue
    if queue_id in (None, item.requirements.queue):
        return item.steps
    assert queue_id is not None
    since = state.configuration.queue(queue_id).open_time(item.started_at, state.now)
    return (*item.steps[:opened], *overflowing(state, queue_id, item.steps[opened:], since=since))


def is_planned(state: RoutingState, item: WorkItem, steps: tuple[Step, ...]) -> bool:
    """Whether the item's steps are these of a rule, with the overflow of the queue in which it waits.

    What a step has brought there keeps the time of its overflow; only who helps out has to be right.
    """
    entry = max((n for n, step in enumerate(item.steps[: item.step], start=1) if step.queue), default=0)
    if not entry:
        return item.steps == overflowing(state, item.base.queue, steps)
    own = tuple(step for step in item.steps if not step.is_overflow)
    overflow = state.configuration.queue(item.requirements.queue).overflow
    helpers = [step.also for step in item.steps[entry:] if step.is_overflow]
    return own == steps and helpers == ([(overflow.to,)] if overflow else [])


def _closed(state: RoutingState, wanted: str, taken: str) -> str:
    """What a record says of a queue that is closed."""
    until = state.opening(wanted).until
    hint = f" until {until:%Y-%m-%d %H:%M} UTC" if until else ""
    return f"queue {wanted} is closed{hint}" + (f", {taken} stands in for it" if taken != wanted else "")
