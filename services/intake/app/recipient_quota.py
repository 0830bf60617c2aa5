"""How often one recipient is written to without anybody writing it, whoever sets it off and in which workspace.

Numbers that call can be made up, a new one each time: so callers are counted for their workspace as well.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.intake.domain.reply_token import without_tag
from shared.db.unit_of_work import Tx
from shared.vocabulary import Purpose


class QuotaBook(Protocol):
    """Who was sent what within the hour."""

    async def take(self, tx: Tx, recipient: bytes, purpose: Purpose, most: int, now: datetime) -> bool:
        """Whether this recipient may get one more within the hour, over all workspaces. If so, it counts.

        recipient: a keyed hash of the address, or of the workspace whose recipients are counted together
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientQuota:
    """How much of both kinds one recipient gets within an hour.

    secret: what hashes of addresses are made with
    acks_an_hour, notices_an_hour: how many of either kind one recipient gets at most
    callbacks_an_hour: how many callers one workspace writes to at most
    """

    book: QuotaBook
    secret: bytes
    acks_an_hour: int
    notices_an_hour: int
    callbacks_an_hour: int

    def key(self, recipient: str) -> bytes:
        """Whose quota it is: a keyed hash, the same for whatever stands behind a `+`."""
        named = without_tag(recipient) if "@" in recipient else recipient
        return hmac.digest(self.secret, b"recipient\0" + named.encode(), hashlib.sha256)

    async def take(self, tx: Tx, recipient: str, purpose: Purpose, now: datetime) -> bool:
        """Whether the recipient has not had so many within the hour; if so, one more counts."""
        most = self.acks_an_hour if purpose is Purpose.ACK else self.notices_an_hour
        return await self.book.take(tx, self.key(recipient), purpose, most, now)

    async def take_callback(self, tx: Tx, workspace_id: str, now: datetime) -> bool:
        """Whether the workspace has not written to so many callers within the hour; if so, one more counts."""
        key = hmac.digest(self.secret, b"callbacks\0" + workspace_id.encode(), hashlib.sha256)
        return await self.book.take(tx, key, Purpose.ACK, self.callbacks_an_hour, now)
