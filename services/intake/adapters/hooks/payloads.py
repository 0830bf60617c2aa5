"""What all readers of payloads make: messages, receipts, files."""

from collections.abc import Sequence
from datetime import datetime

from services.intake.app.mail_ports import Raw
from services.intake.domain.delivery import DeliveryReceipt
from services.intake.domain.message import DeliveryState, InboundMessage, Media, Sender

_MAX_URL = 4000
_MAX_MEDIA = 50


def media(url: str | None, media_type: str | None, filename: str | None = None) -> Media | None:
    """A file that its provider has."""
    if not url or len(url) > _MAX_URL:
        return None
    return Media(url=url, media_type=media_type or "application/octet-stream", filename=filename)


def message(
    raw: Raw,
    *,
    known_as: str,
    sender: Sender,
    text: str,
    to: str | None = None,
    reply_to: str | None = None,
    thread_key: str | None = None,
    continues: bool = False,
    files: Sequence[Media | None] = (),
    sent_at: datetime | None = None,
) -> InboundMessage:
    """The message that a payload is. known_as: by what its provider knows it, for good."""
    return InboundMessage(
        workspace_id=raw.workspace_id,
        message_id=raw.raw_id,
        channel=raw.channel,
        sender=sender,
        subject="",
        text=text,
        text_new=text,
        dedupe_key=f"{raw.form}:{known_as}",
        provider_message_id=known_as,
        reply_to=reply_to,
        delivered_to=(to,) if to else (),
        thread_key=thread_key,
        continues=continues,
        media=tuple(file for file in files if file)[:_MAX_MEDIA],
        sent_at=sent_at,
    )


def receipt(
    raw: Raw, provider_id: str, state: DeliveryState, *, reason: str | None = None, at: datetime | None = None
) -> DeliveryReceipt:
    """What the provider tells about a message of ours. reason: in our words"""
    return DeliveryReceipt(
        workspace_id=raw.workspace_id,
        channel=raw.channel,
        provider_id=provider_id,
        state=state,
        reason=reason,
        at=at,
    )
