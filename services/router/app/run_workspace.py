"""Runs the engine of one shard: whatever inputs are queued are decided in order and end in one commit.

Memory changes before the commit. If that fails the memory is thrown away, and made anew from the rows before
the next one; a command that was not answered has not happened, or its Idempotency-Key finds what happened.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import heappop, heappush
from uuid import UUID

from services.router.app.configuration import RouterPart
from services.router.app.inbound import to_input
from services.router.app.outbound import presence, profile_contract, state_contract, work_contract
from services.router.app.ports import LoggedDecision, LoggedInput, RoutingRows
from services.router.app.work_orders import OrderMessage, order_message
from services.router.domain import decision as d
from services.router.domain import engine, inputs
from services.router.domain.agent import Agent, AgentProfile
from services.router.domain.due import next_due_at
from services.router.domain.floor_decision import (
    AgentConnected,
    AgentDisconnected,
    AgentStateSet,
    Configured,
    ConnectionLost,
    DutyTurned,
    QueueTurned,
)
from services.router.domain.on_offer import OfferNotPending
from services.router.domain.policy import failures
from services.router.domain.state import RoutingState
from services.router.domain.work_item import Ticket, WorkItem
from shared.clock import Clock
from shared.db.unit_of_work import Tx
from shared.errors import DomainError, NotFound
from shared.events.contract import Contract
from shared.events.envelope import Cause, Event, new_event
from shared.http.idempotency import Answer
from shared.ids import IdFactory, SeededIds, placed_seed
from shared.vocabulary import WorkState


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What somebody asks of a workspace's engine.

    make: the input, made when its turn comes; may refuse with a DomainError
    answer: what is answered, from the state directly after
    offer: the offer that it is about, and whose it would be, or none for whosever
    part: the configuration that a `Configure` brings; by: who brings it
    """

    workspace_id: str
    cause: Cause
    make: Callable[[RoutingState], inputs.Input]
    answer: Callable[[RoutingState], Answer]
    offer: tuple[UUID, str | None] | None = None
    part: RouterPart | None = None
    by: str = ""


Changed = Callable[[str, Collection[str]], None]
"""Told after a commit: the workspace, and its agents whose offers, work or state may have changed."""


Failed = Callable[[Collection[str]], None]
"""Told after a commit: why conditions of policies could not be evaluated, one reason for each."""


Stuck = Callable[[int], None]
"""Told after a commit: for how many items the last step has opened and nobody could be asked."""


def _uncounted(_: object) -> None:
    """Nobody asks how often."""


@dataclass(slots=True)
class _Batch:
    """What one commit consists of."""

    now: datetime
    states: dict[str, RoutingState] = field(default_factory=dict)
    inputs: list[LoggedInput] = field(default_factory=list)
    decisions: list[LoggedDecision] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    orders: list[OrderMessage] = field(default_factory=list)
    brought: dict[str, set[UUID]] = field(default_factory=dict)
    """Tickets by workspace that were not in memory before."""
    noted: set[UUID] = field(default_factory=set)
    """Those of them that an input has been logged with."""
    causes: dict[tuple[str, str], str] = field(default_factory=dict)


