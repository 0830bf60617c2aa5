"""`/v1/policies/escalation/preview`: what an escalation policy would do when, and whom it would tell."""

from datetime import datetime
from typing import Annotated, Literal, Self, assert_never
from uuid import UUID

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator

from services.escalation.adapters.service_levels import PostgresServiceLevels
from services.escalation.app.configuration import EscalationPart, EscalationPolicyPart
from services.escalation.app.ports import Tracking
from services.escalation.app.preview_chain import ChainPreview, Supposed, preview_chain
from services.escalation.domain.duty import EARLIEST, LATEST
from services.escalation.domain.escalation_policy import Notify, RaisePriority, Requeue
from services.escalation.domain.foresight import Foreseen
from services.escalation.domain.recipient import Way
from shared.db.unit_of_work import Database, Tx
from shared.errors import IllegalTransition, InvalidInput, NotFound
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.types import Instant, Request, Slug, exactly_one_of


def _near(at: datetime) -> datetime:
    """The nearest moment that calendars and rotations can be asked for."""
    return min(max(at, EARLIEST), LATEST)


class ChainPreviewRequest(Request):
    """A policy as it would be saved, or one that is, and what it would be set off for."""

    model_config = exactly_one_of("policy", "policy_id")

    policy: EscalationPolicyPart | None = None
    policy_id: Slug | None = Field(default=None, description="A policy that is saved.")
    at: Annotated[Instant, AfterValidator(_near)] | None = Field(
        default=None, description="When it would be set off, from 2001 to 2099; none: now."
    )
    ticket_id: UUID | None = Field(
        default=None,
        description="For this ticket, its queue and its agent; none: for those that the next two name.",
    )
    queue: Slug | None = None
    agent: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.policy is None) == (self.policy_id is None):
            raise ValueError("give either policy or policy_id")
        return self

    def part(self, stored: EscalationPart) -> EscalationPart:
        """What would be stored."""
        if self.policy is None:
            return stored
        others = tuple(item for item in stored.escalation_policies if item.id != self.policy.id)
        return stored.model_copy(update={"escalation_policies": (self.policy, *others)})


class Told(BaseModel):
    """Somebody who would be told, or who should be and would not be found."""

    name: str
    way: Way
    is_found: bool


class ForeseenStep(BaseModel):
    """A step that would be due. is_taken: whether what it asks for in `only_if` would hold

    queue, support_tier, agent_id, widen, raise_by: what the router would be asked
    """

    at: datetime
    after_s: float
    step: int
    level: int | None
    is_taken: bool
    action: Literal["notify", "requeue", "raise_priority"]
    recipients: list[Told]
    queue: str | None = None
    support_tier: int | None = None
    agent_id: str | None = None
    widen: bool = False
    raise_by: int | None = None

    @classmethod
    def of(cls, item: Foreseen, start: datetime) -> Self:
        """For the answer."""
        taken, asks = item.taken, {}
        match taken.action if taken else item.action:
            case Requeue() as moves:
                kind = "requeue"
                names = ("queue", "support_tier", "agent_id", "widen")
                asks = {name: getattr(moves, name) for name in names}
            case RaisePriority(by=by):
                kind, asks = "raise_priority", {"raise_by": by}
            case Notify():
                kind = "notify"
            case _:
                assert_never(item.action)
        told = [
            Told(name=found.name, way=found.way, is_found=found.address is not None)
            for found in (taken.recipients if taken else ())
        ]
        return cls.model_validate(
            {
                "at": item.at,
                "after_s": (item.at - start).total_seconds(),
                "step": item.step,
                "level": taken.level if taken else None,
                "is_taken": taken is not None,
                "action": kind,
                "recipients": told,
                **asks,
            }
        )


class ChainForeseen(BaseModel):
    """What would happen if nobody acted.

    version: of the configuration that holds; live: how many escalations run on the policy, with steps of their own
    """

    policy: str
    version: int
    at: datetime
    live: int
    steps: list[ForeseenStep]
    warnings: list[str]


def routes(database: Database, tracking: Tracking, levels: PostgresServiceLevels) -> APIRouter:
    """The impact of a chain before it is saved."""
    router = api_router("policies")

    @router.post("/v1/policies/escalation/preview")
    async def preview_escalation_policy(
        request: ChainPreviewRequest, principal: Annotated[Principal, allowed("escalation:write", "admin")]
    ) -> ChainForeseen:
        """Tells step by step what a policy would do, and whom it would find. Nothing is changed.

        422 with everything that is wrong with the policy.
        """
        workspace_id = principal.workspace_id
        stored = await levels.read(workspace_id)
        if stored.unreadable:
            raise IllegalTransition(stored.unreadable)
        part = request.part(stored.part)
        policy_id = request.policy.id if request.policy else request.policy_id
        assert policy_id is not None
        if request.policy is not None:
            await _check(workspace_id, part)

        async def unit(tx: Tx) -> tuple[datetime, ChainPreview]:
            await tx.take_time()
            history = await levels.foreseen(tx, workspace_id, part)
            at = request.at or await tx.now()
            about = Supposed(workspace_id=workspace_id, queue=request.queue, agent_id=request.agent)
            if request.ticket_id is not None:
                ticket = await tracking.seen(tx, (workspace_id, request.ticket_id))
                if ticket is None:
                    raise NotFound
                about = Supposed(workspace_id=workspace_id, queue=ticket.queue, agent_id=ticket.agent_id)
            return at, await preview_chain(policy_id, about, at, history=history, tx=tx, tracking=tracking)

        at, found = await database.transact(unit, workspaces=[workspace_id], is_snapshot=True)
        steps = [ForeseenStep.of(item, at) for item in found.steps]
        return ChainForeseen(
            policy=policy_id,
            version=stored.version,
            at=at,
            live=found.live,
            steps=steps,
            warnings=[_nobody(step) for step in steps if step.is_taken and _is_silent(step)],
        )

    async def _check(workspace_id: str, part: EscalationPart) -> None:
        """Raises InvalidInput that points into the request."""
        try:
            await levels.check(workspace_id, part)
        except InvalidInput as refused:
            place = "/escalation_policies/0"
            told = tuple(
                (pointer.replace(place, "/policy", 1), text)
                for pointer, text in refused.problems
                if pointer.startswith(place)
            )
            if told:
                raise InvalidInput("The policy cannot be tried.", problems=told) from None

    return router


def _is_silent(step: ForeseenStep) -> bool:
    return step.action == "notify" and not any(told.is_found for told in step.recipients)


def _nobody(step: ForeseenStep) -> str:
    named = ", ".join(told.name for told in step.recipients)
    return f"step {step.step} would find nobody to tell at {step.at.isoformat()}: {named}"
