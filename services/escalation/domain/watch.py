"""Watches: queues, and KPIs that raise alerts, and the triggers whose signs they show."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.escalation.domain.clock_record import escalation_timers
from services.escalation.domain.escalation import Escalation
from services.escalation.domain.trigger import KpiAlert, OldestWaiting, QueueLength, Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Something that is looked at.

    subject: what it is known by; queue: the queue, or that of the KPI, if it is of one; kpi: none for a queue
    is_alerted: whether the KPI is out of bounds
    shown: the triggers whose signs it showed when it was looked at last; look_at: when it has to be again
    """

    workspace_id: str
    subject: str
    queue: str | None = None
    kpi: str | None = None
    is_alerted: bool = False
    shown: frozenset[str] = frozenset()
    look_at: datetime | None = None

    @property
    def agent_id(self) -> str | None:
        """Nobody has it."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits in a queue. length: up to as many as anybody asks for"""

    length: int = 0
    oldest_at: datetime | None = None


def queue_watch(workspace_id: str, queue: str) -> Watch:
    """The watch over a queue."""
    return Watch(workspace_id=workspace_id, subject=f"queue/{queue}", queue=queue)


def queues_of(triggers: Iterable[Trigger]) -> Iterator[str]:
    """The queues that triggers are about."""
    for trigger in triggers:
        if isinstance(trigger.sign, QueueLength | OldestWaiting):
            yield trigger.sign.queue


def most_of_interest(queue: str, triggers: Iterable[Trigger]) -> int:
    """Up to how many have to be counted in a queue."""
    signs = [trigger.sign for trigger in triggers]
    limits = [sign.more_than for sign in signs if isinstance(sign, QueueLength) and sign.queue == queue]
    return max(limits, default=0) + 1


def looked(
    watch: Watch, waiting: Waiting, triggers: Sequence[Trigger], now: datetime
) -> tuple[Watch, list[Trigger]]:
    """The watch as it is now, and the triggers whose signs it did not show before."""
    shown = [trigger for trigger in triggers if _shows(watch, waiting, trigger, now)]
    after = replace(watch, shown=frozenset(trigger.trigger_id for trigger in shown))
    return after, [trigger for trigger in shown if trigger.trigger_id not in watch.shown]


def next_look(
    watch: Watch, waiting: Waiting, triggers: Iterable[Trigger], escalations: Iterable[Escalation]
) -> datetime | None:
    """When time alone changes something: somebody has waited for too long, a step is due, a snooze is over."""
    moments = [timer.due_at for one in escalations for timer in escalation_timers(one)]
    if waiting.oldest_at is not None:
        moments += [
            waiting.oldest_at + trigger.sign.longer_than
            for trigger in triggers
            if isinstance(trigger.sign, OldestWaiting)
            and trigger.sign.queue == watch.queue
            and trigger.trigger_id not in watch.shown
        ]
    return min(moments, default=None)


def _shows(watch: Watch, waiting: Waiting, trigger: Trigger, now: datetime) -> bool:
    match trigger.sign:
        case QueueLength(queue=queue, more_than=most):
            return watch.kpi is None and queue == watch.queue and waiting.length > most
        case OldestWaiting(queue=queue, longer_than=longest):
            is_watched = watch.kpi is None and queue == watch.queue
            return is_watched and waiting.oldest_at is not None and now - waiting.oldest_at >= longest
        case KpiAlert(kpi=kpi, queue=queue):
            return watch.is_alerted and watch.kpi == kpi and queue in (None, watch.queue)
        case _:
            return False
