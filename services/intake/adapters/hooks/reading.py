"""Whose payload is read by whom. Mail that providers post is read in the parser's processes (`posted.py`)."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from services.intake.adapters.hooks import meta, own, slack, standard, twilio
from services.intake.adapters.hooks.values import Unreadable
from services.intake.adapters.naming import named_in_call
from services.intake.app.hook_ports import ReadHook
from services.intake.app.mail_ports import MESSAGE, Raw
from services.intake.domain.hook import Brought, Written
from services.intake.domain.mail import AttachedFile
from services.intake.domain.message import InboundMessage, Sender
from services.intake.domain.provider import ProviderName

MAILS = frozenset({ProviderName.SENDGRID, ProviderName.MAILGUN, ProviderName.POSTMARK})
"""Those who post mail."""

_MOST = 1000
"""Parts of one call, which are received in one commit. No provider brings more."""

_READERS: Mapping[str, Callable[[Raw, bytes], list[Brought]]] = {
    ProviderName.TWILIO_SMS: twilio.read_sms,
    ProviderName.TWILIO_VOICE: twilio.read_voice,
    ProviderName.WHATSAPP: meta.read,
    ProviderName.SLACK: slack.read,
    ProviderName.STANDARD: standard.read,
    MESSAGE: own.read,
}


def read_hook(raw: Raw, content: bytes) -> ReadHook:
    """What a provider's call brings, or why nobody can tell."""
    try:
        brought = _READERS[raw.form](raw, content)
        if sum(item.parts for item in brought) > _MOST:
            raise Unreadable(f"it brings more than {_MOST} messages, receipts and events")
    except Unreadable as error:
        return ReadHook(raw=raw, brought=str(error), named=named_in_call(content))
    except Exception as error:  # noqa: BLE001 - whatever a payload brings about ends in quarantine
        reason = f"reading it fails: {type(error).__name__}"
        return ReadHook(raw=raw, brought=reason, named=named_in_call(content))
    named = named_in_call(content) if any(item.unreadable for item in brought) else ()
    return ReadHook(raw=raw, brought=tuple(_from(raw.form, item) for item in brought), named=named)


def _from(form: str, brought: Brought) -> Brought:
    """The same with who brought it: files are opened with nobody else's credentials."""

    def marked(written: Written) -> Written:
        media = tuple(replace(file, provider=form) for file in written.message.media)
        return replace(written, message=replace(written.message, media=media)) if media else written

    return replace(
        brought,
        messages=tuple(marked(written) for written in brought.messages),
        calls=tuple(replace(event, provider=form) for event in brought.calls),
    )


def standing_for(raw: Raw, content: bytes, reason: str) -> ReadHook:
    """A message that stands for a call that cannot be read, with the call attached."""
    words = f"This call of {raw.form} cannot be taken: {reason}. It is attached as it came."
    message = InboundMessage(
        workspace_id=raw.workspace_id,
        message_id=raw.raw_id,
        channel=raw.channel,
        sender=Sender(identity=None),
        subject="Unreadable call",
        text=words,
        text_new=words,
        dedupe_key=f"raw:{raw.raw_id}",
    )
    file = AttachedFile(filename="payload.bin", media_type="application/octet-stream", content=content)
    return ReadHook(raw=raw, brought=(Brought(messages=(Written(message=message),)),), attached=file)
