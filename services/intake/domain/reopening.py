"""How often a customer's messages may reopen tickets: two machines that answer each other must come to rest."""

from datetime import timedelta

WINDOW = timedelta(hours=1)
OF_TICKET = 3
OF_SENDER = 10

LOOP_LABEL = ("loop_suspected", "true")
"""What a ticket is labelled with when a message would have reopened it once more."""


def may_reopen(*, of_ticket: int, of_sender: int) -> bool:
    """Whether one more reopening is allowed.

    of_ticket, of_sender: how often this ticket was reopened, and this sender reopened any, within the window
    """
    return of_ticket < OF_TICKET and of_sender < OF_SENDER
