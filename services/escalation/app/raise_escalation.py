"""A person escalates a ticket."""

from services.escalation.app.chains import Chains
from services.escalation.app.escalation_teller import EscalationTeller, by_request
from services.escalation.app.finder import open_finder
from services.escalation.app.locked_cases import locked_cases
from services.escalation.app.ports import Case, Saving, ServiceLevels, TicketKey, Tracking
from services.escalation.app.tally import Tally, asked, versions_in
from services.escalation.domain.escalation import MANUAL, Escalation
from shared.db.unit_of_work import Tx
from shared.errors import Conflict, IllegalTransition, InvalidInput, NotFound
from shared.events.envelope import Cause
from shared.ids import IdFactory


async def raise_escalation(
    key: TicketKey,
    *,
    policy_id: str | None,
    reason: str,
    by: str,
    cause: Cause,
    tx: Tx,
    tracking: Tracking,
    levels: ServiceLevels,
    ids: IdFactory,
) -> Escalation:
    """The escalation, with its first steps taken.

    policy_id: none for the first escalation policy that is configured
    Raises NotFound, InvalidInput for a policy that is not there, IllegalTransition where the ticket is solved,
    Conflict where somebody has escalated it already.
    """
    cases, histories = await locked_cases([key], tx=tx, tracking=tracking, levels=levels)
    policies = histories[key[0]].latest
    policy = policies.escalations.get(policy_id or next(iter(policies.escalations), ""))
    if policy is None:
        raise InvalidInput("There is no such escalation policy.", problems=(("/policy", "unknown"),))
    case = cases.get(key)
    if case is None or case.ticket.opened is None:
        raise NotFound
    if not case.ticket.is_unsolved:
        raise IllegalTransition("The ticket is solved.")
    if any(escalation.trigger == MANUAL for escalation in case.escalations):
        raise Conflict("The ticket is escalated already.")
    now = await tx.now()
    teller = EscalationTeller(workspace_id=key[0], now=now, ids=ids, causes=by_request(cause))
    versions = versions_in(cases, histories)
    tally = Tally(await tracking.begun(tx, asked(versions, histories), now))
    finder = await open_finder([(key[0], policy.steps)], histories, tx=tx, tracking=tracking, now=now)
    chains = Chains(
        about=case.ticket,
        now=now,
        ids=ids,
        history=histories[key[0]],
        teller=teller,
        tally=tally,
        finder=finder,
    )
    escalation = chains.by_hand(policy, reason=reason, by=by)
    after = Case(case.ticket, case.clocks, (*case.escalations, escalation))
    await tracking.save(tx, [Saving(case, after, tuple(chains.notifications))])
    await tracking.save_turns(tx, finder.taken)
    tx.emit(news.event for news in teller.news)
    return escalation
