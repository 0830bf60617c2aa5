"""Takes what a customer thinks of the answer to their ticket."""

from dataclasses import replace
from datetime import datetime, timedelta

from services.intake.app.answering_ports import Survey, Surveys
from services.intake.app.desk import Desk, record
from services.intake.app.ports import TicketKey
from services.intake.domain.lifecycle import rate
from services.intake.domain.ticket import Rated
from shared.db.unit_of_work import Tx
from shared.errors import InvalidInput, NotFound
from shared.events.envelope import Cause

OPEN_FOR = timedelta(days=30)
"""So long a survey is answered, and the answer changed."""

MAX_COMMENT = 5000


async def open_survey(key: TicketKey, *, tx: Tx, surveys: Surveys) -> Survey:
    """The survey of a ticket. Raises NotFound where there is none, or its time is over."""
    return _answerable(await surveys.get(tx, key), await tx.now())


async def rate_ticket(
    key: TicketKey, score: int, comment: str, cause: Cause, *, tx: Tx, desk: Desk, surveys: Surveys
) -> Survey:
    """The survey with this answer; a newer one replaces it. The same answer again tells nobody anything.

    Raises NotFound, IllegalTransition for a ticket that went up in another one, InvalidInput for another score.
    """
    ticket = (await desk.correspondence.lock_tickets(tx, [key])).get(key)
    if ticket is None:
        raise NotFound
    now = await tx.now()
    survey = _answerable(await surveys.lock(tx, key), now)
    if score not in survey.form.scores:
        raise InvalidInput("That is not on the scale.", problems=(("/score", "not on the scale"),))
    comment = comment[:MAX_COMMENT]
    if (survey.score, survey.comment) == (score, comment):
        return survey
    answered = replace(survey, score=score, comment=comment, rated_at=now)
    if survey.score != score:
        answered = replace(answered, revision=survey.revision + 1)
        rated = Rated(
            kind=survey.form.kind,
            score=score,
            scale=survey.form.scale,
            agent_id=survey.agent_id,
            revision=answered.revision,
        )
        of = key[0], ticket.customer_id
        customer = (await desk.correspondence.customers(tx, [of]))[of]
        change = rate(ticket, rated, now)
        await record([(change, customer, cause)], tx=tx, tickets=desk.correspondence, ids=desk.ids)
    await surveys.save(tx, answered)
    return answered


def _answerable(survey: Survey | None, now: datetime) -> Survey:
    if survey is None or now > survey.sent_at + OPEN_FOR:
        raise NotFound
    return survey