class ShardEngine:
    """The routing state of every workspace of one shard, and the one who changes it.

    epoch: of the lease under which it does
    """

    def __init__(
        self,
        rows: RoutingRows,
        clock: Clock,
        ids: IdFactory,
        *,
        epoch: int,
        changed: Changed,
        failed: Failed = _uncounted,
        stuck: Stuck = _uncounted,
        seeds: Callable[[int], bytes] = placed_seed,
    ) -> None:
        self._rows = rows
        self._clock = clock
        self._ids = ids
        self._epoch = epoch
        self._changed = changed
        self._failed = failed
        self._stuck = stuck
        self._seeds = seeds
        self._alarms: list[tuple[datetime, str]] = []
        self._alarm_of: dict[str, datetime] = {}
        """The earliest alarm of each workspace: others of it have been overtaken."""
        self.states: dict[str, RoutingState] = {}
        self.is_stale = True
        """Memory may differ from the rows: load before the next use."""

    async def load(self, tx: Tx, workspaces: Collection[str]) -> None:
        """Makes the memory of all these workspaces anew from their rows."""
        loaded = await self._rows.load(tx, workspaces, self._clock.now())
        self.states = {}
        self._alarms = []
        self._alarm_of = {}
        for state in loaded:
            self._take_in(state)
        self.is_stale = False

    def next_due_at(self) -> datetime | None:
        """When the next timer of any workspace may be due; early rather than late."""
        return self._alarms[0][0] if self._alarms else None

    def due_workspaces(self) -> set[str]:
        """Workspaces in which a timer is due now."""
        now = self._clock.now()
        due: set[str] = set()
        while self._alarms and self._alarms[0][0] <= now:
            rung_at, workspace_id = heappop(self._alarms)
            if self._alarm_of.get(workspace_id) != rung_at:
                continue
            del self._alarm_of[workspace_id]
            state = self.states[workspace_id]
            at = next_due_at(state)
            if at is not None and at <= now:
                due.add(workspace_id)
            else:
                self._set_alarm(state)
        return due

    async def apply_events(self, tx: Tx, events: Sequence[Event]) -> None:
        """Decides what follows from events of other services."""
        arrived = [(event, current) for event in events if (current := to_input(event)) is not None]
        batch = await self._begin(tx, {event.workspace_id for event in events})
        batch.brought = await self._bring_tickets(tx, [event for event, _ in arrived])
        for event, current in arrived:
            self._decide(batch, self.states[event.workspace_id], current, event.caused())
        await self._finish(tx, batch)

    async def apply_commands(
        self, tx: Tx, commands: Sequence[Command], due: Collection[str]
    ) -> list[Answer | DomainError]:
        """Decides what is asked, and what is due; the answer or the refusal of each command."""
        batch = await self._begin(tx, {*due, *(command.workspace_id for command in commands)})
        answers = [await self._answer(tx, batch, command) for command in commands]
        await self._finish(tx, batch)
        return answers

    async def _answer(self, tx: Tx, batch: _Batch, command: Command) -> Answer | DomainError:
        state = self.states[command.workspace_id]
        try:
            current = command.make(state)
            self._decide(batch, state, current, command.cause, command.part)
        except OfferNotPending as refusal:
            # One that is over is a conflict, one that never was is not found.
            named = command.offer
            if named and await self._rows.offer_exists(tx, state.workspace_id, *named):
                return refusal
            return NotFound("There is no such offer.")
        except DomainError as refusal:
            return refusal
        if command.part is not None:
            version = state.configuration.version
            await self._rows.save_configuration(tx, state.workspace_id, version, command.part, command.by)
        return command.answer(state)

    async def _begin(self, tx: Tx, workspaces: Collection[str]) -> _Batch:
        """A batch in which whatever is due has happened: nothing is given to whose shift has just ended."""
        assert not self.is_stale, "load first"
        self.is_stale = True
        unknown = [workspace_id for workspace_id in workspaces if workspace_id not in self.states]
        if unknown:
            for state in await self._rows.load(tx, unknown, self._clock.now()):
                self._take_in(state)
        batch = _Batch(self._clock.now())
        for workspace_id in sorted(workspaces):
            self._decide(batch, self.states[workspace_id], inputs.Tick(), Cause())
        return batch

    async def _bring_tickets(self, tx: Tx, events: Iterable[Event]) -> dict[str, set[UUID]]:
        """Loads the tickets that these events are about and that are not in memory; which those were."""
        missing: dict[str, set[UUID]] = {}
        for event in events:
            ticket_id = getattr(event.data, "ticket_id", None)
            if ticket_id is not None and ticket_id not in self.states[event.workspace_id].tickets:
                missing.setdefault(event.workspace_id, set()).add(ticket_id)
        if missing:
            await self._rows.add_tickets(tx, self.states, missing)
        return missing

    def _decide(
        self,
        batch: _Batch,
        state: RoutingState,
        current: inputs.Input,
        cause: Cause,
        part: RouterPart | None = None,
    ) -> None:
        if isinstance(current, inputs.Tick) and not _is_due(state, batch.now):
            self._set_alarm(state)
            return
        # What comes in one commit came at one instant: its place keeps the oldest first all the same.
        seed = self._seeds(len(batch.inputs))
        count = len(batch.decisions)
        brought = _as_brought(batch, state, current)
        ids = SeededIds(seed, batch.now)
        for made in engine.run(state, current, batch.now, ids):
            self._note(batch, state, made, cause)
        batch.states[state.workspace_id] = state
        batch.inputs.append(
            LoggedInput(
                workspace_id=state.workspace_id,
                decided_at=batch.now,
                seed=seed,
                current=current,
                part=part,
                brought=brought,
                decisions=len(batch.decisions) - count,
            )
        )

    def _note(self, batch: _Batch, state: RoutingState, made: d.Decision, cause: Cause) -> None:
        """What is recorded and told of a decision, directly after it was done."""
        match made:
            case Configured():
                for profile in _people(made.changed):
                    self._tell_agent(batch, state, profile_contract(profile, is_removed=False), cause)
                for profile in _people(made.removed):
                    self._tell_agent(batch, state, profile_contract(profile, is_removed=True), cause)
                return
            case AgentStateSet():
                batch.causes[state.workspace_id, made.agent_id] = made.cause
                return
            case DutyTurned():
                batch.causes[state.workspace_id, made.agent_id] = "duty"
                return
            case AgentConnected() | AgentDisconnected() | ConnectionLost():
                return
            case d.TicketLearned() | d.ClocksSet() | d.CallNoted() | QueueTurned():
                return
            case d.EscalationRefused():
                self._record(batch, state, made.ticket_id, made.work_id, made)
                return
        item = state.touched.items[made.work_id]
        contract = work_contract(state, made, self._epoch)
        if contract is not None:
            self._tell(batch, state, item, contract, cause)
        order = order_message(state, made, item, batch.now)
        if order is not None:
            batch.orders.append(order)
        self._record(batch, state, item.ticket_id, item.work_id, made)

    def _record(
        self, batch: _Batch, state: RoutingState, ticket_id: UUID, work_id: UUID | None, made: d.Decision
    ) -> None:
        batch.decisions.append(
            LoggedDecision(
                workspace_id=state.workspace_id,
                ticket_id=ticket_id,
                work_id=work_id,
                decided_at=batch.now,
                decision=made,
            )
        )

    async def _finish(self, tx: Tx, batch: _Batch) -> None:
        """Stores and publishes the batch. Memory and rows agree again once it has committed."""
        told: list[tuple[str, set[str]]] = []
        for state in batch.states.values():
            agents = set(state.touched.agents)
            for item in state.touched.items.values():
                agents.update(item.offers.values())
                if item.agent_id:
                    agents.add(item.agent_id)
            told.append((state.workspace_id, agents))
            for agent_id in sorted(state.touched.agents):
                self._tell_presence(batch, state, agent_id)
        tx.emit(batch.events)
        await self._rows.save(tx, list(batch.states.values()), batch.inputs, batch.decisions)
        if batch.orders:
            await self._rows.add_order_messages(tx, batch.orders)
        for state in batch.states.values():
            state.forget(batch.brought.get(state.workspace_id, ()))
            self._set_alarm(state)

        failed = [reason for logged in batch.decisions for reason in _failures(logged.decision)]
        stuck = sum(_is_stuck(batch.states[logged.workspace_id], logged.decision) for logged in batch.decisions)

        def committed() -> None:
            self.is_stale = False
            self._failed(failed)
            self._stuck(stuck)
            for workspace_id, agents in told:
                self._changed(workspace_id, agents)

        tx.after_commit(committed)

    def _tell_presence(self, batch: _Batch, state: RoutingState, agent_id: str) -> None:
        agent = state.agents.get(agent_id) or state.retired[agent_id]
        now = presence(agent)
        if now != agent.told and agent.profile.partner is None:
            agent.told = now
            cause = batch.causes.get((state.workspace_id, agent_id), "load")
            self._tell(batch, state, agent, state_contract(agent, cause), Cause())

    def _tell_agent(self, batch: _Batch, state: RoutingState, contract: Contract, cause: Cause) -> None:
        agent_id = str(getattr(contract, contract.identity))
        agent = state.agents.get(agent_id) or state.retired[agent_id]
        self._tell(batch, state, agent, contract, cause)

    def _tell(
        self, batch: _Batch, state: RoutingState, about: WorkItem | Agent, contract: Contract, cause: Cause
    ) -> None:
        """Queues an event: sequences are contiguous, time never goes back within one subject."""
        about.sequence += 1
        about.last_event_at = max(about.last_event_at, batch.now)
        batch.events.append(
            new_event(
                contract,
                event_id=self._ids.new(),
                service="router",
                workspace_id=state.workspace_id,
                sequence=about.sequence,
                time=about.last_event_at,
                cause=cause,
            )
        )

    def _take_in(self, state: RoutingState) -> None:
        self.states[state.workspace_id] = state
        self._set_alarm(state)

    def _set_alarm(self, state: RoutingState) -> None:
        at, standing = next_due_at(state), self._alarm_of.get(state.workspace_id)
        if at is not None and (standing is None or at < standing):
            self._alarm_of[state.workspace_id] = at
            heappush(self._alarms, (at, state.workspace_id))


