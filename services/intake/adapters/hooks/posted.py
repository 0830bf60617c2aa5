"""Mail that a provider posts, as a mail and its envelope. It runs in the parser's processes."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from services.intake.adapters.email import mime
from services.intake.adapters.hooks import mailgun, postmark, sendgrid
from services.intake.adapters.hooks.forms import MalformedForm
from services.intake.adapters.hooks.rebuilt import Rebuilt
from services.intake.adapters.hooks.values import Unreadable
from services.intake.domain.mail import Envelope, Mail
from services.intake.domain.provider import ProviderName

_READERS: Mapping[str, Callable[[str, bytes], Rebuilt]] = {
    ProviderName.SENDGRID: sendgrid.read,
    ProviderName.MAILGUN: mailgun.read,
    ProviderName.POSTMARK: postmark.read,
}


def read(form: str, content_type: str, body: bytes) -> tuple[Mail, Envelope]:
    """The mail that this provider posts. Raises mime.Unreadable, and whatever the standard library raises."""
    try:
        rebuilt = _READERS[form](content_type, body)
    except (MalformedForm, Unreadable) as error:
        raise mime.Unreadable(str(error)) from None
    mail = mime.read(rebuilt.raw)
    mail = replace(mail, is_damaged=mail.is_damaged or rebuilt.is_damaged)
    return mail, Envelope(
        sender=rebuilt.sender,
        recipients=rebuilt.recipients[: mime.MAX_ADDRESSES],
        is_verified=mail.sender is not None and mail.sender.address.rpartition("@")[2] in rebuilt.vouched_for,
    )
