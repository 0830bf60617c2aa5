"""What receiving providers' calls needs of the world, beside what all of intake needs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services.intake.app.call_ports import CallDesk
from services.intake.app.chat_ports import Chats
from services.intake.app.delivery_ports import Deliveries
from services.intake.app.mail_ports import Blobs, MailMessages, Raw, Raws
from services.intake.app.ports import Conversations, Workspaces
from services.intake.domain.hook import Brought, Consent
from services.intake.domain.mail import AttachedFile
from services.intake.domain.message import Identity
from shared.db.unit_of_work import Tx
from shared.ids import IdFactory


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadHook:
    """A call and what was made of it: what it brings, or why it cannot be read.

    attached: the call itself, as a file of the message that stands for it
    named: by what people may be known who stand in what cannot be read
    """

    raw: Raw
    brought: tuple[Brought, ...] | str
    attached: AttachedFile | None = field(default=None, repr=False)
    named: tuple[str, ...] = field(default=(), repr=False)

    @property
    def lends_its_id(self) -> bool:
        """Whether the call's id is that of the one message in it.

        Of several some may be taken and others later; what stands for a call comes behind those that were.
        """
        if isinstance(self.brought, str) or self.attached is not None:
            return False
        return sum(len(each.messages) + bool(each.unreadable) for each in self.brought) == 1

    @property
    def parts(self) -> int:
        """How much it brings."""
        return 1 if isinstance(self.brought, str) else sum(each.parts for each in self.brought)

    def senders(self) -> tuple[str, ...]:
        """By what people may be known who write or call in it, or stand in what cannot be read."""
        brought = () if isinstance(self.brought, str) else self.brought
        writers = (written.message.sender.identity for each in brought for written in each.messages)
        callers = (event.from_ for each in brought for event in each.calls)
        found = (*self.named, *(writer.value for writer in writers if writer), *filter(None, callers))
        return tuple(dict.fromkeys(found))

    @property
    def has_receipts(self) -> bool:
        """Whether it tells about messages of ours."""
        return not isinstance(self.brought, str) and any(each.receipts for each in self.brought)

    @property
    def has_calls(self) -> bool:
        """Whether it tells about telephone calls."""
        return not isinstance(self.brought, str) and any(each.calls for each in self.brought)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody said about being written to by a channel."""

    workspace_id: str
    channel: str
    identity: Identity
    consent: Consent
    at: datetime


class Consents(Protocol):
    """Who does not want to be written to."""

    async def keep(self, tx: Tx, said: Sequence[Said]) -> None:
        """What was said, in this order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HookDesk:
    """What receiving providers' calls needs."""

    conversations: Conversations
    workspaces: Workspaces
    raws: Raws
    blobs: Blobs
    messages: MailMessages
    deliveries: Deliveries
    consents: Consents
    chats: Chats
    ids: IdFactory
    calls: CallDesk
