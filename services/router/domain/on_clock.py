"""What is told of a ticket's SLA clocks: it changes the order in which work is given out, nothing else."""

from collections.abc import Iterator

from services.router.domain import decision as d
from services.router.domain import inputs
from services.router.domain.sla_clock import SlaClock, counts_from
from services.router.domain.state import RoutingState
from services.router.domain.work_item import Ticket
from shared.vocabulary import TicketStatus


def on_clock(state: RoutingState, known: inputs.ClockKnown) -> Iterator[d.ClocksSet]:
    """A clock runs, stands still or has ended; whether the ticket is known yet does not matter.

    One whose target nobody has told is none. A clock of a solved ticket is kept until it is told to have ended:
    what was told of the reopened ticket may have come before.
    """
    ticket = state.tickets.get(known.ticket_id) or Ticket(ticket_id=known.ticket_id)
    before = next((clock for clock in ticket.clocks if clock.clock_id == known.clock_id), None)
    clocks = [clock for clock in ticket.clocks if clock is not before]
    target = known.target or (before.target if before else None)
    if target and not known.is_over and ticket.status is not TicketStatus.CLOSED:
        since = counts_from(target=target, elapsed=known.elapsed, at=known.at, due_at=known.due_at)
        clocks.append(SlaClock(clock_id=known.clock_id, metric=known.metric, target=target, counts_from=since))
        clocks.sort(key=lambda clock: clock.clock_id)
    if tuple(clocks) != ticket.clocks:
        yield d.ClocksSet(ticket_id=known.ticket_id, clocks=tuple(clocks))
