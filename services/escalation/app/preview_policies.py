"""Tells what another version of a workspace's service levels would make of its open tickets."""

from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from heapq import nsmallest
from uuid import UUID

from services.escalation.app.folding import fold
from services.escalation.app.ports import Case, Tracking
from services.escalation.domain.clock_record import ClockRecord
from services.escalation.domain.outlook import Effect, Outlook, outlooks
from services.escalation.domain.promise import Measure, OnChange
from services.escalation.domain.sla_policy import Policies, PolicyHistory
from services.escalation.domain.tracking import Tracked
from shared.db.unit_of_work import Tx
from shared.vocabulary import Agreement

_GRAVEST = tuple(Effect)
_PORTION = 25
"""Tickets between two looks at whatever else has to be done."""
_SPARE = 5_000
"""Clocks that may be kept beyond those that will be shown: they are sorted out so many at a time."""


@dataclass(frozen=True, slots=True)
class TicketOutlook:
    """A clock that would change, and whose it is."""

    ticket_id: UUID
    ticket_number: int | None
    outlook: Outlook

    @property
    def gravity(self) -> tuple[int, str, str]:
        """What is shown first: breaches before warnings before anything else."""
        gravest = min(map(_GRAVEST.index, self.outlook.effects))
        return gravest, str(self.ticket_id), self.outlook.measure.metric


@dataclass(slots=True, kw_only=True)
class PolicyPreview:
    """What was found so far.

    most: so many clocks are shown, the gravest; only: those with one of these effects, with none all
    tickets, clocks: looked at; policies: of each agreement and policy, how many clocks it has now and would have
    """

    most: int
    only: frozenset[Effect] = frozenset()
    tickets: int = 0
    clocks: int = 0
    changed: int = 0
    effects: Counter[Effect] = field(default_factory=Counter)
    policies: tuple[Counter[tuple[Agreement, str]], Counter[tuple[Agreement, str]]] = field(
        default_factory=lambda: (Counter(), Counter())
    )
    _kept: list[TicketOutlook] = field(default_factory=list)

    def keep(self, found: list[TicketOutlook]) -> None:
        """Counts some more clocks that would change."""
        self.changed += len(found)
        self.effects.update(effect for item in found for effect in item.outlook.effects)
        self._kept.extend(item for item in found if not self.only or item.outlook.effects & self.only)
        if len(self._kept) > 2 * self.most + _SPARE:
            self._kept = self.shown

    @property
    def shown(self) -> list[TicketOutlook]:
        """The gravest of them, as many as are asked for."""
        return nsmallest(self.most, self._kept, key=lambda item: item.gravity)


async def preview_policies(
    preview: PolicyPreview, workspace_id: str, *, history: PolicyHistory, tx: Tx, tracking: Tracking
) -> None:
    """Looks at all of the workspace's open tickets, as of the transaction.

    Their clocks go the same way as they will when the version is stored (see `carry_policies`).
    history: with the version that is tried as the latest
    """
    latest = history.latest
    needs_past = any(
        target.on_change is OnChange.RECOMPUTE
        for policies in history.versions
        for policy in policies.sla
        for target in policy.targets
    )
    histories = {workspace_id: history}
    open_cases = tracking.open_cases(tx, workspace_id, most=_PORTION, histories=histories, with_history=needs_past)
    async with aclosing(open_cases):
        async for cases in open_cases:
            folded = await fold(
                cases, {}, tx=tx, tracking=tracking, histories=histories, carried_until=latest.since
            )
            found = [
                item for case, tracked in folded.values() for item in _compared(preview, case, tracked, latest)
            ]
            preview.keep(found)


def _compared(preview: PolicyPreview, case: Case, tracked: Tracked, tried: Policies) -> Iterator[TicketOutlook]:
    """Counts a ticket's clocks; those that would change."""
    was, would = preview.policies
    newest: dict[Measure, ClockRecord] = {}
    for record in case.clocks:
        clock = record.clock
        measure = clock.measure
        if measure not in newest or newest[measure].clock.generation < clock.generation:
            newest[measure] = record
        if clock.promise and clock.is_live:
            was[clock.agreement, clock.promise.policy] += 1
            preview.clocks += 1
    for clock in tracked.clocks.values():
        if clock.promise and clock.is_live:
            would[clock.agreement, clock.promise.policy] += 1
    preview.tickets += 1
    for outlook in outlooks(newest, tracked, tried.since):
        yield TicketOutlook(tracked.ticket.ticket_id, tracked.ticket.number, outlook)
