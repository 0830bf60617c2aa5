"""Runs the engine of one shard: whatever inputs are queued are decided in order and end in one commit.

Memory changes before the commit. If that fails the memory is thrown away, and made anew from the rows before
the next one; a command that was not answered has not happened, or its Idempotency-Key finds what happened.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from services.router.app.alarms import Alarms, is_due
from services.router.app.command import Command
from services.router.app.commit import Commit
from services.router.app.configuration import RouterPart
from services.router.app.inbound import erased_tickets, to_input
from services.router.app.ports import LoggedInput, RoutingRows
from services.router.app.telling import Telling
from services.router.domain import engine, inputs
from services.router.domain.floor_decision import SetAside
from services.router.domain.on_offer import OfferNotPending
from services.router.domain.state import RoutingState
from shared.clock import Clock
from shared.db.unit_of_work import Tx
from shared.errors import DomainError, FatalError, NotFound
from shared.events.envelope import Cause, Event
from shared.http.idempotency import Answer
from shared.ids import IdFactory, SeededIds, placed_seed

Changed = Callable[[str, Collection[str]], None]
"""Told after a commit: the workspace, and its agents whose offers, work or state may have changed."""


Failed = Callable[[Collection[str]], None]
"""Told after a commit: why conditions of policies could not be evaluated, one reason for each."""


Stuck = Callable[[int], None]
"""Told after a commit: for how many items the last step has opened and nobody could be asked."""


TimersFailed = Callable[[Collection[tuple[str, SetAside]]], None]
"""Told after a commit: what was due, by workspace, and could not be decided."""


def _uncounted(_: object) -> None:
    """Nobody asks how often."""


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
        set_aside: TimersFailed,
        failed: Failed = _uncounted,
        stuck: Stuck = _uncounted,
        seeds: Callable[[int], bytes] = placed_seed,
    ) -> None:
        self._rows = rows
        self._clock = clock
        self._telling = Telling(ids, epoch=epoch)
        self._changed = changed
        self._failed = failed
        self._stuck = stuck
        self._set_aside = set_aside
        self._seeds = seeds
        self._alarms = Alarms()
        self.states: dict[str, RoutingState] = {}
        self.is_stale = True
        """Memory may differ from the rows: load before the next use."""

    async def load(self, tx: Tx, workspaces: Collection[str]) -> None:
        """Makes the memory of all these workspaces anew from their rows."""
        loaded = await self._rows.load(tx, workspaces, self._clock.now())
        self.states = {}
        self._alarms = Alarms()
        for state in loaded:
            self._take_in(state)
        self.is_stale = False

    def next_due_at(self) -> datetime | None:
        """When the next timer of any workspace may be due; early rather than late."""
        return self._alarms.next_at()

    def due_workspaces(self) -> set[str]:
        """Workspaces in which a timer is due now."""
        return self._alarms.ring(self.states, self._clock.now())

    async def apply_events(self, tx: Tx, events: Sequence[Event]) -> None:
        """Decides what follows from events of other services."""
        arrived = [(event, current) for event in events if (current := to_input(event)) is not None]
        commit = await self._begin(tx, {event.workspace_id for event in events})
        commit.brought = await self._bring_tickets(tx, [event for event, _ in arrived])
        for event, current in arrived:
            self._decide(commit, self.states[event.workspace_id], current, event.caused())
        await self._finish(tx, commit)
        # Memory has no words of what has ended, and of an erased ticket everything has.
        if erased := erased_tickets(events):
            await self._rows.forget_words(tx, erased)

    async def apply_commands(
        self, tx: Tx, commands: Sequence[Command], due: Collection[str]
    ) -> list[Answer | DomainError]:
        """Decides what is asked, and what is due; the answer or the refusal of each command."""
        commit = await self._begin(tx, {*due, *(command.workspace_id for command in commands)})
        answers = [await self._answer(tx, commit, command) for command in commands]
        await self._finish(tx, commit)
        return answers

    async def _answer(self, tx: Tx, commit: Commit, command: Command) -> Answer | DomainError:
        state = self.states[command.workspace_id]
        try:
            current = command.make(state)
            self._decide(commit, state, current, command.cause, command.part)
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

    async def _begin(self, tx: Tx, workspaces: Collection[str]) -> Commit:
        """A commit before which whatever is due has happened: nothing is given to whose shift has just ended."""
        assert not self.is_stale, "load first"
        self.is_stale = True
        unknown = [workspace_id for workspace_id in workspaces if workspace_id not in self.states]
        if unknown:
            for state in await self._rows.load(tx, unknown, self._clock.now()):
                self._take_in(state)
        commit = Commit(self._clock.now())
        for workspace_id in sorted(workspaces):
            try:
                self._decide(commit, self.states[workspace_id], inputs.Tick(), Cause())
            except Exception as error:
                # Whoever asks for something in this commit is not to blame for it.
                raise FatalError(f"What is due in {workspace_id} cannot be decided.") from error
        return commit

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
        commit: Commit,
        state: RoutingState,
        current: inputs.Input,
        cause: Cause,
        part: RouterPart | None = None,
    ) -> None:
        if isinstance(current, inputs.Tick) and not is_due(state, commit.now):
            self._alarms.arm(state)
            return
        # What comes in one commit came at one instant: its place keeps the oldest first all the same.
        seed = self._seeds(len(commit.inputs))
        count = len(commit.decisions)
        brought = commit.as_brought(state, current)
        ids = SeededIds(seed, commit.now)
        for made in engine.run(state, current, commit.now, ids):
            self._telling.note(commit, state, made, cause)
        commit.states[state.workspace_id] = state
        commit.inputs.append(
            LoggedInput(
                workspace_id=state.workspace_id,
                decided_at=commit.now,
                seed=seed,
                current=current,
                part=part,
                brought=brought,
                decisions=len(commit.decisions) - count,
            )
        )

    async def _finish(self, tx: Tx, commit: Commit) -> None:
        """Stores and publishes the commit. Memory and rows agree again once it has committed."""
        changed = list(commit.changed())
        for state in commit.states.values():
            self._telling.presences(commit, state)
        tx.emit(commit.events)
        await self._rows.save(tx, list(commit.states.values()), commit.inputs, commit.decisions)
        if commit.orders:
            await self._rows.add_order_messages(tx, commit.orders)
        touched = [(state, state.touched) for state in commit.states.values()]
        for state in commit.states.values():
            state.forget(commit.brought.get(state.workspace_id, ()))
            self._alarms.arm(state)

        failed, stuck = commit.failures(), commit.stuck()

        def committed() -> None:
            self.is_stale = False
            for state, what in touched:
                state.count(what.items.values(), what.agents)
            self._failed(failed)
            self._stuck(stuck)
            self._set_aside(commit.set_aside)
            for workspace_id, agents in changed:
                self._changed(workspace_id, agents)

        tx.after_commit(committed)

    def _take_in(self, state: RoutingState) -> None:
        self.states[state.workspace_id] = state
        self._alarms.arm(state)
