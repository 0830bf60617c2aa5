"""What a message told its recipient, and what has become of it since: for the page behind the link in it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from services.escalation.domain.digest import MOST_SHOWN
from services.escalation.domain.recipient import Way
from shared.db.unit_of_work import Tx
from shared.vocabulary import EscalationState

GOOD_FOR = timedelta(days=7)
"""How long a message's link is good."""

_TOLD = text(
    "SELECT n.escalation_id, n.ticket_id, e.watch, n.name, n.address, n.way, m.created_at, e.state,"
    " CASE WHEN row_number() OVER (ORDER BY n.notification_id) <= :shown THEN n.payload END AS facts"
    " FROM message m JOIN notification n USING (workspace_id, message_id)"
    # By both columns of its key, however young the table is.
    " JOIN LATERAL (SELECT e.state, e.watch FROM escalation e"
    " WHERE e.workspace_id = n.workspace_id AND e.escalation_id = n.escalation_id OFFSET 0) AS e ON true"
    " WHERE m.workspace_id = :workspace AND m.message_id = :message AND m.way <> 'webhook'"
    " ORDER BY n.notification_id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """An escalation that a message told of. watch: where it is of no ticket; facts: of the first ones"""

    escalation_id: UUID
    ticket_id: UUID | None
    watch: str | None
    state: EscalationState
    facts: Mapping[str, object] | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a message told. by: whoever has its link acts as this one"""

    by: str
    sent_at: datetime
    about: tuple[About, ...]

    @property
    def open(self) -> list[About]:
        """What nobody has taken on, and what is not over."""
        return [one for one in self.about if one.state is EscalationState.RAISED]


def acting(told: Collection[tuple[str, str]], anybody: str) -> str:
    """As whom whoever has a message's link acts: the agent whom it told, where it told one and nobody else.

    told: names and addresses. Where several share an address, or it stands there itself, it could be anybody:
    that is what is said, for topics carry no addresses.
    """
    names = {name for name, address in told if name != address}
    is_one = len(names) == 1 and all(name != address for name, address in told)
    return names.pop() if is_one else anybody


async def told_by(tx: Tx, workspace_id: str, message_id: UUID) -> Told | None:
    """What a message told; none where it is not there any more."""
    wanted = {"workspace": workspace_id, "message": message_id, "shown": MOST_SHOWN}
    found = (await tx.execute(_TOLD, wanted)).all()
    if not found:
        return None
    about: dict[UUID, About] = {}
    for row in found:
        one = About(
            escalation_id=row.escalation_id,
            ticket_id=row.ticket_id,
            watch=row.watch,
            state=EscalationState(row.state),
            facts=row.facts,
        )
        about.setdefault(row.escalation_id, one)
    anybody = f"chat:{found[0].address}" if found[0].way == Way.CHAT else f"message:{message_id}"
    by = acting([(row.name, row.address) for row in found], anybody)
    return Told(by=by, sent_at=found[0].created_at, about=tuple(about.values()))
