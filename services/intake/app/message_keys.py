"""By what an inbound message, its sender and its conversation are known."""

from uuid import UUID

from services.intake.app.ports import DedupeKey, IdentityKey, SenderKey, ThreadKey
from services.intake.domain.message import InboundMessage


def dedupe_key(message: InboundMessage) -> DedupeKey | None:
    """What recognises a repeat of a message, if anything does."""
    if message.dedupe_key is None:
        return None
    return message.workspace_id, message.channel, message.dedupe_key


def address(message: InboundMessage) -> str:
    """By what its sender is known among those who take part; empty where nobody knows."""
    identity = message.sender.identity
    return identity.value.lower() if identity else ""


def identity_key(message: InboundMessage) -> IdentityKey | None:
    """Who a message is from, if that is known."""
    if message.sender.identity is None:
        return None
    return message.workspace_id, message.sender.identity


def thread_key(message: InboundMessage) -> ThreadKey | None:
    """By what its provider knows the conversation of a message, if by anything."""
    if message.thread_key is None:
        return None
    return message.workspace_id, message.channel, message.thread_key


def sender_key(message: InboundMessage, customer_id: UUID) -> SenderKey:
    """Whose newest ticket a message goes on with."""
    return message.workspace_id, customer_id, message.channel
