"""Which scheme is whose; and strangers' calls are looked at with the same care, so that nobody can tell."""

import hashlib
from collections.abc import Mapping

from services.intake.adapters.hooks import forms, signatures
from services.intake.adapters.hooks.requests import HookRequest
from services.intake.domain.provider import (
    MailWebhook,
    Meta,
    Provider,
    ProviderName,
    Slack,
    StandardWebhook,
    Twilio,
)

_SECRET = "no-provider-signs-with-this"  # noqa: S105 - what it opens is never open
_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li"
    "/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q=="
)
"""The curve's base point: a key like any other."""

STRANGERS: Mapping[ProviderName, Provider] = {
    **{
        name: Twilio(name=name, account_sid="", secrets=(_SECRET,), number="")
        for name in (ProviderName.TWILIO_SMS, ProviderName.TWILIO_VOICE)
    },
    ProviderName.WHATSAPP: Meta(
        phone_number_id="", secrets=(_SECRET,), access_token=_SECRET, verify_token=_SECRET
    ),
    ProviderName.SLACK: Slack(team_id="", secrets=(_SECRET,), bot_token=_SECRET),
    ProviderName.SENDGRID: MailWebhook(name=ProviderName.SENDGRID, secrets=(_KEY,)),
    ProviderName.MAILGUN: MailWebhook(name=ProviderName.MAILGUN, secrets=(_SECRET,)),
    ProviderName.POSTMARK: MailWebhook(name=ProviderName.POSTMARK, secrets=(_SECRET,)),
    ProviderName.STANDARD: StandardWebhook(secrets=("whsec_bm8tcHJvdmlkZXItc2lnbnMtd2l0aC10aGlz",)),
}
"""Whom a call is held against that is for nobody we know: it costs the same and is refused the same."""


def is_genuine(request: HookRequest, provider: Provider, *, base_url: str, now: float, window_s: float) -> bool:
    """Whether the provider signed this call. Never raises."""
    secrets = provider.secrets
    match provider:
        case Twilio():
            return signatures.twilio(request, secrets, base_url=base_url)
        case Meta():
            return signatures.meta(request, secrets)
        case Slack():
            return signatures.slack(request, secrets, now=now, window_s=window_s)
        case StandardWebhook():
            return signatures.standard_webhooks(request, secrets, now=now, window_s=window_s)
        case MailWebhook(name=ProviderName.SENDGRID):
            return signatures.sendgrid(request, secrets, now=now, window_s=window_s)
        case MailWebhook(name=ProviderName.MAILGUN):
            return signatures.mailgun(_form(request).fields, secrets, now=now)
        case MailWebhook():
            return signatures.basic_auth(request, secrets)


def is_loadable(provider: Provider) -> bool:
    """Whether any of its secrets is a key at all: without one nobody can tell what is genuine."""
    match provider:
        case StandardWebhook():
            return any(signatures.standard_key(secret) for secret in provider.secrets)
        case MailWebhook(name=ProviderName.SENDGRID):
            return any(signatures.sendgrid_key(secret) for secret in provider.secrets)
        case _:
            return any(provider.secrets)


def used_token(request: HookRequest, provider: Provider) -> tuple[str, bytes] | None:
    """The token that may be used once, and the hash of what it was used with; None where the body is signed.

    The hash is over the fields, not the bytes: who sends the same again may set other boundaries. Where not all
    fields can be found it is over both.
    """
    if provider.name is not ProviderName.MAILGUN:
        return None
    form = _form(request)
    digest = hashlib.sha256()
    for field in form.fields:
        for part in (field.name.encode(), (field.filename or "").encode(), field.raw):
            digest.update(len(part).to_bytes(8, "big") + part)
    if form.problem:
        digest.update(request.body)
    return forms.last(form.fields, "token") or "", digest.digest()


def _form(request: HookRequest) -> forms.Form:
    """What makes a call of Mailgun's genuine, whatever its form is like beside that: then it is kept, unread."""
    return forms.read(request.content_type, request.body, signatures.MAILGUN_FIELDS)