def _failures(made: d.Decision) -> list[str]:
    """Why conditions failed that a decision was made by."""
    return failures(made.reasons.trail) if isinstance(made, d.WorkQueued | d.WorkRequeued) else []


def _is_stuck(state: RoutingState, made: d.Decision) -> bool:
    """Whether a decision opened an item's last step, and it still waits."""
    item = state.items.get(made.work_id) if isinstance(made, d.StepOpened) and made.is_last else None
    return item is not None and item.state is WorkState.QUEUED


def _is_due(state: RoutingState, now: datetime) -> bool:
    at = next_due_at(state)
    return at is not None and at <= now


def _people(profiles: Iterable[AgentProfile]) -> Iterator[AgentProfile]:
    """Those of the house: of a partner the world knows the work that it has, not what it is."""
    return (profile for profile in profiles if profile.partner is None)


def _as_brought(batch: _Batch, state: RoutingState, current: inputs.Input) -> Ticket | None:
    """The input's ticket as it came into memory for this commit; only with the first input about it."""
    ticket_id: UUID | None = getattr(current, "ticket_id", None)
    if ticket_id is None or ticket_id in batch.noted or ticket_id not in batch.brought.get(state.workspace_id, ()):
        return None
    batch.noted.add(ticket_id)
    ticket = state.tickets.get(ticket_id)
    return replace(ticket) if ticket else None
