"""Mail that no person writes to a visitor who has left their chat: only where it may go, and not too much."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from services.intake.app.recipient_quota import RecipientQuota
from services.intake.domain.chat import Conversation
from services.intake.domain.notice import bars_mail
from services.intake.domain.workspace import Workspace
from shared.db.unit_of_work import Tx
from shared.vocabulary import Purpose

IsDeliverable = Callable[[Tx, str, str], Awaitable[bool]]
"""Whether automatic mail may be sent to an address, in a workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitorMail:
    """Says who gets it."""

    quota: RecipientQuota
    is_deliverable: IsDeliverable

    async def may_go(
        self, tx: Tx, chat: Conversation, channel: str | None, workspace: Workspace, now: datetime
    ) -> bool:
        """Whether one more may go to the visitor; if so, it counts. There are fewer if nobody vouches for them.

        channel: by which it would leave
        """
        address = chat.visitor.email
        if address is None or channel not in workspace.channels or bars_mail(address, workspace):
            return False
        if not await self.is_deliverable(tx, chat.workspace_id, address):
            return False
        purpose = Purpose.STATUS if chat.visitor.has_own_email else Purpose.ACK
        return await self.quota.take(tx, address, purpose, now)
