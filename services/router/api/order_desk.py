"""Work orders as partners see them, and what partners do with them: commands to the engine."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import RowMapping

from services.router.adapters import order_rows
from services.router.app.command import Command
from services.router.consumers import Engines
from services.router.domain import inputs
from services.router.domain.on_offer import OfferNotPending
from services.router.domain.partner import Partner, partner_id, queue_of_partner
from services.router.domain.state import RoutingState
from services.router.domain.work_item import OfferState
from shared.db.unit_of_work import Database, Tx
from shared.errors import DomainError, NotFound, Unavailable
from shared.http.context import request_cause
from shared.http.idempotency import Answer, Once
from shared.vocabulary import Priority

OrderKey = tuple[str, UUID]
"""Workspace and offer."""


class OrderState(StrEnum):
    """Where a work order stands. What has ended stays so."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    ENDED = "ended"


class WorkOrderAnswer(BaseModel):
    """A work order: an offer to a partner, and what has become of it. done_by: until when, once it is accepted"""

    work_order_id: UUID
    ticket_id: UUID
    queue: str
    state: OrderState
    priority: Priority
    answer_by: datetime
    done_by: datetime | None


_DONE = frozenset({"partner_done", "completed"})
_REFUSED = frozenset({"partner_declined", "partner_returned"})
"""Why an order has ended that is asked for again what was asked before: the answer may have been lost."""


class OrderDesk:
    """Answers for partners."""

    def __init__(self, database: Database, engines: Engines) -> None:
        self._database = database
        self._engines = engines

    async def partner_of(self, workspace_id: str, queue: str) -> Partner | None:
        """The partner as it is configured now. Raises Unavailable where another process has the workspace."""
        await self._engines.until_loaded(workspace_id)
        state = self._engines.state(workspace_id)
        agent = state.agents.get(partner_id(queue)) if state else None
        return agent.profile.partner if agent else None

    async def give_up(self, workspace_id: str, queue: str, offer_id: UUID, reason: str) -> None:
        """The partner cannot be reached: what was offered is declined for it, unless that is over by now."""
        decline = inputs.DeclineOffer(offer_id=offer_id, agent_id=partner_id(queue), reason=reason)
        # Whatever stands in the way: the offer expires all the same.
        with suppress(DomainError, Unavailable):
            await self._submit((workspace_id, offer_id), partner_id(queue), lambda _: decline)

    async def read(self, key: OrderKey) -> WorkOrderAnswer:
        """A work order as it stands in the rows. Raises NotFound."""

        return (await self._read(key))[0]

    async def _read(self, key: OrderKey) -> tuple[WorkOrderAnswer, str | None]:
        """With why it has ended."""

        async def unit(tx: Tx) -> tuple[WorkOrderAnswer, str | None]:
            row = await order_rows.order(tx, *key)
            queue = queue_of_partner(row["agent_id"]) if row else None
            if row is None or queue is None:
                raise NotFound("There is no such work order.")
            return _answer(row, queue, await tx.now()), row["ended_by"]

        return await self._database.transact(unit, workspaces=[key[0]])

    async def accept(self, key: OrderKey) -> WorkOrderAnswer:
        """The partner takes it. A repeat changes nothing. Raises NotFound, and OfferNotPending once it is over."""
        agent_id = partner_id((await self.read(key)).queue)
        accept = inputs.AcceptOffer(offer_id=key[1], agent_id=agent_id)
        await self._submit(key, agent_id, lambda _: accept)
        return await self.read(key)

    async def end(self, key: OrderKey, *, is_done: bool, reason: str | None) -> WorkOrderAnswer:
        """The partner is done with what it accepted, gives it back, or declines what it is offered.

        A repeat changes nothing. Raises NotFound, and OfferNotPending once it is over in another way.
        """
        agent_id = partner_id((await self.read(key)).queue)

        def make(state: RoutingState) -> inputs.Input:
            if not is_done and key[1] in state.offers:
                return inputs.DeclineOffer(offer_id=key[1], agent_id=agent_id, reason=reason or "declined")
            return inputs.EndOrder(offer_id=key[1], agent_id=agent_id, is_done=is_done, reason=reason)

        try:
            await self._submit(key, agent_id, make)
        except OfferNotPending:
            order, ended_by = await self._read(key)
            if ended_by not in (_DONE if is_done else _REFUSED):
                raise
            return order
        return await self.read(key)

    async def _submit(self, key: OrderKey, agent_id: str, make: Callable[[RoutingState], inputs.Input]) -> None:
        workspace_id, offer_id = key
        command = Command(
            workspace_id=workspace_id,
            cause=request_cause(),
            make=make,
            answer=lambda _: Answer(200, b""),
            offer=(offer_id, agent_id),
        )
        await self._engines.submit(command, Once.without_key(workspace_id, agent_id))


def _answer(row: RowMapping, queue: str, now: datetime) -> WorkOrderAnswer:
    state = OrderState.ENDED
    if row["state"] == OfferState.PENDING and now < row["expires_at"]:
        state = OrderState.OFFERED
    elif row["is_held"]:
        state = OrderState.ACCEPTED
    return WorkOrderAnswer(
        work_order_id=row["offer_id"],
        ticket_id=row["ticket_id"],
        queue=queue,
        state=state,
        priority=Priority(row["priority"]),
        answer_by=row["expires_at"],
        done_by=row["done_by"] if state is OrderState.ACCEPTED else None,
    )
