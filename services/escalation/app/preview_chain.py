"""Tells what an escalation policy would do, were it set off at a moment, and nobody acted."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.escalation.app.finder import Concern, Finder
from services.escalation.app.ports import Tracking
from services.escalation.app.tally import asked
from services.escalation.domain.escalation import MANUAL, Circumstances, Escalation
from services.escalation.domain.escalation_policy import Notify
from services.escalation.domain.foresight import Foreseen, foresee
from services.escalation.domain.recipient import Recipient, recipients_of
from services.escalation.domain.sla_policy import PolicyHistory
from shared.db.unit_of_work import Tx
from shared.errors import InvalidInput

_AHEAD = timedelta(days=400)
"""How far overrides of rotations are looked up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """What the escalation would be about, where no ticket is named."""

    workspace_id: str
    queue: str | None
    agent_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainPreview:
    """live: how many escalations run on the policy now; they keep the steps with which they began"""

    steps: list[Foreseen]
    live: int


async def preview_chain(
    policy_id: str, about: Concern, at: datetime, *, history: PolicyHistory, tx: Tx, tracking: Tracking
) -> ChainPreview:
    """What the newest version of a policy would do. Raises InvalidInput where there is no such policy."""
    policies, workspace_id = history.latest, about.workspace_id
    policy = policies.escalations.get(policy_id)
    if policy is None:
        raise InvalidInput("There is no such escalation policy.", problems=(("/policy_id", "unknown"),))
    windows = asked([(workspace_id, policies.version)], {workspace_id: history})
    begun = await tracking.begun(tx, windows, await tx.now())
    stand_ins = await tracking.stand_ins(tx, [workspace_id], at, at + _AHEAD)
    last = {(workspace_id, team): agent for team, agent in (await tracking.turns(tx, workspace_id)).items()}

    def seen(now: datetime) -> Circumstances:
        finder = Finder(now=now, stand_ins=stand_ins, last=last)

        def reach(step: Notify) -> tuple[Recipient, ...]:
            found = finder.found(step, about, policies)
            return recipients_of(found, policies.contacts, policies.webhooks, policies.chats)

        return Circumstances(
            reach=reach,
            manager=policies.people.manager(about.agent_id, about.queue),
            is_unassigned=about.agent_id is None,
            begun=lambda per: begun.get((workspace_id, policy_id, per), 0) + 1,
        )

    escalation = Escalation(
        escalation_id=UUID(int=0),
        workspace_id=workspace_id,
        ticket_id=None,
        trigger=MANUAL,
        policy=policy_id,
        policy_version=policies.version,
        steps=policy.steps,
        next_at=at,
        started_at=at,
    )
    live = await tracking.live_on(tx, workspace_id, policy_id)
    return ChainPreview(steps=list(foresee(escalation, seen)), live=live)
