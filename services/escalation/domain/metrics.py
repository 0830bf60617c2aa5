"""The nine metrics, as a table: what each waits for, when it stands still, what meets it.

A metric's *instance* is what it waits for at this moment: none, or the event that began it. When the instance
goes, its clock ends: met where the metric's signal came with the same event, cancelled otherwise. When another
instance comes, another clock starts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.escalation.domain.happening import Signal
from services.escalation.domain.ticket import Mark, Ticket
from shared.vocabulary import SlaMetric, TicketStatus

PENDING = frozenset({TicketStatus.PENDING})
WAITING = frozenset({TicketStatus.PENDING, TicketStatus.ON_HOLD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What one metric measures.

    resumes: a reopened ticket goes on with the elapsed time, as the next generation
    """

    instance: Callable[[Ticket], Mark | None]
    met_by: Signal
    stands_in: frozenset[TicketStatus] = frozenset()
    resumes: bool = False


def _first_question(ticket: Ticket) -> Mark | None:
    return ticket.asked if ticket.is_unsolved and not ticket.has_answer else None


def _next_question(ticket: Ticket) -> Mark | None:
    return ticket.asked if ticket.is_unsolved and ticket.has_answer else None


def _update(ticket: Ticket) -> Mark | None:
    return ticket.answered if ticket.is_unsolved else None


def _solution(ticket: Ticket) -> Mark | None:
    return ticket.opened if ticket.is_unsolved else None


def _assignment(ticket: Ticket) -> Mark | None:
    # Whoever solved it without an assignment needed none.
    return ticket.opened if ticket.is_unsolved and not ticket.assigned and not ticket.was_solved else None


def _queue(ticket: Ticket) -> Mark | None:
    return ticket.stint if ticket.opened and not ticket.is_closed else None


METRICS: Mapping[SlaMetric, Metric] = {
    SlaMetric.FIRST_REPLY: Metric(instance=_first_question, met_by=Signal.ANSWERED),
    SlaMetric.NEXT_REPLY: Metric(instance=_next_question, met_by=Signal.ANSWERED),
    SlaMetric.PERIODIC_UPDATE: Metric(instance=_update, met_by=Signal.ANSWERED),
    SlaMetric.PAUSABLE_UPDATE: Metric(instance=_update, met_by=Signal.ANSWERED, stands_in=PENDING),
    SlaMetric.REQUESTER_WAIT: Metric(instance=_solution, met_by=Signal.SOLVED, stands_in=PENDING, resumes=True),
    SlaMetric.AGENT_WORK: Metric(instance=_solution, met_by=Signal.SOLVED, stands_in=WAITING, resumes=True),
    SlaMetric.TOTAL_RESOLUTION: Metric(instance=_solution, met_by=Signal.SOLVED, resumes=True),
    SlaMetric.TIME_TO_ASSIGN: Metric(instance=_assignment, met_by=Signal.ASSIGNED),
    SlaMetric.TIME_IN_QUEUE: Metric(instance=_queue, met_by=Signal.ASSIGNED),
}
